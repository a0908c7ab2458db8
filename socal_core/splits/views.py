"""The trials that a run may use: those of its view whose target is known."""

from pathlib import Path

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.filter_text import filter_from_json, filter_to_json
from socal_core.dataset.filters import only_usable
from socal_core.dataset.saved_views import view_named
from socal_core.dataset.target_choice import with_target
from socal_core.errors import ConfigError
from socal_core.settings.train_config import TrainConfig


def with_filter(config: TrainConfig, root: Path) -> TrainConfig:
    """Return settings that hold the filter of the view that they name, so that they no longer depend on the view.

    Args:
        config: The settings. If they hold a filter already, it stays.
        root: The data folder.

    Raises:
        ConfigError: The data folder has no view of this name.
        DataError: The saved views cannot be read.
    """
    if not config.split.view or config.split.trials:
        return config
    return config.replace(trials=filter_to_json(view_named(root, config.split.view).filter))


def dataset_of_run(dataset: Dataset, config: TrainConfig) -> Dataset:
    """Return the data set of a run with these settings: with their target, and the usable trials of their view.

    Args:
        dataset: The data set of the data folder.
        config: The settings.

    Raises:
        ConfigError: The data set lacks the target, or the filter of the view was not looked up (`with_filter`).
    """
    dataset = with_target(dataset, config.model.target)
    if config.split.trials:
        return only_usable(dataset, filter_from_json(config.split.trials))
    if config.split.view:
        raise ConfigError("trials", f"must be the filter of view {config.split.view}", config.split.trials)
    return dataset
