"""A training step of VideoMAE beside one of the reference notebook's loop, on the processor.

    python -m benchmarks.training_step [--repeats 5] [--models tiny,small,base]

Both steps have the same model, clips and batch (one clip; `tiny`: four), and follow each other in turn, so that other
load on the machine meets both alike. The notebook's: float32, cross-entropy, AdamW with its default settings, dropout
of 0.2 that does not reach the attention. Ours, with the dropout of each recipe, which reaches it: the precision of
`make_accelerator`, weighted cross-entropy with `add_gradients`, the optimizer of `make_optimizer`. The table has the
median of each and of the quotients. Clips are random: reading them is measured in benchmarks/clips.py.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict

import torch
from torch import nn
from transformers import VideoMAEConfig, VideoMAEForVideoClassification

from benchmarks.experiments import markdown
from socal_core.runs.architecture import TINY_ARCHITECTURE, Architecture
from socal_core.settings import TINY, Recipe, TrainConfig, config_from
from socal_core.training.batches import Batch
from socal_core.training.distributed import make_accelerator
from socal_core.training.objective import add_gradients, make_optimizer

FRAMES = 16
SMALL = Architecture(hidden_size=384, num_hidden_layers=12, num_attention_heads=6, intermediate_size=1536)
MODELS = {"tiny": (TINY_ARCHITECTURE, 4), "small": (SMALL, 1), "base": (Architecture(), 1)}
HEADER = ("model", "recipe", "clips", "precision", "notebook's step (s)", "our step (s)", "times as fast")
Step = Callable[[], None]


def main() -> None:
    """Measure each model and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--models", default="tiny,small,base", help="names with commas (default: %(default)s)")
    options = parser.parse_args()
    rows = []
    for name in options.models.split(","):
        architecture, clips = MODELS[name]
        for recipe in (Recipe.NOTEBOOK, Recipe.SMALL_DATA):
            rows.append(row_of(name, recipe, architecture, clips, options.repeats))
            print(markdown(HEADER, rows), flush=True)


def row_of(name: str, recipe: Recipe, architecture: Architecture, clips: int, repeats: int) -> list[str]:
    """Return the row of the table for one model and recipe."""
    config = config_from({"recipe": recipe, "model": TINY if name == "tiny" else "owner/name"}, TINY)
    ours, precision = our_step(architecture, clips, config)
    steps = (notebook_step(architecture, clips), ours)
    times = []
    for number in range(repeats + 1):
        pair = [seconds_of(step) for step in steps]
        if number:  # the first step chooses kernels and allocates
            times.append(pair)
    notebook, own = (statistics.median(column) for column in zip(*times, strict=True))
    quotient = statistics.median(first / second for first, second in times)
    return [name, str(recipe), str(clips), precision, f"{notebook:.2f}", f"{own:.2f}", f"{quotient:.2f}"]


def model_of(architecture: Architecture, hidden_dropout: float, attention_dropout: float) -> nn.Module:
    """Return a model with random weights, in training mode."""
    sizes = {**asdict(architecture), "num_frames": FRAMES, "num_labels": 2}
    dropout = {"hidden_dropout_prob": hidden_dropout, "attention_probs_dropout_prob": attention_dropout}
    settings = VideoMAEConfig(**sizes, **dropout)
    model: nn.Module = VideoMAEForVideoClassification(settings)
    return model.train()


def clips_of(architecture: Architecture, clips: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return random clips and labels."""
    pixels = torch.randn(clips, FRAMES, 3, architecture.image_size, architecture.image_size)
    return pixels, torch.arange(clips) % 2


def notebook_step(architecture: Architecture, clips: int) -> Step:
    """Return the step of the reference notebook on a processor."""
    model, (pixels, labels) = model_of(architecture, 0.2, 0.0), clips_of(architecture, clips)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=0.01)
    criterion = nn.CrossEntropyLoss(weight=torch.ones(2))

    def step() -> None:
        optimizer.zero_grad()
        criterion(model(pixel_values=pixels).logits, labels).backward()
        optimizer.step()

    return step


def our_step(architecture: Architecture, clips: int, config: TrainConfig) -> tuple[Step, str]:
    """Return the step of a run, and its precision."""
    pixels, labels = clips_of(architecture, clips)
    accelerator = make_accelerator(config, None)
    model = model_of(architecture, config.model.dropout_rate, config.model.dropout_rate)
    model, optimizer = accelerator.prepare(model, make_optimizer(model, config.optimization))
    ones = torch.ones(clips)
    batch = Batch(pixels, labels, labels, ones, ones, lam=1.0, size=clips, full_size=clips, waited=0.0)

    def step() -> None:
        add_gradients(accelerator, model, batch, config)
        optimizer.step()
        optimizer.zero_grad()

    return step, str(accelerator.mixed_precision)


def seconds_of(step: Step) -> float:
    """Return the time that a step takes."""
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
