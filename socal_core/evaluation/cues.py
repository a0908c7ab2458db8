"""Simple features of trials, such as colour and tool presence, and what they predict without a network."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

CHANNELS = ("red", "green", "blue")


def predict_from(values: pd.DataFrame, train: pd.Series) -> pd.Series:
    """Predict the probability of success from features by logistic regression with balanced classes.

    Numbers are standardized, and unknown numbers are replaced by the training mean. Text is one-hot encoded, with
    `unknown` as a separate category.

    Args:
        values: One row per trial: columns of numbers (NaN: unknown), or one column of text (missing: unknown).
        train: Outcomes (0/1) of the training trials, indexed like `values`.

    Returns:
        The probability of success for every row of `values`.

    Raises:
        ValueError: No column varies among the training trials, or they all have the same outcome.
    """
    return predict_classes_from(values, train, 2)[1]


def predict_classes_from(values: pd.DataFrame, train: pd.Series, classes: int) -> pd.DataFrame:
    """Predict the probability of each class as `predict_from` does, by multinomial logistic regression.

    Args:
        values: One row per trial, as in `predict_from`.
        train: The index of the class of each training trial, indexed like `values`.
        classes: The number of classes. One that no training trial has is given the probability 0.

    Returns:
        One row for every row of `values` and one column per class.

    Raises:
        ValueError: No column varies among the training trials, or they are all of one class.
    """
    regression = LogisticRegression(class_weight="balanced", max_iter=1000)
    inputs, fitted = _fitted(values, train, regression)
    found = pd.DataFrame(fitted.predict_proba(inputs), index=values.index, columns=regression.classes_)
    return found.reindex(columns=range(classes), fill_value=0.0)


def predict_number_from(values: pd.DataFrame, train: pd.Series) -> pd.Series:
    """Predict a number from features by linear regression, or by ridge regression from several features.

    The strength of the ridge penalty is chosen by leave-one-out over the training trials.

    Args:
        values: One row per trial, as in `predict_from`.
        train: The number of each training trial, indexed like `values`.

    Returns:
        The predicted number for every row of `values`.

    Raises:
        ValueError: No column varies among the training trials.
    """
    several = varying(values, train.index).shape[1] > 1
    regression = RidgeCV(alphas=np.logspace(-2, 4, 13)) if several else LinearRegression()
    inputs, fitted = _fitted(values, train, regression)
    return pd.Series(fitted.predict(inputs), index=values.index)


def _fitted(values: pd.DataFrame, train: pd.Series, regression: Any) -> tuple[NDArray[Any], Any]:
    """Return the varying columns, and a regression on them with their preparation, fitted to the training trials."""
    values = varying(values, train.index)
    if values.select_dtypes("number").shape[1]:
        steps = [SimpleImputer(), StandardScaler()]
    else:
        steps = [OneHotEncoder(handle_unknown="ignore")]
        values = values.astype(object).fillna("unknown")
    fitted = make_pipeline(*steps, regression)
    fitted.fit(values.loc[train.index].to_numpy(), train.to_numpy())
    return values.to_numpy(), fitted


def varying(values: pd.DataFrame, train: pd.Index) -> pd.DataFrame:
    """Return the columns that vary among the training trials. In text, a missing value counts as another value."""
    is_text = values.select_dtypes("number").shape[1] == 0
    return values.loc[:, values.loc[train].nunique(dropna=not is_text) > 1]


def colour_over_time(trials: Iterable[NDArray[np.uint8]]) -> pd.DataFrame:
    """Compute the mean colour of the clips of each trial, and its slope over the clip.

    The slope is the change from the first to the last frame of a straight line fitted to the mean colours of the
    frames. It is computed over the frames of a clip, not over seconds, so it does not depend on a trial's length.

    Args:
        trials: The clips of each trial, shape (clips, frames, 3, height, width), RGB, with at least 2 frames.

    Returns:
        One row per trial, in the same order: the mean (0 to 255) and the slope of red, green and blue, averaged over
        the clips of the trial.
    """
    rows = []
    for clips in trials:
        means = clips.mean(axis=(-2, -1)).mean(axis=0)  # (frames, 3)
        times = np.linspace(-0.5, 0.5, len(means))
        changes = means - means[0]  # makes the slope exactly 0 for a constant clip
        rows.append([*means.mean(axis=0), *(times @ changes / (times @ times))])
    return pd.DataFrame(rows, columns=[*CHANNELS, *(f"{channel}_slope" for channel in CHANNELS)], dtype="float64")


def presence_in_parts(boxes: pd.DataFrame, parts: pd.DataFrame, ids: pd.Index) -> pd.DataFrame:
    """Compute the fraction of frames that show each label, in each part of a trial.

    Args:
        boxes: The boxes of a data set.
        parts: The frames to count, with columns frame, trial_id and part.
        ids: The ids of the trials.

    Returns:
        One row per trial of `ids` and one column per label and part. NaN if the trial has no frame in the part, so that
        a short trial differs from a trial without tools. There is no column if no frame has a box.
    """
    per_part = parts.groupby(["trial_id", "part"]).size()
    tools = boxes.loc[boxes["trial_id"].isin(ids), ["frame", "label"]].drop_duplicates()
    tools = tools.merge(parts[["frame", "trial_id", "part"]], on="frame")
    with_tool = tools.groupby(["trial_id", "part", "label"]).size().unstack("label")
    fractions = with_tool.reindex(per_part.index).fillna(0).div(per_part, axis="index")
    return pd.DataFrame(fractions.unstack("part")).reindex(ids).astype("float64")
