"""socal_core.training.objective: the weighted loss, its gradients, the optimizer."""

import pytest

from socal_core.errors import RunError
from socal_core.training.objective import class_weights


@pytest.mark.parametrize(
    ("labels", "expected"),
    [([0, 1], [1.0, 1.0]), ([0, 1, 1, 1], [2.0, 2 / 3]), ([0, 0, 1], [0.75, 1.5])],
)
def test_class_weights_are_n_over_2_n_class(labels: list[int], expected: list[float]) -> None:
    assert class_weights(labels).tolist() == pytest.approx(expected)


def test_one_class_cannot_be_weighted() -> None:
    with pytest.raises(RunError, match="all end alike"):
        class_weights([1, 1])
