"""What arguments that several commands share stand for."""

import argparse
import json
import sys
from typing import Any

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.table_cache import open_cached
from socal_core.errors import ConfigError
from socal_core.runs.folder import settings_in
from socal_core.runs.model_choice import default_model
from socal_core.settings import TrainConfig, by_name, config_from, setting_named, unknown_setting

FORCE_RETRAIN = "force_retrain"
"""The reference notebook's name for starting anew where a run is already there."""


def data_options(options: argparse.Namespace) -> OpenOptions:
    """How the data folder is to be read."""
    columns = []
    for text in options.column:
        name, separator, title = text.partition("=")
        if not separator or not title:
            raise ConfigError("--column", "must be NAME=TITLE, such as success=haemostasis", text)
        columns.append((name, title))
    return OpenOptions(options.boxes, tuple(columns))


def open_data(options: argparse.Namespace) -> Dataset:
    """The data set that the arguments name."""
    return open_cached(options.data, data_options(options))


def settings(options: argparse.Namespace) -> TrainConfig:
    """Defaults of the model, below the file's settings, below those of --set."""
    values: dict[str, Any] = {}
    if options.config is not None:
        try:
            content = json.loads(options.config.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(
                "--config", "must name a file that can be read", f"{options.config}: {error.strerror}"
            ) from None
        except ValueError as error:
            raise ConfigError("--config", f"must be a JSON file ({error})", str(options.config)) from None
        if not isinstance(content, dict):
            raise ConfigError("--config", "must hold settings by name", str(options.config))
        values |= by_name(settings_in(content, str(options.config)))
    return config_from(values | typed_settings(options), default_model())


def typed_settings(options: argparse.Namespace) -> dict[str, Any]:
    """The settings of --set by name; of a setting given twice, the last value counts."""
    return by_name(dict(parse_setting(text) for text in options.set))


def take_force_retrain(options: argparse.Namespace) -> bool:
    """Take FORCE_RETRAIN out of --set, as it belongs to one start and not to the settings of a run; its value."""
    given = [text for text in options.set if text.partition("=")[0] == FORCE_RETRAIN]
    options.set = [text for text in options.set if text not in given]
    return bool(given) and _true_or_false(FORCE_RETRAIN, given[-1].partition("=")[2])


def parse_setting(text: str) -> tuple[str, Any]:
    """Read `name=value` from the command line into a name and a value of the type of its setting."""
    name, separator, raw = text.partition("=")
    if not separator:
        raise ConfigError("--set", "must be NAME=VALUE, such as num_epochs=20", text)
    item = setting_named(name)
    if item is None:
        raise unknown_setting(name, raw)
    if item.kind is bool:
        return name, _true_or_false(name, raw)
    if item.kind in {int, float}:
        try:
            return name, item.kind(raw)
        except ValueError:
            raise ConfigError(name, "must be a whole number" if item.kind is int else "must be a number", raw) from None
    return name, raw


def _true_or_false(name: str, raw: str) -> bool:
    if raw.lower() not in {"true", "false"}:
        raise ConfigError(name, "must be true or false", raw)
    return raw.lower() == "true"


def say(text: str) -> None:
    """Print a line of the result."""
    sys.stdout.write(text + "\n")
