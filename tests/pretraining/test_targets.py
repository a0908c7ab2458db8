"""socal_core.pretraining.targets, compared with NumPy and with the order of tokens in VideoMAE."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import VideoMAEConfig, VideoMAEModel

from socal_core.pretraining.render import Clips, render
from socal_core.pretraining.scenes import LIQUID, TUBE
from socal_core.pretraining.targets import CLIP_NAMES, KIND_NAMES, TOKEN_NAMES, Scaling, Targets, targets_of

FRAMES, SIZE, PATCH, TUBELET = 6, 32, 16, 2


@pytest.fixture(scope="module")
def clips() -> Clips:
    return render(12, FRAMES, SIZE, torch.Generator().manual_seed(4))


@pytest.fixture(scope="module")
def targets(clips: Clips) -> Targets:
    return targets_of(clips, TUBELET, PATCH)


def column(targets: Targets, name: str) -> np.ndarray:
    return targets.clip[:, CLIP_NAMES.index(name)].numpy()


def fitted_slope(curve: np.ndarray) -> float:
    return float(np.polyfit(np.linspace(-1, 1, len(curve)), curve.astype(float), 1)[0])


def close(found: np.ndarray, expected: object) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_each_target_has_one_name(targets: Targets) -> None:
    assert targets.clip.shape == (12, len(CLIP_NAMES))
    assert targets.token.shape == (12, 12, len(TOKEN_NAMES))
    assert len(set(CLIP_NAMES)) == len(CLIP_NAMES)
    assert len(set(TOKEN_NAMES)) == len(TOKEN_NAMES)


@pytest.mark.parametrize("kind", range(len(KIND_NAMES)), ids=KIND_NAMES)
def test_areas_and_motion_of_a_kind(clips: Clips, targets: Targets, kind: int) -> None:
    name = KIND_NAMES[kind]
    coverage, flow = clips.coverage[:, :, kind].numpy(), clips.flow.numpy()
    areas = [[frame.mean() for frame in clip] for clip in coverage]
    close(column(targets, f"{name} area"), [np.mean(curve) for curve in areas])
    close(column(targets, f"{name} area slope"), [fitted_slope(np.array(curve)) for curve in areas])
    close(column(targets, f"{name} area change"), [np.mean(np.abs(np.diff(curve))) for curve in areas])
    close(column(targets, f"{name} area spread"), [np.std(curve, ddof=1) for curve in areas])
    speed = np.hypot(flow[:, :, 0], flow[:, :, 1])
    close(column(targets, f"{name} speed"), [(c * s).mean() for c, s in zip(coverage, speed, strict=True)])
    for axis, label in enumerate("xy"):
        net = [(c * f[:, axis]).mean((1, 2)).sum() for c, f in zip(coverage, flow, strict=True)]
        close(column(targets, f"{name} net {label}"), net)


def test_colours_and_frame_differences(clips: Clips, targets: Targets) -> None:
    video = clips.video.numpy()
    for channel, name in enumerate(("red", "green", "blue")):
        curves = [[frame[channel].mean() for frame in clip] for clip in video]
        close(column(targets, name), np.mean(curves, axis=1))
        close(column(targets, f"{name} slope"), [fitted_slope(np.array(curve)) for curve in curves])
    steps = [[np.abs(clip[t + 1] - clip[t]).mean() for t in range(FRAMES - 1)] for clip in video]
    close(column(targets, "frame difference"), np.mean(steps, axis=1))
    close(column(targets, "frame difference slope"), [fitted_slope(np.array(curve)) for curve in steps])


def test_parameters_of_objects_are_weighted_by_visibility(clips: Clips, targets: Targets) -> None:
    appears = {}
    for kind in (TUBE, LIQUID):
        total, weight = np.zeros(12), np.zeros(12)
        for layer in (layer for layer in clips.layers if layer.kind == kind):
            for clip in range(12):
                position, size = layer.path[clip].numpy(), layer.size[clip].numpy()
                in_frame = (np.abs(position) < 1.2).all(1)
                visibility = np.mean(layer.presence[clip].numpy() * in_frame * np.minimum(size, 1))
                total[clip] += visibility * layer.parameters[clip, 0].item()
                weight[clip] += visibility
        appears[kind] = total / (weight + 0.02)
        close(column(targets, f"{KIND_NAMES[kind]} appears"), appears[kind])
        appears[kind][weight <= 0.02] = np.nan
    expected = np.nan_to_num(appears[LIQUID] - appears[TUBE])
    assert np.count_nonzero(expected) > 2
    close(column(targets, "liquid after tube"), expected)


def test_tokens_are_means_over_their_frames_and_pixels(clips: Clips, targets: Targets) -> None:
    video = clips.video.numpy()
    following = np.concatenate([video[:, 1:], video[:, -1:]], 1)
    maps = np.concatenate([clips.coverage.numpy(), clips.flow.numpy(), video, following - video], 2)
    for clip in (0, 5, 11):
        token = 0
        for time in range(0, FRAMES, TUBELET):
            for row in range(0, SIZE, PATCH):
                for col in range(0, SIZE, PATCH):
                    block = maps[clip, time : time + TUBELET, :, row : row + PATCH, col : col + PATCH]
                    close(targets.token[clip, token].numpy(), block.mean((0, 2, 3)))
                    token += 1


@pytest.mark.parametrize(("time", "row", "col"), [(0, 0, 1), (2, 1, 0), (4, 1, 1)])
def test_the_order_of_tokens_is_that_of_videomae(clips: Clips, time: int, row: int, col: int) -> None:
    dark = torch.zeros(1, FRAMES, 3, SIZE, SIZE)
    lit = dark.clone()
    lit[:, time : time + TUBELET, :, row * PATCH : (row + 1) * PATCH, col * PATCH : (col + 1) * PATCH] = 1
    config = VideoMAEConfig(image_size=SIZE, patch_size=PATCH, num_frames=FRAMES, tubelet_size=TUBELET, hidden_size=24)
    embeddings = VideoMAEModel(config).embeddings
    with torch.no_grad():
        changed = (embeddings(lit, None) - embeddings(dark, None)).abs().sum(-1)[0]
    one = render(1, FRAMES, SIZE, torch.Generator().manual_seed(0))
    red = targets_of(replace(one, video=lit), TUBELET, PATCH).token[0, :, TOKEN_NAMES.index("red")]
    assert changed.nonzero().flatten().tolist() == red.nonzero().flatten().tolist()
    assert red.max() == 1


def test_scaled_targets_have_mean_0_and_deviation_1_and_are_clipped(targets: Targets) -> None:
    scaling = Scaling.of(targets)
    values = targets.clip[:, [CLIP_NAMES.index("red")]].numpy()
    found = scaling(targets).clip[:, [CLIP_NAMES.index("red")]].numpy()
    close(found, (values - values.mean()) / values.std(ddof=1))
    extreme = Targets(targets.clip + 1e6, targets.token - 1e6)
    assert (scaling(extreme).clip == 4).all()
    assert (scaling(extreme).token == -4).all()
