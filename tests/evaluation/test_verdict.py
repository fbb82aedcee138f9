import pytest

from studio.evaluation.verdict import mcnemar, observed, verdict

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


def test_fine_tuning_that_clearly_wins_is_advised() -> None:
    right = {"zero_shot": [True] * 40 + [False] * 60, "lora": [True] * 90 + [False] * 10}
    assert verdict(right, TITLES).startswith("Use Fine-tuned.")


def test_fine_tuning_that_loses_is_said_to_lose() -> None:
    right = {"zero_shot": [True] * 90 + [False] * 10, "lora": [True] * 60 + [False] * 40}
    said = verdict(right, TITLES)
    assert said.startswith("Use Zero-shot: nothing costlier did better here.")
    assert "Fine-tuned is worse than Zero-shot, beyond chance" in said


def test_a_gain_within_chance_leaves_the_simpler_method() -> None:
    right = {"zero_shot": [True] * 50 + [False] * 50, "few_shot": [True] * 52 + [False] * 48}
    assert verdict(right, TITLES).startswith("Use Zero-shot: what scored higher did so within chance on 100 items.")


def test_what_is_observed_recommends_nothing() -> None:
    right = {"zero_shot": [True] * 50 + [False] * 50, "few_shot": [False] + [True] * 52 + [False] * 47}
    said = observed(right, TITLES)
    assert said == "Few-shot and Zero-shot cannot be told apart on 100 items: 3 answers gained, 1 lost (p\u00a0=\u00a00.625)."


@pytest.mark.parametrize(("gained", "words"), [(1, "1 answer gained, 0 lost"), (2, "2 answers gained, 0 lost")])
def test_what_was_gained_is_counted_in_words(gained: int, words: str) -> None:
    right = {"zero_shot": [False] * 9, "lora": [True] * gained + [False] * (9 - gained)}
    assert words in verdict(right, TITLES)
