"""What a model knows about space: receptive fields, positions, tokens, similarity between layers, spectra."""
