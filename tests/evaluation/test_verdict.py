import pytest

from studio.evaluation.verdict import mcnemar, verdict

TITLES = {"zero_shot": "Zero-shot", "few_shot": "Few-shot", "lora": "Fine-tuned"}


def test_mcnemar_is_the_exact_binomial() -> None:
    first = [True] * 2 + [False] * 10 + [True] * 50
    second = [False] * 2 + [True] * 10 + [True] * 50
    fixed, broken, p = mcnemar(first, second)
    assert (fixed, broken) == (10, 2)
    assert p == pytest.approx(0.03857, abs=1e-5)


def test_no_difference_is_no_evidence() -> None:
    assert mcnemar([True, False], [True, False]) == (0, 0, 1.0)


def test_answers_to_different_items_are_refused() -> None:
    with pytest.raises(ValueError, match="argument 2"):
        mcnemar([True], [True, False])


def test_fine_tuning_that_clearly_wins_is_said_to_win() -> None:
    right = {"zero_shot": [True] * 40 + [False] * 60, "lora": [True] * 90 + [False] * 10}
    assert verdict(right, TITLES).startswith("Fine-tuned is better than Zero-shot, beyond chance: 50 answers gained, 0 lost")


def test_fine_tuning_that_loses_is_said_to_lose() -> None:
    right = {"zero_shot": [True] * 90 + [False] * 10, "lora": [True] * 60 + [False] * 40}
    assert verdict(right, TITLES).startswith("Fine-tuned is worse than Zero-shot, beyond chance")


def test_the_costliest_method_is_also_held_against_the_simplest() -> None:
    right = {name: [n < found for n in range(100)] for name, found in (("zero_shot", 40), ("few_shot", 60), ("lora", 62))}
    assert "Fine-tuned is better than Zero-shot, beyond chance: 22 answers gained, 0 lost" in verdict(right, TITLES)


def test_what_is_within_chance_is_no_difference_and_nothing_is_recommended() -> None:
    right = {"zero_shot": [True] * 50 + [False] * 50, "few_shot": [False] + [True] * 52 + [False] * 47}
    said = verdict(right, TITLES)
    assert said == "Few-shot and Zero-shot cannot be told apart on 100 items: 3 answers gained, 1 lost (p\u00a0=\u00a00.625)."


@pytest.mark.parametrize(("gained", "words"), [(1, "1 answer gained, 0 lost"), (2, "2 answers gained, 0 lost")])
def test_what_was_gained_is_counted_in_words(gained: int, words: str) -> None:
    right = {"zero_shot": [False] * 9, "lora": [True] * gained + [False] * (9 - gained)}
    assert words in verdict(right, TITLES)
