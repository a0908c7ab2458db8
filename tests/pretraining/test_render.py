"""socal_core.pretraining.render and pool: the content of clips, and their dependence on the seed."""

import numpy as np
import pytest
import torch

from socal_core.pretraining.pool import ClipPool, generate_clips
from socal_core.pretraining.pretrain_settings import PretrainSettings
from socal_core.pretraining.render import Clips, render
from socal_core.pretraining.scenes import SHAPE, TUBE
from socal_core.pretraining.targets import targets_of

CPU = torch.device("cpu")


def scene(seed: int, clips: int = 4, frames: int = 4, size: int = 32, **kinds: tuple[int, ...]) -> Clips:
    return render(clips, frames, size, torch.Generator().manual_seed(seed), **kinds)


@pytest.mark.parametrize("seed", range(20))
def test_values_are_finite_and_in_range(seed: int) -> None:
    clips = scene(seed)
    assert clips.video.shape == (4, 4, 3, 32, 32)
    assert 0 <= clips.video.min() <= clips.video.max() <= 1
    assert clips.coverage.min() >= 0
    assert clips.coverage.sum(2).max() <= 1 + 1e-5
    assert torch.isfinite(clips.flow).all()
    targets = targets_of(clips, 2, 16)
    assert torch.isfinite(targets.clip).all()
    assert torch.isfinite(targets.token).all()


def test_the_seed_determines_the_clips() -> None:
    first, again, other = (generate_clips(2, 2, seed, CPU) for seed in (1, 1, 2))
    assert first[0].dtype == torch.uint8
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1].clip, again[1].clip)
    assert torch.equal(first[1].token, again[1].token)
    assert not torch.equal(first[0], other[0])


def test_a_pool_uses_each_clip_eight_times_before_the_next_pool() -> None:
    settings = PretrainSettings(batch_size=2, frames=2, pool_clips=4)
    pool = ClipPool(settings, CPU, lambda done, total: None)
    batches = [pool.batch(step)[0] for step in range(17)]
    counts: dict[bytes, int] = {}
    for clip in torch.cat(batches[:16]):
        counts[clip.numpy().tobytes()] = counts.get(clip.numpy().tobytes(), 0) + 1
    assert list(counts.values()) == [8, 8, 8, 8]
    assert not any(clip.numpy().tobytes() in counts for clip in batches[16])
    later = ClipPool(settings, CPU, lambda done, total: None)
    assert torch.equal(later.batch(7)[0], batches[7])


def centroids(coverage: np.ndarray) -> np.ndarray:
    """Compute the centre of mass (x, y) of coverage (frames, size, size) in half frame widths."""
    size = coverage.shape[-1]
    axis = (np.arange(size) + 0.5) / size * 2 - 1
    mass = coverage.sum((1, 2))
    return np.stack([(coverage.sum(1) * axis).sum(1) / mass, (coverage.sum(2) * axis).sum(1) / mass], 1)


def moves_inside(clips: Clips, kind: int) -> list[tuple[int, int]]:
    """List clip and frame of each object that is completely inside this frame and the next one."""
    coverage = clips.coverage[:, :, kind].numpy()
    border = np.concatenate([coverage[..., [0, -1], :].max((-1, -2))[None], coverage[..., [0, -1]].max((-1, -2))[None]])
    inside = (border.max(0) < 0.002) & (coverage.sum((-1, -2)) > 15)
    return [(int(c), int(t)) for c, t in zip(*np.nonzero(inside[:, :-1] & inside[:, 1:]), strict=True)]


def test_flow_is_the_displacement_of_an_object_under_a_fixed_camera() -> None:
    clips = scene(0, clips=96, frames=6, size=48, kinds=(SHAPE,))
    fixed = (clips.camera.parameters[:, :5] == 0).all(1)
    found = [(c, t) for c, t in moves_inside(clips, SHAPE) if fixed[c]]
    assert len(found) > 15
    measured, given = [], []
    for clip, frame in found:
        coverage = clips.coverage[clip, :, SHAPE].numpy()
        both = centroids(coverage[frame : frame + 2])
        measured.append(both[1] - both[0])
        given.append(clips.flow[clip, frame].numpy().sum((1, 2)) / coverage[frame].sum())
    assert np.abs(measured).max() > 0.1
    np.testing.assert_allclose(given, measured, atol=0.02)


def test_flow_follows_an_object_that_the_camera_moves() -> None:
    clips = scene(2, clips=96, frames=6, size=48, kinds=(SHAPE,))
    attached = (clips.camera.attached > 0) & (clips.camera.parameters[:, 2:4].abs().sum(1) > 0)
    found = [(c, t) for c, t in moves_inside(clips, SHAPE) if attached[c]]
    assert len(found) > 15
    measured, given = [], []
    for clip, frame in found:
        coverage = clips.coverage[clip, :, SHAPE].numpy()
        both = centroids(coverage[frame : frame + 2])
        measured.append(both[1] - both[0])
        flow = clips.flow[clip, frame].numpy()
        given.append((flow * coverage[frame]).sum((1, 2)) / coverage[frame].sum())
    # Objects are partly transparent and the camera turns and zooms, so the flow is close but not equal.
    assert np.corrcoef(np.ravel(measured), np.ravel(given))[0, 1] > 0.9


def test_a_tube_reaches_the_border() -> None:
    clips = scene(2, clips=32, frames=2, size=32, kinds=(TUBE,))
    coverage = clips.coverage[:, :, TUBE].numpy()
    seen = coverage.sum((-1, -2)) > 15
    border = np.maximum(coverage[..., [0, -1], :].max((-1, -2)), coverage[..., [0, -1]].max((-1, -2)))
    assert seen.sum() > 10
    assert (border[seen] > 0.2).all()


def test_a_scene_without_objects_is_all_background() -> None:
    clips = scene(3, kinds=())
    assert not clips.coverage.any()
    assert clips.layers == ()
