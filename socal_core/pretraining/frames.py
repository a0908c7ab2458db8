"""Pre-train a VideoMAE on the frames of a data set, without outcomes: it learns to fill in masked patches."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

import torch

from socal_core import __version__
from socal_core.clips.augment import Augmentation
from socal_core.clips.loader import ClipReader, open_clips
from socal_core.clips.plan import ClipId, training_clips
from socal_core.clips.sampling import derive_seed
from socal_core.dataset.dataset import Dataset
from socal_core.errors import ConfigError, DataError, RunError
from socal_core.lifecycle.further import trained_on_labels
from socal_core.models.weights_record import describe_weights
from socal_core.pretraining.frame_settings import RESULT
from socal_core.pretraining.loop import Observer
from socal_core.pretraining.masked_network import MaskedNetwork, StartModel, load_start_model
from socal_core.pretraining.pretrain_files import write_model_folder
from socal_core.pretraining.pretrain_objective import sample_masks
from socal_core.pretraining.pretrain_settings import rate_at
from socal_core.pretraining.trial_choice import choose_trials
from socal_core.runs.files.pretraining_record import PRETRAINING, PretrainingRecord, SeenFrames, read_pretraining
from socal_core.settings import TrainConfig

MASKED_FRACTION = 0.9
"""Fraction of the patches that are masked, as in VideoMAE's own pre-training."""
ENCODER_RATE = 0.1
"""The encoder's learning rate as a fraction of the decoder's. At the full rate, the gradients of a new decoder make the
features of all clips alike within a hundred steps (benchmarks/README.md), while the loss falls no faster."""
WARNING = (
    "The frames of the test subset's surgeons were used (--include-test), so the scores of runs that start from this "
    "model may be too good."
)
DATA, WEIGHTS, INCLUDE_TEST = "data", "weights", "include_test"
"""What a result depends on beside the settings: the data set, the start weights, whether all surgeons are used."""


class FramesTask:
    """Fill in the masked patches of a data set's clips."""

    betas = (0.9, 0.95)
    rate_factors: Mapping[str, float] = {"model.videomae.": ENCODER_RATE}

    def __init__(self, dataset: Dataset, config: TrainConfig, include_test: bool) -> None:
        """Choose the trials, and load the weights to start from.

        Args:
            dataset: The data set.
            config: The settings, from `pretraining_config`.
            include_test: Whether to use the trials of all surgeons.

        Raises:
            DataError: No trial can be used.
            ConfigError: The model was trained on outcomes, or does not support this number of frames.
            ModelError: The model cannot be used.
        """
        if trained_on_labels(config.model.model):
            rule = "must not be a checkpoint of a run, which has learnt from outcomes; name the weights it started from"
            raise ConfigError("model", rule, config.model.model)
        self._choice = choose_trials(dataset, config, include_test)
        self._start = load_start_model(config)
        self._weights = describe_weights(config.model)
        self._dataset, self._config, self._include_test = dataset, config, include_test
        values = config.as_dict()
        self.settings: dict[str, Any] = {
            **{name: str(values[name]) if isinstance(values[name], StrEnum) else values[name] for name in RESULT},
            INCLUDE_TEST: include_test,
            DATA: dataset.fingerprint,
            WEIGHTS: self._weights.sha256,
        }
        self.weight_decay = config.optimization.weight_decay

    def differing(self, started_with: dict[str, Any]) -> str:
        """Name the data, the model or the settings."""
        if DATA in started_with:
            return "other data than the folder has now. Restore the data, or start again in another folder."
        if WEIGHTS in started_with:
            return "weights of another model. Resume it with --set model= and the model that it started from."
        changed = [f"--set {name}={value}" for name, value in started_with.items() if name != INCLUDE_TEST]
        if INCLUDE_TEST in started_with:
            changed.append("--include-test" if started_with[INCLUDE_TEST] else "no --include-test")
        return f"other settings. Resume it with {', '.join(changed)}."

    def new_network(self) -> MaskedNetwork:
        """Build the network from the weights to start from; the seed determines a new decoder."""
        return self._start.network(self._config.split.seed)

    @contextmanager
    def opened(self, out: Path, device: torch.device, observer: Observer) -> "Iterator[_FrameClips]":
        """Open the clips of the chosen trials, and write what the model will see.

        Raises:
            DataError: No trial has a clip that can be read.
            RunError: Other trials could be read when the run started.
        """
        trials = self._choice.trials
        with open_clips(self._dataset, self._config, self._start.preprocessor, trials, trials, observer.show) as reader:
            record = self._record(reader.left_out)
            if not record.seen.trials:
                first = next(iter(reader.left_out.values()))
                raise DataError(f"None of the {len(trials)} trials has a clip that can be read; the first: {first}")
            _write_record(out, record)
            for text in self._notices(record, reader):
                observer.notice(text)
            with closing(_FrameClips(reader, record.seen.trials, self._config, self._start, out, device)) as source:
                yield source

    def _record(self, unreadable: Mapping[str, str]) -> PretrainingRecord:
        before = read_pretraining(self._config.model.model)
        trials = tuple(trial for trial in self._choice.trials if trial not in unreadable)
        return PretrainingRecord(
            seen=SeenFrames(self._dataset.fingerprint, trials),
            earlier=() if before is None else (*before.earlier, before.seen),
            excluded_surgeons=self._choice.excluded_surgeons,
            left_out={**self._choice.left_out, **unreadable},
            settings={name: self.settings[name] for name in RESULT},
            weights=self._weights,
            new_decoder=self._start.new_decoder,
            warning=WARNING if self._include_test else "",
            socal_core=__version__,
        )

    def _notices(self, record: PretrainingRecord, reader: ClipReader) -> list[str]:
        surgeons = self._dataset.trials.loc[list(record.seen.trials), "participant_id"].nunique()
        left_out = f"Surgeons of the test subset, who are left out: {len(record.excluded_surgeons)}."
        used = f"Pre-training uses {len(record.seen.trials)} trials of {surgeons} surgeons."
        decoder = f"{record.weights.source} has no decoder, so a new one is trained."
        return [
            f"{used} {record.warning or left_out}",
            *([decoder] if record.new_decoder else []),
            *self._choice.left_out.values(),
            *reader.notices(),
        ]


