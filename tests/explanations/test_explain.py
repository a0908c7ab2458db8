"""Explanations of models whose reasons are known: the brightness of one place in the frame."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from transformers.models.videomae.image_processing_pil_videomae import VideoMAEImageProcessorPil

from socal_core.clips.loader import open_clips
from socal_core.clips.preprocess import Preprocessor
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.targets import SUCCESS_TARGET
from socal_core.evaluation.predictors import ClassifierPredictor
from socal_core.explanations.explain import COLUMNS, ROWS, Explanation, explain_with
from socal_core.explanations.occlusion import Occlusion, of_squares, of_times, of_tools, paint_out, seen_area, sizes_of
from socal_core.settings import TINY, config_from
from tests.factories import write_dataset

SIZE = 48
TRIAL = "S100T1"


class Brightness(torch.nn.Module):
    """Predicts success by how bright a square of the frame is; nothing else counts."""

    def __init__(self, row: int, column: int, weight: float = 8.0) -> None:
        super().__init__()
        edge = SIZE // ROWS
        self.place = slice(row * edge, (row + 1) * edge), slice(column * edge, (column + 1) * edge)
        self.weight = weight

    def forward(self, pixel_values: torch.Tensor) -> SimpleNamespace:
        bright = pixel_values[..., self.place[0], self.place[1]].mean(dim=(1, 2, 3, 4))
        return SimpleNamespace(logits=torch.stack([torch.zeros_like(bright), self.weight * bright], dim=-1))


def write_noise(folder: Path, seed: int) -> Dataset:
    """Write trials whose frames are noise."""
    write_dataset(folder, surgeons=1, frames=6, size=(SIZE, SIZE))
    generator = np.random.default_rng(seed)
    for path in sorted(folder.rglob("*.jpeg")):
        cv2.imwrite(str(path), generator.integers(0, 255, (SIZE, SIZE, 3), dtype=np.uint8))
    return open_dataset(folder)


def explained(dataset: Dataset, model: torch.nn.Module) -> Explanation:
    config = config_from({"recipe": "finetune", "num_frames": 4, "test_clips": 1}, TINY)
    preprocessor = Preprocessor.whole_frame(SIZE)
    with open_clips(dataset, config, preprocessor, [TRIAL], (), lambda *_: None) as reader:
        classifier: Any = SimpleNamespace(model=model)
        predictor = ClassifierPredictor(classifier, [reader], 1)
        return explain_with(predictor, dataset, TRIAL, SUCCESS_TARGET, 0.5, 1, lambda *_: None)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_map_points_to_the_place_that_decides(tmp_path: Path, seed: int) -> None:
    row, column = divmod(int(np.random.default_rng(seed).integers(ROWS * COLUMNS)), COLUMNS)
    dataset = write_noise(tmp_path / "data", seed)
    found = explained(dataset, Brightness(row, column))
    changes = np.abs(found.squares)
    assert np.unravel_index(changes.argmax(), changes.shape) == (row, column)
    assert changes.sum() == pytest.approx(changes.max())
    assert found.output_name == "probability of success"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100))
def test_a_map_of_the_place_that_decides_beats_random_maps(tmp_path: Path, seed: int) -> None:
    generator = np.random.default_rng(seed)
    row, column = divmod(int(generator.integers(ROWS * COLUMNS)), COLUMNS)
    dataset = write_noise(tmp_path / "data", seed)
    edge = SIZE // ROWS
    for path in sorted((tmp_path / "data").rglob("*.jpeg")):  # a bright square, which the rest of the frame is not
        picture = cv2.imread(str(path))
        picture[row * edge : (row + 1) * edge, column * edge : (column + 1) * edge] = 255
        cv2.imwrite(str(path), picture)
    found = explained(open_dataset(dataset.root), Brightness(row, column))
    assert found.faithfulness.better_than_random
    assert found.faithfulness.deletion[0] < found.faithfulness.random_deletion[0]
    assert found.faithfulness.insertion[0] > found.faithfulness.random_insertion[0]


def test_a_model_that_ignores_the_frames_has_no_map(tmp_path: Path) -> None:
    found = explained(write_noise(tmp_path / "data", 0), Brightness(0, 0, weight=0.0))
    assert not np.any(found.squares)
    assert found.faithfulness.p_value == 1
    assert not found.faithfulness.better_than_random
    assert not any(tool.stands_out for tool in found.tools)


def test_only_the_tool_that_covers_the_place_changes_the_output(tmp_path: Path) -> None:
    dataset = write_noise(tmp_path / "data", 0)
    tools = {tool.name: tool for tool in of_tools(dataset, TRIAL)}
    frames = sizes_of(dataset, TRIAL)
    x1, y1, x2, y2 = tools["suction"].rectangles[0][0]
    row, column = int((y1 + y2) / 2 * ROWS), int((x1 + x2) / 2 * COLUMNS)
    found = explained(dataset, Brightness(row, column, weight=30.0))
    effects = {tool.label: tool for tool in found.tools}
    assert effects.keys() == {"suction", "grasper"}
    assert effects["suction"].frames == 4
    assert effects["suction"].area == pytest.approx(seen_area(tools["suction"], list(frames))[1], abs=0.02)
    assert effects["suction"].change == pytest.approx(found.output - effects["suction"].without)
    assert abs(effects["suction"].change) > 0


def test_parts_of_time_are_of_the_frames_that_the_model_sees(tmp_path: Path) -> None:
    found = explained(write_noise(tmp_path / "data", 0), Brightness(0, 0))
    assert [(part.first, part.last) for part in found.times] == [(index, index) for index in found.frames]
    assert len(found.as_dict()["squares"]) == ROWS


def test_what_is_painted_out_is_the_mean_colour_of_the_rest() -> None:
    clip = np.random.default_rng(0).integers(0, 255, (2, 3, 20, 40), dtype=np.uint8)
    left = Occlusion("left", {7: ((0.0, 0.0, 0.5, 1.0),)})
    preprocessor = Preprocessor(VideoMAEImageProcessorPil(size={"height": 20, "width": 40}, do_center_crop=False))
    painted = paint_out(clip, [3, 7], left, {3: (1920, 1080), 7: (1920, 1080)}, preprocessor)
    assert np.array_equal(painted[0], clip[0])
    assert np.array_equal(painted[1, :, :, 20:], clip[1, :, :, 20:])
    expected = np.rint(clip[1, :, :, 20:].reshape(3, -1).mean(axis=1))
    assert (painted[1, :, :, :20] == expected[:, None, None]).all()
    whole = paint_out(clip, [3, 7], of_times([7], 1)[0], {}, preprocessor)
    assert (whole[1] == np.rint(clip.mean(axis=(0, 2, 3)))[:, None, None]).all()


def test_a_mask_follows_the_crop_of_the_preprocessing() -> None:
    """The centre crop of a 16:9 frame shows the middle 9/16 of its width."""
    clip = np.zeros((1, 3, 90, 90), np.uint8)
    clip[0, :, :, :45] = 200
    left_half_of_the_crop = ((3.3 / 16, 0.0, 0.5, 1.0),)
    occlusion = Occlusion("", {0: left_half_of_the_crop})
    painted = paint_out(clip, [0], occlusion, {0: (1600, 900)}, Preprocessor.for_size(90))
    assert not painted[0, :, :, :44].any()
    assert np.array_equal(painted[0, :, :, 46:], clip[0, :, :, 46:])


def test_squares_cover_the_frame_once() -> None:
    cells = of_squares([0, 2], 2, 3)
    assert len(cells) == 6
    assert sum((x2 - x1) * (y2 - y1) for cell in cells for x1, y1, x2, y2 in cell.rectangles[2]) == pytest.approx(1)
    assert cells[0].mirrored(across=True, down=True).rectangles[0][0] == pytest.approx(cells[-1].rectangles[0][0])


def test_several_boxes_in_a_frame_count_together() -> None:
    occlusion = Occlusion("", {0: ((0, 0, 0.5, 0.5), (0.5, 0, 1, 0.5)), 4: ((0, 0, 1, 1),)})
    assert seen_area(occlusion, [0, 1]) == (1, 0.5)
    assert seen_area(occlusion, [1]) == (0, 0.0)
