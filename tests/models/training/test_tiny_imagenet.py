"""The archives are read completely, in an order that does not depend on the files, and split without overlap."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from vitviz.errors import ImageError
from vitviz.models.training.tiny_imagenet import (
    LabelledImages,
    hold_out,
    read_classes,
    read_train,
    read_validation,
    readable_name,
)


def test_classes_are_sorted_by_wnid_and_named_by_their_first_synonym(data_folder: Path) -> None:
    classes = read_classes(data_folder)
    assert classes.wnids == ("n01", "n02", "n03")
    assert classes.names == ("goldfish", "lemon", "seashore")
    assert classes.index() == {"n01": 0, "n02": 1, "n03": 2}


def test_a_clearer_synonym_is_preferred_only_when_the_table_has_it() -> None:
    assert readable_name("walking stick, walkingstick, stick insect") == "stick insect"
    assert readable_name("walking stick, cane") == "walking stick"
    assert readable_name("goldfish, Carassius auratus") == "goldfish"


def test_train_holds_the_images_of_all_archives_under_their_class(data_folder: Path) -> None:
    images = read_train(data_folder)
    assert images.pixels.shape == (24, 64, 64, 3)
    assert np.bincount(images.labels).tolist() == [8, 8, 8]
    # n03 was painted red, n01 green, n02 blue: the brightest channel tells the class.
    brightest = images.pixels[:, 32, 32].argmax(axis=1)
    assert (brightest == np.array([1, 2, 0])[images.labels]).all()


def test_validation_keeps_the_order_of_its_table_and_turns_grey_into_colour(data_folder: Path) -> None:
    validation = read_validation(data_folder)
    assert validation.images.labels.tolist() == [2, 0, 1, 2, 0, 1]
    assert validation.boxes[0].tolist() == [0, 0, 63, 63]
    assert validation.boxes[1].tolist() == [0, 0, 31, 63]
    shades = validation.images.pixels[:, 0, 0]
    assert (shades[:, 0] == shades[:, 2]).all()
    assert (np.diff(shades[:, 0].astype(int)) > 0).all()


def test_hold_out_splits_each_class_without_overlap() -> None:
    labels = np.repeat(np.arange(4), 10)
    pixels = np.arange(40, dtype=np.uint8).reshape(40, 1, 1, 1) * np.ones((1, 2, 2, 3), np.uint8)
    rest, held = hold_out(LabelledImages(pixels, labels), per_class=3, seed=1)
    assert np.bincount(held.labels).tolist() == [3, 3, 3, 3]
    names = [*rest.pixels[:, 0, 0, 0], *held.pixels[:, 0, 0, 0]]
    assert sorted(names) == list(range(40))
    again = hold_out(LabelledImages(pixels, labels), per_class=3, seed=1)[1]
    assert (again.pixels == held.pixels).all()
    other = hold_out(LabelledImages(pixels, labels), per_class=3, seed=2)[1]
    assert (other.pixels != held.pixels).any()


def test_a_folder_without_data_is_named_with_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"has no train-\*\.zip"):
        read_train(tmp_path)
    with pytest.raises(ImageError, match=r"has no classes\.tsv"):
        read_classes(tmp_path)
    with pytest.raises(ImageError, match=r"has no val\.tsv"):
        read_validation(tmp_path)


def test_a_validation_archive_that_lacks_images_is_refused(data_folder: Path, tmp_path: Path) -> None:
    for name in ("classes.tsv", "val.tsv"):
        (tmp_path / name).write_bytes((data_folder / name).read_bytes())
    with pytest.raises(ImageError, match=r"has no val\.zip"):
        read_validation(tmp_path)
    with ZipFile(tmp_path / "val.zip", "w") as archive, ZipFile(data_folder / "val.zip") as whole:
        archive.writestr("val_0.JPEG", whole.read("val_0.JPEG"))
    with pytest.raises(ImageError, match=r"lacks 5 of the 6 images in val\.tsv, first val_1\.JPEG"):
        read_validation(tmp_path)
