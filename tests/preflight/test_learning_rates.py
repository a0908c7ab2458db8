"""socal_core.preflight.learning_rates: the learning rate of each layer at each step."""

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

from socal_core.preflight.learning_rates import changes_by_step, planned_rates, rate_at
from socal_core.settings import TINY, OptimizationSettings, config_from


def settings(**values: object) -> OptimizationSettings:
    known = {"recipe": "notebook", "schedule": "cosine", "learning_rate": 1e-3, "min_learning_rate": 1e-5}
    return config_from({**known, **values}, TINY).optimization


@pytest.mark.parametrize(("epochs", "warmup", "steps"), [(10, 3, 4), (6, 1, 1), (5, 0, 7)])
def test_it_is_the_schedule_that_pytorch_composes(epochs: int, warmup: int, steps: int) -> None:
    chosen = settings(num_epochs=epochs, warmup_epochs=warmup)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-3)
    rising = warmup * steps
    cosine = CosineAnnealingLR(optimizer, T_max=epochs * steps - 1 - rising, eta_min=1e-5)
    parts = [LinearLR(optimizer, 1 / rising, 1.0, total_iters=rising - 1), cosine] if rising > 1 else [cosine]
    schedule = SequentialLR(optimizer, parts, milestones=[rising] if rising > 1 else [])
    expected = []
    for _ in range(epochs * steps):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    first = rising if rising <= 1 else 0
    expected = [1e-3] * first + expected[: epochs * steps - first]
    found = [rate_at(chosen, step, steps) for step in range(epochs * steps)]
    assert found == pytest.approx(expected, rel=1e-6) if rising != 1 else found[:2] == pytest.approx([1e-3, 1e-3])
    assert found[-1] == pytest.approx(1e-5)


def test_a_warm_up_as_long_as_the_run_never_falls() -> None:
    chosen = settings(num_epochs=3, warmup_epochs=9)
    assert [rate_at(chosen, step, 2) for step in range(6)] == pytest.approx([1e-3 * step / 6 for step in range(1, 7)])


def test_each_layer_has_a_fraction_of_the_rate_after_it() -> None:
    rates = planned_rates(settings(num_epochs=2, layer_decay=0.5), steps_per_epoch=3, blocks=2)
    assert list(rates) == ["epoch", "head", "block 2", "block 1", "embeddings"]
    assert rates["epoch"].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1, 4 / 3, 5 / 3])
    assert (rates["embeddings"] / rates["head"]).tolist() == pytest.approx([0.125] * 6)
    assert rates["head"].iloc[-1] == pytest.approx(1e-5)


@pytest.mark.parametrize("other", [{"schedule": "plateau"}, {"use_lr_scheduler": False}])
def test_other_schedules_do_not_depend_on_the_step(other: dict[str, object]) -> None:
    chosen = settings(num_epochs=2, **other)
    assert not changes_by_step(chosen)
    assert set(planned_rates(chosen, steps_per_epoch=3, blocks=1)["head"]) == {1e-3}
