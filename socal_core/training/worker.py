"""The process that trains a run: `python -m socal_core.training.worker RUN_DIR [--resume]`.

lifecycle/launch.py starts it in the background, the command line in the foreground. With several GPUs, torchrun runs
one process per GPU.
"""

import argparse
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from socal_core.errors import RunError
from socal_core.lifecycle.control import ABOUT_CONTROLS
from socal_core.lifecycle.further import frames_seen_before, seen_before
from socal_core.lifecycle.launch import LOCK_IN_PARENT, LOCK_VARIABLE
from socal_core.lifecycle.state import RunState, write_status, written_status
from socal_core.lifecycle.waiting import HOOK_VARIABLE
from socal_core.runs.checkpoint_folders import checkpoint_to_resume, read_training_state
from socal_core.runs.events import line_of
from socal_core.runs.files.event_types import EVENTS_FORMAT, Event
from socal_core.runs.files.records import TrainingState
from socal_core.runs.folder import RunFolder
from socal_core.settings import Recipe
from socal_core.startup import log_to_console, prepare_process
from socal_core.training.end_hook import hook_after
from socal_core.training.run_end import RunEnd, reason_of
from socal_core.training.run_split import unknown_target_note, with_clips
from socal_core.training.stop import StopCheck, StopRequested
from socal_core.training.trackers import TrackedLog
from socal_core.training.turn import is_main_process, lock_held, turn

if TYPE_CHECKING:
    from accelerate import Accelerator

logger = logging.getLogger(__name__)

PREDICTING = "Predicting all trials with the best checkpoint"
"""The stage after training."""


def main(arguments: list[str], train: Callable[..., RunState]) -> int:
    """Train the run that the command line names.

    Args:
        arguments: The command line.
        train: `work`, or a function with the same arguments.

    Returns:
        The exit code: 0 if the run is done or stopped, 2 if it failed.
    """
    prepare_process()
    parser = argparse.ArgumentParser(prog="python -m socal_core.training.worker")
    parser.add_argument("run", type=Path)
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args(arguments)
    log_to_console()
    run = RunFolder.open(options.run)
    restarts = os.environ.get(LOCK_VARIABLE) != LOCK_IN_PARENT
    if train(run, options.resume, _logger_of_events(), restarts) is RunState.FAILED:
        logger.error("%s", reason_of(run))
        return 2
    return 0


def _logger_of_events() -> Callable[[Event], None]:
    """Return a function that logs events, without repeating the same line."""
    logged = ""

    def log(event: Event) -> None:
        nonlocal logged
        line = line_of(event)
        if line and line != logged:
            logger.info("%s", line)
            logged = line

    return log


def work(
    run: RunFolder,
    resume: bool,
    echo: Callable[[Event], None] | None = None,
    restarts: bool = False,
    in_child: bool = False,
) -> RunState:
    """Train, predict and evaluate a run in this process, and record in its status how it ended.

    Args:
        run: The run.
        resume: Whether to continue from the newest checkpoint.
        echo: Receives each event.
        restarts: Whether to train in a child process that restarts if it is killed, as far as the settings allow that.
        in_child: Whether to train in a child process even if it does not restart.

    Returns:
        The state in which the run ended.
    """
    report = TrackedLog(run, echo).append if is_main_process() else ignore_event
    end = RunEnd(run, report, is_main_process())
    with hook_after(run, end), lock_held(run) as lock, end, turn(run, lock, report):
        if is_main_process():
            write_status(run, RunState.RUNNING)
            # They belong to an earlier best checkpoint, if the run was evaluated before it was resumed.
            run.metrics_file.unlink(missing_ok=True)
            run.predictions_file.unlink(missing_ok=True)
        if in_child or (restarts and run.read_config().machine.restarts):
            end.leave_to(_train_in_children(run, resume, report))
        else:
            _train_in_all_processes(run, resume, report)
    return end.state


def ignore_event(type_: str, **values: Any) -> None:
    """Drop an event: only the main process reports events."""


def _train_in_children(run: RunFolder, resume: bool, report: Callable[..., None]) -> RunState:
    """Train in a child process, and start another one that resumes if it is killed.

    Returns:
        The state in which the last process ended.

    Raises:
        RunError: More processes were killed than the settings allow.
    """
    allowed = run.read_config().machine.restarts
    # This process calls the hook, after it has released the locks.
    environment = {name: value for name, value in os.environ.items() if name != HOOK_VARIABLE}
    for restart in range(allowed + 1):
        again = ["--resume"] if resume or restart else []
        # The child inherits the locks of run and slot, and keeps them if this process dies.
        subprocess.call(  # noqa: S603 - our own module on a path without a shell
            [sys.executable, "-m", "socal_core.training.worker", str(run.path), *again],
            env={**environment, LOCK_VARIABLE: LOCK_IN_PARENT},
            close_fds=False,
        )
        state = written_status(run).state
        if not state.alive:
            return state
        if restart < allowed:
            report(
                "notice", message="The training process was killed, and another one continues from the last checkpoint."
            )
    raise RunError(
        f"The training process was killed {allowed + 1} times; {allowed} restarts are allowed. If memory ran out, "
        "start a new run with more accumulation_steps; otherwise resume this one."
    )


