"""The text tower's tokenizer: the captions' own words and single letters, a few hundred tokens where CLIP has 49,408.

Words that it never met come apart into known beginnings and letters. The end token has the largest id; the tower pools there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from assets.make.captions import caption
from assets.make.world import scene

LENGTH = 32
"""Tokens of a text, start and end among them."""
PAD, UNKNOWN, START, END = "<pad>", "<unk>", "<start>", "<end>"
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-.,'!?():;/&%+"


def learn(seed: int, texts: int = 12_000) -> Tokenizer:
    """From the captions of that many scenes."""
    splitter = pre_tokenizers.BertPreTokenizer()
    rng = np.random.default_rng((seed, 17))
    said = (caption(scene(seed, n), rng).text for n in range(texts))
    words = {word for text in said for word, _ in splitter.pre_tokenize_str(text.lower())}
    pieces = [*LETTERS, *(f"##{letter}" for letter in LETTERS), *sorted(words - set(LETTERS))]
    ids = {token: i for i, token in enumerate((PAD, UNKNOWN, START, *pieces, END))}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = splitter
    tokenizer.add_special_tokens([PAD, UNKNOWN, START, END])
    ends = [(START, ids[START]), (END, ids[END])]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{START} $A {END}", special_tokens=ends)
    tokenizer.enable_truncation(LENGTH)
    tokenizer.enable_padding(length=LENGTH, pad_id=ids[PAD], pad_token=PAD)
    return tokenizer


def save(tokenizer: Tokenizer, folder: Path) -> None:
    """As Hugging Face's loader reads it."""
    from transformers import PreTrainedTokenizerFast

    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        unk_token=UNKNOWN,
        bos_token=START,
        eos_token=END,
        model_max_length=LENGTH,
    ).save_pretrained(folder)


def encode(tokenizer: Tokenizer, texts: list[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Token ids `[n, LENGTH]`, padded."""
    return np.array([one.ids for one in tokenizer.encode_batch(texts)], np.int64)
