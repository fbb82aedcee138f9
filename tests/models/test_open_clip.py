from __future__ import annotations

import json
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from PIL import Image

from studio.core.errors import BadInput, ModelError, NotFound, Offline, Untrusted
from studio.core.interfaces import FoundationModel
from studio.models import family_for, load_model
from studio.models.open_clip_towers import text_features
from tests.tiny_models import SIDE


@pytest.fixture(scope="module")
def folder(shared_models: Callable[[str], Path]) -> Path:
    return shared_models("miniclip")


@pytest.fixture(scope="module")
def miniclip(folder: Path) -> Iterator[FoundationModel]:
    model = load_model(f"open_clip:local-dir:{folder}")
    yield model
    model.close()


@pytest.fixture(scope="module")
def reference(folder: Path) -> tuple[Any, Any]:
    """open_clip's own model and evaluation transform."""
    model, transform = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    return model.eval(), transform


def test_real_pictures_give_open_clip_s_own_features(
    miniclip: FoundationModel, reference: tuple[Any, Any], shared_data: Callable[[str], Path]
) -> None:
    files = sorted(shared_data("trashnet").rglob("*.jpg"))[::200][:6]
    pictures = [Image.open(file).convert("RGB") for file in files]
    model, transform = reference
    with torch.inference_mode():
        expected = model.encode_image(torch.stack([transform(picture) for picture in pictures]), normalize=True)
    assert (miniclip.embed("image", pictures) - expected).abs().max() < 1e-5


def test_cut_prompts_give_open_clip_s_own_features(miniclip: FoundationModel, reference: tuple[Any, Any]) -> None:
    words = "a photo of the cat dog on under red car many words".split()
    draw = random.Random(0)
    prompts = [" ".join(draw.choices(words, k=n)) for n in (1, 2, 3, 5, 8, 30, 74, 75, 76, 120)] + [""]
    with torch.inference_mode():
        expected = reference[0].encode_text(open_clip.tokenize(prompts), normalize=True)
    assert (miniclip.embed("text", prompts) - expected).abs().max() < 1e-5


@pytest.mark.parametrize(
    "options", [{}, {"pool_type": "eos", "eos_id": 49407}, {"no_causal_mask": True, "pool_type": "last"}, {"embed_cls": True}]
)
def test_every_kind_of_text_tower_gives_its_own_features(options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    text = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2, **options}
    vision = {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16}
    network = open_clip.CustomTextCLIP(16, vision, text).eval()
    tokens = open_clip.tokenize(["a", "a photo of a dog", "one two three four five"])
    with torch.inference_mode():
        assert (text_features(network, tokens) - network.encode_text(tokens)).abs().max() < 1e-5


def test_only_causal_towers_are_cut() -> None:
    """A tower that sees the whole length gives other features when its prompt is cut, so it must not be."""
    seen: list[int] = []
    for causal in (True, False):
        torch.manual_seed(0)
        text = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1, "no_causal_mask": not causal}
        vision = {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16}
        network = open_clip.CustomTextCLIP(16, vision, text).eval()
        first = network.text.transformer.resblocks[0].ln_1
        first.register_forward_hook(lambda _module, given, _out: seen.append(given[0].shape[1]))
        with torch.inference_mode():
            text_features(network, open_clip.tokenize(["a dog"]))
    assert seen == [4, 77]


def test_info_says_what_is_known(miniclip: FoundationModel, folder: Path) -> None:
    info = miniclip.info
    assert info.contrastive and info.convolutional and info.dim == 256
    assert info.logit_scale == pytest.approx(40.0) and 9.6e6 < info.parameters < 9.8e6
    assert load_model(f"open_clip:local-dir:{folder}").info.weights_hash == info.weights_hash


def test_every_tower_of_open_clip_with_convolutions_is_known_as_one(folder: Path) -> None:
    """The preset goes by timm's names; the miniature and open_clip's own ResNets and ConvNeXts show that it knows them."""
    ranks = {
        "open_clip:RN50/openai": True,
        "open_clip:convnext_base_w/laion2b_s13b_b82k": True,
        "open_clip:ViT-B-32/openai": False,
        "open_clip:ViT-B-16-SigLIP/webli": False,
        "open_clip:EVA02-B-16/merged2b_s8b_b131k": False,
        f"open_clip:local-dir:{folder}": True,
    }
    for model_id, convolutional in ranks.items():
        assert (family_for(model_id).preset("image-classification", model_id).lora.rank == 8) is convolutional, model_id


