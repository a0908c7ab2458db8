"""socal_core.evaluation.leak_probes"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from socal_core.annotations.rows import BOX_DTYPES
from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.windows import Window
from socal_core.errors import ConfigError, DataError
from socal_core.evaluation.cues import predict_from
from socal_core.evaluation.intervals import auroc_estimate
from socal_core.evaluation.leak_probes import (
    FIRST_FRAMES,
    REFUSED_INPUTS,
    Probe,
    check_input,
    probe_leaks,
)
from socal_core.runs.files.metrics_record import Interval
from socal_core.splits import Split, surgeon_split
from tests.figures.made_tables import make_trials

MINUTE, WHOLE = Window(0, 60), Window(0, None)
PROBES = {
    "Number of frames",
    "Frames in the window",
    "Frame size",
    "File size",
    "Mean colour",
    "Cohort",
    "Specialty",
    "Training status",
    "Trial 1 or 2",
    "Tools over time",
}


class Cohort:
    """Thirty surgeons with two trials each, whose outcomes have nothing to do with anything, until one thing leaks."""

    def __init__(self, root: Path, seed: int = 0) -> None:
        self.root = root
        self.rng = np.random.default_rng(seed)
        surgeons = [f"{100 + index // 2}" for index in range(60)]
        ids = pd.Index([f"S{who}T{index % 2 + 1}" for index, who in enumerate(surgeons)], name="trial_id")
        random = self.rng.integers(0, 2, 60)
        self.trials = make_trials(
            ids,
            participant_id=surgeons,
            trial_number=[1, 2] * 30,
            success=random,
            width=self.rng.choice([1280, 1920], 60),
            height=[720] * 60,
            cohort=self.rng.choice(["USC", "Rush"], 60),
            specialty=self.rng.choice(["ENT", "Neurosurgery"], 60),
            training_status=self.rng.choice(["Attending", "Trainee"], 60),
        ).assign(usable=True)
        self.lengths = dict(zip(ids, self.rng.integers(30, 90, 60), strict=True))
        self.padding = dict(zip(ids, self.rng.integers(0, 400, 60), strict=True))
        self.reds = dict(zip(ids, self.rng.integers(60, 180, 60), strict=True))
        self.with_tool = dict(zip(ids, self.rng.random(60), strict=True))

    def leak(self, what: str) -> None:
        """Let one thing follow the outcome."""
        for trial, success in self.trials["success"].items():
            if what == "length":
                self.lengths[trial] = 40 if success else 80
            elif what == "bytes":
                self.padding[trial] = 3000 if success else 0
            elif what == "colour":
                self.reds[trial] = 150 if success else 90
            elif what == "tools":
                self.with_tool[trial] = 0.9 if success else 0.1
            elif what == "size":
                self.trials.loc[trial, "width"] = 1280 if success else 1920
            else:
                self.trials.loc[trial, what] = "a" if success else "b"

    def dataset(self) -> Dataset:
        """The data set, its first frames on disk."""
        images = self.root / layout.IMAGES_DIR
        images.mkdir(exist_ok=True)
        frames, boxes = [], []
        for trial, length in self.lengths.items():
            for second in range(length):
                name = f"{trial}_frame_{second + 1:08d}.jpeg"
                frames.append((name, trial, second, second))
                if self.rng.random() < self.with_tool[trial]:
                    boxes.append((name, trial, second, 1, 2, 3, 4, "suction", pd.NA))
                if second < FIRST_FRAMES:
                    Image.new("RGB", (32, 24), (int(self.reds[trial]), 90, 90)).save(images / name, quality=95)
                    with (images / name).open("ab") as file:
                        file.write(bytes(int(self.padding[trial])))
        return Dataset(
            root=self.root,
            trials=self.trials.assign(n_frames=pd.Series(self.lengths)),
            frames=pd.DataFrame(frames, columns=["frame", "trial_id", "position", "second"]),
            boxes=pd.DataFrame(boxes, columns=list(BOX_DTYPES)).astype(BOX_DTYPES),
            outcome_rows=60,
            problems=(),
        )


def split_of(dataset: Dataset) -> Split:
    return surgeon_split(dataset.usable_trials, 0.2, 0.3, seed=0)


def named(probes: list[Probe]) -> dict[str, Probe]:
    return {probe.name: probe for probe in probes}


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    return Cohort(tmp_path)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("what", "window", "names"),
    [
        ("length", WHOLE, {"Number of frames"}),
        ("length", MINUTE, {"Number of frames", "Frames in the window"}),
        ("size", MINUTE, {"Frame size"}),
        ("bytes", MINUTE, {"File size"}),
        ("colour", MINUTE, {"Mean colour"}),
        ("tools", MINUTE, {"Tools over time"}),
        ("cohort", MINUTE, {"Cohort"}),
        ("specialty", MINUTE, {"Specialty"}),
        ("training_status", MINUTE, {"Training status"}),
    ],
)
def test_what_leaks_is_found_and_nothing_else(cohort: Cohort, what: str, window: Window, names: set[str]) -> None:
    cohort.leak(what)
    dataset = cohort.dataset()
    probes = probe_leaks(dataset, split_of(dataset), window)
    assert {probe.name for probe in probes if probe.is_leak} == names
    assert {probe.name for probe in probes[: len(names)]} == names
    assert all((probe.auroc or 0) > 0.98 for probe in probes[: len(names)])
    assert all("may be chance" in p.verdict or "no better than chance" in p.verdict for p in probes[len(names) :])
    aurocs = [probe.auroc or 0 for probe in probes]
    assert aurocs == sorted(aurocs, reverse=True)


def test_second_trials_that_succeed_are_found(cohort: Cohort) -> None:
    cohort.trials["success"] = cohort.trials["trial_number"] - 1
    dataset = cohort.dataset()
    probe = probe_leaks(dataset, split_of(dataset), MINUTE)[0]
    assert (probe.name, probe.auroc) == ("Trial 1 or 2", 1.0)
    assert "Look at the results of first and second trials separately." in probe.verdict


@pytest.mark.slow
def test_outcomes_that_follow_nothing_give_chance(tmp_path: Path) -> None:
    """Over several shuffles the mean is about 0.5, and nearly all 95 % intervals hold 0.5."""
    cohort = Cohort(tmp_path)
    dataset = cohort.dataset()
    aurocs, holding = [], []
    for seed in range(6):
        shuffled = cohort.trials["success"].sample(frac=1, random_state=seed).array
        drawn = replace(dataset, trials=dataset.trials.assign(success=shuffled))
        for probe in probe_leaks(drawn, split_of(drawn), MINUTE):
            assert probe.auroc is not None
            assert probe.interval is not None
            aurocs.append(probe.auroc)
            holding.append(probe.interval[0] <= 0.5 <= probe.interval[1])
    assert np.mean(aurocs) == pytest.approx(0.5, abs=0.05)
    assert np.mean(holding) > 0.85


def test_the_verdict_contains_advice(cohort: Cohort) -> None:
    cohort.leak("length")
    dataset = cohort.dataset()
    whole = named(probe_leaks(dataset, split_of(dataset), WHOLE))
    assert whole["Number of frames"].verdict == (
        "The number of frames alone gives 1.00: a model that sees trials from beginning to end may only be reading "
        "their length. Use the first 60 s."
    )
    assert set(whole) == PROBES - {"Frames in the window"}
    minute = named(probe_leaks(dataset, split_of(dataset), MINUTE))
    assert set(minute) == PROBES
    assert "Use the first 60 s" in minute["Number of frames"].verdict
    assert "ends before the shortest trials do" in minute["Frames in the window"].verdict


def test_a_number_agrees_with_an_independent_regression(cohort: Cohort) -> None:
    dataset = cohort.dataset()
    split = split_of(dataset)
    probe = named(probe_leaks(dataset, split, WHOLE))["Number of frames"]
    train, held_out = list(split.train), [*split.validation, *split.test]
    x = dataset.trials["n_frames"].astype(float)
    x = (x - x[train].mean()) / x[train].std(ddof=0)
    y = dataset.trials["success"].astype(int)
    weights = y[train].map(len(train) / (2 * y[train].value_counts()))
    fitted = LogisticRegression().fit(x[train].to_numpy()[:, None], y[train], sample_weight=weights)
    scores = fitted.decision_function(x[held_out].to_numpy()[:, None])
    assert probe.auroc == pytest.approx(roc_auc_score(y[held_out], scores))
    surgeons = dataset.trials.loc[held_out, "participant_id"]
    assert probe.interval == pytest.approx(auroc_estimate(y[held_out], scores, surgeons).interval)
    assert probe.n == len(held_out)


def test_tool_presence_is_the_fraction_of_frames_in_ten_seconds(cohort: Cohort) -> None:
    """The probe scores like a regression on fractions that are counted frame by frame."""
    dataset = cohort.dataset()
    split = split_of(dataset)
    boxed = set(dataset.boxes["frame"])
    rows = {}
    for trial in split.trial_ids:
        frames = dataset.frames_of(trial)
        bins = [frames[frames["second"].between(10 * k, 10 * k + 9)]["frame"] for k in range(6)]
        rows[trial] = [sum(name in boxed for name in part) / len(part) if len(part) else np.nan for part in bins]
    shares = pd.DataFrame.from_dict(rows, orient="index")
    y = dataset.trials["success"].astype(int)
    scores = predict_from(shares, y[list(split.train)])
    held_out = [*split.validation, *split.test]
    probe = named(probe_leaks(dataset, split, MINUTE))["Tools over time"]
    assert probe.auroc == pytest.approx(roc_auc_score(y[held_out], scores[held_out]))


def test_held_out_outcomes_teach_nothing(cohort: Cohort) -> None:
    """With all held-out outcomes turned round every AUROC becomes its complement: the fits are as before."""
    dataset = cohort.dataset()
    split = split_of(dataset)
    held_out = [*split.validation, *split.test]
    turned = dataset.trials.copy()
    turned.loc[held_out, "success"] = 1 - turned.loc[held_out, "success"]
    before = named(probe_leaks(dataset, split, MINUTE))
    after = named(probe_leaks(replace(dataset, trials=turned), split, MINUTE))
    for name, probe in before.items():
        assert probe.auroc is not None
        assert after[name].auroc == pytest.approx(1 - probe.auroc)


def test_an_auroc_below_one_half_is_kept_and_is_no_leak(cohort: Cohort) -> None:
    cohort.leak("length")
    dataset = cohort.dataset()
    split = split_of(dataset)
    held_out = [*split.validation, *split.test]
    dataset.trials.loc[held_out, "success"] = 1 - dataset.trials.loc[held_out, "success"]
    probe = named(probe_leaks(dataset, split, WHOLE))["Number of frames"]
    assert (probe.auroc, probe.is_leak) == (0, False)
    assert "no better than chance" in probe.verdict


def test_a_handful_of_trials_is_no_alarm(cohort: Cohort) -> None:
    cohort.leak("length")
    dataset = cohort.dataset()
    outcomes = dataset.trials["success"]
    few = [trial for value in (0, 1) for trial in outcomes.index[outcomes == value][:4]]
    train = tuple(trial for trial in outcomes.index if trial not in few)
    probe = named(probe_leaks(dataset, Split(train, tuple(few[::2]), tuple(few[1::2]), 0), WHOLE))["Number of frames"]
    assert probe.auroc == 1
    assert (probe.n, probe.interval, probe.is_leak) == (8, None, False)
    assert "may be chance (too few surgeons for an interval)" in probe.verdict
    assert "if in doubt, use the first 60 s." in probe.verdict


@pytest.mark.parametrize(("interval", "is_leak"), [((0.51, 0.9), True), ((0.5, 0.9), False), (None, False)])
def test_a_leak_needs_an_interval_above_chance(interval: Interval, is_leak: bool) -> None:
    probe = Probe("Cohort", 0.7, interval, 40, "")
    assert probe.is_leak is is_leak
    assert probe.as_dict()["is_leak"] is is_leak


@pytest.mark.slow
@pytest.mark.parametrize(
    ("column", "value", "name", "reason"),
    [
        ("cohort", None, "Cohort", "unknown for all training trials"),
        ("cohort", "USC", "Cohort", "the same for all training trials"),
        ("width", 1280, "Frame size", "the same for all training trials"),
        ("width", pd.NA, "Frame size", "unknown for all training trials"),
    ],
)
def test_a_probe_that_cannot_be_tested_states_why(
    cohort: Cohort, column: str, value: object, name: str, reason: str
) -> None:
    cohort.trials[column] = pd.array([value] * 60, dtype=cohort.trials[column].dtype)
    dataset = cohort.dataset()
    probe = probe_leaks(dataset, split_of(dataset), MINUTE)[-1]
    assert (probe.name, probe.auroc, probe.interval, probe.is_leak) == (name, None, None, False)
    assert reason in probe.verdict


def test_no_boxes_are_no_tools(cohort: Cohort) -> None:
    dataset = cohort.dataset()
    dataset = replace(dataset, boxes=dataset.boxes.iloc[:0])
    probe = named(probe_leaks(dataset, split_of(dataset), MINUTE))["Tools over time"]
    assert probe.auroc is None
    assert "cannot be tested" in probe.verdict


@pytest.mark.parametrize("subset", ["training", "held-out"])
def test_a_subset_with_one_outcome_gives_no_number(cohort: Cohort, subset: str) -> None:
    dataset = cohort.dataset()
    good = list(dataset.trials.index[dataset.trials["success"] == 1])
    rest = [trial for trial in dataset.trials.index if trial not in good[:15]]
    subsets = (good[:15], rest) if subset == "training" else (rest, good[:15])
    probes = probe_leaks(dataset, Split(tuple(subsets[0]), (), tuple(subsets[1]), 0), MINUTE)
    assert all(probe.auroc is None for probe in probes)
    assert all(f"the {subset} trials do not have both outcomes" in probe.verdict for probe in probes)


def test_unreadable_frames_are_skipped_and_a_trial_without_any_gets_the_mean(cohort: Cohort) -> None:
    cohort.leak("colour")
    dataset = cohort.dataset()
    split = split_of(dataset)
    images = cohort.root / layout.IMAGES_DIR
    for trial in dataset.trials.index:
        (images / f"{trial}_frame_00000001.jpeg").write_bytes(b"damaged")
    assert named(probe_leaks(dataset, split, MINUTE))["Mean colour"].auroc == 1
    blind = split.test[0]
    for path in images.glob(f"{blind}_*"):
        path.unlink()
    probe = named(probe_leaks(dataset, split, MINUTE))["Mean colour"]
    y = dataset.trials["success"].astype(int)
    held_out = [*split.validation, *split.test]
    # The one trial at the mean stands between the two colours, so that no pair is in the wrong order.
    assert probe.auroc == 1
    assert probe.n == len(held_out) == len(y[held_out])


def test_no_readable_frame_at_all(cohort: Cohort) -> None:
    dataset = cohort.dataset()
    for path in (cohort.root / layout.IMAGES_DIR).iterdir():
        path.unlink()
    probes = named(probe_leaks(dataset, split_of(dataset), MINUTE))
    for name in ("Mean colour", "File size"):
        assert probes[name].auroc is None
        assert "unknown for all training trials" in probes[name].verdict


def test_progress_counts_the_frames_that_are_opened(cohort: Cohort) -> None:
    dataset = cohort.dataset()
    told: list[tuple[int, int]] = []
    probe_leaks(dataset, split_of(dataset), MINUTE, lambda done, total: told.append((done, total)))
    total = 60 * FIRST_FRAMES
    assert told == [(done, total) for done in range(1, total + 1)]


def test_a_split_of_other_data_is_refused(cohort: Cohort) -> None:
    dataset = cohort.dataset()
    with pytest.raises(DataError, match="The split contains S9T9, which is no usable trial"):
        probe_leaks(dataset, replace(split_of(dataset), test=("S9T9",)), MINUTE)


@pytest.mark.parametrize("column", ["tth", "muscle", "muscle_success", "cottonoid", "cottonoid_success", "blood_loss"])
def test_outcomes_are_refused_as_inputs(column: str) -> None:
    with pytest.raises(ConfigError, match="input: must be known before the outcome is") as caught:
        check_input(column)
    assert REFUSED_INPUTS[column] in str(caught.value)
    assert str(caught.value).endswith(f"got {column!r}")


@pytest.mark.parametrize("column", ["cohort", "trial_number", "n_frames"])
def test_what_is_known_before_the_outcome_may_be_an_input(column: str) -> None:
    assert column not in REFUSED_INPUTS
    check_input(column)
