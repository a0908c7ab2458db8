"""What somebody who never looks at a frame would score on the same test trials.

A model that is not better than these has learned nothing that the table did not say.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from socal_core.dataset.types import Dataset
from socal_core.dataset.windows import Window
from socal_core.evaluation.metrics import choose_threshold, metrics_of


def controls(dataset: Dataset, predictions: pd.DataFrame, window: Window) -> list[dict[str, Any]]:
    """The controls' metrics on the test trials of a run's predictions, learned from its training trials alone.

    Each is {name, description, accuracy, balanced_accuracy, auroc, auroc_interval}.
    """
    frames = dataset.frames[dataset.frames["trial_id"].isin(predictions["trial_id"])]
    in_trial = frames.groupby("trial_id").size().reindex(predictions["trial_id"], fill_value=0)
    in_window = window.select(frames).groupby("trial_id").size().reindex(predictions["trial_id"], fill_value=0)
    result = [_commoner_outcome(predictions)]
    if not window.ends_with_the_trial:
        name = "Frames in the window alone"
        text = (
            f"The number of frames in the {window.describe()}, which is all of the length that the model could sense."
        )
        result.append(_from_one_number(predictions, in_window.to_numpy(), name, text))
    text = "The number of frames of the whole trial: failures run on to the time limit, successes end early."
    result.append(_from_one_number(predictions, in_trial.to_numpy(), "Length of the trial alone", text))
    return result


def _commoner_outcome(predictions: pd.DataFrame) -> dict[str, Any]:
    train, test = (predictions[predictions["split"] == side] for side in ("train", "test"))
    rate = float(train["label"].mean())
    outcome = int(rate >= 0.5)
    return _row(
        "Always the commoner outcome",
        f"Calls every trial a {'success' if outcome else 'failure'}, as most training trials are.",
        test["label"],
        np.full(len(test), rate),
        np.full(len(test), outcome),
    )


def _from_one_number(predictions: pd.DataFrame, values: NDArray[Any], name: str, text: str) -> dict[str, Any]:
    """Logistic regression on one number, its threshold chosen on validation as the model's is."""
    side = predictions["split"].to_numpy()
    labels = predictions["label"].to_numpy()
    column = values.astype(float)[:, None]
    regression = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
    regression.fit(column[side == "train"], labels[side == "train"])
    probability = regression.predict_proba(column)[:, 1]
    threshold = choose_threshold(labels[side == "validation"], probability[side == "validation"])
    test = side == "test"
    return _row(name, text, labels[test], probability[test], probability[test] >= threshold)


def _row(name: str, description: str, labels: Any, probability: Any, predicted: Any) -> dict[str, Any]:
    metrics = metrics_of(labels, probability, predicted)
    return {
        "name": name,
        "description": description,
        **{key: metrics[key] for key in ("accuracy", "balanced_accuracy", "auroc")},
        "auroc_interval": metrics["intervals"]["auroc"],
    }
