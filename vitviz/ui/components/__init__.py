"""The two canvas components of the dashboard: the attention viewer and the head atlas.

attention_view.py, atlas_view.py   what is shown: frozen records, checked and packed into bytes
labels.py                          every visible word
packing.py                         one blob of bytes for the browser: a JSON header and the arrays
attention_viewer.py, head_atlas.py the mounts: the only two files here that import Streamlit
standalone.py                      the same pictures as one HTML file that works without a server
*.js, *.css, *.html                what runs in the browser, shared by the mounts and the HTML file
"""
