"""Explanations of an answer, as data: METHODS lists them, ``attribute`` runs one.

method.py           Knob, Method and Attribution records
readout.py          which tokens an answer is read from
attention_based.py  from attention, its gradients and its values
gradient.py         from gradients at the pixels, with Captum
perturbation.py     from the answers to changed pictures
shapley.py          the fit of KernelSHAP
targets.py          targets that take a forward pass to find

A new method is one function, one record in its file's METHODS, and one test.
"""

from vitviz.attribution.attribute import METHODS, attribute, why_not
from vitviz.attribution.method import Attribution, Knob, Method
from vitviz.attribution.targets import patch_likeness

__all__ = ["METHODS", "Attribution", "Knob", "Method", "attribute", "patch_likeness", "why_not"]
