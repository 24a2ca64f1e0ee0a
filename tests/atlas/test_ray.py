"""A real Ray cluster of several nodes on this machine, one of which is killed in the middle."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import vitviz
from vitviz.errors import OptionError

ray = pytest.importorskip("ray")
OPTIONS: dict[str, Any] = {
    "model": "timm:vit_tiny_patch16_224",
    "model_options": {"weights": "random", "image_size": 32},
    "batch": 2,
    "shards": 10,
}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head that computes nothing, and two nodes of one processor each."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    memory = 80 * 1024 * 1024
    made = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "object_store_memory": memory, "include_dashboard": False},
    )
    try:
        yield made
    finally:
        ray.shutdown()
        made.shutdown()


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")
def test_a_node_that_is_lost_costs_nothing_but_time(cluster: Any, photos: Path, tmp_path: Path) -> None:
    memory = 80 * 1024 * 1024
    nodes = [cluster.add_node(num_cpus=1, object_store_memory=memory) for _ in range(2)]
    (photos / "class 1/02.jpg").write_bytes(b"broken")
    killed: list[int] = []

    def kill(done: int, total: int) -> None:
        if done and not killed:
            killed.append(done)
            cluster.remove_node(nodes[0], allow_graceful=False)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        atlas = vitviz.atlas(photos, tmp_path / "cluster", ray=cluster.address, progress=kill, **OPTIONS)
    assert killed
    assert killed[0] < 20
    assert (atlas.photos, atlas.broken) == (19, 1)
    alone = vitviz.atlas(photos, tmp_path / "alone", **OPTIONS)
    for name in ("atlas.npz", "photos.csv", "atlas.json"):
        ours, theirs = ((tmp_path / folder / name).read_bytes() for folder in ("cluster", "alone"))
        if name != "atlas.npz" or os.environ.get("OMP_NUM_THREADS") == "1":
            assert ours == theirs
    for statistic in atlas.statistics:
        assert atlas.summary(statistic).mean == pytest.approx(
            alone.summary(statistic).mean, rel=1e-4, abs=1e-6, nan_ok=True
        )


def test_without_ray_the_extra_is_named(
    vit: vitviz.ViT, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(OptionError, match=r'pip install "vitviz\[ray\]"'):
        vitviz.atlas(photos, tmp_path / "out", ray="auto", **OPTIONS)


def test_without_a_cluster_it_is_told(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="There is no Ray cluster at"):
        vitviz.atlas(photos, tmp_path / "out", ray="auto", **OPTIONS)
    assert threading.active_count() < 50
