"""The short list of models that people are offered, with facts: size of the weights, licence, what they are good for."""

from __future__ import annotations

from dataclasses import dataclass

BOTH, TEXT = ("image", "text"), ("text",)


@dataclass(frozen=True, slots=True)
class Offer:
    """One line of the list; `repository` is where the hub keeps its files."""

    id: str
    title: str
    modalities: tuple[str, ...]
    download_mb: int
    licence: str
    good_for: str
    repository: str


OFFERS = (
    Offer(
        "open_clip:ViT-B-32/laion2b_s34b_b79k",
        "CLIP ViT-B/32 (LAION-2B)",
        BOTH,
        605,
        "MIT",
        "Pictures and texts; the fastest of the large CLIPs on a CPU.",
        "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
    ),
    Offer(
        "open_clip:ViT-B-16/datacomp_xl_s13b_b90k",
        "CLIP ViT-B/16 (DataComp-XL)",
        BOTH,
        599,
        "MIT",
        "Pictures and texts; finer detail than B/32 at four times the work.",
        "laion/CLIP-ViT-B-16-DataComp.XL-s13B-b90K",
    ),
    Offer(
        "open_clip:ViT-L-14/laion2b_s32b_b82k",
        "CLIP ViT-L/14 (LAION-2B)",
        BOTH,
        1710,
        "MIT",
        "Pictures and texts; the most accurate here. Wants a GPU.",
        "laion/CLIP-ViT-L-14-laion2B-s32B-b82K",
    ),
    Offer(
        "hf:openai/clip-vit-base-patch32",
        "CLIP ViT-B/32 (OpenAI)",
        BOTH,
        605,
        "see its page",
        "Pictures and texts; the original CLIP.",
        "openai/clip-vit-base-patch32",
    ),
    Offer(
        "hf:google/siglip-base-patch16-224",
        "SigLIP base, 224 pixels",
        BOTH,
        813,
        "Apache-2.0",
        "Pictures and texts; strong zero-shot for its size.",
        "google/siglip-base-patch16-224",
    ),
    Offer(
        "hf:sentence-transformers/all-MiniLM-L6-v2",
        "all-MiniLM-L6-v2",
        TEXT,
        91,
        "Apache-2.0",
        "English sentences; small and fast on a CPU.",
        "sentence-transformers/all-MiniLM-L6-v2",
    ),
    Offer(
        "hf:sentence-transformers/all-mpnet-base-v2",
        "all-mpnet-base-v2",
        TEXT,
        438,
        "Apache-2.0",
        "English sentences; more accurate than MiniLM at five times the size.",
        "sentence-transformers/all-mpnet-base-v2",
    ),
    Offer(
        "hf:BAAI/bge-small-en-v1.5",
        "bge-small-en v1.5",
        TEXT,
        133,
        "MIT",
        "English retrieval and classification; small.",
        "BAAI/bge-small-en-v1.5",
    ),
    Offer(
        "hf:sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
        "Multilingual MiniLM-L12-v2",
        TEXT,
        471,
        "Apache-2.0",
        "Sentences in some fifty languages.",
        "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
    ),
    Offer(
        "hf:answerdotai/ModernBERT-base",
        "ModernBERT base",
        TEXT,
        599,
        "Apache-2.0",
        "Long English texts; for fine-tuning, weak before it.",
        "answerdotai/ModernBERT-base",
    ),
)
