"""The fitted head on frozen features: the mean of logistic or ridge regressions on temporal statistics.

It needs NumPy but no PyTorch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from socal_core.errors import ModelError
from socal_core.file_handles import handles_explained
from socal_core.json_files import read_json
from socal_core.models.statistics import STATISTICS
from socal_core.settings import CHANCE_LOSS
from socal_core.storage import write_json

HEAD_FILE, ABOUT_FILE = "head.safetensors", "head.json"

Array = NDArray[np.float64]
Features = Mapping[str, NDArray[np.floating[Any]]]
"""Features of each encoder, (trials, clips, steps, dims)."""


@dataclass(frozen=True)
class Candidate:
    """A choice of encoders, statistics and regularization for one regression."""

    encoders: tuple[str, ...]
    statistics: tuple[str, ...]
    strength: float
    """C of the regression, for inputs that are scaled as for STRENGTHS (head_fit.py)."""

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """The encoder and statistic of each block of features, in the order of the coefficients."""
        return tuple((encoder, statistic) for encoder in self.encoders for statistic in self.statistics)


@dataclass(frozen=True)
class Scored:
    """A candidate and its scores in the inner cross-validation."""

    candidate: Candidate
    loss: float
    """Log loss of all out-of-fold predictions, with equal weight for all classes; for a number their mean squared error
    in standard deviations."""
    auroc: float | None
    """AUROC of the same predictions, with several classes the mean of each one against the rest; None if all are of one
    class, and for a number."""

    def as_dict(self) -> dict[str, Any]:
        """Return values that JSON can store."""
        return {**asdict(self.candidate), "loss": self.loss, "auroc": self.auroc}


@dataclass(frozen=True)
class FrozenHead:
    """A fitted head, which computes logits or a number from the features of encoders.

    The mean of several regressions is one linear function of all their features.
    """

    members: tuple[Scored, ...]
    """The regressions whose results are averaged."""
    loss: float
    """Loss of the members' mean in the inner cross-validation, as in `Scored`."""
    auroc: float | None
    """AUROC of the same predictions, as in `Scored`."""
    mean: Array
    """Mean of each feature over the training clips, (features,)."""
    scale: Array
    """Divisor of each centred feature, (features,). Infinity drops the feature."""
    coefficients: Array
    """Coefficients of each scaled feature: (features,) for the log odds of the second of two classes, (features,
    classes) for the logits of more, (features, 1) for a number in standard deviations."""
    intercept: Array
    """The constant of each of them, (1,) or (classes,)."""
    table: tuple[Scored, ...]
    """The best candidate for each set of encoders and statistics."""
    chance: float = CHANCE_LOSS
    """The loss of a prediction without features: each class as likely as the others, or the mean of a number."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """Identity of each encoder (encoders.py), by name."""

    @property
    def encoders(self) -> tuple[str, ...]:
        """The encoders whose features the head takes."""
        return tuple(dict.fromkeys(encoder for encoder, _ in self.columns))

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """The encoder and statistic of each block of features, in the order of the coefficients."""
        return feature_columns(self.members)

    def as_dict(self) -> dict[str, Any]:
        """Return values that JSON can store, without the coefficients."""
        members = set(self.members)
        table = [{**item.as_dict(), "member": item in members} for item in self.table]
        scores = {"loss": self.loss, "auroc": self.auroc, "chance": self.chance}
        return {"encoders": list(self.encoders), **scores, "table": table}

    def logits(self, features: Features) -> Array:
        """Compute the logits of each clip.

        Args:
            features: Features of each encoder, (trials, clips, steps, dims).

        Returns:
            Log odds of the second of two classes, (trials, clips); logits of more classes, (trials, clips, classes); or
            a number in standard deviations, (trials, clips, 1).
        """
        blocks = [statistic_of(features[encoder], name) for encoder, name in self.columns]
        inputs = (np.concatenate(blocks, axis=-1) - self.mean) / self.scale
        found: Array = inputs @ self.coefficients + self.intercept
        return found

    @property
    def text(self) -> str:
        """What the head consists of, such as `mean of 3 logistic regressions`."""
        shape, count = self.coefficients.shape, len(self.members)
        kind = "logistic" if len(shape) == 1 else "ridge" if shape[1] == 1 else "multinomial logistic"
        return f"{kind} regression" if count == 1 else f"mean of {count} {kind} regressions"


def feature_columns(members: Sequence[Scored]) -> tuple[tuple[str, str], ...]:
    """List the encoder and statistic of each block of features that the members take."""
    return tuple(dict.fromkeys(key for item in members for key in item.candidate.columns))


def statistic_of(features: NDArray[np.floating[Any]], name: str) -> Array:
    """Compute a temporal statistic, (trials, clips, dims), of features (trials, clips, steps, dims)."""
    return STATISTICS[name](np.asarray(features, np.float64))


def save_head(head: FrozenHead, folder: Path) -> None:
    """Write HEAD_FILE and ABOUT_FILE into a folder."""
    arrays = {"mean": head.mean, "scale": head.scale, "coefficients": head.coefficients}
    save_file({**arrays, "intercept": head.intercept}, folder / HEAD_FILE)
    write_json(folder / ABOUT_FILE, {**head.as_dict(), "digests": dict(head.digests)})


def load_head(folder: Path) -> FrozenHead:
    """Load a head that `save_head` wrote.

    Raises:
        ModelError: A file is missing or damaged.
        TooManyFilesError: Too many files are open.
    """
    try:
        with handles_explained():
            arrays = load_file(folder / HEAD_FILE)
        about = read_json(folder / ABOUT_FILE)
        table = tuple(_scored_from(item) for item in about["table"])
        return FrozenHead(
            members=tuple(item for item, row in zip(table, about["table"], strict=True) if row["member"]),
            loss=float(about["loss"]),
            auroc=None if about["auroc"] is None else float(about["auroc"]),
            mean=arrays["mean"],
            scale=arrays["scale"],
            coefficients=arrays["coefficients"],
            intercept=arrays["intercept"],
            table=table,
            chance=float(about.get("chance", CHANCE_LOSS)),  # earlier versions predicted only success
            digests={encoder: str(about["digests"][encoder]) for encoder in about["encoders"]},
        )
    except (OSError, ValueError, KeyError, TypeError, SafetensorError):
        raise ModelError(
            f"Checkpoint {folder.name} cannot be read: its {HEAD_FILE} or {ABOUT_FILE} is missing or damaged. Start a "
            "new run."
        ) from None


def _scored_from(values: Mapping[str, Any]) -> Scored:
    candidate = Candidate(tuple(values["encoders"]), tuple(values["statistics"]), float(values["strength"]))
    return Scored(candidate, float(values["loss"]), None if values["auroc"] is None else float(values["auroc"]))
