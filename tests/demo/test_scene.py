import numpy as np
import pytest

from socal_core.demo.scene import SMALLEST_BOX, Scene
from socal_core.demo.simulate import simulate_trials

TRIALS = simulate_trials(4, 0)


@pytest.fixture(scope="module", params=[0, 1], ids=["first size", "second size"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(TRIALS[request.param])


def test_a_frame_has_the_size_of_its_trial_and_boxes_inside(scene: Scene) -> None:
    width, height = scene.trial.width, scene.trial.height
    found = 0
    for second in range(0, scene.trial.frames, 3):
        image, boxes = scene.render(second)
        assert image.shape == (height, width, 3)
        assert image.dtype == np.uint8
        for box in boxes:
            assert 0 <= box.x1 < box.x2 <= width
            assert 0 <= box.y1 < box.y2 <= height
            assert min(box.x2 - box.x1, box.y2 - box.y1) >= SMALLEST_BOX
        found += len(boxes)
    assert found > 20


def test_a_frame_does_not_depend_on_the_frames_rendered_before(scene: Scene) -> None:
    first = Scene(scene.trial).render(40)
    scene.render(10)
    later = scene.render(40)
    assert np.array_equal(first[0], later[0])
    assert first[1] == later[1]


def test_the_view_is_round_and_dark_around_it(scene: Scene) -> None:
    image, _ = scene.render(5)
    height, width = image.shape[:2]
    assert image[:, : (width - height) // 2 - height // 10].max() == 0
    assert image[height // 2 - 20 : height // 2 + 20, width // 2 - 20 : width // 2 + 20].max(axis=2).mean() > 80


def test_light_and_white_balance_differ_between_trials_and_drift_within_them() -> None:
    gains = [Scene(trial).gains for trial in TRIALS]
    for channel in range(3):
        means = np.array([gain[:, channel].mean() for gain in gains])
        within = np.array([gain[:, channel].std() for gain in gains])
        assert 0.05 < means.std() < 0.3
        assert 0.03 < within.mean() < 0.2
        assert min(np.abs(np.diff(gain[:, channel])).max() for gain in gains) < 0.2  # it drifts but does not flicker
    tint = [gain[:, 2] / gain[:, 0] for gain in gains]
    assert np.mean([ratio.std() for ratio in tint]) > 0.01


def test_more_blood_is_more_red() -> None:
    scene = Scene(next(trial for trial in TRIALS if trial.stopped is None))
    early, late = (scene.render(second)[0].astype(float) for second in (0, scene.trial.frames - 1))
    redness = [(image[..., 2] - image[..., :2].mean(axis=2)).mean() for image in (early, late)]
    assert redness[1] > 1.5 * redness[0]
