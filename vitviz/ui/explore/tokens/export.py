"""What the Tokens page gives to take away: pictures for print, all its numbers, the settings, an offline page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vitviz.analysis.clusters import TokenClusters
from vitviz.analysis.similarity import LayerSimilarity
from vitviz.analysis.spectrum import Spectrum
from vitviz.analysis.tokens import TokenColours, TokenNorms, TokenSimilarity, token_similarity
from vitviz.export import snippet
from vitviz.export.settings import ViewSettings
from vitviz.figures.overlay import outline
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel, PrintSize, print_figure
from vitviz.ui.choices.tokens import CKA_WITH, CLUSTERS, FLIP, FOREGROUND
from vitviz.ui.components.token_view import TokenView
from vitviz.ui.explore.tokens import clusters, layers, norms
from vitviz.ui.explore.tokens.lens import Reading, evidence_scale
from vitviz.ui.explore.tokens.second_photo import Seen
from vitviz.ui.furniture import offline, viewer
from vitviz.ui.furniture.panel import look
from vitviz.ui.furniture.recipe import Recipe, load_line, picture_expression
from vitviz.ui.furniture.settings import model_settings, picture_named
from vitviz.ui.furniture.show import Export
from vitviz.ui.kept.model_choice import ModelChoice
from vitviz.ui.reader import link, photos
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.words.class_names import class_name

_YELLOW = (255, 213, 0)


@dataclass(frozen=True, eq=False)
class TokenMeasurements:
    """All that the page measured."""

    view: TokenView
    colours: TokenColours | None
    groups: TokenClusters
    norms: tuple[TokenNorms, ...]
    lens: Reading | None
    spectrum: Spectrum | None
    similarity: LayerSimilarity | None


def export(scene: Scene, here: Seen, there: Seen, measured: TokenMeasurements) -> Export:
    """Return the files of the page."""
    title = _("What has each patch become? Layer {layer}").format(layer=scene.layer)
    alike = token_similarity(here.trace, measured.view.patch, layer=scene.layer)
    across = token_similarity(here.trace, measured.view.patch, layer=scene.layer, other=there.trace)
    panels = _panels(scene, here, there, measured, (alike, across))  # now: downloads have no session
    caption = _("Second photo: {second}. {caption}").format(
        caption=viewer.caption(scene), second=photos.title(there.name)
    )

    def png(**size: Unpack[PrintSize]) -> bytes:
        return print_figure(panels, title=viewer.titled(scene, title), caption=caption, columns=4, **size)

    return Export(
        name=f"vitviz-tokens-layer{scene.layer}",
        settings=_recipe(scene, there, measured, (alike, across)),
        png=png,
        arrays=lambda: _arrays(scene, there, measured, (alike, across)),
        html=offline.page(measured.view, title=viewer.titled(scene, title), caption=caption),
    )


def _panels(
    scene: Scene, here: Seen, there: Seen, measured: TokenMeasurements, alike: tuple[TokenSimilarity, TokenSimilarity]
) -> list[Panel]:
    scale = _scale(measured.view, alike)
    panels = [
        _likeness(_("Likeness to the orange patch"), here.picture, alike[0], scale, measured.view),
        _likeness(_("In the second photo"), there.picture, alike[1], scale, None),
    ]
    if measured.colours is not None:
        panels += [
            Panel(label=label, picture=_enlarged(colours))
            for label, colours in zip(
                (_("Tokens as colours"), _("In the second photo")), measured.colours.colours, strict=True
            )
        ]
    for label, seen, groups in zip(
        (_("Groups"), _("In the second photo")), (here, there), measured.groups.clusters, strict=True
    ):
        panels.append(Panel(label=label, photo=clusters.painted(seen.picture, groups)))
    table = measured.norms[scene.layer]
    panels.append(Panel(label=_("Norm"), photo=here.picture, map=table.norms, scale=norms.scale(table)))
    if measured.lens is not None:
        evidence = measured.lens.evidence
        label = _("Evidence for {name}").format(name=class_name(scene.vit, evidence.class_index))
        scaled = evidence_scale(evidence)
        panels.append(Panel(label=label, photo=here.picture, map=evidence.values, scale=scaled))
    return panels


def _scale(view: TokenView, alike: tuple[TokenSimilarity, TokenSimilarity]) -> Scale:
    """Return the viewer's own colours: the chosen patch does not count."""
    if view.scale == "signed":
        return Scale(-1, 1, signed=True)
    values = np.concatenate([np.delete(alike[0].values, view.patch), alike[1].values.ravel()])
    return Scale(float(values.min()), float(values.max()))


