"""socal_core.pretraining.frame_settings: the settings that pre-training on frames uses."""

from typing import Any

import pytest

from socal_core.errors import ConfigError
from socal_core.pretraining.frame_settings import DEFAULTS, pretraining_config
from socal_core.settings import TINY, SamplingMethod


def test_the_defaults_and_what_is_given() -> None:
    config = pretraining_config({"num_epochs": 7, "sampling": "segments", "seed": 3})
    values = config.as_dict()
    assert values["model"] == TINY
    given = {"num_epochs": 7, "sampling": SamplingMethod.SEGMENTS, "seed": 3}
    assert {name: values[name] for name in DEFAULTS | given} == DEFAULTS | given


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"dropout_rate": 0.1}, r"dropout_rate: has no effect on pre-training: leave it out\. It uses model, "),
        ({"sampling": "uniform"}, "sampling: must be segments or dense, .* got 'uniform'"),
        ({"stride": 0}, "stride: must be between 1 and 64, got 0"),
        ({"epochs": 3}, "epochs: is not a setting"),
        ({"num_frames": 5}, "num_frames: must be even"),
    ],
)
def test_settings_that_do_not_work(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        pretraining_config(values)
