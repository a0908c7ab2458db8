"""The command that predicts trials and new material: `predict`."""

import argparse
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from socal_core.cli.arguments import print_line
from socal_core.cli.bars import StageBar
from socal_core.cli.scores import source_text
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.table_cache import open_cached
from socal_core.errors import RunError
from socal_core.exporting.export_record import is_exported
from socal_core.runs.folder import RunFolder

if TYPE_CHECKING:
    from socal_core.evaluation.predict_sources import Forecaster

EXIT_INCOMPLETE = 1


def predict(options: argparse.Namespace) -> int:
    """Predict trials and new material with the best checkpoint of a run, or with an exported model."""
    from socal_core.evaluation.predict_sources import predict_sources

    forecaster, open_data = _opened(options)
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
