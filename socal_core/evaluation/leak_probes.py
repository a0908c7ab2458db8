"""Leak probes: how well facts that do not show the operation predict the outcome for new surgeons.

A model can learn the same facts. So a high score is a warning about the data, not a success.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.images import quiet_pillow, read_thumbnail
from socal_core.dataset.windows import Window
from socal_core.errors import ConfigError, DataError
from socal_core.evaluation.cues import CHANNELS, predict_from, presence_in_parts, varying
from socal_core.evaluation.intervals import TOO_FEW, auroc_estimate
from socal_core.evaluation.metrics import auroc
from socal_core.evaluation.trial_scores import surgeons_by_trial
from socal_core.presets import outcome_reasons
from socal_core.runs.files.metrics_record import Interval
from socal_core.splits import Split

FIRST_FRAMES = 3
"""Number of frames to open per trial: enough to make up for one unusual frame, and few enough for a slow drive."""
BIN_SECONDS = 10
REFUSED_INPUTS = outcome_reasons()
"""Columns that are outcomes themselves, with the reason why each is never an input."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Probe:
    """The result of a probe: how well one fact alone predicts the outcome of held-out trials."""

    name: str
    """A short name of the fact."""
    auroc: float | None
    """None if it cannot be computed; the verdict then states the reason."""
    interval: Interval
    """The low and high end of the 95 % interval; None if there are too few held-out surgeons."""
    n: int
    """Number of held-out trials."""
    verdict: str
    """What the AUROC means and what to do."""

    @property
    def is_leak(self) -> bool:
        """Whether chance is ruled out: the interval is above 0.5."""
        return self.interval is not None and self.interval[0] > 0.5

    def as_dict(self) -> dict[str, Any]:
        """Return the probe as values for JSON."""
        return {**asdict(self), "is_leak": self.is_leak}


@dataclass(frozen=True)
class _Suspect:
    """A fact that may reveal the outcome."""

    name: str
    subject: str
    """The subject of sentences about the fact."""
    values: pd.DataFrame
    """One row per trial: columns of numbers (NaN: unknown), or one column of text (missing: unknown)."""
    meaning: str
    advice: str


def check_input(column: str) -> None:
    """Check that a column of the trials may be an input.

    Raises:
        ConfigError: The column is an outcome itself.
    """
    if column in REFUSED_INPUTS:
        raise ConfigError("input", f"must be known before the outcome is ({REFUSED_INPUTS[column]})", column)


def probe_leaks(dataset: Dataset, split: Split, window: Window, progress: Progress | None = None) -> list[Probe]:
    """Measure how well each fact alone predicts success.

    Each probe learns from the training trials. It is scored on the validation and test trials together: it chooses
    nothing on the validation trials, so the surgeons of both subsets are new to it (unless the split is by trial, see
    `split_warning`). The first FIRST_FRAMES frames of each trial in the window are opened; frames that cannot be read
    are left out.

    Args:
        dataset: The data set.
        split: The split of a run.
        window: The observation window of a run.
        progress: Called after each opened frame with the number of opened frames and of all frames to open.

    Returns:
        The probes, highest AUROC first; those without an AUROC come last.

    Raises:
        DataError: The split contains a trial that is not usable.
    """
    lost = sorted(set(split.trial_ids) - set(dataset.usable_trials.index))
    if lost:
        named = ", ".join(lost)
        raise DataError(
            f"The split contains {named}, which is no usable trial of this data set. Open the data of the split."
        )
    labels = dataset.trials.loc[list(split.trial_ids), "success"].astype("int64")
    train = labels[list(split.train)]
    held_out = labels[[*split.validation, *split.test]]
    surgeons = surgeons_by_trial(dataset.trials.loc[held_out.index])
    suspects = _suspects(dataset, labels.index, window, progress)
    probes = [_probe(suspect, train, held_out, surgeons) for suspect in suspects]
    return sorted(probes, key=lambda probe: (probe.auroc is None, -(probe.auroc or 0)))


