"""Attention maps: against a computation by hand, and of a model whose reason is known."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from transformers import VideoMAEConfig, VideoMAEForVideoClassification

from socal_core.clips.loader import open_clips
from socal_core.clips.preprocess import Preprocessor
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.targets import SUCCESS_TARGET
from socal_core.evaluation.predictors import ClassifierPredictor, FrozenPredictor
from socal_core.explanations.attention import cells_of, gradient_attention, map_with, part_seen, why_no_map
from socal_core.explanations.attention_record import AttentionMap, read_attention, write_attention
from socal_core.explanations.occlusion import WHOLE
from socal_core.settings import TINY, config_from
from tests.factories import write_dataset
from tests.made_runs import write_run
from tests.models.checkpoints import SIZES

TRIAL = "S100T1"
GRID = (2, 4, 4)
"""Tubelets of a clip of four frames of 32 pixels."""


def network(layers: int = 1, **config: Any) -> VideoMAEForVideoClassification:
    torch.manual_seed(0)
    sizes = {**SIZES, "patch_size": 8, "num_hidden_layers": layers, "use_mean_pooling": True, "num_labels": 2, **config}
    model = VideoMAEForVideoClassification(VideoMAEConfig(**sizes, initializer_range=0.3)).eval()
    model.set_attn_implementation("sdpa")
    return model


def by_hand(model: VideoMAEForVideoClassification, clip: torch.Tensor, sign: int) -> np.ndarray:
    """Gradient times attention of one block, with the gradient by finite differences in double precision."""
    model = model.double()
    layer, heads = model.videomae.encoder.layer[0], model.config.num_attention_heads
    own = layer.attention.attention

    def output(attention: torch.Tensor) -> torch.Tensor:
        mixed = (attention @ values).transpose(0, 1).reshape(tokens, -1)
        hidden = embedded + layer.attention.output.dense(mixed)
        inner = torch.nn.functional.gelu(layer.intermediate.dense(layer.layernorm_after(hidden)))
        last = hidden + layer.output.dense(inner)
        if model.config.use_mean_pooling:
            logits = model.classifier(model.fc_norm(last.mean(dim=0)))
        else:
            logits = model.classifier(model.videomae.layernorm(last)[0])
        return logits[1] - logits[0]

    with torch.no_grad():
        embedded = model.videomae.embeddings(clip.double(), None)[0]
        tokens = len(embedded)
        normed = layer.layernorm_before(embedded)
        queries, keys, values = (
            part(normed).reshape(tokens, heads, -1).transpose(0, 1) for part in (own.query, own.key, own.value)
        )
        attention = torch.softmax(queries @ keys.transpose(1, 2) / queries.shape[-1] ** 0.5, dim=-1)
        gradient = torch.zeros_like(attention)
        for at in np.ndindex(*attention.shape):
            step = torch.zeros_like(attention)
            step[at] = 1e-5
            gradient[at] = (output(attention + step) - output(attention - step)) / 2e-5
        product = (sign * attention * gradient).clamp(min=0).mean(dim=0)
        read = product.mean(dim=0) if model.config.use_mean_pooling else product[0]
    return (read / read.sum()).numpy()


@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize("sign", [1, -1])
def test_one_block_is_gradient_times_attention(pooled: bool, sign: int) -> None:
    model = network(use_mean_pooling=pooled, patch_size=16)
    clip = torch.randn(1, 4, 3, 32, 32)
    found = gradient_attention(model, clip, 1, sign)
    assert found.shape == (2, 2, 2)
    assert found.sum() == pytest.approx(1)
    assert model.config._attn_implementation == "sdpa"
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert found.ravel() == pytest.approx(by_hand(model, clip, sign), abs=1e-4)


def test_only_the_last_blocks_count_and_other_grids_fit() -> None:
    model = network(layers=3)
    clip = torch.randn(1, 4, 3, 32, 32)
    last, all_three = (gradient_attention(model, clip, 1, 1, blocks) for blocks in (1, 3))
    assert last.shape == all_three.shape == GRID
    assert not np.allclose(last, all_three)
    assert gradient_attention(model, clip, 1, 1, 9) == pytest.approx(all_three)


def planted(places: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Clips of grey noise in which one patch is bright in successes and dark in failures, (clips, 4, 3, 32, 32)."""
    clips = 0.3 * torch.randn(len(places), 4, 3, 32, 32)
    for clip, place, label in zip(clips, places.tolist(), labels.tolist(), strict=True):
        row, column = divmod(place, 4)
        clip[..., row * 8 : row * 8 + 8, column * 8 : column * 8 + 8] += 2.0 if label else -2.0
    return clips


