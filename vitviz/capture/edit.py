"""Edit: an intervention inside the model, as a parameter of a forward pass and never a patched model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from vitviz.argument import checked
from vitviz.errors import OptionError, check_index, check_whole, is_number, shown
from vitviz.grid import PatchGrid
from vitviz.record import Record


@dataclass(frozen=True, init=False)
class Edit(Record):
    """What to change inside the attention of one forward pass.

    Immutable and hashable, so that it can be part of a cache key. An empty edit changes nothing, bit for bit.

    >>> vitviz.Edit(temperature={3: 2.0}, ablate_heads=[(11, 2)])
    Edit(temperature=((3, 2.0),), ablate_heads=((11, 2),), mask_tokens=())
    >>> bool(vitviz.Edit())
    False
    """

    temperature: tuple[tuple[int, float], ...]
    """(layer, factor): the attention scores of that layer are divided by the factor before the softmax."""
    ablate_heads: tuple[tuple[int, int], ...]
    """(layer, head): the output of that head is replaced by zeros."""
    mask_tokens: tuple[int, ...]
    """Tokens removed as keys in every layer and left out of the pooling; class token = 0 where there is one."""

    @checked
    def __init__(
        self,
        *,
        temperature: Mapping[int, float] | None = None,
        ablate_heads: Iterable[tuple[int, int]] = (),
        mask_tokens: Iterable[int] = (),
    ) -> None:
        """Describe an edit; options in any order give the same record.

        Raises OptionError for a temperature factor that is not a positive, finite number, and for a layer, head or
        token that is not a whole one.
        """
        factors = {check_whole("Layer", layer): _factor(layer, given) for layer, given in (temperature or {}).items()}
        heads = {_layer_and_head(pair) for pair in ablate_heads}
        tokens = {check_whole("Token", token) for token in mask_tokens}
        object.__setattr__(self, "temperature", tuple(sorted((k, f) for k, f in factors.items() if f != 1)))
        object.__setattr__(self, "ablate_heads", tuple(sorted(heads)))
        object.__setattr__(self, "mask_tokens", tuple(sorted(tokens)))

    def __bool__(self) -> bool:
        return bool(self.temperature or self.ablate_heads or self.mask_tokens)

    def check(self, *, layers: int, heads: tuple[int, ...], grid: PatchGrid) -> None:
        """Raise OptionError unless every layer, head and token of the edit exists in the model."""
        for layer, _ in self.temperature:
            check_index("Layer", layer, layers)
        for layer, head in self.ablate_heads:
            check_index("Head", head, heads[check_index("Layer", layer, layers)])
        for token in self.mask_tokens:
            check_index("Token", token, grid.tokens)
        if len(self.mask_tokens) == grid.tokens:
            raise OptionError(
                "All {tokens} tokens are masked; wanted at least one left to attend to. Mask fewer.",
                tokens=grid.tokens,
            )
        if grid.patches and set(range(len(grid.prefix), grid.tokens)) <= set(self.mask_tokens):
            raise OptionError(
                "All {patches} patches are masked, so nothing of the picture is left; wanted at "
                "least one patch. Mask fewer.",
                patches=grid.patches,
            )

    def describe(self) -> dict[str, Any]:
        """Return the edit as plain numbers and lists, for a manifest."""
        return {
            "temperature": {str(layer): factor for layer, factor in self.temperature},
            "ablate_heads": [list(pair) for pair in self.ablate_heads],
            "mask_tokens": list(self.mask_tokens),
        }


def _factor(layer: int, factor: float) -> float:
    if not (is_number(factor) and 0 < factor < math.inf):
        raise OptionError(
            "The temperature factor of layer {layer} is {factor}; wanted a positive, "
            "finite number. 1 leaves the layer as it is, 2 halves its attention scores.",
            layer=layer,
            factor=shown(factor),
        )
    return float(factor)


def _layer_and_head(pair: tuple[int, int]) -> tuple[int, int]:
    try:
        layer, head = pair
    except (TypeError, ValueError):
        raise OptionError(
            "ablate_heads holds {given}; wanted a pair of layer and head, such as (11, 2). Give one for each head.",
            given=shown(pair),
        ) from None
    return check_whole("Layer", layer), check_whole("Head", head)


NO_EDIT = Edit()
