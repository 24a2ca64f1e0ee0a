"""What a result looks like: one drawing for each kind of result, the same as the dashboard's, in notebooks and files.

Results reach this room by themselves (``Result.figure``, ``Result.image``), so that numbers alone need no Plotly.

drawing.py   a drawing in three ways: Plotly figure, picture for print, piece of a notebook
register.py  which function draws which result
series.py    several results of one kind as one drawing
shown.py     ``show`` and ``side_by_side``
viewer.py    the dashboard's viewer in a cell
the others   the drawing functions, by what they draw
"""

from vitviz.pictures.register import drawn, in_notebook, options
from vitviz.pictures.shown import show, side_by_side

__all__ = ["drawn", "in_notebook", "options", "show", "side_by_side"]
