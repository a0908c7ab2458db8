"""socal_core.runs.command_line: the command that is shown starts exactly the run of the form."""

import shlex
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socal_core.cli.arguments import data_options, pop_force_retrain, settings
from socal_core.cli.cross_validation import _given
from socal_core.cli.parser import make_parser
from socal_core.dataset.open_options import OpenOptions
from socal_core.errors import ConfigError
from socal_core.runs.command_line import cv_command, torchrun_command, train_command
from socal_core.settings import (
    PRETRAINED,
    SETTINGS,
    TINY,
    Setting,
    TrainConfig,
    applicable_settings,
    config_from,
    default_config,
)

TEXTS = {
    "model": st.sampled_from([TINY, PRETRAINED, "owner/name", "a b/$HOME 'x' \"y\" = ü"]),
    "tune": st.sampled_from(["full", "last:3", "frozen", "lora"]),
    "lora_modules": st.sampled_from(["query value", "  qkv\tdense "]),
    "window": st.sampled_from(["0:60", "whole", "30:90", "0:-10"]),
    "split_column": st.sampled_from(["cohort", "specialty"]),
    "split_value": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8),
}


def values_of(item: Setting) -> st.SearchStrategy[Any]:
    if item.name in TEXTS:
        return TEXTS[item.name]
    if item.kind is bool:
        return st.booleans()
    if issubclass(item.kind, Enum):
        return st.sampled_from(list(item.kind))
    return st.integers(item.low, item.high) if item.kind is int else st.floats(item.low, item.high)


CHANGES = st.fixed_dictionaries({}, optional={name: values_of(item) for name, item in SETTINGS.items()})
WORDS = st.sampled_from(["/data/SOCAL", "/data/with blank", "/data/'quoted' $(x) ;", "/data/-x"]).map(Path)
OPTIONS = st.sampled_from([OpenOptions(), OpenOptions("yolo", (("success", "stopped = yes"),))])


def config_of(changes: dict[str, Any]) -> TrainConfig | None:
    """Return the settings as the form gives them, with the defaults of fields for those that it hides."""
    try:
        return TrainConfig.from_flat(applicable_settings(config_from(changes, TINY)))
    except ConfigError:
        return None


def parsed(command: str, program: list[str]) -> Any:
    words = shlex.split(command)
    assert words[: len(program)] == program
    return make_parser().parse_args(words[len(program) :])


@given(CHANGES, WORDS, WORDS, OPTIONS)
def test_train_starts_the_same_run(changes: dict[str, Any], data: Path, run: Path, reading: OpenOptions) -> None:
    config = config_of(changes)
    if config is None:
        return
    torchrun = ["torchrun", "--standalone", f"--nproc-per-node={config.processes}", "--module", "--", "socal_core"]
    for command, program in (
        (train_command(config, data, run, reading), ["socal"]),
        (torchrun_command(config, data, run, reading), torchrun),
    ):
        options = parsed(command, program)
        assert (options.command, Path(options.data), options.run) == ("train", data, run)
        assert data_options(options) == reading
        assert not pop_force_retrain(options)
        assert applicable_settings(settings(options)) == applicable_settings(config)


@given(CHANGES, WORDS, OPTIONS, st.integers(1, 3))
def test_cv_starts_the_same_folds(changes: dict[str, Any], data: Path, reading: OpenOptions, repeats: int) -> None:
    config = config_of({**changes, "split_method": "k-fold", "folds": 5, "fold": 1})
    if config is None:
        return
    options = parsed(cv_command(config, data, Path("/runs/cv"), reading, repeats), ["socal"])
    assert (options.command, options.data, options.repeats or 1) == ("cv", str(data), repeats)
    assert data_options(options) == reading
    assert applicable_settings(config_from(_given(options), TINY)) == applicable_settings(config)


@pytest.mark.parametrize("recipe", [None, "notebook", "videomae-small-data"])
@pytest.mark.parametrize("model", [TINY, "owner/name"])
def test_defaults_are_left_out(model: str, recipe: str | None) -> None:
    config = default_config(model) if recipe is None else config_from({"model": model, "recipe": recipe}, TINY)
    words = shlex.split(train_command(config, Path("/data"), Path("/run"), OpenOptions()))
    chosen = [] if recipe is None else ["--set", f"recipe={recipe}"]
    assert words == ["socal", "train", "/data", "--run", "/run", "--set", f"model={model}", *chosen]


def test_a_model_in_a_folder_is_found_from_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my model").mkdir()
    monkeypatch.chdir(tmp_path)
    command = train_command(config_from({"model": "my model"}, TINY), Path("/data"), Path("/run"), OpenOptions())
    assert f"'model={tmp_path.resolve() / 'my model'}'" in command
