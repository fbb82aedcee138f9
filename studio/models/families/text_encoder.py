"""Text encoders in Hugging Face's form, with sentence-transformers' pooling: `hf:ORG/NAME` or `hf:PATH`.

Accepts every `hf:` id that is not known to be a CLIP; a type outside the allowlist is refused on loading, with its name.
"""

from __future__ import annotations

from studio.core.config import LoraConfig, TrainConfig
from studio.core.interfaces import FoundationModel, Progress
from studio.models import FAMILIES
from studio.models.families.hf_clip import FORMS, PREFIX, checked_files, model_type, refuse_type
from studio.models.families.hf_clip import TYPES as CLIP_TYPES
from studio.models.offers import OFFERS, TEXT
from studio.models.trust import read_config

TYPES = frozenset(
    {"bert", "roberta", "xlm-roberta", "mpnet", "distilbert", "modernbert", "electra", "albert", "camembert", "deberta-v2"}
)


class TextEncoder:
    """The family of BERT's descendants."""

    name = "text-encoder"
    forms = FORMS

    def accepts(self, model_id: str) -> bool:
        reference = model_id.removeprefix(PREFIX)
        return model_id.startswith(PREFIX) and bool(reference.strip()) and model_type(reference) not in CLIP_TYPES

    def modalities(self, model_id: str) -> tuple[str, ...]:
        listed = any(offer.id == model_id for offer in OFFERS)
        return TEXT if listed or model_type(model_id.removeprefix(PREFIX)) in TYPES else ()

    def load(self, model_id: str, device: str, offline: bool, progress: Progress | None = None) -> FoundationModel:
        """Raises NotFound, Offline, Untrusted or ModelError."""
        say = progress or (lambda done, total, what: None)
        say(0, 4, "Reading the configuration")
        folder, weights = checked_files(model_id.removeprefix(PREFIX), offline, progress)
        config = read_config(folder / "config.json")
        refuse_type(config.get("model_type"), TYPES)
        say(1, 4, "Importing transformers")
        from studio.models import hf_towers, text_towers
        from studio.models.device import resolve
        from studio.models.encoder import Encoder, describe, weights_hash

        say(2, 4, "Loading the weights")
        network = hf_towers.build(folder, weights, resolve(device))
        say(3, 4, "Hashing the weights")
        tokenizer = hf_towers.tokeniser_of(folder, int(config.get("vocab_size") or 0))
        pooling = text_towers.pooling_of(folder, text_towers.position_limit(config, tokenizer))
        towers = text_towers.TextTowers(tokenizer, pooling)
        digest = weights_hash(weights, config)
        dim = int(config.get("hidden_size") or config["dim"])
        info = describe(model_id, self.name, network, towers, dim, pooling.describe(), digest)
        say(4, 4, "Ready")
        return Encoder(info, network, towers)

    def preset(self, task: str, model_id: str) -> TrainConfig:
        return TrainConfig(LoraConfig(rank=16, alpha=32, dropout=0.1), lr=1e-3, head_lr=1e-3, steps=60, augment=False)


FAMILIES.register("text-encoder", TextEncoder())
