from pathlib import Path

import torch

from studio.core.types import Item
from studio.learning.features import FeatureCache
from tests.learning.fakes import LetterModel


def items(*texts: str) -> list[Item]:
    return [Item(n, {"text": text}, "train", f"row {n}") for n, text in enumerate(texts)]


def read(item: Item, modality: str) -> str:
    return item.content[modality]


def test_a_content_is_computed_once_even_across_restarts(tmp_path: Path) -> None:
    model = LetterModel()
    first = FeatureCache(tmp_path).features(model, "text", items("a", "b", "a"), read)
    again = FeatureCache(tmp_path).features(model, "text", items("b", "a", "c"), read)
    assert model.embedded == ["a", "b", "c"]
    assert torch.equal(first[0], first[2])
    assert torch.equal(first[:2], again[[1, 0]])


def test_other_weights_have_features_of_their_own(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)
    cache.features(LetterModel("one"), "text", items("a"), read)
    other = LetterModel("two")
    cache.features(other, "text", items("a"), read)
    assert other.embedded == ["a"]


def test_a_write_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    FeatureCache(tmp_path).features(LetterModel(), "text", items("a", "b"), read)
    (space,) = tmp_path.iterdir()
    keys = (space / "keys.bin").read_bytes()
    (space / "keys.bin").write_bytes(keys[:40])  # as a kill between two writes would leave it
    model = LetterModel()
    found = FeatureCache(tmp_path).features(model, "text", items("a", "b"), read)
    assert model.embedded == ["b"]
    assert torch.equal(found, LetterModel().embed("text", ["a", "b"]))


def test_two_processes_filling_one_cache_agree(tmp_path: Path) -> None:
    one, two = FeatureCache(tmp_path), FeatureCache(tmp_path)
    one.features(LetterModel(), "text", items("a"), read)
    two.features(LetterModel(), "text", items("b"), read)
    model = LetterModel()
    found = one.features(model, "text", items("a", "b"), read)
    assert model.embedded == []
    assert torch.equal(found, LetterModel().embed("text", ["a", "b"]))


def test_progress_ends_at_the_number_of_missing_items(tmp_path: Path) -> None:
    said: list[tuple[int, int]] = []
    many = items(*(f"text {n}" for n in range(150)))
    FeatureCache(tmp_path).features(LetterModel(), "text", many, read, lambda done, total, what: said.append((done, total)))
    assert said == [(64, 150), (128, 150), (150, 150)]


def test_what_an_item_took_is_still_known_when_all_are_cached(tmp_path: Path) -> None:
    model, cache = LetterModel(), FeatureCache(tmp_path)
    assert cache.milliseconds(model, "text") is None
    cache.features(model, "text", items("a", "b"), read)
    took = cache.milliseconds(model, "text")
    assert took is not None and took > 0
    cache.features(model, "text", items("b", "a"), read)
    assert FeatureCache(tmp_path).milliseconds(model, "text") == took
    assert cache.milliseconds(LetterModel("other"), "text") is None


def test_a_spoilt_pace_does_not_stop_the_reading(tmp_path: Path) -> None:
    FeatureCache(tmp_path).features(LetterModel(), "text", items("a"), read)
    (space,) = tmp_path.iterdir()
    (space / "pace.json").write_text("{")
    cache = FeatureCache(tmp_path)
    assert cache.milliseconds(LetterModel(), "text") is None
    cache.features(LetterModel(), "text", items("b"), read)
    assert cache.milliseconds(LetterModel(), "text") is not None


def test_no_items_have_no_features(tmp_path: Path) -> None:
    assert FeatureCache(tmp_path).features(LetterModel(), "text", [], read).shape == (0, 26)
