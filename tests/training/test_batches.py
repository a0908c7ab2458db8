"""socal_core.training.batches: the input of a step."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch

from socal_core.clips.loader import ClipReader, open_clips
from socal_core.clips.plan import ClipId
from socal_core.clips.preprocess import Preprocessor
from socal_core.clips.sampling import epoch_batches
from socal_core.dataset.opening import open_dataset
from socal_core.settings import TINY, TrainConfig, config_from
from socal_core.training.batches import Batch, Rank, training_batches

OFF = {"horizontal_flip": 0.0, "color_jitter": 0.0, "hue_jitter": 0.0}
TRIALS = [f"S{surgeon}T{number}" for surgeon in range(100, 103) for number in (1, 2)] + ["S103T1"]
LABELS = {trial: index % 2 for index, trial in enumerate(TRIALS)}
CLASS_WEIGHTS = torch.tensor([0.5, 2.0])
EPOCH = 3


@contextmanager
def opened(folder: Path, **settings: Any) -> Iterator[tuple[ClipReader, TrainConfig]]:
    config = config_from({"num_frames": 4, "batch_size": 5, **settings}, TINY)
    dataset = open_dataset(folder)
    with open_clips(
        dataset, config, Preprocessor.for_size(32), TRIALS, TRIALS, lambda stage, done, total: None
    ) as clips:
        yield clips, config


def batches_of(reader: ClipReader, config: TrainConfig, index: int = 0, of: int = 1) -> list[Batch]:
    rank = Rank(index, of, torch.device("cpu"))
    return list(training_batches(reader, TRIALS, LABELS, CLASS_WEIGHTS, config, EPOCH, rank))


def test_a_batch_has_clips_labels_and_weights(shared_data_folder: Path) -> None:
    with opened(shared_data_folder, **OFF, sampling="segments") as (reader, config):
        batches = batches_of(reader, config)
        order = epoch_batches(TRIALS, 5, config.split.seed, EPOCH)
        pixels = list(reader.batches([[ClipId(trial, EPOCH) for trial in batch] for batch in order]))
    assert [len(batch.labels) for batch in batches] == [5, 2]
    for batch, trials, expected in zip(batches, order, pixels, strict=True):
        torch.testing.assert_close(batch.pixel_values, reader.preprocessor.normalise(expected.float() / 255))
        assert batch.labels.tolist() == [LABELS[trial] for trial in trials] == batch.partner_labels.tolist()
        assert batch.lam == 1.0
        assert batch.weights.tolist() == [0.5 if LABELS[trial] == 0 else 2.0 for trial in trials]
        assert (batch.size, batch.full_size) == (len(trials), 5)


def test_mixup_blends_the_batch_with_its_reverse(shared_data_folder: Path) -> None:
    with opened(shared_data_folder, **OFF) as (reader, config):
        plain = batches_of(reader, config)
    with opened(shared_data_folder, **OFF, mixup=0.8) as (reader, config):
        mixed = batches_of(reader, config)
    for before, after in zip(plain, mixed, strict=True):
        expected = after.lam * before.pixel_values + (1 - after.lam) * before.pixel_values.flip(0)
        torch.testing.assert_close(after.pixel_values, expected, atol=1e-4, rtol=0)
        assert after.labels.tolist() == before.labels.tolist()
        assert after.weights.tolist() == before.weights.tolist()
        assert after.partner_labels.tolist() == before.labels.tolist()[::-1]
        assert after.partner_weights.tolist() == before.weights.tolist()[::-1]
        assert 0 <= after.lam <= 1
    assert len({batch.lam for batch in mixed}) == 2


@pytest.mark.slow
@pytest.mark.parametrize("of", [2, 3])
@pytest.mark.parametrize("settings", [{}, {"mixup": 0.8, "cutmix": 1.0, "crop_area": 0.5}], ids=["plain", "mixed"])
def test_processes_divide_a_batch(shared_data_folder: Path, of: int, settings: dict[str, float]) -> None:
    with opened(shared_data_folder, **settings) as (reader, config):
        whole = batches_of(reader, config)
        parts = [batches_of(reader, config, index, of) for index in range(of)]
    for step, batch in enumerate(whole):
        for index in range(of):
            part, mine = parts[index][step], slice(index, None, of)
            if index >= len(batch.labels):
                assert part.weights.tolist() == part.partner_weights.tolist() == [0.0]
                continue
            torch.testing.assert_close(part.pixel_values, batch.pixel_values[mine], atol=1e-5, rtol=0)
            assert part.labels.tolist() == batch.labels[mine].tolist()
            assert part.partner_labels.tolist() == batch.partner_labels[mine].tolist()
            assert part.weights.tolist() == batch.weights[mine].tolist()
            assert part.partner_weights.tolist() == batch.partner_weights[mine].tolist()
            assert (part.lam, part.size, part.full_size) == (batch.lam, batch.size, batch.full_size)


def test_augmentation_differs_between_epochs_and_is_reproducible(shared_data_folder: Path) -> None:
    with opened(shared_data_folder, horizontal_flip=0.0, color_jitter=0.4) as (reader, config):
        rank = Rank(0, 1, torch.device("cpu"))

        def by_trial(epoch: int) -> dict[str, torch.Tensor]:
            batches = training_batches(reader, TRIALS, LABELS, CLASS_WEIGHTS, config, epoch, rank)
            order = chain.from_iterable(epoch_batches(TRIALS, config.optimization.batch_size, config.split.seed, epoch))
            return dict(zip(order, torch.cat([batch.pixel_values for batch in batches]), strict=True))

        first, again, second = by_trial(1), by_trial(1), by_trial(2)
    for trial in TRIALS:
        assert torch.equal(first[trial], again[trial])
        assert (first[trial] - second[trial]).abs().max() > 0.01


def test_the_parts_of_a_batch_add_up_to_it(shared_data_folder: Path) -> None:
    with opened(shared_data_folder, mixup=0.8) as (reader, config):
        whole = batches_of(reader, config)[0]
    for count, sizes in [(1, [5]), (2, [3, 2]), (5, [1, 1, 1, 1, 1]), (9, [1, 1, 1, 1, 1])]:
        parts = whole.parts(count)
        assert [len(part.pixel_values) for part in parts] == sizes
        for name in ("pixel_values", "labels", "partner_labels", "weights", "partner_weights"):
            torch.testing.assert_close(torch.cat([getattr(part, name) for part in parts]), getattr(whole, name))
        assert {part.lam for part in parts} == {whole.lam}
