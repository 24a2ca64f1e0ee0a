"""Recording and editing the attention of one forward pass, without touching the model.

It lies below ``vitviz.models``, because loading a model already needs it: a model is accepted only after a
forward pass in which every block was seen to compute global self-attention.
"""
