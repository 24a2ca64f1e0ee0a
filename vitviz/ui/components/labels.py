"""Every visible word of the components, in the reader's language; the scripts hold none.

Names in braces are filled in by the script. Python passes the texts with the data.
"""

from __future__ import annotations

from typing import Any

from vitviz.ui.text import _


def viewer_labels() -> dict[str, str]:
    """Return every visible text of the attention viewer in the reader's language. Names in braces are filled in."""
    return {
        "attends_to": _("Attends to"),
        "attended_by": _("Attended by"),
        "direction": _("Direction"),
        "photo": _("Photo: choose the query patch"),
        "keys": _(
            "Arrow keys move over the patches, Enter pins, Escape returns to the pinned patch, Home and End go to the "
            "ends of the row, Page Up and Page Down to the top and the bottom, square brackets change the opacity, "
            "comma and full stop the layer, l plays the layers."
        ),
        "hint": _(
            "Point at a patch to see what it attends to; a click pins it. Shift reads weights without moving the "
            "query. ≤ stands before the largest weight of a map."
        ),
        "hint_touch": _(
            "Tap a patch to see what it attends to. Hold and drag to scan the photo: where you lift the finger, the "
            "patch is pinned. ≤ stands before the largest weight of a map."
        ),
        "special": _("Special tokens"),
        "no_special": _("This model has no special tokens"),
        "class": _("class"),
        "distillation": _("distillation"),
        "register": _("register {number}"),
        "head": _("Heads"),
        "head_name": _("L{layer}·H{head}"),
        "mean": _("mean"),
        "max": _("max"),
        "layer_name": _("Layer {layer}"),
        "layer_range": _("of 0–{last}"),
        "previous_layer": _("Previous layer"),
        "next_layer": _("Next layer"),
        "play": _("Play layers"),
        "again": _("Play layers"),
        "pause": _("Pause"),
        "next": _("Next layer"),
        "scrub": _("Layer on show"),
        "scales_differ": _("Scales differ: the small maps go to {small}, the large map to {large}."),
        "scales_alike": _("All maps on one scale, 0 to {large}."),
        "scale": _("Colour scale"),
        "scale_map": _("This map"),
        "scale_layer": _("This layer"),
        "scale_model": _("Whole model"),
        "scale_absolute": _("0–100%"),
        "palette": _("Colours"),
        "palette_viridis": _("Viridis"),
        "palette_cividis": _("Cividis"),
        "palette_spotlight": _("Spotlight"),
        "opacity": _("Opacity"),
        "hide_special": _("Hide special tokens"),
        "interpolate": _("Interpolated"),
        "query": _("Query"),
        "key": _("Key"),
        "pointer": _("Under the pointer"),
        "strongest": _("Strongest patch"),
        "special_share_to": _("To special tokens"),
        "special_share_by": _("From special tokens"),
        "patch": _("row {row}, column {column}"),
        "times_uniform": _("{times} × uniform"),
        "minimum": _("minimum"),
        "uniform": _("uniform 1/{tokens}"),
        "maximum": _("maximum"),
        "preparing": _("Normalising every row… {percent}%"),
        "summary_to": _("{query} attends most to {top}. Special tokens get {special}."),
        "summary_by": _("{query} is attended most by {top}. Special tokens give {special}."),
    }


def atlas_labels() -> dict[str, str]:
    """Return every visible text of the head atlas in the reader's language. Names in braces are filled in."""
    return {
        "atlas": _("heads of the model"),
        "keys": _(
            "Arrow keys move over the heads, down is a deeper layer. Enter opens the head, x switches it off or on, "
            "Escape returns to the selected head."
        ),
        "hint": _("A click opens the head. Shift and a click, or x, switches it off or on."),
        "hint_touch": _("Tap a head to open it. The list of heads switches them off and on."),
        "empty": _("Point at a head to read its number."),
        "empty_touch": _("Hold and drag over the heads to read their numbers."),
        "head_name": _("L{layer}·H{head}"),
        "layer_axis": _("L{layer}"),
        "head_axis": _("H{head}"),
        "layer_mean": _("mean of the layer"),
        "rank": _("rank {rank} of {count}"),
        "missing": _("no value"),
        "ticked": _("switched off"),
    }


