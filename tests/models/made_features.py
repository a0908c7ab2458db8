"""Features of trials that were made up, and their temporal statistics, computed in another way."""

import numpy as np

from socal_core.models.head import Candidate

IMAGE, VIDEO = (("image",),), (("video",),)
AUTO = (("image",), ("video",), ("image", "video"))


def made(trials: int = 24, clips: int = 1, seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray, list[str]]:
    """Make trials of surgeons with two each. One of 6 image features rises more in successes."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(trials) % 2)
    image = rng.normal(size=(trials, clips, 5, 6))
    image[..., 0] += 3 * np.linspace(0, 1, 5) * labels[:, None, None]
    video = rng.normal(size=(trials, clips, 3, 4))
    return {"image": image, "video": video}, labels, [f"S{trial // 2}" for trial in range(trials)]


def columns_of(features: dict[str, np.ndarray], candidate: Candidate) -> list[np.ndarray]:
    """Compute a block (trials * clips, dims) for each statistic of each encoder."""
    found: list[np.ndarray] = []
    for encoder in candidate.encoders:
        values = features[encoder].reshape(-1, *features[encoder].shape[2:])  # (clips, steps, dims)
        steps = values.shape[1]
        by_name = {
            "mean": values.mean(axis=1),
            "slope": np.stack([np.polyfit(np.linspace(0, 1, steps), clip, 1)[0] for clip in values]),
            "curvature": np.stack([np.polyfit(np.linspace(-1, 1, steps), clip, 2)[0] for clip in values]),
            "difference": np.abs(np.diff(values, axis=1)).mean(axis=1),
            "spread": values.std(axis=1),
        }
        found += [by_name[name] for name in candidate.statistics]
    return found
