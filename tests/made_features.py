"""Features in the clip cache as a frozen run leaves them, from made values: for tests of whatever reads them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from socal_core.clips.features import EncodedBy, FeatureStore, frames_of_clip
from socal_core.clips.plan import ClipPlan
from socal_core.dataset.dataset import Dataset
from socal_core.settings import TrainConfig


def write_features(
    dataset: Dataset, config: TrainConfig, values: Mapping[str, ArrayLike], encoder: str = "image"
) -> FeatureStore:
    """Store features for the evaluation clips of trials; `values` has those of each trial, (clips, steps, dims)."""
    store = FeatureStore(dataset.root, EncodedBy(encoder, "ab", {}, (3, 224, 224), "cpu"))
    plan = ClipPlan(dataset, config.clip, config.split.seed)
    with store.in_use():
        for trial_id, of_trial in values.items():
            clips = plan.evaluation_clips(trial_id)
            for clip, features in zip(clips, np.asarray(of_trial, np.float32), strict=True):
                store.write(frames_of_clip(dataset, plan, clip), features)
    return store
