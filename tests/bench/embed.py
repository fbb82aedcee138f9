"""Images embedded per second, decoding included, and latency of one prediction, against the bare model's own forward.

    python -m tests.bench.embed [--model miniclip|vit-b-32] [--json]

Baselines, in the same run and interleaved with what they are compared with:
  bare        open_clip's `encode_image` on ready float tensors, the model as open_clip's own loader gives it
  bare-last   the same with the weights in channels-last, as Studio keeps convolutional towers
Needs ../shared beside the project; says so and exits with 0 where it is absent.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SHARED = Path(__file__).resolve().parents[3] / "shared"
BATCH = 32


def write_vit(folder: Path, layers: int = 12) -> None:
    """ViT-B/32 with random weights, in open_clip's local form; with fewer layers where asked."""
    import open_clip
    from safetensors.torch import save_file

    config = open_clip.get_model_config("ViT-B-32")
    config["vision_cfg"]["layers"] = layers
    network = open_clip.CLIP(**config)
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, folder / "open_clip_model.safetensors")
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {}}))


def median_ratio(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> tuple[float, float, float]:
    """(median seconds of ours, of theirs, median of the rounds' ratios ours / theirs); the order changes every round."""
    ours(), theirs()
    pairs = []
    for n in range(rounds):
        first, second = (ours, theirs) if n % 2 else (theirs, ours)
        marks = [time.perf_counter()]
        for call in (first, second):
            call()
            marks.append(time.perf_counter())
        a, b = marks[1] - marks[0], marks[2] - marks[1]
        pairs.append((a, b) if n % 2 else (b, a))
    return (
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(a / b for a, b in pairs),
    )


def measure(folder: Path, rounds: int) -> dict[str, Any]:
    import open_clip
    import torch

    from studio.learning.predictor import Answering, prompted
    from studio.learning.zero_shot import text_classifier
    from studio.modalities import discover_modalities
    from studio.models import load_model

    files = [path.read_bytes() for path in sorted((SHARED / "data" / "trashnet" / "test").rglob("*.jpg"))[: 4 * BATCH]]
    read = discover_modalities().get("image").read
    model = load_model(f"open_clip:local-dir:{folder}", "cpu", True)
    bare, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    bare.eval()
    pixels = torch.stack([transform(read(data)) for data in files])
    names = ("cardboard", "glass", "metal", "paper", "plastic", "trash")
    text = text_classifier(model, [[f"a photo of a {name}."] for name in names])
    zero_shot = Answering(model, prompted("zero_shot", names, text, model.info.logit_scale))

    def embed() -> object:
        return model.embed("image", [read(data) for data in files])

    def predict() -> object:
        return zero_shot.predict(model.embed("image", [read(files[0])]))

    found: dict[str, Any] = {}
    for name, layout in (("bare", torch.contiguous_format), ("bare-last", torch.channels_last)):
        bare.to(memory_format=layout)
        ready = pixels.contiguous(memory_format=layout)

        def forward(ready: torch.Tensor = ready) -> object:
            with torch.inference_mode():
                return [bare.encode_image(part) for part in ready.split(BATCH)]

        def one(ready: torch.Tensor = ready) -> object:
            with torch.inference_mode():
                return bare.encode_image(ready[:1])

        ours, theirs, ratio = median_ratio(embed, forward, rounds)
        found[f"embed.{name}"] = {
            "ours_per_s": len(files) / ours,
            "bare_per_s": len(files) / theirs,
            "ratio": 1 / ratio,
            "aim": "≥ 0.9",
        }
        ours, theirs, ratio = median_ratio(predict, one, 4 * rounds)
        found[f"predict.{name}"] = {"ours_ms": 1000 * ours, "bare_ms": 1000 * theirs, "ratio": ratio, "aim": "≤ 1.15"}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", choices=("miniclip", "vit-b-32"), default="miniclip")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    if not SHARED.is_dir():
        print("The data and models of this benchmark are not beside the project: nothing to measure.")
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = SHARED / "models" / "miniclip"
        if flags.model == "vit-b-32":
            folder = Path(scratch)
            write_vit(folder)
        found = measure(folder, flags.rounds)
    if flags.json:
        print(json.dumps(found))
        return
    for name, figures in found.items():
        print(f"{name:<18}", "  ".join(f"{k} {v:.3f}" if isinstance(v, float) else f"({v})" for k, v in figures.items()))


if __name__ == "__main__":
    main()
