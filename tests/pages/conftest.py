"""The dashboard without a browser: pages run by AppTest on tiny models of random weights, nothing downloaded.

A model called "tiny:…" in the link is one of those in dashboard.py; "default" is the first of them. Every other name
goes through ``vitviz.load_vit`` as it does for a reader.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache as once
from typing import Any

import pytest
import torch
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner.script_cache import ScriptCache

from tests.pages.dashboard import MODELS, RELATIVE, SINGLE, Dashboard
from vitviz.models.loading import load_vit
from vitviz.models.vit import ViT
from vitviz.ui.explore.positions import input_sizes
from vitviz.ui.furniture import framing, show, strip, viewer
from vitviz.ui.kept import cache, shelf
from vitviz.ui.kept.jobs import in_thread
from vitviz.ui.work import long_work


@pytest.fixture(scope="session", autouse=True)
def _once_a_worker() -> Iterator[None]:
    """Keep what AppTest does anew for each run: read every package's metadata for components, compile the scripts."""
    scripts = ScriptCache()
    compiled = scripts.get_bytecode
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", once(manifest_scanner.scan_component_manifests))
        patch.setattr(ScriptCache, "get_bytecode", lambda _own, path: compiled(path))
        yield


@once
def load_once(name: str, **options: Any) -> ViT:
    """Return what ``load_vit`` does; a model that was loaded is kept for all tests, for nobody changes it."""
    return load_vit(name, **options)


@pytest.fixture(scope="session")
def tiny_models(build_vit: Callable[..., Any]) -> dict[str, ViT]:
    """Every tiny model, built once."""
    modules = {name: build_vit(**options) for name, options in MODELS.items()}
    modules[RELATIVE] = _relative()
    modules[SINGLE] = build_vit(img_size=8, class_token=False, global_pool="avg", depth=1, num_heads=1)
    return {name: ViT.from_module(module, name=name) for name, module in modules.items()}


def _relative() -> Any:
    from timm.models.beit import Beit

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = Beit(
            img_size=32,
            patch_size=8,
            embed_dim=32,
            depth=2,
            num_heads=2,
            num_classes=10,
            use_abs_pos_emb=False,
            use_rel_pos_bias=True,
        )
    return module.eval()


@pytest.fixture
def dashboard(tiny_models: dict[str, ViT], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Dashboard]]:
    """Return a function that opens a page of the dashboard by a link: ``dashboard("heads", layer=1)``.

    Long work is done at once, where it is asked for; the fixture ``beside`` has it done in threads, as readers have it.
    """
    exports: list[Any] = []
    downloads = show.downloads

    def load_model(name: str, weights: str, size: int, **options: Any) -> ViT:
        named = "tiny:class" if name == "default" else name
        if named in tiny_models and weights == "pretrained" and not size:
            return replace(tiny_models[named], **{key: options[key] for key in options if key == "multi_label"})
        return load_once(name, weights=weights, image_size=size or None, **options)

    def keep_exports(scene: Any, export: Any) -> None:
        exports.append((scene, export))
        downloads(scene, export)

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(cache, "load_model", load_model)
    monkeypatch.setattr(show, "downloads", keep_exports)
    monkeypatch.setattr(long_work.queue(), "start", lambda run: run())
    monkeypatch.setattr(input_sizes, "SIZES", (16, 32, 48))  # the page measures up to 518 pixels

    def open_page(page: str = "start", **link: Any) -> Dashboard:
        return Dashboard(page, exports, **{"model": "tiny:class", **link})

    yield open_page
    for shared in (shelf.results, shelf.passes, long_work.queue):
        shared.clear()


@pytest.fixture(scope="module", autouse=True)
def _models_go_by_their_names() -> Iterator[None]:
    """Forget what was computed under the name of a model that is another one outside these tests."""
    yield
    for kept in (cache.traces, cache.statistics, cache.rollout, cache.model_maximum, cache.picture):
        kept.clear()
    for drawn in (viewer._photo_file, strip._thumbnail, framing._picture):
        drawn.clear()


@pytest.fixture
def beside(dashboard: Callable[..., Dashboard], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have long work done in threads, beside the page."""
    monkeypatch.setattr(long_work.queue(), "start", in_thread)
