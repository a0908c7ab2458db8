"""Ways in which a file can be damaged, and a finished run with every file that a run can have."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from socal_core.dataset.targets import SUCCESS_TARGET
from socal_core.explanations.attention_record import AttentionMap, AttentionStep, write_attention
from socal_core.explanations.record import Explanation, Faithfulness, TimeEffect, ToolEffect, write_explanation
from socal_core.runs.checkpoint_folders import checkpoint_path, write_manifest, write_training_state
from socal_core.runs.files.earliness_record import EARLINESS, Earliness, EarlinessPoint
from socal_core.runs.files.records import ORIGIN, Environment, Origin, TrainingState, WeightsRecord
from socal_core.runs.files.trial_course import CoursePoint, TrialCourse, write_course
from socal_core.runs.folder import RunFolder
from socal_core.runs.notes import RunNotes, write_notes
from socal_core.runs.trial_notes import write_trial_note
from tests.made_runs import write_run
from tests.training.small_runs import small_model

DEEP = 3000
CONTENTS: dict[str, bytes] = {
    "{}": b"{}",
    "[]": b"[]",
    "null": b"null",
    "number": b"7",
    "text": b'"text"',
    "not utf-8": b"\xff\xfe\x00\x01",
    "list of null": b"[null, null]\n",
    "deep list": b"[" * DEEP + b"]" * DEEP,
    "deep object": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "nan": b'{"time": NaN, "format": 1}',
    "long number": b'{"format": ' + b"9" * 6000 + b"}",
    "half of a character": b'{"name": "\\ud800", "format": 1}',
}
"""What may stand in a file."""


def cut(fraction: float) -> Callable[[bytes], bytes]:
    return lambda data: data[: int(len(data) * fraction)]


def noise(data: bytes) -> bytes:
    return np.random.default_rng(len(data)).bytes(len(data))


def each_value(value: Any) -> Callable[[bytes], bytes]:
    """Replace each value of the object in the file, one line of it if it has several, by another one."""

    def change(data: bytes) -> bytes:
        lines = []
        for line in data.splitlines() if data.count(b"}\n{") else [data]:
            try:
                found = json.loads(line)
            except ValueError:
                return data.replace(b",", b",,")
            kept = {"format", "type"} & set(found) if isinstance(found, dict) else set()
            lines.append(
                json.dumps({name: found[name] if name in kept else value for name in found}).encode()
                if isinstance(found, dict)
                else line
            )
        return b"\n".join(lines)

    return change


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": cut(0),
    "one byte": lambda data: data[:1],
    "half": cut(0.5),
    "all but a byte": lambda data: data[:-1],
    "noise": noise,
    **{f"values {value!r}": each_value(value) for value in (None, -1, "x", [], {}, 1e308, True)},
    **{name: (lambda data, content=content: content) for name, content in CONTENTS.items()},
}
"""What may happen to the content of a file."""


def damage(path: Path, kind: str) -> None:
    """Damage a file in a way of DAMAGES."""
    if kind in CHANGES:
        path.write_bytes(CHANGES[kind](path.read_bytes()))
        return
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "dangling link":
        path.symlink_to(path.parent / "nowhere")
    elif kind == "link to itself":
        path.symlink_to(path)


DAMAGES = (*CHANGES, "folder", "dangling link", "link to itself", "missing")


def write_full_run(path: Path, data: Path) -> RunFolder:
    """Write a finished run with every file that a run can have."""
    run = write_run(path, data)
    metrics = run.read_metrics()
    assert metrics is not None
    trial, window, epoch = metrics["trials"][0]["trial_id"], metrics["window"], metrics["epoch"]
    setting = run.read_config().clip.window
    assert window
    run.write_target(SUCCESS_TARGET)
    run.write_environment(Environment(python="3.11", packages={"torch": "2"}, weights=WeightsRecord("tiny", None, "0")))
    ORIGIN.write(run.path, Origin("run-0", "epoch-0001"))
    write_notes(run, RunNotes("name", "note", ("a",)))
    write_trial_note(run, trial, "note")
    points = tuple(EarlinessPoint(seconds, "prediction", 2, 0.5, None, 0.5, None) for seconds in (10, None))
    EARLINESS.write(run.path, Earliness(setting, epoch, float(metrics["threshold"]), points))  # type: ignore[typeddict-item]
    curve = (0.5, 0.4)
    faithful = Faithfulness((0.0, 1.0), curve, curve, curve, curve, 0.5, 0.01)
    tools = (ToolEffect("grasper", 1, 0.1, 0.4, 0.1, (0.0,)),)
    squares = ((0.1, 0.2), (0.3, 0.4))
    times, steps = (TimeEffect(0, 1, 0.1),), (AttentionStep(0, 1, squares),)
    write_explanation(run, Explanation(trial, epoch, "success", 0.5, (0, 1), tools, times, squares, faithful))
    write_attention(run, AttentionMap(trial, epoch, "success", 0.5, (0.0, 0.0, 1.0, 1.0), steps, faithful))
    points_of_course = (CoursePoint(10, (0.5, 0.5)), CoursePoint(None, (0.4, 0.6)))
    write_course(run.path, TrialCourse(trial, setting, epoch, 0, points_of_course, ((0.4, 0.6),)))
    folder = checkpoint_path(run, epoch)
    shutil.copytree(small_model(), folder)
    write_training_state(folder, TrainingState(epoch, epoch, 0.5))
    write_manifest(folder)
    run.log_file.write_text("a line\n")
    return run
