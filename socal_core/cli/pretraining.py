"""The command for pre-training: `pretrain procedural`."""

import argparse
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from tqdm import tqdm

from socal_core.cli.arguments import print_line
from socal_core.cli.bars import StageBar
from socal_core.errors import RunError
from socal_core.pretraining.loop import Ending, Observer
from socal_core.pretraining.pretrain_files import CHECKPOINT_FILE
from socal_core.pretraining.pretrain_settings import Objective, PretrainSettings
from socal_core.pretraining.procedural import pretrain


def procedural(options: argparse.Namespace) -> int:
    """Pre-train the small VideoMAE on generated clips."""
    settings = PretrainSettings(options.steps, options.batch_size, Objective(options.objective), options.seed)
    return run_pretraining(options.out, settings, options.resume)


def run_pretraining(out: Path, settings: PretrainSettings, resume: bool) -> int:
    """Pre-train with progress on stderr until training is done or a signal stops it.

    Args:
        out: The folder for the model.
        settings: The settings of the pre-training.
        resume: Whether to continue from the checkpoint in the folder.

    Returns:
        The exit code.

    Raises:
        RunError: The folder cannot be used or written to.
    """
    try:
        with _stop_on_signals() as stop, StageBar() as bar:
            progress = PretrainingBar(settings.steps, bar)
            ending = pretrain(out, settings, resume, Observer(progress.report, progress.stage, stop))
    except OSError as error:
        remedy = "continue with --resume" if (out / CHECKPOINT_FILE).is_file() else "start again in a new folder"
        reason = error.strerror or str(error)
        raise RunError(
            f"{out.name} cannot be written: {reason}. Free some disk space or correct the path, then {remedy}."
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

    def __init__(self, steps: int, bar: StageBar) -> None:
        self._steps, self._bar = steps, bar
        self._stage = ""

    def stage(self, name: str, done: int, total: int) -> None:
        """Show the current stage."""
        self._bar.show(name, done, total)
        if name != self._stage and not sys.stderr.isatty():
            tqdm.write(name, file=sys.stderr)
        self._stage = name

    def report(self, values: dict[str, Any]) -> None:
        """Show the step, the losses, the elapsed time and the remaining time."""
        step, seconds = values["step"], values["seconds"]
        losses = ", ".join(
            f"{name} loss {loss:.4f}" for name, loss in values.items() if name not in {"step", "seconds"}
        )
        left = tqdm.format_interval(seconds / step * (self._steps - step))
        tqdm.write(f"Step {step} of {self._steps}: {losses}, {seconds:.0f} s, {left} left", file=sys.stderr)


@contextmanager
def _stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether SIGTERM or Ctrl-C has arrived. A second Ctrl-C ends the process."""
    received = []

    def handle(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            sys.stderr.write(
                "\nStopping after a checkpoint. Press Ctrl-C again to end at once, without a checkpoint.\n"
            )

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
