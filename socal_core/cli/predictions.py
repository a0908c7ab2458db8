"""The command that predicts trials and new material: `predict`."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from socal_core.cli.arguments import print_line
from socal_core.cli.bars import StageBar
from socal_core.cli.scores import live_text, source_text
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.table_cache import open_cached
from socal_core.errors import ConfigError, DataError, RunError
from socal_core.exporting.export_record import is_exported
from socal_core.fetch.camera import PREFIX
from socal_core.runs.folder import RunFolder

if TYPE_CHECKING:
    from socal_core.evaluation.predict_sources import Forecaster

EXIT_INCOMPLETE = 1


def predict(options: argparse.Namespace) -> int:
    """Predict trials and new material with the best checkpoint of a run, or with an exported model."""
    from socal_core.evaluation.predict_sources import predict_sources

    if options.follow and (len(options.source) != 1 or not _can_be_followed(options.source[0])):
        rule = f"must be one folder of frames, or {PREFIX}NUMBER, with --follow"
        raise ConfigError("SOURCE", rule, " ".join(options.source))
    forecaster, open_data = _opened(options)
    if options.follow:
        return _follow(forecaster, options)
    with StageBar() as bar:
        rows, errors = predict_sources(forecaster, options.source, open_data, bar.show)
    if not rows:
        raise errors[0]
    for error in errors:
        sys.stderr.write(f"error: {error}\n")
    if options.json:
        print_line(json.dumps(rows, indent=2))
    else:
        for row in rows:
            print_line(source_text(row))
    return EXIT_INCOMPLETE if errors else 0


def _follow(forecaster: "Forecaster", options: argparse.Namespace) -> int:
    """Print a line for each prediction of a camera or of a folder that grows."""
    from socal_core.evaluation.follow import follow, follow_camera

    source, count = options.source[0], 0
    with tempfile.TemporaryDirectory(prefix="socal-camera-") as recording:
        camera = source.startswith(PREFIX)
        for row in (
            follow_camera(forecaster, source.removeprefix(PREFIX), Path(recording))
            if camera
            else follow(forecaster, Path(source), options.idle)
        ):
            count += 1
            print_line(json.dumps(row) if options.json else live_text(row))
            sys.stdout.flush()
    if not count:
        raise DataError(f"{source}: no frame in the window came within {options.idle:g} s.")
    return 0


def _can_be_followed(source: str) -> bool:
    return source.startswith(PREFIX) or Path(source).is_dir()


def _opened(options: argparse.Namespace) -> "tuple[Forecaster, Callable[[], Dataset]]":
    """Return the model, and what opens the data set of the trials."""
    if is_exported(options.run):
        from socal_core.exporting.exported import exported_forecaster

        return exported_forecaster(options.run), lambda: _named_data(options)
    from socal_core.evaluation.predict_sources import forecaster_of

    run = RunFolder.open(options.run)
    return forecaster_of(run), lambda: run.open_dataset() if options.data is None else open_cached(options.data)


def _named_data(options: argparse.Namespace) -> Dataset:
    if options.data is None:
        raise RunError(f"{options.run.name} is an exported model, which knows no data folder. Name one with --data.")
    return open_cached(options.data)
