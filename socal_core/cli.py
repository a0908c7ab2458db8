"""The command line: results on stdout (JSON with --json), progress and errors on stderr, exit code 2 for an error."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from socal_core.dataset.demo.write import write_demo
from socal_core.dataset.inspect import check_frames, summarise
from socal_core.dataset.open import open_dataset
from socal_core.errors import ConfigError, RunError, SocalError
from socal_core.evaluation.metrics import metrics_of_test_trials
from socal_core.runs.config import TrainConfig, config_from, parse_setting
from socal_core.runs.events import Event
from socal_core.runs.folder import RunFolder, settings_in
from socal_core.runs.lock import take_lock
from socal_core.runs.model_choice import default_model
from socal_core.runs.state import RunState, written_status
from socal_core.training.worker import is_main_process, work

EXIT_USER_ERROR = 2


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        code: int = options.command(options)
    except SocalError as error:
        sys.stderr.write(f"error: {error}\n")
        return EXIT_USER_ERROR
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    except BrokenPipeError:
        # Whoever read the output has had enough; nothing more can be said to them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def demo(options: argparse.Namespace) -> int:
    """Draw the synthetic data set."""
    with Bar("Drawing trials") as bar:
        write_demo(options.out, options.surgeons, options.seed, bar.show)
    _print(f"The demo data set is in {options.out}. Look at it: python -m socal_core inspect {options.out}")
    return 0


def inspect(options: argparse.Namespace) -> int:
    """Say what is in a data folder and what is wrong with it."""
    dataset = open_dataset(options.data)
    summary = summarise(dataset)
    if options.deep:
        with Bar("Opening frames") as bar:
            summary["problems"] += [problem.as_dict() for problem in check_frames(dataset, bar.show)]
    _print(json.dumps(summary, indent=2, ensure_ascii=False) if options.json else _inspect_text(summary))
    return 0


def train(options: argparse.Namespace) -> int:
    """Train a run in this process, or go on with one."""
    if options.resume and (options.run / "config.json").is_file():
        if options.config or options.set:
            raise RunError("A run goes on with its own settings. Leave --config and --set away, or start a new run.")
        run = RunFolder.open(options.run)
        if run.read_data() != Path(options.data).resolve():
            raise RunError(f"Run {run.name} was started on another data folder than {options.data}. Name that one.")
        if written_status(run).state is RunState.DONE:
            sys.stderr.write(f"Run {run.name} is done already.\n")
            return 0
    elif is_main_process():
        config = _config(options)
        open_dataset(options.data)  # a folder that cannot be opened is refused before a run is made of it
        run = RunFolder.create(options.run, config, Path(options.data))
    else:
        run = RunFolder(options.run)
    with TrainingBar() as bar:
        state = work(run, options.resume, bar.show)
    if state is RunState.FAILED:
        raise RunError(written_status(run).reason)
    if is_main_process():
        _print(f"Run {run.name} is {state}.")
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """Give a run's metrics on its test trials."""
    run = RunFolder.open(options.run)
    predictions = run.read_predictions()
    if predictions is None or run.read_metrics() is None:
        predictions = _predict_best(run)
    metrics = metrics_of_test_trials(predictions)
    _print(json.dumps(metrics, indent=2) if options.json else _evaluate_text(metrics))
    return 0


def _predict_best(run: RunFolder) -> pd.DataFrame:
    """Predict all trials of a run that ended before it came to that, with its best checkpoint so far."""
    # PyTorch is loaded only where a model has to look at clips.
    from socal_core.evaluation.predict import best_classifier, finish_run, read_run_clips

    lock = take_lock(run.lock_file, run.name)
    try:
        classifier = best_classifier(run)
        dataset = run.open_dataset()
        with Bar("Reading clips") as bar:
            store = read_run_clips(run, dataset, run.read_split().trial_ids, classifier.preprocessor, bar.show)
        return finish_run(run, dataset, classifier, store)
    finally:
        os.close(lock)


def predict(options: argparse.Namespace) -> int:
    """Predict single trials with a run's best checkpoint."""
    from socal_core.evaluation.predict import predict_trials

    run = RunFolder.open(options.run)
    rows = predict_trials(run, run.open_dataset(), options.trial_id)
    if options.json:
        _print(json.dumps(rows, indent=2))
        return 0
    for row in rows:
        outcome = "success" if row["predicted"] else "failure"
        _print(f"{row['trial_id']}: {outcome} (probability of success {row['prob_success']:.3f})")
    return 0


class Bar:
    """A progress bar on a terminal's stderr; silent elsewhere. `show(done, total)` moves it."""

    def __init__(self, text: str) -> None:
        self._bar = tqdm(desc=text, total=0, disable=not sys.stderr.isatty(), leave=False)

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def show(self, done: int, total: int) -> None:
        """Move the bar."""
        self._bar.total = total
        self._bar.update(done - self._bar.n)


