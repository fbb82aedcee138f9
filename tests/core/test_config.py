import pytest

from studio.core.config import LoraConfig, TrainConfig
from studio.core.errors import BadInput


def test_flat_settings_reach_both_levels_and_take_texts() -> None:
    config = TrainConfig().with_settings({"rank": "4", "lr": "1e-3", "augment": "false", "steps": 20.0})
    assert (config.lora.rank, config.lr, config.augment, config.steps) == (4, 1e-3, False, 20)


@pytest.mark.parametrize(
    "settings",
    [
        {"rank": 0},
        {"rank": 10**6},
        {"lr": "nan"},
        {"lr": "fast"},
        {"steps": 1.5},
        {"towers": "roof"},
        {"colour": 1},
        {"seed": -1},
        {"rank": "1e999"},
    ],
)
def test_a_bad_setting_is_refused_with_a_hint(settings: dict[str, object]) -> None:
    with pytest.raises(BadInput) as caught:
        TrainConfig().with_settings(settings)
    assert next(iter(settings)) in caught.value.message
    assert caught.value.hint


def test_json_and_back_is_the_same() -> None:
    config = TrainConfig(lora=LoraConfig(rank=3, towers="both"), epochs=2.5, shots=16)
    assert TrainConfig.from_json(config.as_json()) == config


def test_only_what_differs_from_the_preset_is_said() -> None:
    preset = TrainConfig()
    assert preset.with_settings({"rank": 4, "shots": 16}).changed_from(preset) == {"rank": 4, "shots": 16}


def test_a_mode_stands_for_its_settings_and_the_run_says_what_they_were() -> None:
    fast = TrainConfig().with_settings({"mode": "fast"})
    assert (fast.lora.layers, fast.views > 0, fast.modes(TrainConfig())) == ("top-2", True, ("fast", "custom"))
    assert "mode" not in fast.as_json()
    assert fast.with_settings({"mode": "best"}).modes(fast) == ("best", "custom")


def test_what_a_family_recommends_is_a_mode_whatever_is_learnt_from_and_for_how_long() -> None:
    preset = TrainConfig().with_settings({"layers": "half"})
    assert preset.with_settings({"shots": 4, "seed": 2, "steps": 7}).modes(preset) == ("preset", "custom")
    assert preset.with_settings({"rank": 2}).modes(preset) == ("custom",)
    assert TrainConfig().with_settings({"mode": "best"}).modes(TrainConfig()) == ("preset", "best", "custom")


def test_settings_beside_a_mode_win() -> None:
    mixed = TrainConfig().with_settings({"mode": "fast", "layers": "top-1"})
    assert (mixed.lora.layers, mixed.modes(TrainConfig())) == ("top-1", ("custom",))


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(BadInput, match="mode"):
        TrainConfig().with_settings({"mode": "quick"})
