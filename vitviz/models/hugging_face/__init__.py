"""Vision models of Hugging Face's ``transformers``, read as they are: no weight is converted, no module changed.

``transformers`` is an extra: only ``library`` here imports it, and only when such a model is loaded by name.
"""
