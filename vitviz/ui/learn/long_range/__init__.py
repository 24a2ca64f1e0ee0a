"""The Long range page."""
