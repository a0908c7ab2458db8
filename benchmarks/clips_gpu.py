"""How long a training step of VideoMAE base waits for its clips. Part of benchmarks/clips.py."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from accelerate import Accelerator
from transformers import VideoMAEConfig, VideoMAEForVideoClassification

from benchmarks.clips_common import empty_workspace, pictures, preprocessor, settings, silent, table, write_trials
from socal_core.clips.loader import ClipReader, open_clips
from socal_core.dataset.opening import open_dataset
from socal_core.training.batches import Batch, Rank, training_batches

TRIALS, FRAMES = 80, 20
BATCH = 8
EPOCHS = 4
"""The first is left out: kernels are chosen then."""


def measure_gpu(scratch: Path, picture_count: int) -> None:
    """The share of the steps' time that is spent waiting, and a step beside one whose clips are there already."""
    if not torch.cuda.is_available():
        print("GPU: not run, this machine has none that PyTorch can use.")
        return
    root = write_trials(scratch / "data", TRIALS * FRAMES, TRIALS, pictures(scratch / "pictures", picture_count))
    accelerator = Accelerator(mixed_precision="bf16")
    model = VideoMAEForVideoClassification(VideoMAEConfig())
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    model, optimizer = accelerator.prepare(model, optimizer)
    model.train()

    def step(batch: Batch) -> float:
        logits = model(pixel_values=batch.pixel_values).logits.float()
        loss = (torch.nn.functional.cross_entropy(logits, batch.labels, reduction="none") * batch.weights).sum()
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        return float(loss.detach())  # waits for the GPU, as every step of the training does

    dataset = open_dataset(root)
    trial_ids = [str(trial_id) for trial_id in dataset.usable_trials.index]
    with (
        empty_workspace(scratch / "workspace"),
        open_clips(dataset, settings(), preprocessor(), trial_ids, trial_ids, silent) as reader,
    ):
        epochs = epochs_of(reader, trial_ids, accelerator.device)
        waited, taken, count, last = 0.0, 0.0, 0, None
        for number, batches in enumerate(epochs):
            started = time.perf_counter()
            for batch in batches:
                step(batch)
                last = batch
                waited += batch.waited * (number > 0)
                count += number > 0
            taken += (time.perf_counter() - started) * (number > 0)
    if last is not None:
        print_steps(accelerator.device, waited / taken, taken / count, count, lambda: step(last))


def epochs_of(reader: ClipReader, trial_ids: list[str], device: torch.device) -> Iterator[Iterator[Batch]]:
    """The batches of each epoch, augmented as by default."""
    labels = {trial_id: index % 2 for index, trial_id in enumerate(trial_ids)}
    config = settings(batch_size=BATCH)
    for epoch in range(1, EPOCHS + 1):
        yield training_batches(reader, trial_ids, labels, torch.ones(2), config, epoch, Rank(0, 1, device))


def print_steps(device: torch.device, share: float, seconds: float, count: int, again: Callable[[], float]) -> None:
    """The table; `again` is a step on clips that lie on the GPU already."""
    started = time.perf_counter()
    for _ in range(count):
        again()
    alone = (time.perf_counter() - started) / count
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    table(
        [
            [f"VideoMAE base, random weights, bf16, batch {BATCH}, {name}", f"{count} steps", "asked"],
            ["share of a step spent waiting for clips", f"{share:.2%}", "< 3 %"],
            ["a step with reading and augmentation, ms", f"{seconds * 1e3:.1f}", ""],
            ["a step on clips that are there already, ms", f"{alone * 1e3:.1f}", ""],
        ]
    )