def _probe(suspect: _Suspect, train: pd.Series, held_out: pd.Series, surgeons: pd.Series) -> Probe:
    reason = _why_not(suspect, train, held_out)
    if reason:
        return Probe(suspect.name, None, None, len(held_out), f"{suspect.subject} cannot be tested: {reason}")
    probabilities = predict_from(suspect.values, train)[held_out.index]
    interval = auroc_estimate(held_out, probabilities, surgeons).interval
    probe = Probe(suspect.name, auroc(held_out, probabilities), interval, len(held_out), "")
    return replace(probe, verdict=_verdict(suspect, probe))


def _why_not(suspect: _Suspect, train: pd.Series, held_out: pd.Series) -> str:
    """Return why the AUROC cannot be computed and what to do, or "" if it can."""
    for subset, labels in (("training", train), ("held-out", held_out)):
        if labels.nunique() < 2:
            return f"the {subset} trials do not have both outcomes. Split again with another seed or other sizes."
    if suspect.values.loc[train.index].isna().all(axis=None):
        return "it is unknown for all training trials. Add it to the data if you have it."
    if varying(suspect.values, train.index).empty:
        return "it is the same for all training trials, so nothing can be learned from it."
    return ""


def _verdict(suspect: _Suspect, probe: Probe) -> str:
    """Describe a probe; it is a leak only if chance is ruled out."""
    gives = f"{suspect.subject} alone gives {probe.auroc:.2f}"
    if probe.is_leak:
        return f"{gives}: {suspect.meaning}. {suspect.advice}"
    if probe.auroc is None or probe.auroc <= 0.5:
        return f"{gives}, no better than chance on these {probe.n} held-out trials."
    interval = TOO_FEW if probe.interval is None else f"{probe.interval[0]:.2f} to {probe.interval[1]:.2f}"
    return (
        f"{gives} on {probe.n} held-out trials, which may be chance ({interval}). "
        f"Hold out more surgeons to be certain; if in doubt, {suspect.advice[0].lower()}{suspect.advice[1:]}"
    )


