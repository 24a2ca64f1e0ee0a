"""What a Vision Transformer takes in computing and in memory, counted and measured."""
