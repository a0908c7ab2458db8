"""Train a finished run further: a new run starts from its best checkpoint, with the same data and split.

The split must stay the same. With another one, the model could be validated or tested on trials on which it was
trained. So every new run whose model is a checkpoint of a run on the same data takes over the split of that run.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from socal_core.dataset.open_options import OpenOptions
from socal_core.errors import ConfigError, RunError
from socal_core.lifecycle.new_names import create_first_free, numbered
from socal_core.lifecycle.state import read_status
from socal_core.runs.checkpoint_folders import best_checkpoint
from socal_core.runs.cross_validation import check_is_single, is_cross_validation
from socal_core.runs.files.pretraining_record import SeenFrames, read_pretraining
from socal_core.runs.files.records import Origin
from socal_core.runs.folder import RunFolder
from socal_core.runs.model_choice import local_folder
from socal_core.settings import SETTINGS, TINY, Recipe, SplitSettings, TrainConfig
from socal_core.splits import Split, with_filter

HOW_TO_TRAIN_FURTHER = (
    "Train it further as a new run, which starts from its best checkpoint: with Train further on the Training page, or "
    "with `train DATA --run NEW_RUN --from-run RUN`."
)
HEAD_IS_FITTED = (
    "A head on frozen features is fitted completely, so it cannot be trained further. Duplicate the run with other "
    "settings."
)
_SUFFIX = "-further"


def how_to_continue(run: RunFolder) -> str:
    """Return how the user can continue from a run that is done.

    Raises:
        RunError: The settings of the run cannot be read.
    """
    if is_cross_validation(run):
        return "Start a new cross-validation for other settings, or train one of its folds further."
    return HEAD_IS_FITTED if run.read_config().model.recipe is Recipe.FROZEN else HOW_TO_TRAIN_FURTHER


def train_further(run: RunFolder, path: Path | None = None, changes: Mapping[str, Any] | None = None) -> RunFolder:
    """Create a new run that starts from the best checkpoint of a run that has ended.

    The new run has the settings, data and split of the old one, and counts its epochs from 1. It needs the checkpoint
    of the old run until it has written its own first one.

    Args:
        run: The run that has ended: done, stopped, failed or interrupted.
        path: The folder of the new run; None creates one next to the old run, with a similar name.
        changes: New values of settings, by name.

    Returns:
        The new run, not started.

    Raises:
        RunError: The run is waiting or active, has frozen features or no checkpoint, is a cross-validation, or the new
            folder exists.
        ConfigError: A setting is invalid, or would change the model or the split.
    """
    changes = dict(changes or {})
    if read_status(run).state.alive:
        raise RunError(f"Run {run.name} is waiting or active. Stop it, or wait until it has ended.")
    check_is_single(run)
    if run.read_config().model.recipe is Recipe.FROZEN:
        raise RunError(f"Run {run.name} has frozen features. {HEAD_IS_FITTED}")
    if "model" in changes:
        raise ConfigError("model", f"must be the best checkpoint of run {run.name}; leave it out", changes["model"])
    config = run.read_config().replace(**{**changes, "model": str(best_checkpoint(run).resolve())})
    create = partial(make_run, config=config, data=run.read_data(), options=run.read_data_options())
    return create(path) if path else create_first_free(paths_beside(run), create)


def make_run(path: Path, config: TrainConfig, data: Path, options: OpenOptions | None = None) -> RunFolder:
    """Create the folder of a new run; if the model is a checkpoint of another run, with the split of that run.

    Args:
        path: The folder of the new run.
        config: Its settings.
        data: Its data folder.
        options: How the data folder is read.

    Raises:
        RunError: The folder exists, or the settings or split of the other run cannot be read.
        ConfigError: A setting would change the split, or there is no such view.
        DataError: The saved views cannot be read.
    """
    config = with_filter(config, data)
    origin, split = inherited(config, data)
    return RunFolder.create(path, config, data, options, origin, split)


def inherited(config: TrainConfig, data: Path) -> tuple[Origin | None, Split | None]:
    """Find what a new run takes over from the run that its model is a checkpoint of.

    Returns:
        The origin of the model, None if it is not a checkpoint of a run; and the split of the latest run on the same
        data folder among that run and those it was continued from, None if there is none.

    Raises:
        RunError: The settings or the split of such a run cannot be read.
        ConfigError: The settings specify a different split.
    """
    checkpoint = _checkpoint_folder(config.model.model)
    if checkpoint is None:
        return None, None
    sources = _ancestors(config.model.model)
    origin = Origin(sources[0].name, checkpoint.name)
    source = next((run for run in sources if run.read_data() == data.resolve()), None)
    if source is None:
        return origin, None
    before, after = _split_settings(source.read_config().split), _split_settings(config.split)
    for name in after:
        if before[name] != after[name]:  # split_method comes first; if it is the same, so are the names
            rule = (
                f"must be {before[name]}, as in run {source.name}, whose checkpoint is the model: another "
                "split would test the model on trials on which it was trained"
            )
            raise ConfigError(name, rule, after[name])
    return origin, source.read_split()


def seen_before(model: str, split: Split) -> str:
    """Report validation and test trials with the same names as trials on which the model was trained before.

    There are none if the split was taken over. In another data folder, trials with the same name may or may not be the
    same trials.

    Returns:
        A notice for the user; "" if there are no such trials.
    """
    try:
        sources = _ancestors(model)
        splits = [source.read_split() for source in sources]
    except RunError as error:
        return f"The model may have been trained on validation or test trials of this run. {error}"
    seen: set[str] = set()
    for before in splits:
        seen |= {*before.train, *before.validation} & set(split.test) | set(before.train) & set(split.validation)
    if not seen:
        return ""
    return (
        f"The model is a checkpoint of run {sources[0].name}, which was trained on another data folder. {len(seen)} of "
        f"the validation and test trials have the names of trials that it was trained on, such as {min(seen)}. If they "
        "are the same trials, the scores of this run are too good."
    )


def frames_seen_before(model: str, split: Split, fingerprint: str) -> str:
    """Report test trials with the same names as trials whose frames the model has seen in pre-training.

    Args:
        model: The model that a run starts from: pre-trained, or a checkpoint of a run that started from such a model.
        split: The split of the run; that of a cross-validation has only test trials.
        fingerprint: The fingerprint of its data set.

    Returns:
        A notice for the user; "" if there are no such trials.
    """
    try:
        models = [model, *(run.read_config().model.model for run in _ancestors(model))]
        records = [read_pretraining(name) for name in models]
    except RunError as error:
        return f"The model may have been pre-trained on the frames of test trials of this run. {error}"
    every = [seen for record in records if record is not None for seen in (record.seen, *record.earlier)]
    same = _tested(split, [seen for seen in every if seen.fingerprint == fingerprint])
    tested = same or _tested(split, every)
    if not tested:
        return ""
    of_trials = f"{len(tested)} of the {len(split.test)} test trials of this run, such as {min(tested)}"
    remedy = "Pre-train with the split settings of this run, which leaves its test surgeons out."
    if not split.train:
        remedy = "Pre-train on other data, since every trial is tested in one of the folds."
    if same:
        return (
            f"The model was pre-trained on the frames of {of_trials}, though not on their outcomes. The scores of this "
            f"run may be too good. {remedy}"
        )
    return (
        f"The model was pre-trained, without outcomes, on frames of another data set or of an earlier state of this "
        f"one. {of_trials}, have the names of trials that it has seen. If they are the same trials, the scores of this "
        f"run may be too good. {remedy}"
    )


def _tested(split: Split, seen: Sequence[SeenFrames]) -> set[str]:
    """Return the test trials among those that were seen."""
    return set(split.test) & {trial for frames in seen for trial in frames.trials}


def trained_on_labels(model: str) -> bool:
    """Check whether a model is a checkpoint of a run, which means that it was trained on outcomes."""
    return _checkpoint_folder(model) is not None


def _ancestors(model: str) -> list[RunFolder]:
    """Return the run that a model is a checkpoint of, the run that this one started from, and so on, if they exist."""
    found: list[RunFolder] = []
    checkpoint = _checkpoint_folder(model)
    while checkpoint is not None:
        run = RunFolder(checkpoint.parents[1])
        if run in found:
            break
        found.append(run)
        checkpoint = _checkpoint_folder(run.read_config().model.model)
    return found


def _checkpoint_folder(model: str) -> Path | None:
    """Return the folder of a model that is a checkpoint of a run; None for other models."""
    folder = None if model == TINY else local_folder(model)
    if folder is None:
        return None
    folder = folder.resolve()
    if len(folder.parts) < 3:
        return None
    source = RunFolder(folder.parents[1])
    return folder if folder.parent == source.checkpoints and source.config_file.is_file() else None


def _split_settings(settings: SplitSettings) -> dict[str, Any]:
    """Return the settings that the split depends on, without those that have no effect."""
    values = dict(settings)
    # The name of a view may change; its filter must not.
    return {name: value for name, value in values.items() if SETTINGS[name].applies(values) and name != "view"}


def paths_beside(run: RunFolder, suffix: str = _SUFFIX) -> Iterator[Path]:
    """Yield paths for a new run beside another one: its name with a suffix, and a number from 2 if needed."""
    return numbered(run.path.parent, re.sub(rf"{suffix}(-\d+)?$", "", run.name), suffix)
