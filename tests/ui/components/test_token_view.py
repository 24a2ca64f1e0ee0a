"""What the token viewer and the place picker send and take: exact cosines, choices that fit, refusals."""

import numpy as np
import pytest

from vitviz.errors import GridError, OptionError
from vitviz.grid import PatchGrid
from vitviz.ui.components.packing import unpack
from vitviz.ui.components.place_picker import read_place
from vitviz.ui.components.standalone import standalone_html
from vitviz.ui.components.token_view import TokenChoice, TokenPicture, TokenView

GRID = PatchGrid(2, 3, (8, 8), ("class",))


def picture(seed=0, channels=5, grid=GRID, title="one"):
    random = np.random.default_rng(seed)
    return TokenPicture(
        title=title,
        photo=b"jpeg",
        grid=grid,
        tokens=random.normal(size=(grid.patches, channels)) * 100,
        colours=random.random((grid.rows, grid.columns, 3)),
    )


def view(**options):
    return TokenView(**{"pictures": (picture(0), picture(1)), "patch": 4, **options})


def test_the_whole_numbers_are_the_tokens_directions():
    meta, parts = unpack(view().pack(revision=3))
    for place, seed in enumerate((0, 1)):
        tokens = picture(seed).tokens
        unit = tokens / np.linalg.norm(tokens, axis=1, keepdims=True)
        whole = np.frombuffer(parts[f"tokens{place}"], "<i2").reshape(6, 5)
        scales = np.frombuffer(parts[f"scales{place}"], "<f4")
        assert np.abs(whole * scales[:, None] - unit).max() < 2e-5
        assert np.abs(whole).max(1).tolist() == [32767] * 6
    assert (meta["chosen"], meta["scale"], meta["revision"]) == (4, "range", 3)
    assert [each["aspect"] for each in meta["pictures"]] == [1.5, 1.5]


def test_a_token_of_zeros_is_like_nothing():
    one = picture()
    one.tokens[2] = 0
    whole, scales = one.whole()
    assert not whole[2].any()
    assert np.isfinite(scales).all()


def test_the_content_is_the_tokens_and_not_the_choices():
    names = [unpack(each.pack())[0]["content"] for each in (
        view(), view(patch=1, scale="signed"), view(pictures=(picture(0), picture(2)))
    )]  # fmt: skip
    assert names[0] == names[1] != names[2]


@pytest.mark.parametrize(("sent", "wanted"), [
    ({"patch": 2, "scale": "signed"}, TokenChoice(2, "signed")),
    ({"patch": 6, "scale": "range"}, None),
    ({"patch": True, "scale": "range"}, None),
    ({"patch": 2, "scale": "rainbow"}, None),
    ({"scale": "range"}, None),
    (None, None),
])  # fmt: skip
def test_what_the_browser_sends_is_taken_only_if_it_fits(sent, wanted):
    assert view().read(sent) == wanted


@pytest.mark.parametrize("sent", [None, 3, {}, {"place": 6}, {"place": -1}, {"place": "1"}])
def test_a_place_that_the_grid_has_not_is_no_choice(sent):
    assert read_place(sent, GRID) is None
    assert read_place({"place": 5}, GRID) == 5


def test_what_cannot_be_shown_is_refused():
    with pytest.raises(GridError, match=r"needs tokens \(6, channel\); got shape \(7, 5\)"):
        TokenPicture(title="", photo=b"", grid=GRID, tokens=np.ones((7, 5)),
                     colours=np.ones((2, 3, 3)))  # fmt: skip
    with pytest.raises(GridError, match=r"needs colours \(2, 3, 3\); got shape \(3, 2, 3\)"):
        TokenPicture(title="", photo=b"", grid=GRID, tokens=np.ones((6, 5)),
                     colours=np.ones((3, 2, 3)))  # fmt: skip
    with pytest.raises(OptionError, match="Tokens hold NaN"):
        TokenPicture(title="", photo=b"", grid=GRID, tokens=np.full((6, 5), np.nan),
                     colours=np.ones((2, 3, 3)))  # fmt: skip
    with pytest.raises(GridError, match="cannot be compared; wanted the same model and layer"):
        view(pictures=(picture(0), picture(1, channels=4)))
    with pytest.raises(OptionError, match="Patch 6 does not exist; there are 6"):
        view(patch=6)
    with pytest.raises(OptionError, match="Scale of the likeness 'x' is unknown"):
        view(scale="x")


def test_it_becomes_a_page_that_works_offline():
    page = standalone_html(view(), title="<b>tokens</b>", caption="")
    assert "class TokenViewer" in page
    assert "&lt;b&gt;tokens" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
