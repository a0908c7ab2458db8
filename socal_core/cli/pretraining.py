"""The command `pretrain`: on the frames of a data folder, or on generated clips."""

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from tqdm import tqdm

from socal_core.cli.arguments import open_data, print_line, typed_settings
from socal_core.cli.bars import StageBar
from socal_core.errors import ConfigError, RunError
from socal_core.file_handles import os_reason
from socal_core.pretraining.frame_settings import pretraining_config
from socal_core.pretraining.frames import FramesTask
from socal_core.pretraining.loop import Ending, Observer, Task, run_task
from socal_core.pretraining.pretrain_files import CHECKPOINT_FILE
from socal_core.pretraining.pretrain_settings import PROCEDURAL, Objective, PretrainSettings
from socal_core.pretraining.procedural import ProceduralTask
from socal_core.training.signals import end_at_once, heard_at_once

PROCEDURAL_OPTIONS = ("steps", "batch_size", "objective", "seed")


def pretrain(options: argparse.Namespace) -> int:
    """Pre-train a VideoMAE on the frames of a data folder, or the small one on generated clips."""
    return _on_generated_clips(options) if options.data == PROCEDURAL else _on_frames(options)


def _on_generated_clips(options: argparse.Namespace) -> int:
    given = {"--set": options.set, "--include-test": options.include_test}
    given |= {"--boxes": options.boxes, "--column": options.column}
    for name, value in given.items():
        if value:
            raise ConfigError(name, f"needs a data folder: leave it out with {PROCEDURAL}", value)
    values = {name: getattr(options, name) for name in PROCEDURAL_OPTIONS if getattr(options, name) is not None}
    if "objective" in values:
        values["objective"] = Objective(values["objective"])
    settings = PretrainSettings(**values)
    return run_pretraining(options.out, lambda: ProceduralTask(settings), options.resume)


def _on_frames(options: argparse.Namespace) -> int:
    for name in PROCEDURAL_OPTIONS:
        if (value := getattr(options, name)) is not None:
            option = f"--{name.replace('_', '-')}"
            raise ConfigError(option, f"applies only to {PROCEDURAL}; change the settings of --set instead", value)
    config = pretraining_config(typed_settings(options))
    dataset = open_data(options)
    return run_pretraining(options.out, lambda: FramesTask(dataset, config, options.include_test), options.resume)


def run_pretraining(out: Path, make_task: Callable[[], Task[Any]], resume: bool) -> int:
    """Pre-train with progress on stderr until training is done or a signal stops it.

    Args:
        out: The folder for the model.
        make_task: Returns what the model learns.
        resume: Whether to continue from the checkpoint in the folder.

    Returns:
        The exit code.

    Raises:
        RunError: The folder cannot be used or written to.
        SocalError: The data or the model cannot be used.
    """
    try:
        with _stop_on_signals() as stop, StageBar() as bar:
            progress = PretrainingBar(bar)
            observer = Observer(progress.report, progress.stage, stop, progress.notice)
            ending = run_task(out, make_task, resume, observer)
    except OSError as error:
        remedy = "continue with --resume" if (out / CHECKPOINT_FILE).is_file() else "start again in a new folder"
        raise RunError(
            f"{out.name} cannot be written: {os_reason(error)}. Free some disk space or correct the path, then "
            f"{remedy}."
        ) from None
    print_line(
        {
            Ending.DONE: f"{out.name} is done. Fine-tune it with --set model={out}.",
            Ending.STOPPED: f"{out.name} is stopped. Continue with the same command and --resume.",
            Ending.WAS_DONE: f"{out.name} is already done. Fine-tune it with --set model={out}.",
        }[ending]
    )
    return 0


class PretrainingBar:
    """Stages and steps on stderr: one bar per stage on a terminal, else one line, and a line every few steps."""

    def __init__(self, bar: StageBar) -> None:
        self._bar = bar
        self._stage, self._total = "", 0

    def stage(self, name: str, done: int, total: int) -> None:
        """Show the current stage."""
        self._bar.show(name, done, total)
        self._total = total
        if name != self._stage and not sys.stderr.isatty():
            tqdm.write(name, file=sys.stderr)
        self._stage = name

    def report(self, values: dict[str, Any]) -> None:
        """Show the step, the losses, the elapsed time and the remaining time."""
        step, seconds = values["step"], values["seconds"]
        losses = ", ".join(
            f"{name} loss {loss:.4f}" for name, loss in values.items() if name not in {"step", "seconds"}
        )
        left = tqdm.format_interval(seconds / step * (self._total - step))
        tqdm.write(f"Step {step} of {self._total}: {losses}, {seconds:.0f} s, {left} left", file=sys.stderr)

    def notice(self, text: str) -> None:
        """Show a notice."""
        tqdm.write(text, file=sys.stderr)


@contextmanager
def _stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether SIGTERM or Ctrl-C has arrived.

    A second one of the same kind ends it at once.
    """
    received = threading.Event()

    def say_end() -> None:
        sys.stderr.write("\nEnded at once by a second signal, without a checkpoint.\n")

    def handle(number: int, frame: FrameType | None) -> None:
        received.set()
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            sys.stderr.write(
                "\nStopping after a checkpoint. Press Ctrl-C again to end at once, without a checkpoint.\n"
            )

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with heard_at_once(received.set, lambda: end_at_once(say_end)):
            yield received.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
