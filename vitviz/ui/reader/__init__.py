"""What a reader has chosen: the link, the photo, the model, and the scene that they make."""
