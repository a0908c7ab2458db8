"""Create a cross-validation and the runs of its folds. The splits of all folds are fixed when it starts."""

import shutil
from pathlib import Path

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.open_options import OpenOptions
from socal_core.errors import ConfigError, DataError, RunError
from socal_core.file_handles import os_reason
from socal_core.lifecycle.further import inherited
from socal_core.lifecycle.state import RunState, written_status
from socal_core.runs.cross_validation import Fold, folds_of, planned_folds
from socal_core.runs.files.records import CrossValidation
from socal_core.runs.folder import RunFolder
from socal_core.settings import SplitMethod, TrainConfig
from socal_core.splits import Split, split_dataset, with_filter

_DRAFTS = ".new"
"""The folder in which a fold is created, before it is moved to its own name in one step."""


def make_cross_validation(
    path: Path, config: TrainConfig, dataset: Dataset, options: OpenOptions | None = None, repeats: int = 1
) -> RunFolder:
    """Create the folder of a cross-validation. Its worker creates the folds.

    Args:
        path: The folder, which does not exist yet.
        config: The settings, with the split method k-fold. `seed` is that of the first repeat.
        dataset: The data set.
        options: How the data folder is read.
        repeats: The number of repeats, each with the next seed.

    Raises:
        DataError: The trials do not allow one of the splits; the message names the fold.
        ConfigError: A setting contradicts cross-validation.
        RunError: The folder exists or cannot be written.
    """
    shape = CrossValidation(config.split.folds, repeats)
    config = with_filter(config, dataset.root)
    check_settings(config)
    check_folds(dataset, config, planned_folds(RunFolder(path), shape, config.split.seed))
    if inherited(config, dataset.root)[1] is not None:
        rule = "must not be a checkpoint of a run on the same data, which was trained on test trials of some folds"
        raise ConfigError("model", rule, config.model.model)
    return RunFolder.create(path, config.replace(fold=1), dataset.root, options, cross_validation=shape)


def check_settings(config: TrainConfig) -> None:
    """Check that settings are those of a cross-validation.

    Raises:
        ConfigError: The split method is another one.
    """
    if config.split.split_method is not SplitMethod.KFOLD:
        rule = "must be k-fold in a cross-validation; leave it out"
        raise ConfigError("split_method", rule, config.split.split_method.value)


def check_folds(dataset: Dataset, config: TrainConfig, folds: list[Fold]) -> list[str]:
    """Check that the trials allow the split of each fold.

    Args:
        dataset: The data set.
        config: The settings of the cross-validation.
        folds: Its folds.

    Returns:
        A message for each subset with only one outcome on which a model can still be validated or tested.

    Raises:
        DataError: The trials do not allow a split; the message names the fold.
    """
    surgeons = dataset.usable_trials["participant_id"].nunique()
    if surgeons < config.split.folds:
        raise DataError(
            f"The usable trials are of {surgeons} surgeons, too few for {config.split.folds} folds. Choose fewer folds,"
            " or add trials of other surgeons."
        )
    return [text for fold in folds for text in _one_outcome(fold, split_of_fold(dataset, config, fold), dataset)]


def split_of_fold(dataset: Dataset, config: TrainConfig, fold: Fold) -> Split:
    """Return the split of a fold.

    Raises:
        DataError: The trials do not allow it; the message names the fold.
    """
    try:
        split = split_dataset(dataset, fold.settings(config).split)
    except DataError as error:
        raise DataError(f"{_title(fold)}: {error}") from None
    if dataset.target_values[list(split.train)].nunique() < 2:
        raise DataError(
            f"{_title(fold)}: all training trials have the same outcome, so there is nothing to learn. Choose another "
            "number of folds or another seed, or add trials."
        )
    return split


def create_folds(run: RunFolder, dataset: Dataset) -> list[Fold]:
    """Create the runs of all folds that do not exist, and the split of the cross-validation.

    Raises:
        DataError: The trials do not allow a split.
        RunError: The folder of a fold contains something else.
    """
    config, folds = run.read_config(), folds_of(run)
    for fold in folds:
        if not fold.run.config_file.is_file():
            _create(run, fold, config, split_of_fold(dataset, config, fold))
    tested = {trial for fold in folds for trial in fold.run.read_split().test}
    run.write_split(Split((), (), tuple(sorted(tested)), config.split.seed, SplitMethod.KFOLD))
    return folds


def is_finished(fold: Fold) -> bool:
    """Check whether a fold is trained and evaluated."""
    done = fold.run.config_file.is_file() and written_status(fold.run).state is RunState.DONE
    return done and fold.run.predictions_file.is_file() and fold.run.metrics_file.is_file()


def unfinished_folds(run: RunFolder) -> list[Fold]:
    """Return the folds of a cross-validation that are not finished; none for an ordinary run."""
    return [fold for fold in folds_of(run) if not is_finished(fold)]


def _create(run: RunFolder, fold: Fold, config: TrainConfig, split: Split) -> None:
    """Create the run of a fold, which appears complete or not at all."""
    drafts, settings, data = run.path / _DRAFTS, fold.settings(config), run.read_data()
    shutil.rmtree(drafts, ignore_errors=True)  # left by a process that was killed
    origin, _ = inherited(settings, data)
    created = RunFolder.create(drafts / fold.run.name, settings, data, run.read_data_options(), origin, split)
    try:
        created.path.rename(fold.run.path)
        drafts.rmdir()
    except OSError as error:
        raise RunError(f"{_title(fold)} cannot be created in {fold.run.name}: {os_reason(error)}. Delete it.") from None


def _one_outcome(fold: Fold, split: Split, dataset: Dataset) -> list[str]:
    """Return a message for the validation and the test subset if all its trials have the same outcome."""
    score = "R²" if dataset.target.is_number else "AUROC"
    consequences = {
        "validation": "the threshold is 0.5" if dataset.target.is_success else f"it has no {score}",
        "test": f"it has no {score} of its own; its trials count in the pooled one",
    }
    return [
        f"{_title(fold)}: all {subset} trials have the same outcome, so {text}."
        for subset, text in consequences.items()
        if dataset.target_values[list(getattr(split, subset))].nunique() < 2
    ]


def _title(fold: Fold) -> str:
    return f"Fold {fold.number} (seed {fold.seed})"
