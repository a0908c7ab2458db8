"""The outcomes of a data set that a model may predict, with their names for the user."""

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.target_choice import target_columns
from socal_core.dataset.targets import SUCCESS_TARGET
from socal_core.presets.preset import SUCCESS


def target_labels(dataset: Dataset) -> dict[str, str]:
    """Return the name to display of each column of the outcomes that may be a target, by its name."""
    measures = {measure.name: measure.label_with_unit for measure in dataset.preset.measures}
    known = {SUCCESS: f"{SUCCESS_TARGET.label} (success)", **measures}
    return {name: known.get(name, name) for name in target_columns(dataset.trials, dataset.preset)}
