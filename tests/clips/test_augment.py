"""socal_core.clips.augment"""

import pytest
import torch

from socal_core.clips.augment import Augmentation
from socal_core.runs.config import TINY, config_from

OFF = {"horizontal_flip": 0.0, "color_jitter": 0.0, "hue_jitter": 0.0, "rotation_degrees": 0.0}


def clip() -> torch.Tensor:
    """The same frame four times: whatever differs afterwards was drawn per frame."""
    frame = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    return frame.expand(4, 3, 16, 16).clone()


@pytest.mark.parametrize(
    "settings",
    [{"horizontal_flip": 1.0}, {"color_jitter": 0.4}, {"hue_jitter": 0.3}, {"rotation_degrees": 20.0}],
    ids=lambda settings: next(iter(settings)),
)
def test_each_part_changes_a_clip_and_all_its_frames_alike(settings: dict[str, float]) -> None:
    augment = Augmentation(config_from({**OFF, **settings}, TINY))
    changed = augment(clip(), seed=1)
    assert (changed - clip()).abs().max() > 0.01
    for frame in changed[1:]:
        torch.testing.assert_close(frame, changed[0], atol=1e-6, rtol=0)
    assert 0 <= changed.min() <= changed.max() <= 1


def test_switched_off_it_changes_nothing() -> None:
    torch.testing.assert_close(Augmentation(config_from(OFF, TINY))(clip(), seed=1), clip(), atol=1e-5, rtol=0)


def test_a_flip_mirrors_left_and_right() -> None:
    changed = Augmentation(config_from({**OFF, "horizontal_flip": 1.0}, TINY))(clip(), seed=1)
    torch.testing.assert_close(changed, clip().flip(-1), atol=1e-5, rtol=0)


def test_the_draw_is_the_seeds_alone() -> None:
    augment = Augmentation(config_from({}, TINY))
    torch.manual_seed(1)
    first = augment(clip(), seed=5)
    after = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(1), after), "the global generator was touched"
    assert torch.equal(first, augment(clip(), seed=5))
    assert not torch.equal(first, augment(clip(), seed=6))