def _write_record(out: Path, record: PretrainingRecord) -> None:
    """Write what the model will see; on resume, check that it is the same."""
    before = PRETRAINING.read(out, f"Model {out.name}")
    if before is not None and before.seen != record.seen:
        changed = sorted(set(before.seen.trials) ^ set(record.seen.trials))
        raise RunError(
            f"{out.name} was started when other trials could be read, such as {changed[0]}. Restore their frames, or "
            "start again in another folder."
        )
    PRETRAINING.write(out, record)


class _FrameClips:
    """The clips of a pre-training run with their masks."""

    def __init__(
        self,
        reader: ClipReader,
        trials: Sequence[str],
        config: TrainConfig,
        start: StartModel,
        out: Path,
        device: torch.device,
    ) -> None:
        self._reader, self._trials, self._config = reader, trials, config
        self._start, self._out, self._device = start, out, device
        self._augment = Augmentation(config.augmentation)
        self._steps_of_epoch = len(training_clips(trials, config, 1))
        self._pixels: Generator[torch.Tensor, None, None] | None = None
        self.steps = config.optimization.num_epochs * self._steps_of_epoch

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step: warm-up, then a cosine."""
        return rate_at(step, self.steps, self._config.optimization.learning_rate)

    def inputs(self, step: int) -> tuple[Any, ...]:
        """Return augmented and normalized clips and their masks."""
        if self._pixels is None:
            self._pixels = self._reader.batches(map(self._batch, range(step, self.steps)))
        seed = self._config.split.seed
        clips = next(self._pixels).to(self._device).float().div_(255)
        clips = self._augment(clips, [clip.seed(seed, "augment") for clip in self._batch(step)])
        generator = torch.Generator(self._device).manual_seed(derive_seed(seed, step, "masks"))
        masked = sample_masks(len(clips), *self._start.grid, generator, MASKED_FRACTION)
        return self._reader.preprocessor.normalise(clips), masked

    def finish(self, network: MaskedNetwork) -> dict[str, Any]:
        """Write the model with its decoder, and the classifier's norm of the model that it started from."""
        weights = {**network.model.state_dict(), **self._start.classifier_norm}
        write_model_folder(self._out, self._start.config, weights, self._start.preprocessor)
        return {}

    def close(self) -> None:
        """End the threads that read ahead."""
        if self._pixels is not None:
            self._pixels.close()

    def _batch(self, step: int) -> list[ClipId]:
        epoch, number = divmod(step, self._steps_of_epoch)
        return training_clips(self._trials, self._config, epoch + 1)[number]