def _train_in_all_processes(run: RunFolder, resume: bool, report: Callable[..., None]) -> None:
    """Join the processes of the run, train and evaluate it, and end when another machine is lost."""
    report("stage", stage="Loading PyTorch and the model", done=0, total=1)
    from socal_core.training.distributed import spread_over_gpus, wait_for_all_processes
    from socal_core.training.lost_machines import LOST, end_processes, is_lost_process, watch_machines

    def end() -> None:
        logger.error("%s", LOST)
        if is_main_process():
            write_status(run, RunState.FAILED, LOST)
            report("ended", state=RunState.FAILED, reason=LOST)
        end_processes()

    spread_over_gpus(run, resume)
    # From here on all processes see the folder of the run, even if the first one has just created it.
    wait_for_all_processes()
    with watch_machines(end):
        try:
            _train_and_evaluate(run, resume, report)
        except Exception as error:
            if is_lost_process(error):
                raise RunError(LOST) from error
            raise


def _train_and_evaluate(run: RunFolder, resume: bool, report: Callable[..., None]) -> None:
    """Open the data, train the model and evaluate its best checkpoint."""
    # Imported here, so that the stage of loading PyTorch is visible meanwhile.
    from socal_core.clips.loader import open_clips
    from socal_core.evaluation.predict import finish_run, predict_split
    from socal_core.evaluation.predictors import open_predictor
    from socal_core.evaluation.trial_scores import surgeons_by_trial
    from socal_core.models.weights_record import weights_of_run
    from socal_core.training.distributed import make_accelerator
    from socal_core.training.environment import describe_environment
    from socal_core.training.frozen import FrozenJob, train_frozen
    from socal_core.training.loading import load_data, load_network
    from socal_core.training.loop import TrainingJob, train
    from socal_core.training.monitor import watch_machine

    config = run.read_config()
    checkpoint, passed_over = checkpoint_to_resume(run) if resume else (None, [])
    accelerator = make_accelerator(config, run.read_environment().mixed_precision if checkpoint else None)
    state = read_training_state(checkpoint) if checkpoint else TrainingState()
    report("started", format=EVENTS_FORMAT, epoch=state.epoch, step=state.step)
    for message in passed_over:
        report("notice", message=message)

    stop = StopCheck(run, accelerator)

    def report_stage(stage: str, done: int, total: int) -> None:
        report("stage", stage=stage, done=done, total=total)

    def show_opening(stage: str, done: int, total: int) -> None:
        stop.early()
        report_stage(stage, done, total)

    def show_predicting(done: int, total: int) -> None:
        stop.alone()
        report_stage(PREDICTING, done, total)

    dataset, split = load_data(run, config, accelerator)
    model = config.model.model
    seen = seen_before(model, split), frames_seen_before(model, split, dataset.fingerprint)
    for note in (ABOUT_CONTROLS.get(config.clip.control, ""), unknown_target_note(dataset), *seen):
        if note:
            report("notice", message=note)
    if config.model.recipe is Recipe.FROZEN:
        if accelerator.is_main_process:
            run.write_environment(describe_environment(accelerator))
        with watch_machine(report) if accelerator.is_main_process else nullcontext(), _ending_together(accelerator):
            train_frozen(FrozenJob(run, config, dataset, split, accelerator, report, stop), checkpoint)
        return
    classifier = load_network(run, config, dataset, checkpoint, accelerator)
    if accelerator.is_main_process:  # only now, because the model may have been downloaded above
        weights = weights_of_run(run, resumed=checkpoint is not None)
        run.write_environment(replace(describe_environment(accelerator), weights=weights))

    with (
        watch_machine(report) if accelerator.is_main_process else nullcontext(),
        _ending_together(accelerator),
        open_clips(dataset, config, classifier.preprocessor, split.trial_ids, split.train, show_opening) as reader,
    ):
        stop.together()
        for message in [*([classifier.note] if classifier.note else []), *reader.notices()]:
            report("notice", message=message)
        job = TrainingJob(
            run=run,
            config=config,
            classifier=classifier,
            reader=reader,
            split=with_clips(split, set(split.trial_ids) - set(reader.left_out)),
            target=dataset.target,
            values={str(trial): value for trial, value in dataset.target.standardized(dataset.target_values).items()},
            surgeons={str(trial): name for trial, name in surgeons_by_trial(dataset.usable_trials).items()},
            accelerator=accelerator,
            report=report,
            stop=stop,
        )
        train(job, checkpoint)
        report_stage(PREDICTING, 0, 1)
        with open_predictor(run, dataset, split.trial_ids, lambda *_: stop.early()) as predictor:
            stop.together()
            if accelerator.is_main_process:
                finish_run(run, dataset, predictor, show_predicting)
            else:
                predict_split(dataset, split, predictor, show_predicting)


@contextmanager
def _ending_together(accelerator: "Accelerator") -> Iterator[None]:
    """Let the processes wait for each other at the end of the block, also if the run was asked to stop.

    torchrun on the machine of a process that ends earlier would leave, and end the run on the others after five
    minutes. After an error, a process ends at once, and torchrun ends the others.
    """
    try:
        yield
    except StopRequested:
        accelerator.wait_for_everyone()
        raise
    accelerator.wait_for_everyone()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], work))
