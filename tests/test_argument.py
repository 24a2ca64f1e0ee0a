"""Each public function says what it wanted where an argument is of another kind."""

import inspect
import pickle
import types

import numpy as np
import pytest

import vitviz
from vitviz.errors import OptionError

KINDS = {"ViT", "Trace", "ConvNet", "Attribution", "PositionSimilarity", "Atlas", "PatchGrid", "Edit", "bool", "None"}
ARGUMENTS = [
    (function, parameter.name)
    for name in vitviz.__all__
    if isinstance(function := getattr(vitviz, name), types.FunctionType)
    for parameter in inspect.signature(function).parameters.values()
    if set(str(parameter.annotation).split(" | ")) <= KINDS
]


@pytest.mark.parametrize(("function", "argument"), ARGUMENTS, ids=lambda value: getattr(value, "__name__", value))
def test_an_argument_of_another_kind_is_told(function, argument):
    required = {
        name: None
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL
    }
    for wrong in ("no such", -99, np.zeros((2, 2)), int):
        first = next(name for other, name in ARGUMENTS if other is function)
        given = {**required, argument: wrong}
        with pytest.raises(OptionError, match=rf"({argument}|{first}) must be (a \w+|True or False).*; got "):
            function(**given)


def test_most_public_functions_are_checked():
    assert len({function for function, _ in ARGUMENTS}) >= 35


def test_the_message_shows_what_was_given_and_where_the_right_one_comes_from():
    with pytest.raises(OptionError, match=r"trace must be a Trace; got 'a\.jpg'\. It comes from vitviz\.trace\."):
        vitviz.rollout("a.jpg")
    with pytest.raises(OptionError, match="got an object of ndarray"):
        vitviz.head_statistics(np.zeros(3))


def test_it_stays_the_function_that_it_was():
    assert pickle.loads(pickle.dumps(vitviz.rollout)) is vitviz.rollout
    assert vitviz.rollout.__doc__.startswith("Return")
    with pytest.raises(TypeError, match="misspelt"):
        vitviz.rollout("a.jpg", misspelt=1)
