"""Scenes are pure functions of seed and number; held-out combinations never occur in training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assets.make import captions, world
from assets.make.render import render
from assets.make.shapes import BY_NAME


def test_a_picture_follows_from_seed_and_number() -> None:
    first, again = (np.asarray(render(world.scene(3, 8), 64)) for _ in range(2))
    assert (first == again).all()
    assert (first != np.asarray(render(world.scene(4, 8), 64))).any()
    assert (first != np.asarray(render(world.scene(3, 9), 64))).any()


def test_a_larger_picture_shows_the_same() -> None:
    for number in range(6):
        shown = world.scene(0, number)
        small, large = (np.asarray(render(shown, side).resize((28, 28)), np.float32) for side in (112, 224))
        assert np.abs(small - large).mean() < 12


def test_training_scenes_hold_no_combination_that_is_held_out() -> None:
    shown = [group.combination for n in range(6000) for group in world.scene(0, n).groups]
    assert not set(shown) & world.held_out()
    assert len(set(shown)) > 1500


def test_twins_differ_in_their_wear_alone() -> None:
    pairs = [(world.scene(0, 2 * k), world.scene(0, 2 * k + 1)) for k in range(400)]
    twins = [(a, b) for a, b in pairs if a.seed == b.seed]
    assert abs(len(twins) / 400 - world.TWINS) < 0.1
    for sound, worn in twins:
        (one,), (other,) = sound.groups, worn.groups
        assert one.defect == "none" and other.defect in world.possible_defects(one.shape, one.material)
        assert replace(worn, groups=(replace(other, defect=one.defect, severity=one.severity),)) == sound


def test_held_out_are_a_tenth_of_all_with_every_shape_and_material() -> None:
    held = world.held_out()
    assert 0.08 < len(held) / len(world.combinations()) < 0.12
    assert {shape for _, shape, _ in held} == set(world.SHAPES)
    assert {material for _, _, material in held} == set(world.MATERIALS)


def test_every_shape_is_drawn_within_its_canvas() -> None:
    axis = np.linspace(-1.12, 1.12, 160, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    for name in world.SHAPES:
        for p in (np.zeros(4), np.ones(4)):
            d, h = BY_NAME[name](x, y, p)
            assert 0.03 < (d < 0).mean() < 0.75, name
            edge = np.concatenate((d[0], d[-1], d[:, 0], d[:, -1]))
            assert (edge > 0).all(), name
            assert np.isfinite(h).all() and h.max() > 0.05, name


@pytest.mark.parametrize("defect", [d for d in world.DEFECTS if d != "none"])
def test_a_defect_changes_the_picture(defect: str) -> None:
    place = (world.Place(0.5, 0.5, 0.4),)
    material = "wood" if defect == "stained" else "steel"
    sound = world.Group("plate", material, None, place, 0.4)
    worn = world.Group("plate", material, None, place, 0.4, defect, 1.0)
    pictures = [np.asarray(render(world.Scene((g,), "paper", "plain", None, (5,)), 112), np.float32) for g in (sound, worn)]
    assert (np.abs(pictures[0] - pictures[1]).max(-1) > 60).mean() > 0.002


def test_a_caption_is_true_of_its_picture() -> None:
    scenes = [world.scene(1, n) for n in range(1, 600, 2)]  # of twins, one
    rng = np.random.default_rng(0)
    said = [captions.caption(shown, rng) for shown in scenes]
    whole = [captions.full(shown, rng) for shown in scenes]
    known = captions.facts(scenes)
    assert captions.matches(said, known).diagonal().all()
    fits = captions.matches(whole, known)
    assert fits.diagonal().all() and fits.sum() < 1.1 * len(scenes)


def test_a_caption_with_another_fact_is_not_true() -> None:
    place = (world.Place(0.5, 0.5, 0.0),)
    red = world.Scene((world.Group("gear", "plastic", "red", place, 0.4),), "sand", "plain", None, (0,))
    blue = world.Scene((world.Group("gear", "plastic", "blue", place, 0.4),), "sand", "plain", None, (0,))
    rng = np.random.default_rng(0)
    fits = captions.matches([captions.full(red, rng), captions.full(blue, rng)], captions.facts([red, blue]))
    assert fits.tolist() == [[True, False], [False, True]]


def test_left_and_right_are_told_apart_whichever_comes_first() -> None:
    left, right = (world.Place(x, 0.5, 0.0) for x in (0.26, 0.74))
    gear = world.Group("gear", "steel", None, (left,), 0.2)
    key = world.Group("key", "brass", None, (right,), 0.2)
    swapped = (world.Group("gear", "steel", None, (right,), 0.2), world.Group("key", "brass", None, (left,), 0.2))
    scenes = [world.Scene(g, "sand", "plain", world.relation_of(*g), (0,)) for g in ((gear, key), (key, gear), swapped)]
    rng = np.random.default_rng(0)
    said = [c for c in (captions.caption(scenes[0], rng) for _ in range(80)) if c.relation != captions.ANY]
    assert len(said) > 5
    assert captions.matches(said, captions.facts(scenes)).all(0).tolist() == [True, True, False]


def test_captions_are_many() -> None:
    rng = np.random.default_rng(0)
    texts = [captions.caption(world.scene(0, n), rng).text for n in range(1000)]
    assert len(set(texts)) > 900
    assert not [text for text in texts if "  " in text or " a a" in text or "{" in text]