def sketch_labels() -> dict[str, str]:
    """Return every visible text of the curve sketch in the reader's language. Names in braces are filled in."""
    return {
        "plot": _("An empty plot for your guess: draw with the pointer, or set each place with the arrow keys."),
        "done": _("This is my guess"),
        "missing": _("Draw a curve from left to right. Places left: {count}."),
        "complete": _("Drawn. Change it as you like."),
        "nothing": _("nothing drawn"),
    }


def chosen_head_labels() -> dict[str, str]:
    """Return the texts of a head atlas whose heads can be chosen and not switched off."""
    return atlas_labels() | {
        "keys": _(
            "Arrow keys move over the heads, down is a deeper layer. Enter chooses the head, Escape returns to the "
            "chosen head."
        ),
        "hint": _("A click chooses the head."),
        "hint_touch": _("Tap a head to choose it."),
    }


def wall_labels() -> dict[str, str]:
    """Return every visible text of the head wall in the reader's language. Names in braces are filled in."""
    return {
        "wall": _("maps of all heads"),
        "frames": _("Frames:"),
        "hint": _(
            "Point at a head to see it large; a click or a tap puts it beside others. Click a patch of the large map "
            "to ask from there. Keys: arrows, Enter beside others, x on or off, o opens the head."
        ),
        "hint_touch": _(
            "Tap a head to see it large and beside others. Tap a patch of the large map to ask from there."
        ),
        "keys": _(
            "Arrow keys move over the heads as they lie on the screen. Enter puts a head beside others, x switches it "
            "off or on, o opens it on the Attention page, Escape returns to the selected head."
        ),
        "large": _("The head large: choose the patch that all heads are asked from"),
        "large_keys": _("Arrow keys move over the patches, Enter asks from the patch, Escape leaves."),
        "query": _("Query"),
        "class": _("class"),
        "distillation": _("distillation"),
        "patch": _("row {row}, column {column}"),
        "scale": _("Colour scale"),
        "scale_ten": _("powers of ten"),
        "scale_layer": _("each layer its own"),
        "scale_map": _("each head its own"),
        "direction": _("Direction"),
        "attends_to": _("Attends to"),
        "attended_by": _("Attended by"),
        "low_ten": even_ends()[0],
        "high_ten": even_ends()[1],
        "high_layer": _("largest of its layer"),
        "high_map": _("largest of each head"),
        "head_name": _("L{layer}·H{head}"),
        "layer_axis": _("L{layer}"),
        "head_axis": _("H{head}"),
        "largest": _("strongest patch {share}, {times} × even"),
        "missing": _("no value"),
        "pin": _("Put beside others"),
        "unpin": _("Take away"),
        "unpin_head": _("Take {name} away"),
        "switch_off": _("Switch off"),
        "switch_on": _("Switch on"),
        "open": _("Open in Attention"),
        "is_off": _("switched off"),
    }


def film_labels() -> dict[str, str]:
    """Return every visible text of the film in the reader's language."""
    return {
        "play": _("Play"),
        "pause": _("Pause"),
        "again": _("Play again"),
        "next": _("Next step"),
        "scrub": _("Frame of the film"),
    }


def board_map_labels() -> dict[str, str]:
    """Return every visible text of the map board in the reader's language."""
    return {
        "place": _("row {row}, column {column}"),
        "hint": _("Point at a map: the same place is marked and read in all of them."),
        "hint_touch": _("Hold and drag over a map: the same place is marked and read in all of them."),
        "keys": _("Arrows move, Enter chooses, Esc leaves."),
    }


def even_ends() -> tuple[str, str]:
    """Return what the first and the last colour of ``even_levels`` mean, in the reader's language."""
    return _("0.1 × even"), _("100 × even")


def shortcut_labels() -> dict[str, Any]:
    """Return every visible text of the shortcuts in the reader's language; "rows" are (keys, what they do)."""
    return {
        "full": _("Full screen"),
        "help": _("Keyboard (?)"),
        "close": _("Close"),
        "title": _("Keys"),
        "rows": [
            ("?", _("this list")),
            ("n, b", _("next page, page before")),
            ("p", _("presentation size: large type, controls folded")),
            ("f", _("full screen")),
            ("← → ↑ ↓", _("move over patches, heads or the frames of a film, wherever one has the focus")),
            ("Enter", _("pin a patch, put a head beside others, choose a place")),
            ("Esc", _("back to what was chosen; close this list")),
            (", . l", _("a step back, a step on, play: layers, films and sums")),
            ("[ ]", _("maps over a photo: less or more of the colours")),
            ("x, o", _("Heads: switch a head off or on; open it")),
            ("Space, Ctrl+Z", _("Patches: paint or clear; undo")),
        ],
    }


