"""Weights from the hub: the cache first, then a network that may be slow, silent or not there."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save_file

from vitviz.errors import UnsupportedModelError, WeightsUnavailableError
from vitviz.models import hub, timm_door
from vitviz.models.loading import load_vit, offline_names
from vitviz.trace import trace

NAME = "test_vit.r160_in1k"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache of one's own, whatever this machine has downloaded."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture
def silent_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A hub that takes the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        yield


@pytest.fixture(params=[200, 404, 503])
def answering_hub(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(request.param)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
        yield


def put_in_cache(cache: Path, repository: str, file: str = "model.safetensors") -> dict[str, torch.Tensor]:
    """Write random weights of the small ViT the way the hub's client stores a download."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    snapshot = folder / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("a" * 40)
    state = timm_door.build("test_vit", seed=3).state_dict()
    save_file(state, snapshot / file)
    return state


def test_an_answer_is_an_answer_whatever_it_says(answering_hub: None) -> None:
    assert hub.reachable(5)


def test_a_hub_that_never_answers_is_given_up_in_time(silent_hub: None) -> None:
    start = time.monotonic()
    assert not hub.reachable(0.3)
    assert time.monotonic() - start < 2


def test_a_name_look_up_that_hangs_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(20) and [])
    monkeypatch.setattr(constants, "ENDPOINT", "http://hub.invalid")
    start = time.monotonic()
    assert not hub.reachable(0.3)
    assert time.monotonic() - start < 2
    released.set()


def test_a_closed_port_is_no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{port}")
    assert not hub.reachable(2)


@pytest.mark.parametrize("value", ["1", "true", "YES", "on"])
def test_a_machine_that_is_set_offline_asks_nobody(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    monkeypatch.setattr(threading.Thread, "start", lambda _: pytest.fail("the network was asked"))
    assert not hub.reachable()


def test_missing_weights_say_what_is_available_offline_and_do_not_hang(
    silent_hub: None, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_cache(cache, "timm/vit_small_patch14_dinov2.lvd142m")
    monkeypatch.setattr(hub.reachable, "__defaults__", (0.3,))
    start = time.monotonic()
    said = (
        r"The weights of timm:test_vit\.r160_in1k are not in the local cache and could not be downloaded "
        r"\(the hub does not answer\)\. Available offline: default, timm:vit_small_patch14_dinov2\.lvd142m\. "
        r"Without a network: weights='random'\. Or a local safetensors file: weights=FILE\."
    )
    with pytest.raises(WeightsUnavailableError, match=said):
        load_vit(f"timm:{NAME}")
    assert time.monotonic() - start < 0.3 + 5  # building the skeleton of the model included


def test_weights_in_the_cache_need_no_network(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "reachable", lambda: pytest.fail("the network was asked"))
    state = put_in_cache(cache, f"timm/{NAME}")
    for name in (f"timm:{NAME}", "timm:test_vit"):  # the standard tag is found without being named
        vit = load_vit(name)
        assert vit.weights == f"{NAME}, from the cache"
        assert vit.class_names[0] == "tench"
        assert all(torch.equal(vit.module.state_dict()[key], value) for key, value in state.items())
        assert trace(vit, torch.zeros(3, 160, 160)).layers == 6
    wide = load_vit(f"timm:{NAME}", image_size=(96, 128))
    assert (wide.grid.rows, wide.grid.columns) == (6, 8)


def test_what_is_cached_is_listed(cache: Path) -> None:
    assert hub.cached_models() == []
    assert hub.cached_file({"hf_hub_id": f"timm/{NAME}"}) is None
    assert hub.cached_file({}) is None
    put_in_cache(cache, f"timm/{NAME}")
    put_in_cache(cache, "someone/else")
    put_in_cache(cache, "timm/half_a_download", "config.json")
    assert hub.cached_models() == [f"timm:{NAME}"]
    assert hub.cached_hugging_face() == []
    for kind in ("Dinov2Model", "BertModel"):
        put_in_cache(cache, f"someone/{kind}")
        config = next((cache / f"models--someone--{kind}" / "snapshots").iterdir()) / "config.json"
        config.write_text(json.dumps({"architectures": [kind]}), "utf-8")
    assert hub.cached_hugging_face() == ["hf:someone/Dinov2Model"]
    assert offline_names() == ["default", f"timm:{NAME}"]
    found = hub.cached_file({"hf_hub_id": f"timm/{NAME}"})
    assert found is not None
    assert found.name == "model.safetensors"


def test_a_file_of_another_name_is_found_if_the_model_names_it(cache: Path) -> None:
    put_in_cache(cache, "timm/one", "special.safetensors")
    assert hub.cached_file({"hf_hub_id": "timm/one"}) is None
    found = hub.cached_file({"hf_hub_id": "timm/one", "hf_hub_filename": "special.safetensors"})
    assert found is not None
    put_in_cache(cache, "timm/two", "open_clip_model.safetensors")
    assert hub.cached_file({"hf_hub_id": "timm/two"}) is not None


def test_a_model_without_any_weights_says_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "reachable", lambda: pytest.fail("the network was asked"))
    with pytest.raises(WeightsUnavailableError, match="timm has no weights of that name"):
        load_vit("timm:vit_small_patch16_18x2_224")


def test_a_model_that_cannot_be_explained_is_refused_before_any_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "reachable", lambda: pytest.fail("the network was asked"))
    with pytest.raises(UnsupportedModelError, match="inside windows"):
        load_vit("timm:swin_tiny_patch4_window7_224")


@pytest.mark.parametrize("error", [OSError("disk full\nand more"), RuntimeError("502"), ValueError("odd")])
def test_a_failed_download_is_one_sentence(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    plain = timm_door.build

    def build(name: str, **options: object) -> object:
        if options.get("pretrained"):
            raise error
        return plain(name, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(hub, "reachable", lambda: True)
    monkeypatch.setattr(timm_door, "build", build)
    said = rf"could not be downloaded \({str(error).splitlines()[0]}\)\. Available offline"
    with pytest.raises(WeightsUnavailableError, match=said):
        load_vit(f"timm:{NAME}")


def test_the_name_with_its_tag() -> None:
    assert hub.hub_name("test_vit") == NAME
    assert hub.hub_name(NAME) == NAME
