"""Every knob at its ends, on models of two layers and two heads."""

import numpy as np
import pytest

from tests.pages.dashboard import NAMES

PLACES = ["0.0", "0.1", "1.0", "1.1"]


def rollout_of(app):
    return app.export.arrays()["rollout"]


def slide(app, **values):
    for name, value in values.items():
        widget = app.app.slider(key=f"choice_{name}")
        widget.set_value(value)
    return app.run().sound()


def test_rollout_without_and_with_nothing_but_the_residual(dashboard):
    app = dashboard("rollout").sound()
    slide(app, residual=1.0)
    assert np.allclose(rollout_of(app), np.eye(17))
    slide(app, residual=0.0)
    trace = app.exports[-1][0].trace
    first, second = (trace.attention(layer).mean(0).numpy() for layer in (0, 1))
    assert np.allclose(rollout_of(app), second @ first, atol=1e-6)
    assert app.link["residual"] == "0.0"


@pytest.mark.parametrize("fusion", ["mean", "max", "min"])
def test_rollout_discards_from_none_to_nearly_all(dashboard, fusion):
    app = dashboard("rollout", fusion=fusion).sound()
    for discard in (0.95, 0.0):
        slide(app, discard=discard)
        assert np.allclose(rollout_of(app).sum(-1), 1, atol=1e-5)
        assert app.manifest["settings"]["discard_ratio"] == discard
    assert app.app.segmented_control(key="choice_fusion").value == fusion


def test_rollout_of_one_layer_is_that_layer_with_its_residual(dashboard):
    app = dashboard("rollout").sound()
    app.app.slider(key="rollout_layers").set_value((1, 1)).run()
    app.sound()
    attention = app.exports[-1][0].trace.attention(1).mean(0).numpy()
    assert np.allclose(rollout_of(app), (np.eye(17) + attention) / 2, atol=1e-6)
    assert app.link["start"] == "1"
    assert "end" not in app.link  # the last layer stays the last one in a deeper model
    app.app.slider(key="rollout_layers").set_value((0, 0)).run()
    assert (app.sound().link["end"], app.manifest["settings"]["end_layer"]) == ("0", 0)


def test_the_layer_buttons_move_the_end_of_the_rollout(dashboard):
    app = dashboard("rollout").sound()
    sent = app.component("rollout_viewer")
    chosen = {**sent["state"], "revision": sent["revision"], "layer": 0}
    app.app.session_state["rollout_viewer"] = {"view": [{"turn": 1, "value": chosen}]}
    app.put(end=0).sound()
    assert app.app.slider(key="rollout_layers").value == (0, 0)
    assert app.component("rollout_viewer")["layer"] == 0


@pytest.mark.parametrize("model", NAMES)
def test_every_statistic_of_every_model(dashboard, model):
    app = dashboard("heads", model=model).sound()
    options = app.app.segmented_control(key="choice_statistic").options
    assert len(options) == {"tiny:registers": 7, "tiny:plain": 5, "tiny:pooled": 5}.get(model, 6)
    for name in app.exports[-1][1].arrays():
        if name in ("distance", "pixel_distance", "entropy", "self_share", "class_share"):
            told = app.put(statistic=name)
            assert not told.app.exception
            assert told.component("atlas")["layers"] == 2


def test_all_heads_of_a_layer_can_be_switched_off_and_on_again(dashboard):
    app = dashboard("heads", ablate="1.0-1.1").sound()
    assert app.app.multiselect(key="ablated_heads").value == ["1.0", "1.1"]
    assert app.component("atlas")["ticked"] == [2, 3]
    assert "Switched off: L1·H0, L1·H1" in " ".join(each.value for each in app.app.caption).replace("\\", "")
    assert float(app.app.metric[0].value) < 1
    assert app.has("plotly_chart", "answers")
    app.app.multiselect(key="ablated_heads").set_value(PLACES).run()
    app.sound()
    assert app.link["ablate"] == "0.0-0.1-1.0-1.1"
    for page in ("start", "attention", "rollout"):
        edit = app.go(page).sound().manifest["edit"]
        assert edit["ablate_heads"] == [[0, 0], [0, 1], [1, 0], [1, 1]]
    app.go("heads").app.multiselect(key="ablated_heads").set_value([]).run()
    assert "ablate" not in app.sound().link
    assert not app.has("plotly_chart", "answers")


def test_a_head_named_twice_in_a_link_is_switched_off_once(dashboard):
    app = dashboard("heads", ablate="1.1-1.1-0.0").sound()
    assert app.app.multiselect(key="ablated_heads").value == ["0.0", "1.1"]
    assert app.link["ablate"] == "0.0-1.1"


def test_a_click_in_the_atlas_opens_that_head(dashboard):
    app = dashboard("heads").sound()
    app.app.session_state["vitviz_open_head"] = True
    app.put(layer=0, head="1").sound()
    assert app.app.header[0].value == "Where does each patch look?"
    assert (app.component("viewer")["layer"], app.component("viewer")["state"]["head"]) == (0, 1)


@pytest.mark.parametrize("direction", ["attends_to", "attended_by"])
@pytest.mark.parametrize("head", ["mean", "max", "0", "1"])
def test_every_head_and_direction_is_shown_and_exported_alike(dashboard, direction, head):
    app = dashboard("attention", layer=0, head=head, direction=direction, patch=5).sound()
    shown = app.export.view
    attention = app.export.arrays()["attention"]
    line = attention[:, 6] if direction == "attends_to" else attention[:, :, 6]
    line = line[int(head)] if head.isdecimal() else line.mean(0) if head == "mean" else line.max(0)
    assert np.allclose(shown.values.ravel(), line[1:], atol=1e-6)
    state = app.component("viewer")["state"]
    assert (str(state["head"]), state["direction"], state["query"]) == (head, direction, "5")


@pytest.mark.parametrize("size", [112, 224])
def test_another_size_is_another_grid(dashboard, size):
    app = dashboard("attention", model="timm:vit_tiny_patch16_224", weights="random", size=size, patch=40).sound()
    assert app.component("viewer")["rows"] == size // 16
    assert app.link["size"] == str(size)
    assert any(element.value.startswith("**class ") for element in app.app.markdown)  # numbers, no names
    assert app.app.selectbox(key="choice_size").value == str(size)


def test_a_new_model_comes_at_its_own_size_and_published_weights(dashboard):
    app = dashboard("attention", model="timm:vit_tiny_patch16_224", weights="random", size=112, layer=1).sound()
    app.app.selectbox(key="choice_model").set_value("default").run()
    app.sound()
    assert app.link["model"] == "default"
    assert "weights" not in app.link
    assert "size" not in app.link


def test_weights_that_cannot_be_had_are_offered_as_random_ones(dashboard):
    app = dashboard("start").sound()
    app.app.selectbox(key="choice_model").set_value("timm:vit_tiny_patch16_224").run()
    app.told(r"weights of timm:vit_tiny_patch16_224\S* are not in the local cache", "Available offline: default")
    assert app.link["model"] == "tiny:class"
    app.app.button(key="random_weights").click().run()
    app.sound()
    assert (app.link["model"], app.link["weights"]) == ("timm:vit_tiny_patch16_224", "random")
    assert not app.has("button", "random_weights")
