"""Validation scores of an epoch: their intervals are those of few surgeons, not of independent trials."""

import numpy as np
import pytest
import torch

from socal_core.dataset.targets import SUCCESS_TARGET, Target
from socal_core.evaluation.intervals import class_estimates, number_estimates, outcome_estimates
from socal_core.evaluation.metrics import wilson_interval
from socal_core.training.validation import scores_of_head, scores_of_logits

SURGEONS = [f"S{index // 2}" for index in range(40)]


def test_scores_of_outcomes_have_the_intervals_of_the_results() -> None:
    random = np.random.default_rng(0)
    labels = np.tile([0, 1, 1, 0], 10)
    logits = torch.tensor(random.normal(size=(40, 2)) + np.eye(2)[labels])
    values = torch.tensor(labels)
    probabilities = logits.softmax(dim=1)[:, 1].numpy()
    wanted = outcome_estimates(labels, probabilities, probabilities >= 0.5, SURGEONS)
    for scores in (
        scores_of_logits(logits, values, SUCCESS_TARGET, None, SURGEONS),
        scores_of_head(logits, values, SUCCESS_TARGET, SURGEONS),
    ):
        for name in ("accuracy", "auroc"):
            assert scores[f"val_{name}"] == pytest.approx(wanted[name].value)
            assert (scores[f"val_{name}_low"], scores[f"val_{name}_high"]) == pytest.approx(wanted[name].interval)


def test_two_trials_of_a_surgeon_that_are_alike_count_about_once() -> None:
    labels = np.repeat(np.tile([0, 1], 10), 2)
    hit = np.repeat(np.tile([1, 1, 1, 0, 1], 4), 2)
    logits = torch.tensor(np.eye(2)[np.where(hit, labels, 1 - labels)])
    scores = scores_of_logits(logits, torch.tensor(labels), SUCCESS_TARGET, None, SURGEONS)
    independent = wilson_interval(32, 40)
    assert independent is not None
    assert scores["val_accuracy_low"] < independent[0] - 0.02


@pytest.mark.parametrize("surgeons", [[f"S{index // 5}" for index in range(40)], ["S1"] * 40])
def test_too_few_surgeons_have_no_interval(surgeons: list[str]) -> None:
    labels = torch.tensor([0, 1] * 20)
    scores = scores_of_logits(torch.eye(2)[labels], labels, SUCCESS_TARGET, None, surgeons)
    assert (scores["val_accuracy"], scores["val_auroc"]) == (1, 1)
    assert {scores[f"val_{name}_{end}"] for name in ("accuracy", "auroc") for end in ("low", "high")} == {None}


def test_several_classes_have_intervals() -> None:
    random = np.random.default_rng(1)
    labels = np.arange(40) % 3
    logits = torch.tensor(random.normal(size=(40, 3)) + np.eye(3)[labels])
    target = Target("grade", "Grade", classes=("a", "b", "c"))
    scores = scores_of_logits(logits, torch.tensor(labels), target, None, SURGEONS)
    wanted = class_estimates(labels, logits.softmax(dim=1).numpy(), logits.argmax(dim=1).numpy(), SURGEONS)
    assert scores["val_auroc"] == pytest.approx(wanted["macro_auroc"].value)
    assert (scores["val_auroc_low"], scores["val_auroc_high"]) == pytest.approx(wanted["macro_auroc"].interval)


def test_the_interval_of_a_number_is_in_its_unit() -> None:
    random = np.random.default_rng(2)
    true = random.normal(size=140)
    logits = torch.tensor(true + random.normal(size=140))[:, None]
    surgeons = [f"S{index // 2}" for index in range(140)]
    target = Target("blood_loss", "Blood loss", "mL", mean=500.0, scale=300.0)
    scores = scores_of_logits(logits, torch.tensor(true), target, None, surgeons)
    wanted = number_estimates(500 + 300 * true, 500 + 300 * logits[:, 0].numpy(), surgeons)["rmse"]
    assert scores["val_rmse"] == pytest.approx(wanted.value)
    assert (scores["val_rmse_low"], scores["val_rmse_high"]) == pytest.approx(wanted.interval)
