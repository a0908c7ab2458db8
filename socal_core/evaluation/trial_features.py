"""The features of trials that a frozen encoder computed and the clip cache keeps. Nothing here loads PyTorch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.clips.clip_cache import list_stores
from socal_core.clips.features import ClipFrames, frames_of_clip, read_features
from socal_core.clips.plan import ClipPlan
from socal_core.dataset.dataset import Dataset
from socal_core.errors import DataError
from socal_core.settings import IMAGE_ENCODER, TrainConfig


@dataclass(frozen=True)
class TrialFeatures:
    """One vector for each trial whose features are in the cache."""

    encoder: str
    """IMAGE_ENCODER or VIDEO_ENCODER; "" if there are no features."""
    values: pd.DataFrame
    """The mean of the features over the evaluation clips and their steps, one row per trial_id in the requested order,
    one column per dimension."""


def cached_features(dataset: Dataset, config: TrainConfig, trial_ids: Sequence[str]) -> TrialFeatures:
    """Read the features of trials that a run, or `embed`, left in the clip cache.

    Args:
        dataset: The data set.
        config: The settings of the run, which determine the clips.
        trial_ids: The trials. Those without a frame in the window, and those with a clip that was not embedded since
            its files last changed, are left out.

    Returns:
        The features of the encoder that embedded the most trials; of several, the image encoder, then the last used.
    """
    clips = _clips_of(dataset, config, trial_ids)
    data = dataset.root.resolve()
    stores = [store for store in list_stores() if store.encoder and store.data == data]
    found = [TrialFeatures(store.encoder, _means(store.folder, clips)) for store in stores]
    found = [features for features in found if len(features.values)]
    # The stores are in the order of their last use, and `max` returns the first of several.
    return max(
        reversed(found),
        key=lambda features: (len(features.values), features.encoder == IMAGE_ENCODER),
        default=TrialFeatures("", pd.DataFrame()),
    )


def _clips_of(dataset: Dataset, config: TrainConfig, trial_ids: Sequence[str]) -> dict[str, list[ClipFrames]]:
    """Return the evaluation clips of each trial that has a frame in the window."""
    plan = ClipPlan(dataset, config.clip, config.split.seed)
    clips = {}
    for trial_id in trial_ids:
        try:
            clips[trial_id] = [frames_of_clip(dataset, plan, clip) for clip in plan.evaluation_clips(trial_id)]
        except DataError:
            continue
    return clips


def _means(folder: Path, clips: dict[str, list[ClipFrames]]) -> pd.DataFrame:
    """Return the mean features of each trial whose clips are all in a store."""
    means: dict[str, NDArray[np.float64]] = {}
    for trial_id, of_trial in clips.items():
        features = [read_features(folder, clip) for clip in of_trial]
        known = [values.mean(axis=0, dtype=np.float64) for values in features if values is not None]
        if known and len(known) == len(of_trial):
            means[trial_id] = np.mean(known, axis=0)
    return pd.DataFrame.from_dict(means, orient="index").rename_axis("trial_id")
