"""The experiments of the Learn pages: pure functions with frozen results, one file an experiment."""
