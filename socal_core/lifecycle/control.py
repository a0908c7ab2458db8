"""Controls that are runs: the same model without the order of the frames, or without the outcomes.

A control has the settings of a run except `control`, and the same data, split and seed. Which run a control belongs to
is therefore not recorded: it belongs to every run with these settings.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from socal_core.errors import RunError, SocalError
from socal_core.lifecycle.cross_validation import make_cross_validation
from socal_core.lifecycle.further import inherited, paths_beside
from socal_core.lifecycle.new_names import create_first_free
from socal_core.runs.cross_validation import read_cross_validation
from socal_core.runs.folder import RunFolder
from socal_core.runs.run_list import list_runs
from socal_core.settings import SETTINGS, Control

KINDS = (Control.SHUFFLED_FRAMES, Control.SHUFFLED_OUTCOMES)
ABOUT_CONTROLS = {
    Control.SHUFFLED_FRAMES: (
        "This run is a control, not a result: in all subsets, the frames of each clip are in a random order, so the "
        "model cannot use how an operation goes on from frame to frame."
    ),
    Control.SHUFFLED_OUTCOMES: (
        "This run is a control, not a result: the outcomes of the training trials were exchanged at random among each "
        "other, and so were those of the validation trials, so there is nothing to learn about the test trials."
    ),
}
"""Descriptions of the controls, for the pages."""
_WITHOUT_EFFECT = {"control", "view", "allow_download", "licence_accepted"}
"""Settings in which a control and its run may differ, beside those of the machine."""


def make_control(run: RunFolder, kind: Control, path: Path | None = None) -> RunFolder:
    """Create a control for a run, which has its settings, data and split.

    Args:
        run: A run, or a cross-validation, whose split is written.
        kind: What the control leaves out.
        path: The folder of the control; None creates one next to the run, with a similar name.

    Returns:
        The control, not started.

    Raises:
        RunError: The run is a control itself, has no split yet, or starts from a model that has learnt from outcomes,
            which cannot be taken back.
        ConfigError: A setting of the run is invalid.
        DataError: The data of a cross-validation no longer allow its splits.
    """
    config = run.read_config()
    if config.clip.control is not Control.NONE:
        raise RunError(f"Run {run.name} is a control itself. Choose the run that it belongs to.")
    origin, _ = inherited(config, run.read_data())
    if origin is not None and kind is Control.SHUFFLED_OUTCOMES:
        raise RunError(
            f"The model of run {run.name} starts from a checkpoint of run {origin.run}, which has learnt from outcomes,"
            " so it would be no control with shuffled ones. Shuffle the outcomes of that run instead."
        )
    config, options = config.replace(control=kind), run.read_data_options()
    shape = read_cross_validation(run)
    create: Callable[[Path], RunFolder]
    if shape is not None:
        dataset, repeats = run.open_dataset(), shape.repeats
        create = partial(make_cross_validation, config=config, dataset=dataset, options=options, repeats=repeats)
    else:
        data, split = run.read_data(), run.read_split()
        create = partial(RunFolder.create, config=config, data=data, options=options, origin=origin, split=split)
    return create(path) if path else create_first_free(paths_beside(run, f"-{kind}"), create)


def controls_of(run: RunFolder) -> dict[Control, list[RunFolder]]:
    """Return the controls that belong to a run, in any state, newest first; none for a run that is a control.

    They lie in the folder of the run. Runs that cannot be read are left out.
    """
    found: dict[Control, list[RunFolder]] = {kind: [] for kind in KINDS}
    mine = _identity(run)
    if mine is None or run.read_config().clip.control is not Control.NONE:
        return found
    for other in list_runs(run.path.absolute().parent):
        kind = _kind_of(other)
        if kind in found and _identity(other) == mine:
            found[kind].append(other)
    return found


def is_control(run: RunFolder) -> bool:
    """Return whether a run is a control; False if its settings cannot be read."""
    return _kind_of(run) in KINDS


def _kind_of(run: RunFolder) -> Control | None:
    try:
        # Checking all settings of all runs of a folder would take seconds.
        text = run.config_file.read_text(encoding="utf-8")
        return run.read_config().clip.control if any(kind in text for kind in KINDS) else Control.NONE
    except (SocalError, OSError, UnicodeDecodeError):
        return None


def _identity(run: RunFolder) -> dict[str, Any] | None:
    """Return what a run and its controls have in common; None if it cannot be read."""
    try:
        shape = read_cross_validation(run)
        values = run.read_config().as_dict()
        ignored = _WITHOUT_EFFECT | {name for name, item in SETTINGS.items() if item.group == "machine"}
        return {
            "settings": {name: value for name, value in values.items() if name not in ignored},
            "data": (run.read_data().resolve(), run.read_data_options()),
            "folds": shape,
            # The splits of folds follow from the settings and the data.
            "split": run.read_split() if shape is None else None,
        }
    except (SocalError, OSError):
        return None
