"""The Learn pages: one folder a page."""
