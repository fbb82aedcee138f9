from collections import Counter

from studio.learning.batches import batch_places, crop, grouped_order


def indices(count: int, batch_size: int, seed: int, step: int) -> list[int]:
    return [i for _, i in batch_places(count, batch_size, seed, step)]


def test_every_pass_sees_each_item_once() -> None:
    seen = Counter(i for step in range(10) for i in indices(50, 10, seed=3, step=step))
    assert set(seen) == set(range(50))
    assert set(seen.values()) == {2}


def test_a_step_is_a_function_of_seed_and_step_alone() -> None:
    assert indices(50, 16, 1, 7) == indices(50, 16, 1, 7)
    assert indices(50, 16, 1, 7) != indices(50, 16, 2, 7)


def test_a_batch_larger_than_the_set_is_the_set_once() -> None:
    assert sorted(indices(5, 32, 0, 3)) == [0, 1, 2, 3, 4]


def test_a_batch_across_two_passes_has_its_size() -> None:
    assert len(indices(7, 5, 0, 1)) == 5


def test_grouped_passes_hold_pairs_within_classes_and_every_item_once() -> None:
    labels = [f"class {i % 40}" for i in range(320)]
    found = grouped_order(labels, 4, seed=0, epoch=0)
    assert sorted(found) == list(range(320))
    assert all(len({labels[i] for i in found[n : n + 4]}) == 1 for n in range(0, 320, 4))
    assert found != grouped_order(labels, 4, seed=0, epoch=1)


def test_grouped_batches_hold_classes_in_their_proportions() -> None:
    labels = ["often"] * 240 + ["seldom"] * 80
    for step in range(10):
        places = batch_places(320, 32, 0, step, labels, together=4)
        assert 4 <= sum(labels[i] == "seldom" for _, i in places) <= 12


def test_crops_stay_in_the_picture_and_keep_enough_of_it() -> None:
    for position in range(500):
        left, top, width, height, _ = crop(0, 1, position, 0.5)
        assert left >= 0 and top >= 0 and left + width <= 1 + 1e-9 and top + height <= 1 + 1e-9
        assert width * height >= 0.5 * 0.75 - 1e-9


def test_half_of_the_crops_are_mirrored() -> None:
    mirrored = sum(crop(0, step, 0, 0.5)[4] for step in range(400))
    assert 150 < mirrored < 250
