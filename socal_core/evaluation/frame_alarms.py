"""Alarms from reports on the frames of a data set: the same footage in two subsets, and text that a model could read.

The reports are made on request (`same_footage.py`, `frame_text.py`), since they read many frames; here they are only
looked up.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from socal_core.dataset.frame_reports import FOOTAGE, TEXT, any_report, read_report
from socal_core.dataset.problems import printable
from socal_core.errors import SocalError
from socal_core.evaluation.alarm import Alarm, AlarmSeverity
from socal_core.evaluation.frame_text import FrameText, TextKind, kinds_of_text, texts_of
from socal_core.evaluation.same_footage import SameFootage, footage_of
from socal_core.runs.folder import RunFolder

NAMED = 3
"""The number of pairs that an alarm names."""
CHECKS = {
    FOOTAGE: "whether trials of different subsets show the same footage",
    TEXT: "whether text is burnt into the frames",
}


def frame_alarms(run: RunFolder, predictions: pd.DataFrame) -> Iterator[Alarm]:
    """Yield the alarms of the reports on the data of a run, whatever it predicts.

    Args:
        run: The run.
        predictions: Its predictions, of which `trial_id` and `split` are used.
    """
    reports = _reports(run)
    subsets = dict(zip(predictions["trial_id"], predictions["split"], strict=True))
    if FOOTAGE in reports:
        yield from _same_footage(footage_of(reports[FOOTAGE]), subsets)
    if TEXT in reports:
        found = kinds_of_text(texts_of(reports[TEXT]))
        yield from _text({trial: kind for trial, kind in found.items() if trial in subsets}, len(subsets))


def unchecked(run: RunFolder) -> str:
    """Say which reports on the data of a run are missing; "" if none is."""
    reports = _reports(run)
    missing = [text for name, text in CHECKS.items() if name not in reports]
    if not missing:
        return ""
    where = "The Dataset page does this under Problems, as do the commands footage and text."
    return f"Not checked yet: {', and '.join(missing)}. {where}"


def _reports(run: RunFolder) -> Mapping[str, dict[str, Any]]:
    """Return the reports on the data of a run by name."""
    if not any_report():
        return {}  # opening the data takes a while
    try:
        fingerprint = run.open_dataset().fingerprint
    except SocalError:
        return {}  # the page says that the data cannot be opened
    found = {name: read_report(fingerprint, name) for name in CHECKS}
    return {name: report for name, report in found.items() if report is not None}


def _same_footage(pairs: list[SameFootage], subsets: Mapping[str, str]) -> Iterator[Alarm]:
    """Yield an alarm for pairs of which one is a test trial and the other is not."""
    named = []
    for pair in pairs:
        ends = [(pair.trial_id, pair.second), (pair.other, pair.other_second)]
        ends.sort(key=lambda end: subsets.get(end[0]) != "test")
        (test, second), (other, other_second) = ends
        if subsets.get(test) == "test" and subsets.get(other) in {"train", "validation"}:
            subset = {"train": "training", "validation": "validation"}[subsets[other]]
            named.append(
                f"{test} at {second:g} s and the {subset} trial {other} at {other_second:g} s "
                f"(distance {pair.distance:.4f}, {pair.frames} frames)"
            )
    if named:
        more = f", and {len(named) - NAMED} more" if len(named) > NAMED else ""
        text = (
            "Test trials show the same footage as trials that the model learned from, so the scores are too good: "
            f"{'; '.join(named[:NAMED])}{more}."
        )
        yield Alarm("same-footage", AlarmSeverity.SERIOUS, text)


def _text(found: Mapping[str, tuple[TextKind, FrameText]], trials: int) -> Iterator[Alarm]:
    """Yield an alarm for the worst kind of text."""
    for kind in TextKind:
        examples = [text for of_trial, text in found.values() if of_trial is kind]
        if examples:
            yield _text_alarm(kind, examples[0], len(examples), trials)
            return


def _text_alarm(kind: TextKind, example: FrameText, count: int, trials: int) -> Alarm:
    where = (
        f"the frames of {count} of {trials} trials, such as \u201c{printable(example.text)}\u201d in "
        f"{example.trial_id} at {example.second:g} s"
    )
    if kind is TextKind.CLOCK:
        text = f"A clock, or other numbers that change, is burnt into {where}. A model can read the time from it."
        return Alarm("clock-in-frames", AlarmSeverity.SERIOUS, f"{text} Cover it or cut it off.")
    if kind is TextKind.FIXED:
        text = f"Text stays at its place in {where}. A model can tell sites or recorders by it. Cover it or cut it off."
        return Alarm("text-in-frames", AlarmSeverity.CAUTION, text)
    text = f"There is text in {where}, but at no place in two frames, so it may be on an instrument."
    return Alarm("text-in-frames", AlarmSeverity.NOTE, text)
