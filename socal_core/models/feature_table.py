"""The features of frozen encoders as a table, one row per step of a clip, in a Parquet file."""

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from socal_core import __version__
from socal_core.clips.plan import ClipId
from socal_core.dataset.dataset import Dataset
from socal_core.errors import DataError
from socal_core.file_handles import os_reason
from socal_core.models.encoders import Encoder, build_encoder
from socal_core.models.features import Embedder, open_embedder
from socal_core.settings import ClipSettings, TrainConfig
from socal_core.storage import replacing

METADATA_KEY = b"socal"
"""The key of the description in the metadata of the file, which is JSON."""


@dataclass(frozen=True)
class FeatureTable:
    """The features of a data set's trials."""

    table: pa.Table
    """The columns trial_id, participant_id, clip, step and second, and one per encoder with a vector of float32."""
    left_out: tuple[str, ...]
    """The trials that have no clip that can be read."""
    notices: tuple[str, ...]
    """What the user should know about the encoders and the frames."""

    def write(self, out: Path) -> None:
        """Write the table as a Parquet file, in one step.

        Raises:
            DataError: The file cannot be written.
        """
        try:
            with replacing(out) as draft:
                pq.write_table(self.table, draft)
        except OSError as error:
            raise DataError(f"{out} cannot be written: {os_reason(error)}. Choose another folder.") from None


def embed_trials(
    dataset: Dataset, config: TrainConfig, device: torch.device, progress: Callable[[str, int, int], None]
) -> FeatureTable:
    """Embed the evaluation clips of all trials with frames.

    Args:
        dataset: The data set.
        config: The settings, which name the encoders and determine the clips.
        device: The device that computes the features.
        progress: Called with (stage, done, total); may raise.

    Raises:
        ModelError: An encoder cannot be loaded.
        DataError: No trial has a clip that can be read.
    """
    trials = [str(trial) for trial in dataset.trials.index[dataset.trials["n_frames"] > 0]]
    encoders = [build_encoder(name, config) for name in config.model.encoder.names]
    with ExitStack() as stack:
        embedders = [
            stack.enter_context(open_embedder(encoder, dataset, config, trials, device, progress))
            for encoder in encoders
        ]
        left_out = {trial: reason for embedder in embedders for trial, reason in embedder.reader.left_out.items()}
        readable = [trial for trial in trials if trial not in left_out]
        if not readable:
            raise DataError(f"No trial has a clip that can be read; the first: {next(iter(left_out.values()))}")
        features = [embedder.embed(readable, partial(progress, embedder.encoder.stage)) for embedder in embedders]
        table = _table(dataset, embedders, readable, features, config.clip.num_frames)
        notices = dict.fromkeys(text for embedder in embedders for text in embedder.notices())
    table = table.replace_schema_metadata({METADATA_KEY: _description(dataset, config.clip, encoders)})
    return FeatureTable(table, tuple(sorted(left_out)), tuple(notices))


def _table(
    dataset: Dataset,
    embedders: Sequence[Embedder],
    trials: Sequence[str],
    features: Sequence[NDArray[np.float32]],
    num_frames: int,
) -> pa.Table:
    """Put features, (trials, clips, steps, dims) of each encoder, into a row for each frame at which a step begins."""
    plan = embedders[0].reader.plan
    clips = [clip for trial in trials for clip in plan.evaluation_clips(trial)]
    lengths = [num_frames // of_encoder.shape[2] for of_encoder in features]
    begins = [frame for frame in range(num_frames) if any(frame % length == 0 for length in lengths)]
    seconds = dataset.frames.groupby("trial_id", sort=False)["second"].agg(np.asarray)
    surgeons = dataset.trials["participant_id"]

    def by_clip(value_of: Callable[[ClipId], object]) -> NDArray[np.object_]:
        return np.repeat(np.array([value_of(clip) for clip in clips], dtype=object), len(begins))

    columns = {
        "trial_id": pa.array(by_clip(lambda clip: clip.trial_id), pa.string()),
        "participant_id": pa.array(by_clip(lambda clip: surgeons[clip.trial_id]), pa.string()),
        "clip": pa.array(by_clip(lambda clip: clip.number), pa.int64()),
        "step": pa.array(np.tile(begins, len(clips)), pa.int64()),
        "second": pa.array(
            np.concatenate([seconds[clip.trial_id][np.array(plan.indices_of(clip))[begins]] for clip in clips])
        ),
    }
    for embedder, of_encoder, length in zip(embedders, features, lengths, strict=True):
        missing = np.array([frame % length != 0 for frame in begins])
        columns[embedder.encoder.name] = _vectors(of_encoder.reshape(len(clips), *of_encoder.shape[2:]), missing)
    return pa.table(columns)


def _vectors(features: NDArray[np.float32], missing: NDArray[np.bool_]) -> pa.Array:
    """Return a column of vectors.

    Args:
        features: The features of each clip, (clips, steps, dims).
        missing: For each row of a clip, whether no step begins there, so that it has no features.
    """
    clips, _, dims = features.shape
    spread = np.zeros((clips, len(missing), dims), np.float32)
    spread[:, ~missing] = features
    kind = pa.list_(pa.float32(), dims)
    return pa.FixedSizeListArray.from_arrays(spread.reshape(-1), type=kind, mask=pa.array(np.tile(missing, clips)))


def _description(dataset: Dataset, settings: ClipSettings, encoders: Sequence[Encoder]) -> bytes:
    """Describe where features come from: the version, the data, the settings of the clips, and the encoders."""
    about = {
        "socal_core": __version__,
        "fingerprint": dataset.fingerprint,
        "settings": settings.model_dump(mode="json"),
        "encoders": {encoder.name: {"title": encoder.title, "sha256": encoder.digest} for encoder in encoders},
    }
    return json.dumps(about, ensure_ascii=False).encode()
