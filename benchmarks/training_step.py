"""A training step of VideoMAE beside one of the reference notebook's loop, on the processor.

    python -m benchmarks.training_step [--repeats 5] [--models tiny,small,base]

Both steps have the same model, clips and batch (one clip; `tiny`: four), and follow each other in turn, so that other
load on the machine meets both alike. The notebook's: float32, cross-entropy, AdamW with its default settings, dropout
of 0.2 of hidden states. Ours, with the dropout and the drop path of each recipe: the precision of `make_accelerator`,
weighted cross-entropy with `add_gradients`, the optimizer of `make_optimizer`. The table has the median of each and of
the quotients. Clips are random: reading them is measured in benchmarks/clips.py.

    python -m benchmarks.training_step --compare-compiled [--models tiny,base]

In place of that: our step beside the same step compiled with torch.compile, and what compiling takes.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import nn
from transformers import PreTrainedModel, VideoMAEConfig, VideoMAEForVideoClassification

from benchmarks.experiments import markdown
from socal_core.models.regularization import regularize
from socal_core.runs.architecture import TINY_ARCHITECTURE, Architecture
from socal_core.settings import TINY, Recipe, TrainConfig, config_from
from socal_core.training.batches import Batch
from socal_core.training.compilation import compiled
from socal_core.training.distributed import make_accelerator
from socal_core.training.objective import add_gradients, make_optimizer

FRAMES = 16
CPU = torch.device("cpu")
SMALL = Architecture(hidden_size=384, num_hidden_layers=12, num_attention_heads=6, intermediate_size=1536)
MODELS = {"tiny": (TINY_ARCHITECTURE, 4), "small": (SMALL, 1), "base": (Architecture(), 1)}
HEADER = ("model", "recipe", "clips", "precision", "notebook's step (s)", "our step (s)", "times as fast")
COMPILED_HEADER = (
    *("model", "recipe", "clips", "precision", "first step, compiled (s)", "our step (s)", "compiled (s)"),
    *("times as fast", "steps until compiling is paid back"),
)
RECIPES = {"tiny": Recipe.FINETUNE, "small": Recipe.SMALL_DATA, "base": Recipe.SMALL_DATA}
Step = Callable[[], None]


@dataclass(frozen=True)
class OurStep:
    """The step of a run."""

    take: Step
    precision: str
    model: nn.Module


def main() -> None:
    """Measure each model and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--models", default="tiny,small,base", help="names with commas (default: %(default)s)")
    parser.add_argument("--compare-compiled", action="store_true", help="our step beside its compiled form")
    options = parser.parse_args()
    rows = []
    for name in options.models.split(","):
        architecture, clips = MODELS[name]
        if options.compare_compiled:
            rows.append(compiled_row(name, RECIPES[name], architecture, clips, options.repeats))
            print(markdown(COMPILED_HEADER, rows), flush=True)
            continue
        for recipe in (Recipe.NOTEBOOK, Recipe.SMALL_DATA):
            rows.append(row_of(name, recipe, architecture, clips, options.repeats))
            print(markdown(HEADER, rows), flush=True)


def row_of(name: str, recipe: Recipe, architecture: Architecture, clips: int, repeats: int) -> list[str]:
    """Return the row of the table for one model and recipe."""
    ours = our_step(architecture, clips, config_of(name, recipe))
    steps = (notebook_step(architecture, clips), ours.take)
    notebook, own = paired_seconds(steps, repeats)
    quotient = statistics.median(first / second for first, second in zip(notebook, own, strict=True))
    times = (f"{statistics.median(taken):.2f}" for taken in (notebook, own))
    return [name, str(recipe), str(clips), ours.precision, *times, f"{quotient:.2f}"]


def compiled_row(name: str, recipe: Recipe, architecture: Architecture, clips: int, repeats: int) -> list[str]:
    """Return the row that compares the step of a model with its compiled form."""
    config = config_of(name, recipe)
    plain, fast = our_step(architecture, clips, config), our_step(architecture, clips, config.replace(compile=True))
    first = seconds_of(fast.take)
    own, taken = (statistics.median(column) for column in paired_seconds((plain.take, fast.take), repeats))
    paid = f"{first / (own - taken):,.0f}" if own > taken else "never"
    seconds = (f"{value:.2f}" for value in (first, own, taken, own / taken))
    return [name, str(recipe), str(clips), plain.precision, *seconds, paid]


def config_of(name: str, recipe: Recipe) -> TrainConfig:
    """Return the settings of a run of a model."""
    return config_from({"recipe": recipe, "model": TINY if name == "tiny" else "owner/name"}, TINY)


def paired_seconds(steps: Sequence[Step], repeats: int) -> list[tuple[float, ...]]:
    """Return the times of each step; all are taken in turn, after one of each that chooses kernels and allocates."""
    times = [[seconds_of(step) for step in steps] for _ in range(repeats + 1)]
    return list(zip(*times[1:], strict=True))


def model_of(architecture: Architecture, dropout: float) -> PreTrainedModel:
    """Return a model with random weights, in training mode, with dropout of hidden states."""
    sizes = {**asdict(architecture), "num_frames": FRAMES, "num_labels": 2}
    model: PreTrainedModel = VideoMAEForVideoClassification(VideoMAEConfig(**sizes, hidden_dropout_prob=dropout))
    return model.train()


def clips_of(architecture: Architecture, clips: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return random clips and labels."""
    pixels = torch.randn(clips, FRAMES, 3, architecture.image_size, architecture.image_size)
    return pixels.to(device), (torch.arange(clips) % 2).to(device)


def notebook_step(architecture: Architecture, clips: int, device: torch.device = CPU) -> Step:
    """Return the step of the reference notebook in float32."""
    model = model_of(architecture, 0.2).to(device)  # type: ignore[arg-type]
    pixels, labels = clips_of(architecture, clips, device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=0.01)
    criterion = nn.CrossEntropyLoss(weight=torch.ones(2, device=device))

    def step() -> None:
        optimizer.zero_grad()
        criterion(model(pixel_values=pixels).logits, labels).backward()
        optimizer.step()

    return step


def our_step(architecture: Architecture, clips: int, config: TrainConfig) -> OurStep:
    """Return the step of a run, on the device of the accelerator."""
    accelerator = make_accelerator(config, None)
    pixels, labels = clips_of(architecture, clips, accelerator.device)
    network = model_of(architecture, config.model.dropout_rate)
    regularize(network, config.model)
    model, optimizer = accelerator.prepare(network, make_optimizer(network, config.optimization))
    called = compiled(model, accelerator.device)[0] if config.machine.compile else model
    ones = torch.ones(clips, device=accelerator.device)
    batch = Batch(pixels, labels, labels, ones, ones, lam=1.0, size=clips, full_size=clips, waited=0.0)

    def step() -> None:
        add_gradients(accelerator, called, batch, config)
        optimizer.step()
        optimizer.zero_grad()

    return OurStep(step, str(accelerator.mixed_precision), model)


def seconds_of(step: Step) -> float:
    """Return the time that a step takes; a GPU has then computed it."""
    started = time.perf_counter()
    step()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
