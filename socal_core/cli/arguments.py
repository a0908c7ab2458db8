"""What arguments that several commands share stand for."""

import argparse
import json
import sys
from dataclasses import fields
from typing import Any

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.table_cache import open_cached
from socal_core.errors import ConfigError
from socal_core.runs.folder import settings_in
from socal_core.runs.model_choice import default_model
from socal_core.settings import TrainConfig, config_from, unknown_setting


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
        values |= settings_in(content, str(options.config))
    values |= dict(parse_setting(text) for text in options.set)
    return config_from(values, default_model())


def parse_setting(text: str) -> tuple[str, Any]:
    """Read `name=value` from the command line into a setting's name and a value of its type."""
    name, separator, raw = text.partition("=")
    types = {item.name: item.type for item in fields(TrainConfig)}
    if not separator:
        raise ConfigError("--set", "must be NAME=VALUE, such as num_epochs=20", text)
    if name not in types:
        raise unknown_setting(name, raw)
    if types[name] is bool:
        if raw.lower() not in {"true", "false"}:
            raise ConfigError(name, "must be true or false", raw)
        return name, raw.lower() == "true"
    if types[name] in {int, float}:
        try:
            return name, int(raw) if types[name] is int else float(raw)
        except ValueError:
            raise ConfigError(
                name, "must be a whole number" if types[name] is int else "must be a number", raw
            ) from None
    return name, raw


def say(text: str) -> None:
    """Print a line of the result."""
    sys.stdout.write(text + "\n")
