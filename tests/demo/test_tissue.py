import numpy as np
import pytest

from socal_core.demo.simulate import simulate_trials
from socal_core.demo.tissue import Background, Image, paint_background

TRIAL = next(trial for trial in simulate_trials(4, 0) if trial.height == 270)
VISIBLE: Image = np.full((TRIAL.height, TRIAL.width), 255, dtype=np.uint8)


@pytest.fixture(scope="module")
def background() -> Background:
    return paint_background(TRIAL, VISIBLE)


def redness(image: Image) -> np.ndarray:
    blue, green, red = (image[..., channel].astype(int) for channel in range(3))
    return red - np.maximum(blue, green)


@pytest.mark.parametrize("area", [0.05, 0.2, 0.5, 0.8])
def test_the_pool_covers_the_requested_fraction(background: Background, area: float) -> None:
    image = background.view(area, area, (0, 0), 0)
    blood = (redness(image) > 95) & (image[..., 1] < 90)
    assert image.shape == (TRIAL.height, TRIAL.width, 3)
    assert blood.mean() == pytest.approx(area, abs=0.06)


def test_the_pool_leaves_a_stain(background: Background) -> None:
    clean, stained = (redness(background.view(0.02, before, (0, 0), 0)).mean() for before in (0.02, 0.6))
    assert clean + 5 < stained < redness(background.view(0.6, 0.6, (0, 0), 0)).mean()


def test_the_camera_moves_over_the_canvas_and_stops_at_its_edge(background: Background) -> None:
    straight, moved = (background.view(0.3, 0.3, sway, 0) for sway in ((0, 0), (5, -3)))
    mostly = np.abs(straight[:-3, 5:].astype(int) - moved[3:, :-5]).mean()
    assert mostly < 1
    limit = background.margin
    assert np.array_equal(background.view(0.3, 0.3, (9999, 0), 0), background.view(0.3, 0.3, (limit, 0), 0))
