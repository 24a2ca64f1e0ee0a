"""Training the shipped classifier: the data, its augmentation, the recipe, the loop and the export."""
