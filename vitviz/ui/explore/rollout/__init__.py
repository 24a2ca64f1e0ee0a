"""The Rollout page."""