@pytest.fixture(scope="module")
def trained() -> VideoMAEForVideoClassification:
    """A network that has learned to look for the planted patch, wherever it is."""
    model = network(layers=2).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(80):
        places, labels = torch.randint(16, (32,)), torch.randint(2, (32,))
        loss = torch.nn.functional.cross_entropy(model(pixel_values=planted(places, labels)).logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2
    return model.eval()


@pytest.mark.slow
def test_the_map_points_to_the_patch_that_decides(trained: VideoMAEForVideoClassification) -> None:
    hits, chance = 0, np.random.default_rng(0)
    random_hits = 0
    for place in range(16):
        for label in (0, 1):
            torch.manual_seed(place)
            clip = planted(torch.tensor([place]), torch.tensor([label]))
            squares = gradient_attention(trained, clip, 1, 1 if label else -1).mean(axis=0)
            hits += int(squares.argmax()) == place
            random_hits += int(chance.random((4, 4)).argmax()) == place
    assert hits >= 28, "of 32"
    assert random_hits <= 8


def mapped(folder: Path, model: VideoMAEForVideoClassification, place: int) -> AttentionMap:
    """The map of a trial whose frames have a bright patch."""
    write_dataset(folder, surgeons=1, frames=6, size=(32, 32))
    generator = np.random.default_rng(place)
    row, column = divmod(place, 4)
    for path in sorted(folder.rglob("*.jpeg")):
        picture = generator.normal(115, 17, (32, 32, 3)).clip(0, 255).astype(np.uint8)
        picture[row * 8 : row * 8 + 8, column * 8 : column * 8 + 8] = 230
        cv2.imwrite(str(path), picture, (cv2.IMWRITE_JPEG_QUALITY, 100))
    dataset = open_dataset(folder)
    config = config_from({"recipe": "finetune", "num_frames": 4, "test_clips": 2}, TINY)
    with open_clips(dataset, config, Preprocessor.whole_frame(32), [TRIAL], (), lambda *_: None) as reader:
        classifier: Any = SimpleNamespace(model=model)
        predictor = ClassifierPredictor(classifier, [reader], 1)
        assert why_no_map(predictor) == ""
        return map_with(predictor, dataset, TRIAL, SUCCESS_TARGET, 0.5, 1, lambda *_: None)


@pytest.mark.slow
def test_a_map_of_the_patch_beats_random_maps_and_is_kept(
    tmp_path: Path, trained: VideoMAEForVideoClassification, shared_data_folder: Path
) -> None:
    found = mapped(tmp_path / "data", trained, 6)
    assert found.faithfulness.better_than_random
    assert found.faithfulness.deletion[0] < found.faithfulness.random_deletion[0]
    assert np.asarray(found.squares).argmax() == 6
    assert (len(found.steps), found.place, found.output_name) == (4, WHOLE, "probability of success")
    assert [step.first for step in found.steps] == sorted(step.first for step in found.steps)
    run = write_run(tmp_path / "run", shared_data_folder)
    assert read_attention(run, TRIAL) is None
    write_attention(run, found)
    assert read_attention(run, TRIAL) == found


def test_a_model_that_ignores_the_frames_has_a_map_that_means_nothing(tmp_path: Path) -> None:
    model = network()
    model.classifier.weight.data.zero_()
    found = mapped(tmp_path / "data", model, 6)
    assert not found.faithfulness.better_than_random
    assert not np.any(found.squares)


def test_models_without_attention_say_why() -> None:
    frozen = object.__new__(FrozenPredictor)
    assert "features of frozen encoders" in why_no_map(frozen)
    other: Any = SimpleNamespace(model=SimpleNamespace(config=SimpleNamespace(model_type="vivit")))
    assert "this is vivit" in why_no_map(ClassifierPredictor(other, [], 1))


@pytest.mark.parametrize("size", [(1600, 900), (900, 1600), (640, 640)])
def test_the_map_covers_the_part_of_the_frame_that_the_crop_shows(size: tuple[int, int]) -> None:
    edge = min(size)
    sides = [(1 - edge / length) / 2 for length in size]
    expected = (sides[0], sides[1], 1 - sides[0], 1 - sides[1])
    assert part_seen(Preprocessor.for_size(96), size) == pytest.approx(expected, abs=0.01)
    assert part_seen(Preprocessor.whole_frame(96), size) == WHOLE


def test_cells_cover_the_part_and_add_up() -> None:
    squares = np.random.default_rng(0).random((14, 10))
    importance, cells = cells_of(squares, (0.25, 0.0, 0.75, 1.0), [3, 5])
    assert len(cells) == 49
    assert sum(importance) == pytest.approx(squares.sum())
    assert importance[0] == pytest.approx(squares[:2, :2].sum())
    boxes = [cell.rectangles[5][0] for cell in cells]
    assert sum((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in boxes) == pytest.approx(0.5)
    assert boxes[0] == pytest.approx((0.25, 0.0, 0.25 + 2 / 10 / 2, 2 / 14))
