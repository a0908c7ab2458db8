"""Each rule of the advice: the setting just below and just above its limit, on data that triggers no other rule."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from socal_core.dataset.opening import open_dataset
from socal_core.dataset.target_choice import with_target
from socal_core.dataset.targets import SUCCESS_TARGET, Target
from socal_core.demo.simulate import simulate_trials
from socal_core.demo.tables import Faults
from socal_core.preflight.advice import Advice, Level, advice
from socal_core.preflight.circumstances import Circumstances, SubsetCounts, circumstances
from socal_core.settings import PRETRAINED, TINY, config_from, default_config
from socal_core.splits import Split, make_split, split_dataset
from tests.factories import write_dataset, write_outcomes


def outcomes(successes: int, failures: int) -> SubsetCounts:
    return SubsetCounts.of(pd.Series([1] * successes + [0] * failures), SUCCESS_TARGET)


PLENTY = Circumstances(
    outcomes(60, 60), outcomes(10, 10), outcomes(10, 10), window_frames=60, frame_edge=1080, cores=4, gpus=3
)
QUIET = {TINY: {"recipe": "finetune"}, PRETRAINED: {"learning_rate": 1e-5}}


def advise(model: str = TINY, found: Circumstances = PLENTY, **settings: Any) -> list[Advice]:
    return advice(config_from({"model": model, **QUIET[model], **settings}, TINY), found)


def test_a_feature_that_is_off_gets_no_advice() -> None:
    wrong = {"early_stopping_patience": 1, "num_epochs": 10}
    assert [item.field for item in advise(**wrong)] == ["early_stopping_patience"]
    assert advise(**wrong, use_lr_scheduler=False) == advise(**wrong, use_early_stopping=False) == []
    assert [item.field for item in advise(num_epochs=2)] == ["num_epochs"]
    assert advise(num_epochs=2, use_early_stopping=False) == []


def test_frozen_features_get_no_advice_on_training() -> None:
    wrong = {"batch_size": 121, "learning_rate": 0.5, "early_stopping_patience": 1, "mixup": 0.8, "dropout_rate": 0.0}
    assert advise(recipe="finetune", **wrong)
    assert advise(recipe="frozen", **wrong) == []
    few = replace(PLENTY, validation=outcomes(2, 2), window_frames=8)
    found = advise(recipe="frozen", found=few)
    assert {item.field for item in found} == {"num_frames", "validation_fraction"}


@pytest.mark.parametrize("model", [TINY, PRETRAINED])
def test_sound_settings_on_plenty_of_data_need_no_advice(model: str) -> None:
    assert advise(model) == []


@pytest.mark.parametrize(
    ("model", "wrong", "right", "field", "level", "words"),
    [
        (TINY, {"batch_size": 121}, {"batch_size": 120}, "batch_size", "warning", "121 exceeds the 120 .* to 30"),
        (TINY, {"batch_size": 118}, {"batch_size": 60}, "batch_size", "info", "has only 2 of 120 .* batch_size of 60"),
        (TINY, {"learning_rate": 2.9e-5}, {"learning_rate": 3e-5}, "learning_rate", "warning", "2.9e-05 is too low"),
        (TINY, {"learning_rate": 0.011}, {"learning_rate": 0.01}, "learning_rate", "warning", "AdamW at 0.011"),
        (
            TINY,
            {"learning_rate": 9e-4, "optimizer": "SGD"},
            {"learning_rate": 2e-2, "optimizer": "SGD"},
            "learning_rate",
            "warning",
            "SGD at 0.0009 learns almost nothing",
        ),
        (PRETRAINED, {"learning_rate": 2e-4}, {}, "learning_rate", "warning", "0.0002 is so high .* 1e-5 to 3e-5"),
        (
            PRETRAINED,
            {"learning_rate": 5e-5},
            {"learning_rate": 3e-5},
            "learning_rate",
            "warning",
            "86 million weights, all trainable, on 120 trials at 5e-05: .*7.8e-06 for batches of 4",
        ),
        (
            PRETRAINED,
            {"learning_rate": 2e-5, "batch_size": 2},
            {"learning_rate": 1.5e-5, "batch_size": 2},
            "learning_rate",
            "warning",
            "Steps of 2 clips are noisy at 2e-05: .* gives 3.9e-06",
        ),
        (
            TINY,
            {"early_stopping_patience": 6, "scheduler_patience": 5},
            {"early_stopping_patience": 7, "scheduler_patience": 5},
            "early_stopping_patience",
            "warning",
            "ends after 6 .* falls only after 6, .* to 7 or more",
        ),
        (TINY, {"num_epochs": 13}, {"num_epochs": 14}, "num_epochs", "info", "13 epochs and a patience of 12"),
        (TINY, {"num_frames": 62}, {"num_frames": 60}, "num_frames", "warning", "62 frames.*has 60 .* to 60 or less"),
        (
            TINY,
            {"sampling": "dense", "stride": 4},
            {"sampling": "dense", "stride": 3},
            "stride",
            "warning",
            "spans 61 frames, but the window has 60, .* to 3 or less",
        ),
        (TINY, {"sampling": "dense", "stride": 4}, {"stride": 4}, "stride", "warning", "61 frames"),
        (
            TINY,
            {"mixup": 0.8, "batch_size": 1},
            {"mixup": 0.8, "batch_size": 2},
            "mixup",
            "warning",
            "no clip to mix in",
        ),
        (
            TINY,
            {"mixup": 0.8, "cutmix": 1.0, "batch_size": 1},
            {"batch_size": 1},
            "mixup",
            "warning",
            "mixup and cutmix has no clip to mix in",
        ),
        (TINY, {"crop_area": 0.29}, {"crop_area": 0.3}, "crop_area", "warning", "29% of the frame"),
        (TINY, {"horizontal_flip": 1.0}, {"horizontal_flip": 0.5}, "horizontal_flip", "info", "0.5 is usual"),
        (TINY, {"hue_jitter": 0.3}, {"hue_jitter": 0.2}, "hue_jitter", "info", "blood colours"),
        (TINY, {"color_jitter": 0.6}, {"color_jitter": 0.5}, "color_jitter", "info", "0.2 to 0.4 is usual"),
        (TINY, {"rotation_degrees": 90.0}, {"rotation_degrees": 45.0}, "rotation_degrees", "info", "10 is usual"),
        (TINY, {"dropout_rate": 0.0}, {"dropout_rate": 0.1}, "dropout_rate", "info", "3 million weights and 120"),
        (TINY, {"num_workers": 17}, {"num_workers": 16}, "num_workers", "info", "17 reading threads share 4 .* to 4"),
        (
            TINY,
            {"gpus": 4},
            {"gpus": 3},
            "gpus",
            "error",
            "asks for 4 GPUs, but this machine has 3 GPUs. Set gpus to 3",
        ),
        (
            TINY,
            {"accumulation_steps": 5, "batch_size": 12, "gpus": 3},
            {"accumulation_steps": 4, "batch_size": 12, "gpus": 3},
            "accumulation_steps",
            "info",
            "4 clips per device cannot be divided into 5 parts.* to 4",
        ),
    ],
)
def test_a_rule_applies_only_beyond_its_limit(
    model: str, wrong: dict[str, Any], right: dict[str, Any], field: str, level: str, words: str
) -> None:
    (item,) = advise(model, **wrong)
    assert (item.field, item.level) == (field, level)
    assert re.search(words, item.text), item.text
    assert advise(model, **right) == []


@pytest.mark.parametrize(
    ("change", "field", "level", "words"),
    [
        ({"train": outcomes(12, 0)}, "split_method", Level.ERROR, "All 12 training trials are successes"),
        (
            {"train": outcomes(0, 0)},
            "window",
            Level.ERROR,
            "No training trial has a frame in the window (first 60 s)",
        ),
        ({"test": outcomes(0, 0)}, "window", Level.ERROR, "No test trial has a frame"),
        (
            {"validation": outcomes(0, 12)},
            "validation_fraction",
            Level.WARNING,
            "All 12 validation trials are failures, so the validation subset has no AUROC. Increase",
        ),
        (
            {"validation": outcomes(5, 4)},
            "validation_fraction",
            Level.WARNING,
            "only 9 trials: one trial changes the validation accuracy by 11 percentage points.",
        ),
        ({"test": outcomes(1, 0)}, "test_fraction", Level.WARNING, "has one trial: it has no AUROC"),
        (
            {"test": outcomes(10, 9)},
            "test_fraction",
            Level.WARNING,
            "only 19 trials: one trial changes the test accuracy by 5 percentage points. Increase test_fraction",
        ),
    ],
)
def test_subsets_that_are_too_small_or_have_one_outcome(
    change: dict[str, Any], field: str, level: Level, words: str
) -> None:
    given = advise(found=replace(PLENTY, **change))
    assert given[0].level is level
    assert any(item.field == field and words in item.text for item in given), given
    assert {item.level for item in given if item.field == field} == {level}


def test_ten_validation_and_twenty_test_trials_of_both_outcomes_are_enough() -> None:
    assert advise(found=replace(PLENTY, validation=outcomes(9, 1), test=outcomes(1, 19))) == []


@pytest.mark.parametrize(
    ("settings", "field", "words"),
    [
        ({"split_method": "random"}, "test_fraction", "Increase test_fraction"),
        ({"split_method": "k-fold"}, "folds", "Choose fewer folds"),
        ({"split_method": "socal20"}, "split_method", "Choose another split_method"),
        ({"split_method": "column", "split_value": "USC"}, "split_value", "Choose another split_value"),
    ],
)
def test_few_test_trials_name_the_setting_that_determines_them(
    settings: dict[str, Any], field: str, words: str
) -> None:
    (item,) = advise(found=replace(PLENTY, test=outcomes(8, 8)), **settings)
    assert (item.field, item.level) == (field, Level.WARNING)
    assert words in item.text


def demo_trials() -> pd.DataFrame:
    """Return the usable trials of the default demo: all except the one without an outcome."""
    trials = simulate_trials(40, 0)
    without_outcome = Faults.of(trials).trial_without_outcome
    rows = [(t.trial_id, t.participant_id, int(t.success)) for t in trials if t.trial_id != without_outcome]
    return pd.DataFrame(rows, columns=["trial_id", "participant_id", "success"]).set_index("trial_id")


def socal_trials(trials: int) -> pd.DataFrame:
    """Return pairs and single trials in the numbers of SOCAL, with 65 % successes."""
    chance = np.random.default_rng(trials)
    singles = trials // 4
    surgeons = [*range(singles), *(singles + i // 2 for i in range(trials - singles))]
    names = [f"S{surgeon}" for surgeon in surgeons]
    outcomes = (chance.random(trials) < 0.65).astype(int)
    ids = [f"{name}T{i}" for i, name in enumerate(names)]
    return pd.DataFrame({"participant_id": names, "success": outcomes}, index=ids)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("trials", [demo_trials(), socal_trials(143), socal_trials(141)], ids=["demo", "143", "141"])
def test_the_default_split_needs_no_warning(trials: pd.DataFrame, seed: int) -> None:
    """There are at least 20 test trials; the other subsets are as close to the fractions as whole surgeons allow."""
    split = make_split(trials, default_config(TINY).replace(seed=seed).split)
    assert len(split.test) >= 20
    assert len(split.validation) == pytest.approx(0.15 * len(trials), abs=2)
    assert len(split.test) == pytest.approx(0.25 * len(trials), abs=2)
    subsets = [trials.loc[list(ids), "success"] for ids in (split.train, split.validation, split.test)]
    subsets = [outcomes(int(y.sum()), int((1 - y).sum())) for y in subsets]
    found = replace(PLENTY, train=subsets[0], validation=subsets[1], test=subsets[2])
    assert [item for item in advise(found=found) if item.field.endswith("_fraction")] == []


@pytest.mark.parametrize("surgeons", [3, 6])
def test_the_default_split_of_few_surgeons(surgeons: int) -> None:
    names = [f"{100 + i // 2}" for i in range(2 * surgeons)]
    ids = [f"S{name}T{i % 2 + 1}" for i, name in enumerate(names)]
    trials = pd.DataFrame({"participant_id": names, "success": [0, 1] * surgeons}, index=ids)
    split = make_split(trials, default_config(TINY).split)
    assert all(len(subset) >= 2 for subset in (split.train, split.validation, split.test))
    assert set(split.trial_ids) == set(ids)


@pytest.mark.parametrize(("edge", "model", "warns"), [(383, TINY, True), (384, TINY, False), (720, PRETRAINED, True)])
def test_scaled_decoding_without_effect_is_reported(edge: int, model: str, warns: bool) -> None:
    given = advise(model, replace(PLENTY, frame_edge=edge), scaled_decoding=True)
    assert [item.field for item in given] == ["scaled_decoding"] * warns


@pytest.mark.parametrize("recipe", ["finetune", "frozen"])
def test_locks_that_do_not_keep_workers_apart_are_a_warning(recipe: str) -> None:
    (item,) = advise(found=replace(PLENTY, lock_problem="Locks count on one machine. Use one."), recipe=recipe)
    assert (item.level, item.field, item.text) == (Level.WARNING, "", "Locks count on one machine. Use one.")


def test_large_data_sets_take_a_higher_rate_and_no_dropout() -> None:
    large = replace(PLENTY, train=outcomes(600, 600))
    assert advise(PRETRAINED, large, learning_rate=5e-5, dropout_rate=0.0) == []


def test_errors_come_first_and_hints_last() -> None:
    given = advise(found=replace(PLENTY, train=outcomes(5, 0)), dropout_rate=0.0, crop_area=0.1)
    assert [item.level for item in given] == [Level.ERROR, Level.WARNING, Level.WARNING, Level.INFO]


def test_every_text_is_one_or_two_sentences_that_name_a_setting_to_change() -> None:
    found = Circumstances(
        outcomes(3, 0), outcomes(1, 0), outcomes(0, 2), window_frames=10, frame_edge=100, cores=1, gpus=0
    )
    settings = {
        "gpus": 2,
        "crop_area": 0.1,
        "mixup": 1.0,
        "dropout_rate": 0.0,
        "num_workers": 64,
        "scaled_decoding": True,
    }
    given = advise(PRETRAINED, found, **settings, learning_rate=1e-3, early_stopping_patience=1, num_epochs=2)
    assert len(given) >= 8
    for item in given:
        assert item.text.endswith(".") and len(item.text) < 260, item
        assert item.field in default_config(TINY).as_dict()


def test_circumstances_count_what_the_window_shows(tmp_path: Path) -> None:
    """S100T1 to S109T2 with 12 frames each; no frame of the first training trial is in the window."""
    dataset = open_dataset(write_dataset(tmp_path / "data", size=(64, 48)))
    config = default_config(TINY)
    split = make_split(dataset.usable_trials, config.split)
    whole = circumstances(dataset, split, config, cores=3, gpus=0)
    success = dataset.trials["success"]
    for counts, trial_ids in (
        (whole.train, split.train),
        (whole.validation, split.validation),
        (whole.test, split.test),
    ):
        assert counts == outcomes(sum(success[list(trial_ids)] == 1), sum(success[list(trial_ids)] == 0))
    assert (whole.window_frames, whole.frame_edge, whole.cores) == (12, 48, 3)
    late = dataset.frames["second"].where(dataset.frames["trial_id"] != split.train[0], dataset.frames["second"] + 60)
    moved = replace(dataset, frames=dataset.frames.assign(second=late))
    assert circumstances(moved, split, config, 1, 0).train.trials == whole.train.trials - 1
    gone = circumstances(dataset, split, config_from({"model": TINY, "window": "50:60"}, TINY), 1, 0)
    assert (gone.train, gone.window_frames) == (outcomes(0, 0), 0)


def test_circumstances_of_frames_of_unknown_size(tmp_path: Path) -> None:
    dataset = open_dataset(write_dataset(tmp_path / "data", surgeons=3))
    trials = dataset.trials.assign(width=None, height=None).astype({"width": "Int64", "height": "Int64"})
    split = Split(("S100T1",), ("S101T1",), ("S102T1",), seed=0)
    assert circumstances(replace(dataset, trials=trials), split, default_config(TINY), 1, 0).frame_edge is None


GRADES = Target("grade", "grade", classes=("low", "middle", "high"))
LOSS = Target("blood_loss", "Blood loss", "mL")


def of_values(target: Target, *values: float) -> SubsetCounts:
    return SubsetCounts.of(pd.Series(values), target)


@pytest.mark.parametrize(
    ("target", "subsets", "level", "text"),
    [
        (GRADES, {"train": (0, 0, 1)}, Level.ERROR, "No training trial is of class high, so it cannot be learned."),
        (GRADES, {"train": (2, 2)}, Level.ERROR, "All 2 training trials are of class high: there is nothing to learn."),
        (GRADES, {"test": (0, 1)}, Level.WARNING, "No test trial is of class high, so the test subset has no AUROC."),
        (LOSS, {"train": (5.0, 5.0)}, Level.ERROR, "All 2 training trials are equal in Blood loss"),
        (LOSS, {"test": (5.0, 5.0)}, Level.WARNING, "are equal in Blood loss, so the test subset has no R²."),
        (LOSS, {"test": (5.0,)}, Level.WARNING, "The test subset has one trial: it has no R². "),
        (LOSS, {"test": (1.0, 2.0)}, Level.WARNING, "has only 2 trials: its error depends strongly on each of them."),
    ],
)
def test_advice_on_another_target(
    target: Target, subsets: dict[str, tuple[float, ...]], level: Level, text: str
) -> None:
    plenty = of_values(target, *[0, 1, 2] * 10)
    enough = replace(PLENTY, target=target, train=plenty, validation=plenty, test=plenty)
    assert advise(found=enough, batch_size=30) == []
    changed = {name: of_values(target, *values) for name, values in subsets.items()}
    given = advise(found=replace(enough, **changed), batch_size=1)
    assert [item.level for item in given if text in item.text] == [level]


def test_circumstances_count_the_classes_of_the_target(tmp_path: Path) -> None:
    """Twenty trials, of which the last two have no grade."""
    folder = write_outcomes(write_dataset(tmp_path / "data"), grade=["low", "high", "low"] * 6 + ["NA", ""])
    dataset = with_target(open_dataset(folder), "grade")
    config = default_config(TINY)
    split = split_dataset(dataset, config.split)
    found = circumstances(dataset, split, config, cores=1, gpus=0)
    assert (found.train.trials, found.validation.trials, found.test.trials) == tuple(
        len(ids) for ids in (split.train, split.validation, split.test)
    )
    assert found.train.trials + found.validation.trials + found.test.trials == 18
    assert (found.train.missing, found.target.classes) == ((), ("high", "low"))
