"""Words that the library has in English alone, in the reader's language."""
