"""Each public function says what it wanted where an argument is of another kind."""

import importlib
import inspect
import pickle
import types

import numpy as np
import pytest

import vitviz
from vitviz.argument import kinds_of
from vitviz.errors import OptionError

BESIDE = (
    "attention.view",
    "attention.rollout_view",
    *(f"labs.{name}" for name in ("temperature", "gelu", "smallest_position", "residual_filter", "encodings")),
    *("labs.permutation", "labs.object.smallest_object", "labs.object.noisy_picture", "labs.object.pasted_object"),
)
"""Public modules whose functions ``vitviz.NAME`` does not have."""
METHODS = (vitviz.Edit.__init__, vitviz.PatchGrid.patch_at, vitviz.Trace.residual, vitviz.Trace.top)
OWN = {
    *("Any", "Picture", "Pictures", "Picture | Trace", "Source", "Window", "Crop", "ViT | str"),
    *("ClassNames | str | Path | None", "tuple[int, int] | int | None", "Sequence[float] | NDArray[np.float64]"),
}
"""What the functions see for themselves: pictures of many forms, options that are texts or numbers."""
CLASSES = (
    "ViT",
    "Trace",
    "ConvNet",
    "Attribution",
    "PositionSimilarity",
    "Atlas",
    "PatchGrid",
    "Detector",
    "TaskResult",
)
RIGHT = {
    **{name: type(name, (), {})() for name in CLASSES},
    **{"bool": True, "int": 1, "seed": 0, "float": 0.5, "str": "a", "Mapping": {}, "Given": "a", "Box": (0, 0, 1, 1)},
    **{"NDArray": [1.0], "ArrayLike": [1.0], "Sequence[int]": [1], "Sequence[float]": [1.0], "Iterable[int]": [1]},
    **{"Callable": print, "Progress": print, "Path": "a", "None": None},
    "Map": types.SimpleNamespace(values=np.ones(2), target=type("Target", (), {})()),
}
WRONG = (
    "\0 no such",
    -0.25,
    float("nan"),
    10**40,
    np.full((2, 2), "a"),
    [object()],
    [[1], [2, 3]],
    int,
    object(),
    {1: 1},
)


def public_functions():
    for name in vitviz.__all__:
        if isinstance(function := getattr(vitviz, name), types.FunctionType):
            yield function
    for name in BESIDE:
        members = [member for word, member in vars(importlib.import_module(f"vitviz.{name}")).items() if word[0] != "_"]
        own = [member for member in members if getattr(member, "__module__", "") == f"vitviz.{name}"]
        yield from (function for function in own if hasattr(function, "__wrapped__"))
    yield from METHODS


CHECKED = [
    (function, argument)
    for function in public_functions()
    for argument, parameter in inspect.signature(function).parameters.items()
    if kinds_of(parameter)
]


def right_value(parameter):
    for kind in kinds_of(parameter):
        for name in (kind, kind.partition("[")[0]):
            if name in RIGHT:
                return RIGHT[name]
    return None


@pytest.mark.parametrize(("function", "argument"), CHECKED, ids=lambda value: getattr(value, "__qualname__", value))
def test_an_argument_of_another_kind_is_told(function, argument):
    parameters = inspect.signature(function).parameters
    required = {
        name: right_value(parameter)
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }
    wanted = set(kinds_of(parameters[argument]))
    refused = 0
    for wrong in WRONG:
        if suits(wrong, wanted):
            continue
        with pytest.raises(OptionError, match=rf"{argument} must be .*; got ") as caught:
            function(**{**required, argument: wrong})
        assert len(str(caught.value)) < 300  # no array or object is printed whole
        refused += 1
    assert refused >= 4


def suits(wrong, kinds):
    """Return whether a wrong value of the list is a right one for these kinds."""
    text = isinstance(wrong, str) and kinds & {"str", "Precision", "WeightsKind", "HeadActivation", "Pooling", "Given"}
    number = isinstance(wrong, float | int) and wrong == wrong and "float" in kinds
    mapping = isinstance(wrong, dict) and any(kind.startswith(("Mapping", "Iterable")) for kind in kinds)
    return bool(text or number or mapping)


def test_every_public_argument_is_of_a_kind_that_is_checked_or_told_to_be_the_functions_own():
    unknown = {
        f"{function.__qualname__}({parameter})"
        for function in public_functions()
        for parameter in inspect.signature(function).parameters.values()
        if not kinds_of(parameter) and parameter.name not in ("self",) and str(parameter.annotation) not in OWN
    }
    assert unknown == set()


def test_the_message_shows_what_was_given_and_where_the_right_one_comes_from():
    with pytest.raises(OptionError, match=r"trace must be a Trace; got 'a\.jpg'\. It comes from vitviz\.trace\."):
        vitviz.rollout("a.jpg")
    with pytest.raises(OptionError, match="got an object of ndarray"):
        vitviz.head_statistics(np.zeros(3))
    with pytest.raises(OptionError, match=r"seed must be a whole number from 0 to .*; got -1\. Leave it out for 0\."):
        vitviz.load_vit(seed=-1)
    attribution = type("Attribution", (), {})()
    with pytest.raises(OptionError, match=r"values must be an array of numbers; got .*Attribution\. Give its values\."):
        vitviz.energy_in_box(attribution, RIGHT["PatchGrid"], (0, 0, 1, 1))


def test_numbers_of_numpy_and_torch_are_numbers():
    import torch

    for number in (np.float32(0.5), np.array(0.5), torch.tensor(0.5), 1, np.int64(1)):
        assert vitviz.PatchGrid(2, 2, (4, 4)).patch_at(number, 0) == 0
    assert vitviz.Edit(mask_tokens=np.arange(1, 3)).mask_tokens == (1, 2)


def test_it_stays_the_function_that_it_was():
    assert pickle.loads(pickle.dumps(vitviz.rollout)) is vitviz.rollout
    assert vitviz.rollout.__doc__.startswith("Return")
    with pytest.raises(TypeError, match="misspelt"):
        vitviz.rollout("a.jpg", misspelt=1)
