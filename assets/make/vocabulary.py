"""The text tower's tokenizer: byte pairs learnt from the captions alone, a few hundred where CLIP has 49,408.

Words that it never met come apart into letters. The end token has the largest id, at which the text tower pools.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from assets.make.captions import caption
from assets.make.world import scene

LENGTH = 32
"""Tokens of a text, start and end among them."""
SIZE = 1024
PAD, UNKNOWN, START, END = "<pad>", "<unk>", "<start>", "<end>"
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz0123456789-.,'!?():;/&%+")


def learn(seed: int, texts: int = 12_000) -> Tokenizer:
    """From the captions of that many scenes."""
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN, end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    # special tokens get the smallest ids from the trainer, so the end is added last
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE - 1,
        special_tokens=[PAD, UNKNOWN, START],
        initial_alphabet=list(LETTERS),
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    rng = np.random.default_rng((seed, 17))
    said = [caption(scene(seed, n), rng).text for n in range(texts)]
    # every letter by itself, as a word's end may need it
    tokenizer.train_from_iterator([*said, " ".join(LETTERS)], trainer)
    return _finished(tokenizer)


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


def encode(tokenizer: Tokenizer, texts: list[str]) -> np.ndarray:
    """Token ids `[n, LENGTH]`, padded."""
    return np.array([one.ids for one in tokenizer.encode_batch(texts)], np.int64)


def _finished(tokenizer: Tokenizer) -> Tokenizer:
    tokenizer.add_special_tokens([END])
    ids = [(token, tokenizer.token_to_id(token)) for token in (START, END)]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{START} $A {END}", special_tokens=ids)
    tokenizer.enable_truncation(LENGTH)
    tokenizer.enable_padding(length=LENGTH, pad_id=tokenizer.token_to_id(PAD), pad_token=PAD)
    return tokenizer
