"""Training of VideoMAE base on one GPU: the speed of a step, the waiting for clips, and the memory.

    python -m benchmarks.gpu [--clips 8] [--repeats 20]

Needs one GPU of the class of an H100 and about 5 minutes. All weights are random. It prints one table:

- Our training step (recipe `videomae-small-data`, as it is and compiled) beside the notebook's loop in float32 without
  TF32, and beside the same loop with the mixed precision that the notebook uses on a GPU. All steps have the same clips
  and follow each other in turn. The batch is halved until it fits.
- The operations of our step as a fraction of what the GPU could do. Operations are those of
  preflight/training_step.py: norms, activations, softmax and the attention that is computed again in the backward pass
  are not counted.
- Two runs, as the worker trains them, on clips that are in the cache: the fraction of the time of an epoch in which
  steps wait for clips, and the peak memory beside the estimate that the Training page shows. The first epoch, which
  chooses kernels or compiles, is left out.
"""

import argparse
import gc
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn
from transformers import VideoMAEConfig, VideoMAEForVideoClassification

from benchmarks.clips_common import empty_workspace, pictures, write_trials
from benchmarks.experiments import markdown
from benchmarks.training_step import Step, clips_of, config_of, model_of, notebook_step, our_step, paired_seconds
from socal_core.clips.preprocess import Preprocessor
from socal_core.lifecycle.state import RunState, read_status
from socal_core.preflight.machine import Machine, find_gpu, this_machine
from socal_core.preflight.training_step import memory_of, passes
from socal_core.runs.architecture import Architecture, architecture_for
from socal_core.runs.events import epochs_table, read_events
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, Recipe, TrainConfig, config_from
from socal_core.training.worker import work

HEADER = ("what", "asked", "as it is", "compiled")
PEAKS = {"H100": 989e12, "H200": 989e12}
"""Operations per second in bfloat16 without sparsity, by a part of the GPU's name (NVIDIA's data sheets, SXM)."""
NO_GPU = "This benchmark needs a GPU that PyTorch can use, and this machine has none. Nothing was measured."
TRIALS, FRAMES_PER_TRIAL, PICTURES = 80, 20, 60
EPOCHS = 6
RECIPE = Recipe.SMALL_DATA


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=8, help="clips per step (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=20, help="steps of each kind (default: %(default)s)")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit(NO_GPU)
    rows = step_rows(options.clips, options.repeats)
    print(markdown(HEADER, rows), flush=True)
    with tempfile.TemporaryDirectory() as scratch, empty_workspace(Path(scratch, "workspace")):
        rows += run_rows(Path(scratch))
    print(f"\n{torch.cuda.get_device_name()}, torch {torch.__version__}\n\n{markdown(HEADER, rows)}")


