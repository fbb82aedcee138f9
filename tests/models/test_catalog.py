from __future__ import annotations

from pathlib import Path

import pytest

from studio.models import catalog as catalog_module
from studio.models import family_for
from studio.models.catalog import catalog
from studio.models.offers import OFFERS


def test_every_offer_is_accepted_and_says_what_it_is() -> None:
    assert 8 <= len(OFFERS) <= 12 and len({offer.id for offer in OFFERS}) == len(OFFERS)
    for offer in OFFERS:
        assert family_for(offer.id).modalities(offer.id) == offer.modalities
        assert offer.download_mb > 0 and offer.licence and offer.good_for


def test_open_clip_offers_name_the_repository_that_open_clip_names() -> None:
    from open_clip.pretrained import get_pretrained_cfg

    for offer in OFFERS:
        if offer.id.startswith("open_clip:"):
            name, _, tag = offer.id.removeprefix("open_clip:").partition("/")
            assert get_pretrained_cfg(name, tag)["hf_hub"].startswith(offer.repository + "/")


def test_folders_are_offered_first(tiny_ids: dict[str, str]) -> None:
    bert, conv = (Path(tiny_ids[kind].rpartition(":")[2]) for kind in ("bert", "open_clip-conv"))
    entries = catalog([bert.parent])
    assert [entry.local for entry in entries] == sorted((entry.local for entry in entries), reverse=True)
    found = {entry.id: entry for entry in entries if entry.local}
    assert found[f"hf:{bert}"].modalities == ("text",)
    assert found[f"open_clip:local-dir:{conv}"].modalities == ("image", "text")
    assert set(tiny_ids.values()) <= set(found)


def test_folder_that_is_a_model_is_offered_itself(tiny_ids: dict[str, str]) -> None:
    folder = Path(tiny_ids["siglip"].removeprefix("hf:"))
    assert f"hf:{folder}" in {entry.id for entry in catalog([folder])}


def test_a_folder_in_two_forms_is_offered_once_by_the_more_particular_one(tmp_path: Path) -> None:
    for name, config in (("config.json", '{"model_type": "clip"}'), ("open_clip_config.json", "{}")):
        (tmp_path / name).write_text(config)
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert [entry.id for entry in catalog([tmp_path]) if str(tmp_path) in entry.id] == [f"open_clip:local-dir:{tmp_path}"]


def test_folders_without_models_offer_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "config.json").write_text("{")
    (tmp_path / "a" / "model.safetensors").write_bytes(b"")
    known = {entry.id for entry in catalog()}
    assert {entry.id for entry in catalog([tmp_path, tmp_path / "nowhere"])} == known


def test_the_demo_model_is_offered_once_it_is_made(
    tiny_ids: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conv = Path(tiny_ids["open_clip-conv"].rpartition(":")[2])
    monkeypatch.setattr(catalog_module, "DEMO", tmp_path)
    assert not [entry for entry in catalog() if "comes with Studio" in entry.title]
    monkeypatch.setattr(catalog_module, "DEMO", conv)
    (demo,) = [entry for entry in catalog([conv.parent]) if entry.id == f"open_clip:local-dir:{conv}"]
    assert demo.local and "comes with Studio" in demo.title and demo.knows in demo.good_for


def test_installed_minilm_is_offered(minilm: Path) -> None:
    (entry,) = [entry for entry in catalog() if entry.id == f"hf:{minilm.resolve()}"]
    assert entry.local and entry.elsewhere in {offer.id for offer in OFFERS}
