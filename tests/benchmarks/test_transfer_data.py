from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.transfer import field
from benchmarks.transfer.field_plan import Plan
from benchmarks.transfer.folder import write_folder
from benchmarks.transfer.trial import Trial
from benchmarks.transfer_data import MAKERS
from socal_core.dataset import layout
from socal_core.dataset.opening import open_dataset


def write_short(out: Path, make: str, seed: int) -> dict[str, bytes]:
    """Write the first ten frames of two trials and return the contents of all files."""
    maker = MAKERS[make]
    trials = [replace(trial, frames=10) for trial in maker.simulate(1, seed)]
    write_folder(out, trials, maker.draw, maker.FILE_BYTES)
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def auroc(trials: list[Trial], scores: list[float]) -> float:
    """Return the share of pairs of a success and a failure that the scores put in order; ties count half."""
    ups = [score for trial, score in zip(trials, scores, strict=True) if trial.success]
    downs = [score for trial, score in zip(trials, scores, strict=True) if not trial.success]
    return sum((up > down) + (up == down) / 2 for up in ups[:500] for down in downs[:500]) / 500**2


@pytest.mark.slow
@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.sampled(2)
def test_a_set_opens_without_problems_and_is_the_same_for_the_same_seed(make: str, tmp_path: Path) -> None:
    files = write_short(tmp_path / "one", make, seed=3)
    dataset = open_dataset(tmp_path / "one")
    assert list(dataset.problems) == []
    assert dataset.trials["usable"].tolist() == [True, True]
    assert dataset.trials["n_frames"].tolist() == [10, 10]
    assert files == write_short(tmp_path / "two", make, seed=3)
    frames = [name for name in files if name.startswith(layout.IMAGES_DIR)]
    assert {len(files[name]) for name in frames} == {MAKERS[make].FILE_BYTES}
    other = write_short(tmp_path / "three", make, seed=4)
    assert all(files[name] != other[name] for name in frames)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.sampled(2)
def test_the_best_possible_auroc_is_the_documented_one(make: str) -> None:
    trials = MAKERS[make].simulate(2000, 0)
    assert sum(trial.success for trial in trials) / len(trials) == pytest.approx(0.6, abs=0.02)
    assert auroc(trials, [trial.probability for trial in trials]) == pytest.approx(0.955, abs=0.012)


def test_the_first_minute_of_field_shows_its_latent_variables() -> None:
    late = []
    for trial in field.simulate(50, 0):
        plan = Plan.draw(trial.rng(0), trial)
        # Only a fall from 1 to 0 is an exchange: the first entry of the suction is not.
        exits = np.diff(plan.suction.inside[:60].astype(int)) == -1
        assert exits.sum() == trial.latents["exchanges"]
        assert (np.diff(plan.away[:60].astype(int)) == 1).sum() == trial.latents["cleanings"]
        on_source = np.hypot(*(plan.patch[:60] - plan.source).T) < 0.15
        assert on_source.sum() == trial.latents["held"]
        bleeding = int(min(trial.latents["controlled"], 59))
        assert plan.jet[bleeding - 1] > 0.5
        assert (plan.jet[bleeding + 1 : 60] == 0).all()
        late.append(plan.level[50:60].mean() - trial.latents["flooded"])
    assert np.abs(late).max() < 0.25
    assert np.mean(late) == pytest.approx(0, abs=0.02)


def test_each_part_of_unseen_says_something_and_none_decides_alone() -> None:
    trials = MAKERS["unseen"].simulate(2000, 0)
    for name in trials[0].latents:
        assert auroc(trials, [trial.latents[name] for trial in trials]) == pytest.approx(0.8, abs=0.04)


@pytest.mark.slow
@pytest.mark.parametrize("make", ["field", "unseen"])
def test_boxes_lie_in_the_frame_and_have_labels_of_socal(make: str) -> None:
    maker = MAKERS[make]
    labels = set()
    for trial in maker.simulate(3, 0):
        for image, boxes in maker.draw(replace(trial, frames=60)):
            assert image.shape == (trial.height, trial.width, 3)
            for box in boxes:
                assert 0 <= box.x1 < box.x2 <= trial.width
                assert 0 <= box.y1 < box.y2 <= trial.height
            labels |= {box.label for box in boxes}
    assert labels == {"suction", "grasper", "cottonoid", "muscle", "string"}
