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
