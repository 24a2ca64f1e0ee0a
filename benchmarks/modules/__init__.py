"""Every kind of module that people hand to ``ViT.from_module``, and what becomes of it."""