def place_labels() -> dict[str, str]:
    """Return every visible text of the place picker in the reader's language. Names in braces are filled in."""
    return {
        "place": _("row {row}, column {column}"),
        "chosen": _("chosen"),
        "hint": _("A click chooses the place; so do the arrow keys and Enter."),
        "hint_touch": _("Tap a place to choose it, or hold and drag to it."),
        "keys": _(
            "Arrow keys move over the places, Enter chooses, Escape returns to the chosen place, Home and End go to "
            "the ends of the row, Page Up and Page Down to the top and the bottom."
        ),
    }


def token_labels() -> dict[str, str]:
    """Return every visible text of the token viewer in the reader's language. Names in braces are filled in."""
    return {
        "place": _("row {row}, column {column}"),
        "photo": _("{title}: choose the patch that is compared"),
        "other": _("{title}: how alike its patches are to the chosen one"),
        "likeness": _("Likeness in {title}"),
        "colours": _("Tokens as colours, {title}"),
        "hint": _(
            "Point at a patch of the first photo: both photos show at once how alike every patch is, and the best "
            "match has a yellow outline. A click pins the patch."
        ),
        "hint_touch": _(
            "Tap a patch of the first photo: both photos show how alike every patch is, and the best match has a "
            "yellow outline. Hold and drag to scan."
        ),
        "keys": _(
            "Arrow keys move over the patches, Enter pins, Escape returns to the pinned patch, Home and End go to the "
            "ends of the row, Page Up and Page Down to the top and the bottom."
        ),
        "query": _("Patch"),
        "best_here": _("Most alike here"),
        "best_there": _("Most alike in {title}"),
        "pointer": _("Under the pointer"),
        "cosine": _("cosine {value}"),
        "scale": _("Colour scale"),
        "scale_range": _("From least to most alike"),
        "scale_signed": _("−1 to 1"),
    }


def painter_labels() -> dict[str, str]:
    """Return every visible text of the patch painter in the reader's language. Names in braces are filled in."""
    return {
        "canvas": _("photo whose patches can be painted"),
        "keys": _(
            "Arrow keys move over the patches, Space paints or clears, Shift and an arrow key paint on the way, "
            "Control and z undo."
        ),
        "hint": _("Drag to paint; a stroke that begins on a painted patch clears. Keys: arrows and Space, Ctrl+Z."),
        "hint_touch": _("Drag to paint; a stroke that begins on a painted patch clears."),
        "brush": _("Brush, in patches"),
        "brush_size": _("{size} × {size}"),
        "undo": _("Undo"),
        "clear": _("Clear"),
        "invert": _("Invert"),
        "peek": _("Show the photo"),
        "random": _("Paint at random"),
        "share": _("Share of the patches to paint at random, in percent"),
        "count": _("{count} of {total} patches painted ({share})"),
        "place": _("row {row}, column {column}"),
        "is_painted": _("painted"),
        "is_not_painted": _("not painted"),
    }


def sheet_labels() -> dict[str, str]:
    """Return every visible text of the matrix sheet in the reader's language. Names in braces are filled in."""
    return {
        "stages": _("Stage of the calculation"),
        "hint": _(
            "Point at a cell of the result: its row and its column light up. Numbers on dotted lines can be typed over."
        ),
        "hint_touch": _(
            "Tap a cell of the result: its row and its column light up. Numbers on dotted lines can be typed over."
        ),
        "keys": _("Arrow keys move over the cells, Space plays and stops."),
        "place": _("cell {number} of {cells}"),
        "play": _("Play"),
        "again": _("Play again"),
        "pause": _("Stop"),
        "next": _("Next cell"),
        "back": _("Previous cell"),
    }


def window_labels() -> dict[str, str]:
    """Return every visible text of the window counter in the reader's language. Names in braces are filled in."""
    return {
        "holds": _("This window holds {names}: +{count}."),
        "empty": _("This window holds no half."),
        "sofar": _("Counted so far: {total}."),
        "end": _("All windows together count {total}."),
        "place": _("window {number} of {windows}"),
        "play": _("Play"),
        "again": _("Play again"),
        "pause": _("Stop"),
        "next": _("Next window"),
        "back": _("Previous window"),
    }
