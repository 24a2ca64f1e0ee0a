"""What is taken away from a view: its manifest, its arrays, the Python that makes it again.

settings.py   ViewSettings: everything that was chosen for a view
snippet.py    the Python code that makes the view again
json_text.py  plain values as JSON
manifest.py   what the view was made of: versions, model, picture, settings
arrays.py     the numbers, as one npz file with the manifest inside
"""