def _suspects(dataset: Dataset, ids: pd.Index, window: Window, progress: Progress | None) -> list[_Suspect]:
    trials = dataset.trials.loc[ids]
    frames = dataset.frames[dataset.frames["trial_id"].isin(ids)]
    seen = window.select(frames)
    looks = _look_at_first_frames(dataset, ids, seen, progress)
    return [
        *_lengths(frames, seen, ids, window),
        _Suspect(
            "Frame size",
            "The size of the frames",
            _sizes(trials),
            "cameras or recorders differ between the outcomes, and a model may recognize them by the sharpness",
            "Look at results within one frame size.",
        ),
        _Suspect(
            "File size",
            "The file size of the first frames",
            looks[["bytes"]],
            "how well frames compress is related to the outcome, because of the recorder, the site or what is in view",
            "Save all frames in the same way, and look at results within one site.",
        ),
        _Suspect(
            "Mean colour",
            "The mean colour of the first frames",
            looks[list(CHANNELS)],
            "light, white balance or blood at the start is related to the outcome",
            "Train with more colour jitter, and look at results within one site.",
        ),
        *_surgeons(trials),
        _Suspect(
            "Tools over time",
            "The presence of tools over time",
            presence_in_parts(dataset.boxes, seen.assign(part=(seen["second"] - window.start) // BIN_SECONDS), ids),
            "the tools in view over time predict the outcome without any pixels",
            "Treat it as the score that a video model has to beat.",
        ),
    ]


def _lengths(frames: pd.DataFrame, seen: pd.DataFrame, ids: pd.Index, window: Window) -> list[_Suspect]:
    """Return the length of the trial and, if the window has a fixed end, the number of frames inside the window."""
    whole, inside = (table.groupby("trial_id").size().reindex(ids, fill_value=0).to_frame() for table in (frames, seen))
    seconds = window.describe()
    keep = f"Use the {seconds}; the probe of the frames in the window shows what remains of it."
    advice = f"Use the {Window(0, 60).describe()}." if window.ends_with_the_trial else keep
    meaning = "a model that sees trials from beginning to end may only be reading their length"
    length = _Suspect("Number of frames", "The number of frames", whole, meaning, advice)
    if window.ends_with_the_trial:
        return [length]
    subject = f"The number of frames in the {seconds}"
    meaning = "trials that end inside the window reveal their outcome"
    advice = "Use a window that ends before the shortest trials do."
    return [length, _Suspect("Frames in the window", subject, inside, meaning, advice)]


def _sizes(trials: pd.DataFrame) -> pd.DataFrame:
    """Return width and height of the frames of each trial as one text, missing if one of them is unknown."""
    known = trials[["width", "height"]].dropna().astype("str")
    return (known["width"] + "x" + known["height"]).reindex(trials.index).to_frame()


def _surgeons(trials: pd.DataFrame) -> list[_Suspect]:
    """Return facts about the surgeon, and whether it is the first or second trial."""
    who = "a model may recognize the surgeon instead of the surgery"
    within = "Look at results within each"
    texts = {
        "cohort": (
            "Cohort",
            "The cohort",
            "a model that recognizes the site need not look at the operation",
            "Split by cohort, so that the site of the test trials is new.",
        ),
        "specialty": ("Specialty", "The surgeon's specialty", who, f"{within} specialty."),
        "training_status": ("Training status", "The surgeon's training status", who, f"{within} training status."),
        "trial_number": (
            "Trial 1 or 2",
            "The number of the trial",
            "trials after coaching end differently, and a model may recognize that it sees a second trial",
            "Look at the results of first and second trials separately.",
        ),
    }
    return [
        _Suspect(name, subject, _category(trials, column), meaning, advice)
        for column, (name, subject, meaning, advice) in texts.items()
    ]


def _category(trials: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return a column of the trials as text, missing if unknown. ConfigError if it is an outcome itself."""
    check_input(column)
    return trials[[column]].astype("str").where(trials[[column]].notna())


def _look_at_first_frames(
    dataset: Dataset, ids: pd.Index, seen: pd.DataFrame, progress: Progress | None
) -> pd.DataFrame:
    """Compute the mean file size (bytes) and the mean red, green and blue (0 to 255) of the first frames of each trial.

    NaN if none of these frames can be read.
    """
    first = seen.groupby("trial_id").head(FIRST_FRAMES)
    looks: list[tuple[float, ...]] = []
    with quiet_pillow(), ThreadPoolExecutor(os.cpu_count()) as pool:
        for look in pool.map(lambda name: _look(dataset, name), first["frame"]):
            looks.append(look)
            if progress is not None:
                progress(len(looks), len(first))
    table = pd.DataFrame(looks, columns=["bytes", *CHANNELS], dtype="float64")
    return table.groupby(first["trial_id"].to_numpy()).mean().reindex(ids)


def _look(dataset: Dataset, frame: str) -> tuple[float, ...]:
    """Return file size and mean colour of a frame, or NaN if it cannot be read."""
    try:
        return _file_size(dataset, frame), *_pixels(dataset, frame).mean(axis=(0, 1)).tolist()
    except (DataError, OSError):
        return (np.nan,) * 4


def _pixels(dataset: Dataset, frame: str) -> NDArray[np.uint8]:
    return read_thumbnail(dataset.file_of(frame)) if dataset.is_image(frame) else dataset.read_frame(frame)


def _file_size(dataset: Dataset, frame: str) -> float:
    """Return the size of the frame's file in bytes, or NaN for a frame of a video, whose size reveals its length."""
    return dataset.file_of(frame).stat().st_size if dataset.is_image(frame) else np.nan