def step_rows(clips: int, repeats: int) -> list[list[str]]:
    """Return the rows about steps, with the largest batch that fits, up to `clips`."""
    try:
        return measured_steps(Architecture(), clips, repeats)
    except torch.OutOfMemoryError:
        if clips == 1:
            raise
    torch.cuda.empty_cache()
    return step_rows(clips // 2, repeats)


def measured_steps(architecture: Architecture, clips: int, repeats: int) -> list[list[str]]:
    """Return the rows about steps."""
    device, config = torch.device("cuda"), config_of("base", RECIPE)
    exact = notebook_step(architecture, clips, device)
    ours = [our_step(architecture, clips, config.replace(compile=on)) for on in (False, True)]
    steps = (within_exact_products(exact), mixed_step(architecture, clips, device), *(step.take for step in ours))
    notebook, mixed, plain, fast = paired_seconds(steps, repeats)
    own = [statistics.median(taken) for taken in (plain, fast)]
    rows = [["milliseconds per step", "", *(f"{seconds * 1e3:.1f}" for seconds in own)]]
    for name, asked, others in (
        ("the notebook's loop in float32, without TF32", "4", notebook),
        ("the notebook's loop with its mixed precision", "", mixed),
    ):
        quotients = [[a / b for a, b in zip(others, times, strict=True)] for times in (plain, fast)]
        cells = (f"{statistics.median(column):.2f}" for column in quotients)
        rows.append([f"times as fast as {name} ({statistics.median(others) * 1e3:.1f} ms)", asked, *cells])
    peak = next((value for part, value in PEAKS.items() if part in torch.cuda.get_device_name()), None)
    done = step_flop(architecture, config, clips)
    shares = [f"{done / seconds / peak:.1%}" if peak else f"{done / seconds / 1e12:.0f} TFLOP/s" for seconds in own]
    rows.append(["fraction of the GPU's peak in bfloat16", "> 45 %", *shares])
    title = f"VideoMAE base, recipe {RECIPE}, {clips} clips of 16 frames of 224 pixels, {ours[0].precision}"
    return [[title, "", "", ""], *rows]


def step_flop(architecture: Architecture, config: TrainConfig, clips: int) -> float:
    """Return the floating-point operations of a training step."""
    return clips * passes(config, architecture) * architecture.forward_flop(config.clip.num_frames)


@contextmanager
def exact_products() -> Iterator[None]:
    """Compute products of float32 without TF32."""
    matrices, convolutions = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(matrices)
        torch.backends.cudnn.allow_tf32 = convolutions


def within_exact_products(step: Step) -> Step:
    """Return a step whose products of float32 are computed without TF32."""

    def exact() -> None:
        with exact_products():
            step()

    return exact


def mixed_step(architecture: Architecture, clips: int, device: torch.device) -> Step:
    """Return the step of the reference notebook on a GPU: float16 with a scaled loss."""
    model = model_of(architecture, 0.2).to(device)  # type: ignore[arg-type]
    pixels, labels = clips_of(architecture, clips, device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=0.01)
    criterion, scaler = nn.CrossEntropyLoss(weight=torch.ones(2, device=device)), torch.amp.GradScaler(device.type)

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast(device.type, torch.float16):
            loss = criterion(model(pixel_values=pixels).logits, labels)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()

    return step


def run_rows(scratch: Path) -> list[list[str]]:
    """Return the rows about runs."""
    data = write_trials(scratch / "data", TRIALS * FRAMES_PER_TRIAL, TRIALS, pictures(scratch / "pictures", PICTURES))
    model = write_model(scratch / "model")
    found = [measured_run(scratch / f"run-{on}", data, model, on) for on in (False, True)]
    waits, peaks, estimates = zip(*found, strict=True)
    return [
        ["fraction of an epoch's steps spent waiting for clips", "< 3 %", *(f"{wait:.2%}" for wait in waits)],
        ["peak memory of a run, GB", "", *(f"{peak / 1e9:.1f}" for peak in peaks)],
        ["estimated before the run, GB", "", *(f"{estimate / 1e9:.1f}" for estimate in estimates)],
    ]


def write_model(folder: Path) -> Path:
    """Write a VideoMAE base with random weights and its preprocessing."""
    VideoMAEForVideoClassification(VideoMAEConfig()).save_pretrained(folder)
    Preprocessor.for_size(224).processor.save_pretrained(folder)
    return folder


def measured_run(path: Path, data: Path, model: Path, compiled: bool) -> tuple[float, float, float]:
    """Train a run.

    Returns:
        The mean fraction of the time of an epoch that its steps wait for clips, the peak memory of the GPU in bytes,
        and the estimate of that.
    """
    once = {"num_epochs": EPOCHS, "test_clips": 1, "test_crops": 1, "window": "whole"}
    config = config_from({"recipe": RECIPE, "model": str(model), "compile": compiled, **once}, TINY)
    run = RunFolder.create(path, config, data)
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    if work(run, resume=False) is not RunState.DONE:
        sys.exit(f"The run failed: {read_status(run).reason}")
    waits = epochs_table(read_events(run.events_file))["data_wait"].iloc[1:]
    return float(waits.mean()), peak_memory(), estimated_memory(run, this_machine(path, find_gpu()))


def peak_memory() -> float:
    """Return the largest memory that PyTorch has reserved on the GPU and what CUDA takes beside it, in bytes."""
    free, total = torch.cuda.mem_get_info()
    return total - free - torch.cuda.memory_reserved() + torch.cuda.max_memory_reserved()


def estimated_memory(run: RunFolder, machine: Machine) -> float:
    """Return the estimate of the memory of a run as the Training page computes it, in bytes."""
    config, training = run.read_config(), len(run.read_split().train)
    at_once = min(config.optimization.batch_size, training) * config.augmentation.repeated_augmentation
    return memory_of(config, architecture_for(config), at_once, machine)


if __name__ == "__main__":
    main()
