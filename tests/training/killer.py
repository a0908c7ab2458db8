"""Kills of training and of saving, for the tests and benchmarks/kills.py: `python -m tests.training.killer …`.

runs REFERENCE KILLED KILLS SEED   train the run REFERENCE through, and the run KILLED with SIGKILLs at random moments,
                                   resumed each time, and more like it until there were as many kills; print as
                                   JSON in what they differ
saves FOLDER STEP                  kill a process at every STEPth file operation of a save, and at the first of each of
                                   OPERATIONS; print what was left each time
"""

import hashlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from socal_core.evaluation import predict  # noqa: F401 - loaded once, before the children are forked
from socal_core.lifecycle.state import RunState, read_status
from socal_core.models.build import build_classifier
from socal_core.runs.checkpoint_folders import best_checkpoint, list_checkpoints, newest_checkpoint
from socal_core.runs.events import Event, read_events
from socal_core.runs.files.records import TrainingState
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, config_from
from socal_core.training import batches, distributed, environment, loop  # noqa: F401
from socal_core.training import checkpoint_io as saving
from socal_core.training.checkpoint_io import Checkpoints, load_tensors, save_checkpoint
from socal_core.training.worker import work
from tests.models.checkpoints import write_classifier

OPERATIONS = (
    "os.mkdir",
    "open model.safetensors",
    "open optimizer.pt",
    "os.rename .epoch-0003.tmp",
    "os.rename .epoch-0004.tmp",
    "os.remove",
)
"""Kinds of file operations of a save, by how they begin in the list of `saves`."""
MEASURED = {"time", "seconds", "data_wait", "clips_per_second"}
"""Fields of events that depend on the clock."""


def timeless(events: list[Event]) -> list[Event]:
    """Return the events of training, without the fields that depend on the clock."""
    kept = [event for event in events if event["type"] in {"step", "epoch"}]
    return [{key: value for key, value in event.items() if key not in MEASURED} for event in kept]


def weights_hash(checkpoint: Path | None) -> str:
    """Return the SHA-256 of the weights of a checkpoint."""
    return hashlib.sha256(((checkpoint or Path()) / "model.safetensors").read_bytes()).hexdigest()


def in_child(act: Callable[[], Any]) -> int:
    """Run a function in a forked process, and return its process id."""
    child = os.fork()
    if child:
        return child
    act()
    os._exit(0)


def outcome(run: RunFolder) -> dict[str, Any]:
    return {
        "newest weights": weights_hash(newest_checkpoint(run)),
        "best weights": weights_hash(best_checkpoint(run)),
        "events": timeless(read_events(run.events_file)),
        "metrics": run.read_metrics(),
        "predictions": run.predictions_file.read_bytes(),
    }


def kill_runs(reference: RunFolder, killed: RunFolder, kills: int, seed: int) -> dict[str, Any]:
    started = time.time()
    os.waitpid(in_child(lambda: work(reference, resume=False)), 0)
    whole = time.time() - started
    first_step = (
        next(event["time"] for event in read_events(reference.events_file) if event["type"] == "step") - started
    )
    chance = random.Random(seed)
    wanted = outcome(reference)
    done, at_work, ended, differ = 0, 0, 0, set[str]()
    run = killed
    while done < kills or read_status(run).state is not RunState.DONE:
        child = in_child(lambda run=run: work(run, resume=True))
        if done < kills:
            # Some while it starts, most in training, none far in, or the run would be done after a few kills.
            time.sleep(first_step * chance.uniform(0.5, 1.0) + chance.random() * (whole - first_step) / 8)
            os.kill(child, signal.SIGKILL)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL:
            done += 1
            at_work += read_status(run).state is RunState.INTERRUPTED
        if read_status(run).state is RunState.DONE:
            found = outcome(run)
            differ |= {name for name in wanted if wanted[name] != found[name]}
            ended += 1
            if done < kills:
                path = killed.path.with_name(f"{killed.name}-{ended}")
                run = RunFolder.create(path, killed.read_config(), killed.read_data())
    return {"kills": done, "at work": at_work, "runs": ended, "differ": sorted(differ)}


def kill_saves(folder: Path, step: int) -> dict[str, Any]:
    """Save the best epoch, which was only in memory, and the one after it."""
    write_classifier(folder / "model")  # a small one: what counts is the order of the file operations
    config = config_from({"model": str(folder / "model"), "num_frames": 4}, TINY)
    classifier = build_classifier(config)
    tensors = {"optimizer": {"step": torch.tensor(3)}}
    first, third = (TrainingState(epoch, best_epoch=epoch, best_val_loss=1 / epoch) for epoch in (1, 3))
    second, fourth = (replace(state, epoch=state.epoch + 1, epochs_without_improvement=1) for state in (first, third))
    left: list[str] = []
    best: list[str] = []

    def save(run: RunFolder, at: int | None) -> None:
        seen: list[str] = []

        def die(event: str, arguments: tuple[Any, ...]) -> None:
            inside = any(isinstance(a, (str, Path)) and str(run.path) in str(a) for a in arguments)
            if event in {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.listdir"} and inside:
                if len(seen) == at:
                    os.kill(os.getpid(), signal.SIGKILL)
                seen.append(f"{event} {Path(str(arguments[0])).name}")

        saving.WRITING_FRACTION = 1e-9  # the best epoch has to wait
        checkpoints = Checkpoints(run, classifier)
        checkpoints.write(second, tensors, classifier.model.state_dict())  # is there already
        checkpoints.offer(third, tensors, classifier.model.state_dict())
        sys.addaudithook(die)
        checkpoints.write(fourth, tensors, classifier.model.state_dict())
        (folder / "points").write_text(json.dumps(seen))

    def attempt(at: int | None) -> RunFolder:
        run = RunFolder.create(folder / f"run-{at}", config, folder)
        for state in (first, second):
            save_checkpoint(run, classifier, state, tensors)
        code = os.waitstatus_to_exitcode(os.waitpid(in_child(lambda: save(run, at)), 0)[1])
        assert code == (0 if at is None else -signal.SIGKILL)
        newest = newest_checkpoint(run)
        assert newest is not None
        load_tensors(newest)
        left.append(newest.name)
        best.append(best_checkpoint(run).name)
        return run

    kept = [path.name for path in list_checkpoints(attempt(None))]
    points = json.loads((folder / "points").read_text())
    firsts = {next(at for at, point in enumerate(points) if point.startswith(start)) for start in OPERATIONS}
    chosen = sorted({*range(0, len(points), step), *firsts})
    for at in chosen:
        run = attempt(at)
        for state in (third, fourth):  # what a resumed run does
            save_checkpoint(run, classifier, state, tensors)
        assert newest_checkpoint(run) == run.checkpoints / "epoch-0004"
        assert best_checkpoint(run) == run.checkpoints / "epoch-0003"
    return {"points": points, "killed at": [points[at] for at in chosen], "left": left, "best": best, "kept": kept}


def main(arguments: list[str]) -> dict[str, Any]:
    # Children are forked: they must not inherit the locks of threads that are not there.
    torch.set_num_threads(1)
    if arguments[0] == "saves":
        return kill_saves(Path(arguments[1]), int(arguments[2]))
    reference, killed = (RunFolder.open(Path(path)) for path in arguments[1:3])
    return kill_runs(reference, killed, int(arguments[3]), int(arguments[4]))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1:])) + "\n")