class TrainingBar:
    """A run's events on stderr: a bar for each stage on a terminal, a line for each epoch anywhere."""

    def __init__(self) -> None:
        self._bar: Bar | None = None
        self._stage = ""

    def __enter__(self) -> "TrainingBar":
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.__exit__()

    def show(self, event: Event) -> None:
        """Show one event."""
        if event["type"] == "stage":
            self._move(event["stage"], event["done"], event["total"])
        elif event["type"] == "step":
            self._move(f"Epoch {event['epoch']} of {event['epochs']}", event["step"], event["steps"])
        elif event["type"] == "epoch":
            best = ", the best so far" if event["best"] else ""
            tqdm.write(
                f"epoch {event['epoch']}: train loss {event['train_loss']:.4f}, "
                f"validation loss {event['val_loss']:.4f}, accuracy {event['val_accuracy']:.1%}{best}",
                file=sys.stderr,
            )
        elif event["type"] == "notice":
            tqdm.write(event["message"], file=sys.stderr)

    def _move(self, stage: str, done: int, total: int) -> None:
        if self._bar is None or stage != self._stage:
            if self._bar is not None:
                self._bar.__exit__()
            self._bar, self._stage = Bar(stage), stage
        self._bar.show(done, total)


def _config(options: argparse.Namespace) -> TrainConfig:
    """Defaults of the model, below the file's settings, below those of --set."""
    values: dict[str, Any] = {}
    if options.config is not None:
        try:
            content = json.loads(options.config.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(
                "--config", "must name a file that can be read", f"{options.config}: {error.strerror}"
            ) from None
        except ValueError as error:
            raise ConfigError("--config", f"must be a JSON file ({error})", str(options.config)) from None
        if not isinstance(content, dict):
            raise ConfigError("--config", "must hold settings by name", str(options.config))
        values |= settings_in(content, str(options.config))
    values |= dict(parse_setting(text) for text in options.set)
    return config_from(values, default_model())


def _inspect_text(summary: dict[str, Any]) -> str:
    outcomes = summary["outcomes"]
    lines = [
        f"{summary['trials']} trials with frames, {summary['usable_trials']} usable "
        f"({outcomes['success']} successes, {outcomes['failure']} failures), {outcomes['unknown']} of unknown outcome",
        f"{summary['frames']} frames, {summary['boxes']} boxes, {summary['frames_without_boxes']} frames without a box",
        "boxes: " + ", ".join(f"{label} {n}" for label, n in summary["labels"].items()),
    ]
    for problem in summary["problems"]:
        row = "" if problem["row"] is None else f":{problem['row']}"
        lines.append(f"{problem['severity']}: {problem['path']}{row}: {problem['message']}")
    return "\n".join(lines)


def _evaluate_text(metrics: dict[str, Any]) -> str:
    def text(name: str) -> str:
        value = "not defined" if metrics[name] is None else f"{metrics[name]:.3f}"
        interval = metrics["intervals"].get(name)
        return f"{name}: {value}" + (f" (95 % interval {interval[0]:.3f} to {interval[1]:.3f})" if interval else "")

    names = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "auroc", "brier")
    (tn, fp), (fn, tp) = metrics["confusion_matrix"]
    return "\n".join(
        [
            f"{metrics['n']} test trials: {tp} successes and {tn} failures called right, "
            f"{fn} successes and {fp} failures called wrong",
            *(text(name) for name in names),
        ]
    )


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m socal_core", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=command.__doc__, description=command.__doc__)
        sub.set_defaults(command=command)
        return sub

    sub = add("demo", demo)
    sub.add_argument("out", type=Path, help="a folder that is not there yet")
    sub.add_argument("--surgeons", type=int, default=40, help="two trials each (default: 40)")
    sub.add_argument("--seed", type=int, default=0, help="same seed, same bytes (default: 0)")
    sub = add("inspect", inspect)
    sub.add_argument("data", help="a folder in SOCAL's layout")
    sub.add_argument("--deep", action="store_true", help="also open every frame")
    sub.add_argument("--json", action="store_true")
    sub = add("train", train)
    sub.add_argument("data", help="a folder in SOCAL's layout")
    sub.add_argument("--run", type=Path, required=True, help="the run's folder, made by this command")
    sub.add_argument("--config", type=Path, help="a JSON file of settings, such as another run's config.json")
    sub.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one setting; may be repeated")
    sub.add_argument("--resume", action="store_true", help="go on from the newest checkpoint")
    sub = add("evaluate", evaluate)
    sub.add_argument("run", type=Path)
    sub.add_argument("--json", action="store_true")
    sub = add("predict", predict)
    sub.add_argument("run", type=Path)
    sub.add_argument("trial_id", nargs="+")
    sub.add_argument("--json", action="store_true")
    return parser
