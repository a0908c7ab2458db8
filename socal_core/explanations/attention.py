"""Attention maps: which tubelets of a clip the last blocks of a VideoMAE attend to for its output.

The attention of each head is weighted by its gradient, negative products are left out, heads are averaged, and the
blocks are chained with their residual connections (Chefer et al., Generic attention-model explainability, ICCV 2021).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel
from transformers.models.videomae.modeling_videomae import VideoMAESelfAttention

from socal_core.clips.preprocess import Preprocessor
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.targets import Target
from socal_core.errors import DataError, RunError
from socal_core.evaluation.predictor import Predictor
from socal_core.evaluation.predictors import ClassifierPredictor, open_predictor
from socal_core.explanations.attention_record import AttentionMap, AttentionStep
from socal_core.explanations.explain import Probe, settings_of_explanation
from socal_core.explanations.faithfulness import judge
from socal_core.explanations.occlusion import Occlusion, Rectangle, sizes_of
from socal_core.runs.folder import RunFolder
from socal_core.settings import Recipe

BLOCKS = 4
"""How many of the last blocks count."""
MOST_CELLS = 7
"""Rows and columns of the grid whose cells are painted out to check the map: at most so many."""
FROZEN = (
    "its head is a regression on the features of frozen encoders, so the output cannot be traced back to the attention "
    "of a network."
)
EDGE = 960
"""The longer edge of a picture that is preprocessed to find which part of a frame the model sees, in pixels."""

Progress = Callable[[str, int, int], None]


def attention_map(run: RunFolder, trial_id: str, progress: Progress) -> AttentionMap:
    """Map the attention of the best checkpoint of a run for a trial, and check the map.

    Args:
        run: An evaluated run, but no cross-validation.
        trial_id: The trial; its outcome need not be known.
        progress: Called with the current stage, the amount of work done and the total; may raise.

    Raises:
        DataError: The trial does not exist or has no clip.
        ModelError: A file of the model is missing or damaged.
        RunError: The run has no results or no checkpoint, or its model has no attention to map.
    """
    dataset, threshold, epoch = settings_of_explanation(run, trial_id)
    with open_predictor(run, dataset, [trial_id], progress) as predictor:
        if trial_id in predictor.left_out:
            raise DataError(predictor.left_out[trial_id])
        if reason := why_no_map(predictor):
            raise RunError(f"Run {run.name} has no attention map: {reason}")
        return map_with(predictor, dataset, trial_id, run.read_target(), threshold, epoch, progress)


def reason_of_run(run: RunFolder) -> str:
    """Return why a run has no attention map, from its settings alone; "" if it may have one."""
    return FROZEN if run.read_config().model.recipe is Recipe.FROZEN else ""


def why_no_map(predictor: Predictor) -> str:
    """Return why a model has no attention map; "" if it has one."""
    if not isinstance(predictor, ClassifierPredictor):
        return FROZEN
    kind = predictor.classifier.model.config.model_type
    return "" if kind == "videomae" else f"maps exist only for VideoMAE, whose tokens are tubelets; this is {kind}."


def map_with(
    predictor: Predictor,
    dataset: Dataset,
    trial_id: str,
    target: Target,
    threshold: float,
    epoch: int,
    progress: Progress,
) -> AttentionMap:
    """Map the attention of an open model; see `attention_map`."""
    if not isinstance(predictor, ClassifierPredictor):
        raise RunError(why_no_map(predictor))
    probe = Probe(predictor, dataset, trial_id, target, threshold)
    reader, model = predictor.readers[0], predictor.classifier.model
    steps: list[AttentionStep] = []
    clips = next(iter(predictor.clips([trial_id])))  # (clips, frames, 3, height, width)
    for number, (clip, pixels) in enumerate(zip(reader.plan.evaluation_clips(trial_id), clips, strict=True)):
        progress("Mapping the attention", number, len(clips))
        device = next(model.parameters()).device
        shape = (1, *pixels.shape)
        inputs = reader.preprocessor.model_input(
            torch.from_numpy(pixels)[None].to(device), torch.empty(shape, device=device)
        )
        grid = gradient_attention(model, inputs, probe.column, probe.speaks_for)
        groups = np.array_split(reader.plan.indices_of(clip), len(grid))
        steps += [
            AttentionStep(min(group), max(group), tuple(map(tuple, values)))
            for group, values in zip((group.tolist() for group in groups), grid.tolist(), strict=True)
        ]
    steps.sort(key=lambda step: (step.first, step.last))
    size = next(iter(sizes_of(dataset, trial_id).values()), (1, 1))
    place = part_seen(reader.preprocessor, size)
    whole = np.mean([step.squares for step in steps], axis=0)
    importance, cells = cells_of(whole, place, predictor.frames_seen(trial_id))
    faithfulness = judge(
        importance,
        cells,
        probe.score,
        seed=0,
        progress=lambda done, total: progress("Comparing with random maps", done, total),
    )
    return AttentionMap(trial_id, epoch, probe.name, probe.output, place, tuple(steps), faithfulness)


def gradient_attention(
    model: PreTrainedModel, inputs: torch.Tensor, column: int, sign: int, blocks: int = BLOCKS
) -> NDArray[np.float64]:
    """Map the attention of a VideoMAE for one clip.

    Args:
        model: A VideoMAE with a classifier.
        inputs: The clip as the model receives it, (1, frames, 3, height, width).
        column: The index of the output. For a class, it is explained against the mean of the other logits.
        sign: 1 if the map shows what raises the output, -1 if it shows what lowers it, 0 for both, as for a number.
        blocks: How many of the last blocks count.

    Returns:
        How much each tubelet counts, (steps, rows, columns); they add up to 1 unless all are 0.
    """
    model.eval()
    with _last_attentions(model, blocks) as weights, torch.enable_grad():
        found = model(pixel_values=inputs)
        gradients = torch.autograd.grad(_explained(found.logits[0], column), weights)
    tokens = weights[0].shape[-1]
    relevance = torch.eye(tokens, dtype=torch.float64)
    for attention, gradient in zip(weights, gradients, strict=True):
        product = (attention * gradient)[0].double().cpu().detach()  # (heads, queries, keys)
        kept = product.abs() if sign == 0 else (sign * product).clamp(min=0)
        relevance = relevance + kept.mean(dim=0) @ relevance
    relevance -= torch.eye(tokens, dtype=torch.float64)
    read = relevance.mean(dim=0) if model.config.use_mean_pooling else relevance[0]
    grid = read.numpy().reshape(_grid_of(model, inputs))
    total = float(grid.sum())
    shares: NDArray[np.float64] = grid / total if total > 0 else grid
    return shares


def _explained(logits: torch.Tensor, column: int) -> torch.Tensor:
    """Return what the gradient is of: a logit minus the mean of the others, or a number."""
    if len(logits) == 1:
        return logits[0]
    return logits[column] - (logits.sum() - logits[column]) / (len(logits) - 1)


def _grid_of(model: PreTrainedModel, inputs: torch.Tensor) -> tuple[int, int, int]:
    """Return the number of tubelets in time, vertically and horizontally."""
    config = model.config
    patch = config.patch_size
    down, across = (patch, patch) if isinstance(patch, int) else patch
    return inputs.shape[1] // config.tubelet_size, inputs.shape[3] // down, inputs.shape[4] // across


@contextmanager
def _last_attentions(model: PreTrainedModel, blocks: int) -> Iterator[list[torch.Tensor]]:
    """Yield a list that receives the attention weights, (1, heads, queries, keys), of the last blocks of a VideoMAE.

    They are computed eagerly, since faster implementations never hold them. Earlier blocks keep nothing for gradients,
    which for VideoMAE-base would take gigabytes.
    """
    before, trainable = model.config._attn_implementation, [item.requires_grad for item in model.parameters()]
    found: list[torch.Tensor] = []
    layers = list(model.get_submodule("videomae.encoder.layer").children())[-blocks:]
    hooks = [
        module.register_forward_hook(lambda _module, _inputs, output: found.append(output[1]))
        for layer in layers
        for module in layer.modules()
        if isinstance(module, VideoMAESelfAttention)
    ]
    hooks.append(layers[0].register_forward_pre_hook(lambda _module, given: (given[0].requires_grad_(), *given[1:])))
    model.set_attn_implementation("eager")
    model.requires_grad_(False)
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()
        model.set_attn_implementation(before)
        for item, state in zip(model.parameters(), trainable, strict=True):
            item.requires_grad_(state)


def part_seen(preprocessor: Preprocessor, size: tuple[int, int]) -> Rectangle:
    """Return which part of a frame reaches the model, which may crop it.

    Args:
        preprocessor: The preprocessing.
        size: Width and height of the frame in pixels.
    """
    scale = EDGE / max(size)
    width, height = (max(1, round(edge * scale)) for edge in size)
    # Brightness rises from edge to edge, and what is left of it tells where the edges of the crop were.
    across = np.rint(np.linspace(0, 255, width)).astype(np.uint8)
    down = np.rint(np.linspace(0, 255, height)).astype(np.uint8)
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 0], picture[..., 1] = across[None, :], down[:, None]
    shrunk = preprocessor.shrink(picture).astype(float) / 255
    (x1, x2), (y1, y2) = _ends(shrunk[0].mean(axis=0)), _ends(shrunk[1].mean(axis=1))
    return x1, y1, x2, y2


def _ends(ramp: NDArray[np.float64]) -> tuple[float, float]:
    """Return where a ramp would start and end, half a pixel outside its first and last value."""
    if len(ramp) < 2:
        return 0.0, 1.0
    half = (ramp[-1] - ramp[0]) / (len(ramp) - 1) / 2
    low, high = float(ramp[0] - half), float(ramp[-1] + half)
    return (0.0 if low < 0.01 else low), (1.0 if high > 0.99 else high)


def cells_of(
    squares: NDArray[np.float64], place: Rectangle, frames: Sequence[int]
) -> tuple[list[float], list[Occlusion]]:
    """Return the importance and the place in the frame of the cells of a coarse grid, whose check takes little time.

    Args:
        squares: The map, (rows, columns).
        place: The part of the frame that it covers.
        frames: The frames that the model sees, as indices in the trial.
    """
    rows, columns = (np.array_split(np.arange(n), min(n, MOST_CELLS)) for n in squares.shape)
    x1, y1, x2, y2 = place
    width, height = (x2 - x1) / squares.shape[1], (y2 - y1) / squares.shape[0]
    importance: list[float] = []
    cells: list[Occlusion] = []
    for down in rows:
        for across in columns:
            importance.append(float(squares[np.ix_(down, across)].sum()))
            box = (
                x1 + across[0] * width,
                y1 + down[0] * height,
                x1 + (across[-1] + 1) * width,
                y1 + (down[-1] + 1) * height,
            )
            cells.append(Occlusion(f"cell {len(cells)}", dict.fromkeys(frames, (box,))))
    return importance, cells
