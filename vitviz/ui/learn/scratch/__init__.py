"""The page Attention from scratch."""
