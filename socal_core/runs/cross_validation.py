"""A cross-validation: a run whose folder contains one run for each fold, and for each seed if it is repeated.

Its predictions are those of each fold for its test trials, so it has no model of its own.
"""

from dataclasses import dataclass

from socal_core.errors import RunError
from socal_core.runs import activity
from socal_core.runs.files.records import CROSS_VALIDATION, CrossValidation
from socal_core.runs.folder import RunFolder
from socal_core.settings import TrainConfig


@dataclass(frozen=True)
class Fold:
    """A fold of a cross-validation."""

    run: RunFolder
    """Its run, which may not exist yet."""
    number: int
    """The fold that is the test subset, from 1."""
    seed: int

    def settings(self, config: TrainConfig) -> TrainConfig:
        """Return the settings of this fold from those of the cross-validation."""
        return config.replace(fold=self.number, seed=self.seed)


def is_cross_validation(run: RunFolder) -> bool:
    """Check whether a run is a cross-validation."""
    return (run.path / CROSS_VALIDATION.name).is_file()


def read_cross_validation(run: RunFolder) -> CrossValidation | None:
    """Read the number of folds and repeats; None for an ordinary run.

    Raises:
        RunError: The file is damaged.
    """
    return CROSS_VALIDATION.read(run.path, f"Run {run.name}")


def folds_of(run: RunFolder) -> list[Fold]:
    """Return the folds of a cross-validation, in the order in which they are trained; none for an ordinary run.

    Raises:
        RunError: A file of the run is damaged.
    """
    found = read_cross_validation(run)
    return [] if found is None else planned_folds(run, found, run.read_config().split.seed)


def planned_folds(run: RunFolder, shape: CrossValidation, first_seed: int) -> list[Fold]:
    """Return the folds that a cross-validation has.

    Args:
        run: The cross-validation, which need not exist yet.
        shape: The number of folds and repeats.
        first_seed: The seed of the first repeat; each further one has the next seed.
    """
    name = "fold-{number}" if shape.repeats == 1 else "seed-{seed}-fold-{number}"
    return [
        Fold(RunFolder(run.path / name.format(seed=seed, number=number)), number, seed)
        for seed in range(first_seed, first_seed + shape.repeats)
        for number in range(1, shape.folds + 1)
    ]


def evaluated_folds(run: RunFolder) -> tuple[int, int] | None:
    """Return the number of evaluated folds of a cross-validation and of all its folds; None for an ordinary run.

    Raises:
        RunError: A file of the run is damaged.
    """
    folds = folds_of(run)
    return (sum(fold.run.metrics_file.is_file() for fold in folds), len(folds)) if folds else None


def check_is_single(run: RunFolder) -> None:
    """Check that a run has a model.

    Raises:
        RunError: The run is a cross-validation.
    """
    folds = folds_of(run)
    if folds:
        raise RunError(
            f"Run {run.name} is a cross-validation, which has no model of its own. Use one of its folds, such as "
            f"{run.name}/{folds[0].run.name}."
        )


def job_of(run: RunFolder) -> RunFolder:
    """Return the active cross-validation that a run is a fold of; the run itself if there is none."""
    folder = activity.job_folder(run.path)
    return run if folder == run.path else RunFolder(folder)


def stop_requested(run: RunFolder) -> bool:
    """Check whether a run, or the active cross-validation that it is a fold of, was asked to stop."""
    return activity.stop_requested(run.path)