def test_the_demo_models_tower_is_adapted_whole_with_hardly_a_crop() -> None:
    demo = Path(__file__).parents[2] / "assets" / "demo-clip"
    if not (demo / "open_clip_config.json").is_file():
        pytest.skip("the demo model's weights are not made yet")
    model_id = f"open_clip:local-dir:{demo}"
    preset = family_for(model_id).preset("image-classification", model_id)
    assert preset.lora.layers == "all" and preset.lora.towers == "image" and preset.min_crop == 0.9
    assert family_for(model_id).preset("image-text", model_id).lora.towers == "text"


def test_id_is_accepted_without_torch(tiny_ids: dict[str, str]) -> None:
    import subprocess

    code = "import sys; from studio.models import family_for as f; f(sys.argv[1]).preset('image-text', sys.argv[1]);"
    code += "from studio.models.catalog import catalog; catalog(); assert 'torch' not in sys.modules"
    for model_id in ("open_clip:ViT-B-32/openai", *tiny_ids.values()):
        subprocess.run([sys.executable, "-c", code, model_id], check=True, timeout=60)


@pytest.mark.parametrize(
    "model_id", ["", "ViT-B-32", "open_clip:", "open_clip:local-dir:", "open_clip:NoSuchNet/openai", "hf:", "x:y/z"]
)
def test_unknown_forms_name_the_four_that_there_are(model_id: str) -> None:
    with pytest.raises(BadInput) as caught:
        family_for(model_id)
    assert all(form in caught.value.hint for form in ("open_clip:NAME/TAG", "open_clip:local-dir:PATH", "hf:ORG/NAME", "hf:PATH"))


def test_unknown_tag_names_the_known_ones() -> None:
    with pytest.raises(NotFound, match="laion2b_s34b_b79k"):
        load_model("open_clip:ViT-B-32/no-such-tag", offline=True)


def test_hub_model_that_is_not_here_says_so_at_once() -> None:
    with pytest.raises(Offline, match="use a local folder"):
        load_model("open_clip:EVA02-E-14-plus/laion2b_s9b_b144k", offline=True)


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no model folder"):
        load_model(f"open_clip:local-dir:{tmp_path / 'nowhere'}")


@pytest.fixture
def copy(tiny_ids: dict[str, str], tmp_path: Path) -> Path:
    source = Path(tiny_ids["open_clip-vit"].removeprefix("open_clip:local-dir:"))
    return Path(shutil.copytree(source, tmp_path / "copy"))


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "open_clip_config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda c: c["model_cfg"]["vision_cfg"].update(width=64), ModelError, "do not fit"),
        (lambda c: c["model_cfg"]["vision_cfg"].update(surprise=1), ModelError, "do not fit"),
        (lambda c: c.pop("model_cfg"), ModelError, "model_cfg"),
        (lambda c: c["model_cfg"].update(multimodal_cfg={}), ModelError, "CoCa"),
        (lambda c: c["model_cfg"]["vision_cfg"].update(timm_model_name="hf-hub:some/model"), Untrusted, "another place"),
        (lambda c: c["model_cfg"]["text_cfg"].update(hf_model_name="../../secret"), ModelError, "hub id"),
        (lambda c: c["model_cfg"]["text_cfg"].update(auto_map={"AutoModel": "x.Y"}), Untrusted, "auto_map"),
    ],
)
def test_configurations_that_do_not_fit_are_refused(copy: Path, change: Any, error: type[ModelError], said: str) -> None:
    edit(copy, change)
    with pytest.raises(error, match=said):
        load_model(f"open_clip:local-dir:{copy}", offline=True)


def test_weights_are_the_checked_ones_also_where_the_configuration_asks_for_others(
    tiny_ids: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr("timm.models._builder.load_pretrained", lambda *args, **kwargs: asked.append(kwargs))
    source = tiny_ids["open_clip-conv"]
    folder = Path(shutil.copytree(source.removeprefix("open_clip:local-dir:"), tmp_path / "copy"))
    edit(folder, lambda c: c["model_cfg"]["vision_cfg"].update(timm_model_pretrained=True))
    picture = Image.new("RGB", (SIDE, SIDE), "teal")
    one, two = load_model(source, offline=True), load_model(f"open_clip:local-dir:{folder}", offline=True)
    assert asked == [] and torch.equal(one.embed("image", [picture]), two.embed("image", [picture]))


def test_weights_under_another_activation_are_another_model(copy: Path, tiny_ids: dict[str, str]) -> None:
    edit(copy, lambda c: c["model_cfg"].update(quick_gelu=True))
    one, two = load_model(tiny_ids["open_clip-vit"]), load_model(f"open_clip:local-dir:{copy}")
    assert one.info.weights_hash != two.info.weights_hash
