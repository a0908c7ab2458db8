"""Interpret the arguments that several commands have in common."""

import argparse
import sys
from typing import Any

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.table_cache import open_cached
from socal_core.errors import ConfigError
from socal_core.file_handles import os_reason
from socal_core.json_files import read_json
from socal_core.runs.folder import settings_in
from socal_core.runs.model_choice import default_model
from socal_core.settings import TrainConfig, by_name, config_from, setting_named, unknown_setting

FORCE_RETRAIN = "force_retrain"
"""The name in the reference notebook for replacing an existing run by a new one."""


def data_options(options: argparse.Namespace) -> OpenOptions:
    """Return how the data folder is to be read.

    Raises:
        ConfigError: A `--column` is not NAME=TITLE.
    """
    columns = []
    for text in options.column:
        name, separator, title = text.partition("=")
        if not separator or not title:
            raise ConfigError("--column", "must be NAME=TITLE, such as success=haemostasis", text)
        columns.append((name, title))
    return OpenOptions(options.boxes, tuple(columns))


def open_data(options: argparse.Namespace) -> Dataset:
    """Open the data set that the arguments name."""
    return open_cached(options.data, data_options(options))


def settings(options: argparse.Namespace) -> TrainConfig:
    """Return the settings of a run: those of --set, else of the file of --config, else the defaults of the model.

    Raises:
        ConfigError: The file cannot be used, or a setting is not allowed.
    """
    return config_from(given_settings(options), default_model())


def given_settings(options: argparse.Namespace) -> dict[str, Any]:
    """Return the settings of --set and of the file of --config by name; the former count where both have one.

    Raises:
        ConfigError: The file cannot be used, or there is no such setting.
    """
    values: dict[str, Any] = {}
    if options.config is not None:
        try:
            content = read_json(options.config)
        except OSError as error:
            raise ConfigError(
                "--config", "must name a file that can be read", f"{options.config}: {os_reason(error)}"
            ) from None
        except ValueError as error:
            raise ConfigError("--config", f"must be a JSON file ({error})", str(options.config)) from None
        if not isinstance(content, dict):
            raise ConfigError("--config", "must contain settings by name", str(options.config))
        values |= by_name(settings_in(content, str(options.config)))
    typed = typed_settings(options)
    if "view" in typed:
        values.pop("trials", None)  # the filter of the view in the file
    return values | typed


def typed_settings(options: argparse.Namespace) -> dict[str, Any]:
    """Return the settings of --set by name. If a setting is given twice, the last value counts."""
    return by_name(dict(parse_setting(text) for text in options.set))


def pop_force_retrain(options: argparse.Namespace) -> bool:
    """Remove FORCE_RETRAIN from --set and return its value. It concerns one start, so it is no setting of a run."""
    given = [text for text in options.set if text.partition("=")[0] == FORCE_RETRAIN]
    options.set = [text for text in options.set if text not in given]
    return bool(given) and _true_or_false(FORCE_RETRAIN, given[-1].partition("=")[2])


def parse_setting(text: str) -> tuple[str, Any]:
    """Parse `name=value` into the name and a value of the type of that setting.

    Raises:
        ConfigError: There is no such setting, or the value has another type.
    """
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


def print_line(text: str) -> None:
    """Print a line of the result to stdout."""
    sys.stdout.write(text + "\n")
