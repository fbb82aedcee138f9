"""From picture and text features to the contrastive loss and recall@k."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from studio.core.interfaces import AdaptedModel
from studio.core.types import Item


class PairObjective:
    """Symmetric InfoNCE over the pairs of a batch (Radford et al. 2021), items with one picture or one caption masked."""

    module: nn.Module | None = None
    together = 1

    def loss(self, model: AdaptedModel, features: Mapping[str, Tensor], batch: Sequence[Item]) -> Tensor:
        images, texts = features["image"], features["text"]  # [n, dim] each
        logits = model.logit_scale().detach().to(images.device) * images @ texts.T
        logits = logits.masked_fill(same_content(batch).to(logits.device, non_blocking=True), float("-inf"))
        truth = torch.arange(len(batch), device=logits.device)
        return 0.5 * (cross_entropy(logits, truth) + cross_entropy(logits.T, truth))

    @torch.no_grad()
    def score(self, model: AdaptedModel, features: Mapping[str, Tensor], items: Sequence[Item]) -> Mapping[str, float]:
        found = recall(features["image"] @ features["text"].T, [i.key("image") for i in items], [i.key("text") for i in items])
        return {"accuracy": found["image_to_text@1"], **found}


def same_content(batch: Sequence[Item]) -> Tensor:
    """Off-diagonal pairs `[n, n]` that are no negatives of each other: they share the picture or the caption."""
    n = len(batch)
    mask = torch.zeros(n, n, dtype=torch.bool)
    for modality in ("image", "text"):
        numbers: dict[str, int] = {}
        of = torch.tensor([numbers.setdefault(item.key(modality), len(numbers)) for item in batch])
        mask |= of[:, None] == of[None, :]
    return mask & ~torch.eye(n, dtype=torch.bool)


def recall(similarity: Tensor, images: Sequence[str], texts: Sequence[str], ks: Sequence[int] = (1, 5, 10)) -> dict[str, float]:
    """Share of queries with a right answer among the first k, both ways; see `hits`."""
    found = hits(similarity, images, texts, ks)
    return {name: float(hit.float().mean()) for name, hit in found.items()}


def hits(similarity: Tensor, images: Sequence[str], texts: Sequence[str], ks: Sequence[int] = (1, 5, 10)) -> dict[str, Tensor]:
    """`{"image_to_text@k": [distinct pictures], "text_to_image@k": [distinct texts]}`, booleans.

    `similarity` `[n, n]` of n pairs. Pictures and texts that occur in several pairs count once; any of a picture's texts
    is a right answer, and the other way round.
    """
    # the first place of each that occurs, in the order of the pairs
    image_place = {image: n for n, image in reversed(list(enumerate(images)))}
    text_place = {text: n for n, text in reversed(list(enumerate(texts)))}
    image_number = {image: n for n, image in enumerate(dict.fromkeys(images))}
    text_number = {text: n for n, text in enumerate(dict.fromkeys(texts))}
    rows = torch.tensor([image_place[image] for image in image_number])
    columns = torch.tensor([text_place[text] for text in text_number])
    right = torch.zeros(len(rows), len(columns), dtype=torch.bool)
    for image, text in zip(images, texts, strict=True):
        right[image_number[image], text_number[text]] = True
    scores = similarity.cpu()[rows][:, columns]
    found: dict[str, Tensor] = {}
    for name, s, r in (("image_to_text", scores, right), ("text_to_image", scores.T, right.T)):
        order = s.argsort(stable=True, dim=-1, descending=True)
        ranked = r.gather(-1, order)
        for k in ks:
            found[f"{name}@{k}"] = ranked[:, :k].any(-1)
    return found