def _likeness(
    label: str, photo: NDArray[np.uint8], alike: TokenSimilarity, scale: Scale, view: TokenView | None
) -> Panel:
    """Return the likeness over a photo, with the best match and, in the first photo, the chosen patch outlined."""
    rows, columns = alike.values.shape

    def marked(painted: NDArray[np.uint8]) -> NDArray[np.uint8]:
        painted = outline(painted, rows, columns, divmod(alike.best, columns), colour=_YELLOW)
        return painted if view is None else outline(painted, rows, columns, divmod(view.patch, columns))

    return Panel(label=label, photo=photo, map=alike.values, scale=scale, **look(signed=scale.signed), finish=marked)


def _enlarged(colours: NDArray[np.float32]) -> Image.Image:
    return Image.fromarray(np.rint(colours * 255).astype(np.uint8)).resize(
        (colours.shape[1] * 24, colours.shape[0] * 24), Image.Resampling.NEAREST
    )


def _arrays(
    scene: Scene, there: Seen, measured: TokenMeasurements, alike: tuple[TokenSimilarity, TokenSimilarity]
) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {
        "picture": scene.picture,
        "second_picture": there.picture,
        "map": alike[0].values,
        "second_map": alike[1].values,
        "norms": np.stack([layer.norms for layer in measured.norms]),
    }
    if measured.colours is not None:
        arrays |= dict(zip(("colours", "second_colours"), measured.colours.colours, strict=True))
    arrays |= dict(zip(("groups", "second_groups"), measured.groups.clusters, strict=True))
    if measured.lens is not None:
        lens = measured.lens
        arrays |= {"lens_logits": lens.lens.logits, "class_evidence": lens.evidence.values}
    if measured.spectrum is not None:
        spectrum = measured.spectrum
        arrays |= {"frequency": spectrum.frequency, "stream": spectrum.stream}
        arrays["branch"] = spectrum.branch
    if measured.similarity is not None:
        arrays["cka"] = measured.similarity.values
    return arrays


def _similarity_code(scene: Scene) -> list[str]:
    """Return the lines that compare all layers with those of the chosen model, which sees the first one's crop."""
    name = link.get(CKA_WITH)
    if not name:
        return ["cka = vitviz.layer_similarity(here).values"]
    if name == layers.RANDOM:
        return [
            "from vitviz.analysis.redrawn import redrawn",
            f"twin = vitviz.trace(redrawn(vit), {picture_expression(scene)})",
            "cka = vitviz.layer_similarity(here, twin).values",
        ]
    return [
        "from vitviz.analysis.map_comparison import same_crop",
        f"other = {snippet.model_expression(ViewSettings(**model_settings(ModelChoice(name))))}",
        f"picture = vitviz.open_image({picture_expression(scene)})",
        "cka = vitviz.layer_similarity(here, vitviz.trace(other, same_crop(vit, other, picture))).values",
    ]


def _recipe(
    scene: Scene, there: Seen, measured: TokenMeasurements, alike: tuple[TokenSimilarity, TokenSimilarity]
) -> Recipe:
    second = snippet.picture_expression(picture_named(there.name, own="second.jpg"))
    patch, layer, threshold = measured.view.patch, scene.layer, link.get(FOREGROUND) or None
    lines = [
        "import vitviz",
        "from vitviz.analysis.clusters import token_clusters",
        "from vitviz.examples import example",
        "",
        load_line(scene),
        f"here = vitviz.trace(vit, {picture_expression(scene)})",
        f"there = vitviz.trace(vit, {second})",
        f"likeness = vitviz.token_similarity(here, {patch}, layer={layer})",
        "values = likeness.values  # (rows, columns)",
        f"match = vitviz.token_similarity(here, {patch}, layer={layer}, other=there).best",
        f"colours = vitviz.token_colours([here, there], layer={layer}, threshold={threshold}, "
        f"flip={link.get(FLIP)}).colours",
        f"groups = token_clusters([here, there], layer={layer}, count={link.get(CLUSTERS)}).clusters",
        f"outliers = vitviz.token_norms(here, layer={layer}).outliers",
        "spectrum = vitviz.token_spectrum(here)",
    ]
    if measured.lens is not None:
        lines.append("lens = vitviz.logit_lens(vit, here)")
    if measured.similarity is not None:
        lines += _similarity_code(scene)
    lines.append("likeness.image()")
    table = measured.norms[layer]
    options: dict[str, Any] = {
        "layer": layer,
        "patch": patch,
        "second_picture": photos.named(there.name),
        "foreground": threshold,
        "flip": link.get(FLIP),
        "groups": link.get(CLUSTERS),
        "best_match": {"here": alike[0].best, "second": alike[1].best},
        "outliers": table.outliers,
        "outlier_threshold": table.threshold,
    }
    if measured.similarity is not None:
        options["cka_models"] = measured.similarity.models
    return Recipe(method="tokens", options=options, code="\n".join(lines) + "\n")
