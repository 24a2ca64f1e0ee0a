"""The page Patches and detail."""
