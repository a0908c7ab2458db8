"""predictions.csv: the predictions of the best checkpoint for all usable trials.

For success, `label` and `predicted` are 0 or 1, and `prob_success` is the probability of success. For other classes,
`label` and `predicted` are names of classes, and `prob_` with the name of each class is its probability. For a number,
`label` and `predicted` are values in its unit.
"""

from pathlib import Path

import pandas as pd
from pandas.api.types import is_numeric_dtype

from socal_core.dataset.targets import Target
from socal_core.errors import RunError
from socal_core.storage import write_text

PREDICTIONS = "predictions.csv"
PREDICTION_COLUMNS = ("trial_id", "participant_id", "split", "label", "prob_success", "predicted")
"""The columns for success. split: train, validation or test."""


def probability_columns(target: Target) -> list[str]:
    """Return the columns of the probabilities, in the order of the classes; only that of success for success."""
    return ["prob_success"] if target.is_success else [f"prob_{name}" for name in target.classes]


def prediction_columns(target: Target) -> tuple[str, ...]:
    """Return the columns of the table of predictions of a target."""
    return (*PREDICTION_COLUMNS[:4], *probability_columns(target), "predicted")


def write_predictions(path: Path, table: pd.DataFrame, target: Target) -> None:
    """Write the columns `prediction_columns` of a table of predictions, in one step.

    Args:
        path: The file.
        table: The predictions.
        target: What is predicted.
    """
    write_text(path, table.to_csv(columns=list(prediction_columns(target)), index=False))


def read_predictions(path: Path, target: Target, owner: str) -> pd.DataFrame | None:
    """Read a table of predictions; None if there is no file.

    Args:
        path: The file.
        target: What is predicted.
        owner: The run, for messages.

    Raises:
        RunError: The file is damaged.
    """
    texts = ["trial_id", "participant_id", *([] if target.is_number or target.is_success else ["label", "predicted"])]
    columns = prediction_columns(target)
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(texts, str), keep_default_na=False)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:  # pandas' parser errors and broken encodings are ValueErrors
        raise RunError(f"{owner}: {PREDICTIONS} is damaged. Delete it and run `evaluate`.") from error
    numbers = [name for name in columns if name not in {*texts, "split"}]
    if tuple(table.columns) != columns or not all(is_numeric_dtype(table[name]) for name in numbers):
        raise RunError(f"{owner}: columns or values are missing in {PREDICTIONS}. Delete it and run `evaluate`.")
    return table
