"""The canvas components of the dashboard: attention viewer, head atlas, token viewer, pickers and patch painter.

*_view.py                          what is shown: frozen records, checked and packed into bytes
labels.py                          every visible word
packing.py                         one blob of bytes for the browser: a JSON header and the arrays
*_viewer.py, *_picker.py,
*_painter.py, head_atlas.py        the mounts: with turns.py the only files here that import Streamlit
turns.py                           what readers choose in them, each choice told once and in its order
standalone.py                      the same pictures as one HTML file that works without a server
*.js, *.css, *.html                what runs in the browser, shared by the mounts and the HTML file
"""
