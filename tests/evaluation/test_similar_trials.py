"""socal_core.evaluation.similar_trials"""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from socal_core.errors import DataError
from socal_core.evaluation.similar_trials import (
    closest_pairs,
    disagreeing,
    distances,
    similar_as_dict,
    similar_trials,
    trial_map,
)
from tests.evaluation.made_predictions import draw_predictions, make_predictions


def draw_features(names: list[str], seed: int = 0, dims: int = 12) -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    scales = np.arange(dims, 0, -1)
    return pd.DataFrame(5 + scales * chance.normal(size=(len(names), dims)), index=pd.Index(names, name="trial_id"))


def test_the_nearest_trials_are_those_of_scikit_learn() -> None:
    predictions = draw_predictions(0)
    features = draw_features(list(predictions["trial_id"]))
    centred = (features - features.mean()).to_numpy()
    expected, places = NearestNeighbors(n_neighbors=6, metric="cosine").fit(centred).kneighbors(centred)
    for row in (0, 7, 39):
        trial = features.index[row]
        found = similar_trials(features, predictions, trial)
        assert [near.trial_id for near in found] == list(features.index[places[row, 1:]])
        assert np.allclose([near.distance for near in found], expected[row, 1:])
        for near in found:
            known = predictions.set_index("trial_id").loc[near.trial_id]
            assert (near.outcome, near.participant_id, near.subset) == tuple(
                known[["label", "participant_id", "split"]]
            )
    as_dict = similar_as_dict("S0T1", "image", similar_trials(features, predictions, "S0T1", 2))
    assert [list(row) for row in as_dict["similar"]] == [
        ["trial_id", "distance", "outcome", "participant_id", "subset"]
    ] * 2


def test_the_map_has_the_two_directions_of_most_variance() -> None:
    features = draw_features([f"S{n}T1" for n in range(30)])
    found = trial_map(features)
    pca = PCA(2, svd_solver="full").fit(features)
    assert np.allclose(found.explained, pca.explained_variance_ratio_)
    assert np.allclose(found.points.abs(), np.abs(pca.transform(features)))
    assert list(found.points.index) == list(features.index)


def test_equal_trials_are_at_one_place_without_distance() -> None:
    features = pd.DataFrame(np.ones((3, 4)), ["a", "b", "c"])
    assert (trial_map(features).points == 0).all(axis=None)
    assert trial_map(features).explained == (0, 0)
    assert (distances(features) == 0).all(axis=None)
    with pytest.raises(DataError, match="at least two trials"):
        trial_map(features[:1])


def test_a_wrong_outcome_is_among_neighbours_that_ended_otherwise() -> None:
    chance = np.random.default_rng(1)
    labels = [0] * 8 + [1] * 8
    predictions = make_predictions(labels, [0.5] * 16)
    centres = np.array([[4.0, 0, 0], [0, 4.0, 0]])
    names = list(predictions["trial_id"])
    features = pd.DataFrame(centres[labels] + chance.normal(0, 0.3, (16, 3)), names)
    outcomes = predictions.set_index("trial_id")["label"].copy()
    assert (disagreeing(features, outcomes)["other"] == 0).all()
    outcomes["S2T1"] = 1
    worst = disagreeing(features, outcomes).iloc[0]
    assert (worst.name, worst["other"], worst["of"]) == ("S2T1", 5, 5)


def test_the_same_footage_is_found_under_two_names() -> None:
    names = [f"S{n}T1" for n in range(12)]
    features = draw_features(names)
    assert closest_pairs(features) == []
    features.loc["S9T1"] = features.loc["S3T1"] + 0.01
    ((first, second, distance),) = closest_pairs(features)
    assert (first, second) == ("S3T1", "S9T1")
    assert distance < 1e-3


def test_a_trial_without_features_is_refused() -> None:
    predictions = draw_predictions(0)
    with pytest.raises(DataError, match="There are no features of S99T1"):
        similar_trials(draw_features(list(predictions["trial_id"])), predictions, "S99T1")
