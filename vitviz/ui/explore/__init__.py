"""The Explore pages: one folder a page."""
