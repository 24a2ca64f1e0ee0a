"""Examples of every command, as its ``--help`` shows them; the tests execute each."""

from __future__ import annotations

import sys
from pathlib import Path

PROGRAM = "vitviz" if Path(sys.argv[0]).stem == "vitviz" else "python -m vitviz"
"""How this process was called: by the console script of an installed package, or as a module."""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "models": ("models", "models --timm 'vit_small_*'"),
    "explain": (
        "explain photo.jpg --layer 8 --head 2 --out map.png",
        "explain example:cat --method legrad --target tabby --out cat.png --out cat.npz",
    ),
    "benchmark": ("benchmark photos --methods rollout,saliency --steps 4 --out results",),
    "atlas": ("atlas photos --out results", "atlas photos --faithfulness rollout,legrad --workers 2 --out results"),
    "receptive-field": (
        "receptive-field example:dog --layer 5 --token 100 --out field.png",
        "receptive-field photo.jpg --by rollout --out field.json",
    ),
    "positions": ("positions --out positions.png", "positions --patch 40 --grid 8x8 --out positions.npz"),
    "tokens": (
        "tokens photo.jpg --what colours --out colours.png",
        "tokens example:dog --what similarity --second example:cat --out likeness.png",
    ),
    "shuffle": ("shuffle photo.jpg --shares 0.5 1 --out shuffle.json",),
    "input-sizes": ("input-sizes example:dog --sizes 112 224 --out sizes.json",),
    "serve": ("serve --port 8600", "serve --models photos", "serve --device auto --precision bfloat16"),
    "doctor": ("doctor", "doctor --json"),
}


def epilog(command: str) -> str:
    """Return the lines that stand at the end of a command's help."""
    return "\n".join(["examples:", *(f"  {PROGRAM} {example}" for example in EXAMPLES[command])])
