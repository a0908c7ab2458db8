"""How long a run with default settings takes, and how that compares with the reference notebook's fine-tuning.

    python -m benchmarks.frozen_speed [--part demo|notebook] [--surgeons 40] [--trials 143] [--steps 3]

demo: the demo of 40 surgeons, default settings, from starting the run to its test metrics (asked: at most 60 s), with
the seconds of each stage; first with empty caches, then with what the first run kept.

notebook: 143 trials of 60 frames of 1920x1080, the size of SOCAL. Ours is a frozen run with default settings, measured
in full with empty caches. The reference is the notebook's way, written here: VideoMAE base in float32, 16 frames of
224x224, batches of 4, 30 epochs over 114 training and 14 validation trials, every clip read anew in every epoch with
Pillow and the model's image processor by two worker processes. It would take hours, so it is extrapolated: seconds per
clip of reading, of a training step and of a forward pass, the median of a few, times the number of clips. Reading and
computing share the processors, so their times add up. The weights are random, which does not change the time. Asked: a
ratio of at least 50. Peak memory is that of the process that trains the reference.
"""

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import torch
from transformers import VideoMAEConfig, VideoMAEForVideoClassification

from benchmarks.clips import reference_epoch
from benchmarks.clips_common import CLIP_FRAMES, SIZE, empty_workspace, pictures, table, write_trials
from socal_core.dataset.opening import open_dataset
from socal_core.demo.write import write_demo
from socal_core.lifecycle.launch import start
from socal_core.lifecycle.state import RunState, read_status
from socal_core.runs.events import Event, read_events
from socal_core.runs.folder import RunFolder
from socal_core.runs.model_choice import default_model
from socal_core.settings import config_from

PICTURES = 96
FRAMES = 60
READ_TRIALS = 24
"""Enough clips for the speed of reading."""
BATCH = 4
EPOCHS = 30
SOCAL_TRIALS, TRAIN, VALIDATION = 143, 114, 14
LEARNING_RATE = 5e-5


def main() -> None:
    """Measure the parts that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("demo", "notebook"), help="one part only")
    parser.add_argument("--surgeons", type=int, default=40, help="of the demo (default: %(default)s)")
    parser.add_argument("--trials", type=int, default=SOCAL_TRIALS, help="of the notebook part (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=3, help="measured steps of the base model (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        if options.part != "notebook":
            measure_demo(scratch, options.surgeons)
        if options.part != "demo":
            measure_notebook(scratch, options.trials, options.steps)


def measure_demo(scratch: Path, surgeons: int) -> None:
    """Time a run with default settings on the demo, twice."""
    data = write_demo(scratch / "demo", surgeons=surgeons)
    with empty_workspace(scratch / "workspace"):
        for name in ("empty caches", "filled caches"):
            run, began, ended = timed_run(scratch / name.replace(" ", "-"), data)
            metrics = run.read_metrics() or {}
            print(f"demo, {surgeons} surgeons, {metrics['n']} test trials, AUROC {metrics['auroc']}")
            print_stages(name, run, began, ended)


def measure_notebook(scratch: Path, trials: int, steps: int) -> None:
    """Time a frozen run on large frames and extrapolate the reference."""
    sources = pictures(scratch / "pictures", PICTURES)
    data = write_trials(scratch / "data", trials * FRAMES, trials, sources)
    with empty_workspace(scratch / "workspace"):
        run, began, ended = timed_run(scratch / "large", data)
    print_stages(f"frozen, {trials} trials of 1920x1080", run, began, ended)
    reading = seconds_of_reading(scratch, sources)
    training, forward = seconds_of_base(steps)
    share = trials / SOCAL_TRIALS
    train, validation = TRAIN * EPOCHS * share, VALIDATION * EPOCHS * share
    reference = train * (reading + training) + validation * (reading + forward)
    rows = [
        ["reference, seconds per clip", ""],
        ["reading", f"{reading:.2f}"],
        [f"training step, batch of {BATCH}", f"{training:.2f}"],
        ["forward pass, validation", f"{forward:.2f}"],
        ["all epochs, extrapolated, hours", f"{reference / 3600:.1f}"],
        ["frozen, measured, seconds", f"{ended - began:.0f}"],
        ["ratio", f"{reference / (ended - began):.0f}"],
        ["reference, peak memory, GB", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f}"],
    ]
    table(rows)


def timed_run(folder: Path, data: Path) -> tuple[RunFolder, float, float]:
    """Start a run as the Training page does and wait for it; its folder, when it was started and when it was done."""
    run = RunFolder.create(folder, config_from({}, default_model()), data)
    began = time.time()
    start(run)
    while read_status(run).state.alive:
        time.sleep(0.2)
    if read_status(run).state is not RunState.DONE:
        raise SystemExit(f"{run.name} did not finish: {read_status(run).reason}")
    return run, began, read_events(run.events_file)[-1]["time"]


def print_stages(name: str, run: RunFolder, began: float, ended: float) -> None:
    """The table of a run's stages."""
    rows = [[f"{name}: from start to test metrics", "seconds"]]
    rows += [[stage, f"{seconds:.1f}"] for stage, seconds in stage_seconds(read_events(run.events_file), began).items()]
    table([*rows, ["all", f"{ended - began:.1f}"]])


def stage_seconds(events: Sequence[Event], began: float) -> dict[str, float]:
    """Seconds of each stage of a run, in the order in which they began.

    Args:
        events: Of the run; the last one marks its end.
        began: When the run was started, in seconds since 1970.

    Returns:
        From each event of a stage to the next event of any stage, summed; `Starting` is what comes before the first.
    """
    marks = [("Starting", began), *((event["stage"], event["time"]) for event in events if event["type"] == "stage")]
    marks.append(("", events[-1]["time"]))
    found: dict[str, float] = {}
    for (stage, since), (_, until) in pairwise(marks):
        found[stage] = found.get(stage, 0.0) + until - since
    return found


def seconds_of_reading(scratch: Path, sources: Sequence[Path]) -> float:
    """Seconds per clip of the notebook's way of reading, with two worker processes."""
    data = write_trials(scratch / "reading", READ_TRIALS * FRAMES, READ_TRIALS, sources)
    return 1 / reference_epoch(open_dataset(data))


def seconds_of_base(steps: int) -> tuple[float, float]:
    """Seconds per clip of a training step and of a forward pass of VideoMAE base, without reading."""
    torch.manual_seed(0)
    model = VideoMAEForVideoClassification(VideoMAEConfig(num_labels=2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    pixel_values = torch.randn(BATCH, CLIP_FRAMES, 3, SIZE, SIZE)
    labels = torch.arange(BATCH) % 2

    def train_step() -> None:
        model.train()
        optimizer.zero_grad()
        model(pixel_values=pixel_values, labels=labels).loss.backward()
        optimizer.step()

    @torch.no_grad()
    def forward() -> None:
        model.eval()
        model(pixel_values=pixel_values)

    return median_seconds(train_step, steps) / BATCH, median_seconds(forward, steps) / BATCH


def median_seconds(act: Callable[[], object], repeats: int) -> float:
    """The median of some calls, after one that is not counted."""
    taken = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        act()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken[1:])


if __name__ == "__main__":
    main()
