"""What the shipped atlases say of the default model's heads, as a Markdown table.

python -m benchmarks.heads_over_photos > benchmarks/results/heads.md
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.timing import table
from vitviz.assets import ATLASES
from vitviz.atlas import KINDS, Atlas, head_kinds, read_atlas
from vitviz.atlas.head_kinds import FAR, NEAR, SINK

STATISTICS = ("distance", "entropy", "self_share", "class_share", "sink_share", "box_share")
Numbers = NDArray[np.float64]


def between_classes(atlas: Atlas, name: str) -> Numbers:
    """Return the part of a statistic's variance over photos that lies between classes, (layer, head).

    Epsilon squared (Kelley 1935): the share of the sums of squares less what as many classes share by chance.
    """
    whole = atlas.summary(name)
    classes = list(atlas.by_class(name).values())
    count = np.array([summary.count for summary in classes])  # (class, layer, head)
    means = np.nan_to_num(np.array([summary.mean for summary in classes]))
    between = (count * (means - whole.mean) ** 2).sum(0)
    total = whole.deviation**2 * (whole.count - 1)
    photos, used = whole.count, (count > 0).sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1 - (1 - between / total) * (photos - 1) / (photos - used)


def head(place: tuple[int, ...]) -> str:
    """Return a head as it is written everywhere."""
    return f"L{place[0]}·H{place[1]}"


def largest(values: Numbers) -> tuple[int, ...]:
    """Return the place of the largest number."""
    return tuple(int(at) for at in np.unravel_index(int(np.nanargmax(values)), values.shape))


def kinds_table(atlas: Atlas) -> str:
    """Return the heads of each kind with their numbers."""
    kinds, distance, entropy = head_kinds(atlas), atlas.summary("distance"), atlas.summary("entropy")
    shares = sum(np.nan_to_num(atlas.summary(name).mean) for name in ("class_share", "register_share", "sink_share"))
    rows = []
    for kind in KINDS[:3]:
        places = [tuple(place) for place in np.argwhere(kinds == kind)]
        for place in sorted(places, key=lambda place: distance.mean[place]):
            rows.append(
                (
                    kind,
                    head(place),
                    f"{distance.mean[place]:.2f} ± {distance.half[place]:.2f} ({distance.deviation[place]:.2f})",
                    f"{entropy.mean[place]:.2f} ± {entropy.half[place]:.2f} ({entropy.deviation[place]:.2f})",
                    f"{np.asarray(shares)[place]:.1%}",
                )
            )
    return table(("kind", "head", "distance in patches", "entropy in nats", "to special tokens and sinks"), rows)


def classes_table(atlas: Atlas) -> str:
    """Return how much of each statistic lies between the classes."""
    rows = []
    for name in STATISTICS:
        part = between_classes(atlas, name)
        place = largest(part)
        by_class = {label: float(summary.mean[place]) for label, summary in atlas.by_class(name).items()}
        order = sorted(by_class, key=lambda label: by_class[label])
        rows.append(
            (
                name,
                f"{np.nanmedian(part):.1%}",
                f"{head(place)}: {part[place]:.1%}",
                f"{order[-1]} {by_class[order[-1]]:.3g}, {order[-2]} {by_class[order[-2]]:.3g}",
                f"{order[0]} {by_class[order[0]]:.3g}, {order[1]} {by_class[order[1]]:.3g}",
            )
        )
    return table(("statistic", "between classes, median head", "most", "its highest classes", "its lowest"), rows)


def others_table(atlas: Atlas, others: dict[str, Atlas]) -> str:
    """Return how the heads differ in other atlases."""
    rows = []
    for title, other in {"the default model, 5,000 small photos": atlas, **others}.items():
        kinds = head_kinds(other)
        distance = other.summary("distance").mean
        changed = "" if other is atlas else f"{int(atlas.minus(other, 'distance').changed.sum())} of {kinds.size}"
        counts = [str(int((kinds == kind).sum())) for kind in KINDS]
        rows.append((title, f"{other.photos:,}", *counts, f"{distance.min():.2f} to {distance.max():.2f}", changed))
    return table(("atlas", "photos", *KINDS, "distances of the heads", "heads with another distance"), rows)


def lessons(atlas: Atlas) -> str:
    """Return what the tables teach, each sentence with its numbers."""
    kinds = head_kinds(atlas)
    depth = {kind: np.argwhere(kinds == kind)[:, 0] for kind in KINDS}
    parts = {name: float(np.nanmedian(between_classes(atlas, name))) for name in STATISTICS}
    first, last = max(parts, key=lambda name: parts[name]), min(parts, key=lambda name: parts[name])
    box, covered = atlas.summary("box_share").mean, largest(atlas.summary("box_share").mean)
    entropy, at = atlas.summary("entropy").mean, (0, 5)
    last_local, early = int(depth["local"].max()), int((depth["global"] < 4).sum())
    lines = [
        f"Local heads stand in layers {depth['local'].min()} to {last_local} alone; from layer {last_local + 1} on no "
        f"head stays near. Global heads are everywhere, {early} of {len(depth['global'])} of them in the first four "
        "layers: early layers mix near and far.",
        f"The {len(depth['sink'])} sinks are heads of layer {depth['sink'].min()}, whose patches look at the class "
        "token before it can hold anything of the picture. Patches of unusual norm play no part.",
        f"Far is not spread: {head(at)} looks {atlas.summary('distance').mean[at]:.1f} patches far with an entropy of "
        f"{entropy[at]:.1f} nats, as if at {np.exp(entropy[at]):.0f} places. Read distance and entropy together.",
        f"{first} differs most by class ({parts[first]:.0%} of its variance in the median head; objects differ in "
        f"size), {last} least ({parts[last]:.0%}). Most of what a head does varies within a class, not between "
        "classes.",
        f"{head(covered)} keeps most of the class token's attention inside the object's box, {box[covered]:.0%}; the "
        f"median head {np.nanmedian(box):.0%}, little more than the half of a picture that the boxes cover.",
        "Random weights know no kinds: all their heads look everywhere alike. What is local was learned.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def main() -> None:
    """Print the tables."""
    atlas = read_atlas(ATLASES / "default")
    others = {"its ten example photos": read_atlas(ATLASES / "examples")}
    if (ATLASES / "random").is_dir():
        others["the same architecture with random weights"] = read_atlas(ATLASES / "random")
    uniform = atlas.layout.grid.distances().mean()
    spread = np.nanmax(atlas.summary("distance").deviation)
    place = largest(atlas.summary("distance").deviation)
    right, confidence = (atlas.summary(name) for name in ("right", "confidence"))
    print("# What the default model's heads do over 5,000 photos\n")
    print("Made by `python -m benchmarks.heads_over_photos` from the atlas that comes with vitviz: Tiny-ImageNet's")
    print("validation photos, 64 × 64 pixels, at 224. `vitviz atlas val --table val.tsv --out RESULT` measured it.\n")
    print(
        f"{atlas.photos:,} photos, {right.mean:.1%} ± {right.half:.1%} answered rightly, mean confidence "
        f"{confidence.mean:.3f}. ± is the 95 % interval of a mean, in brackets the standard deviation over photos.\n"
    )
    print("## Which heads are local, global, sinks?\n")
    print(
        f"Local: a mean attention distance of at most {NEAR:g} of that of looking everywhere alike ({uniform:.2f} "
        f"patches); global: at least {FAR:g} of it; sink: at least {SINK:.0%} of the patches' attention goes to the "
        "class token and to patches of unusually large norm. The whole interval must lie there; all other heads are "
        "between.\n"
    )
    print(kinds_table(atlas))
    print(f"\n{head(place)} differs most from photo to photo: its distance has a standard deviation of {spread:.2f}.\n")
    print("## Which statistic differs by class?\n")
    print("Part of the variance over photos that lies between the 200 classes (epsilon squared, 0 by chance).\n")
    print(classes_table(atlas))
    print("\n## Other photos, other weights\n")
    print(others_table(atlas, others))
    print("\n## What it teaches\n")
    print(lessons(atlas))


if __name__ == "__main__":
    main()
