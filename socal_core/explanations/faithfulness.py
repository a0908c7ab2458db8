"""Whether a map of a trial shows what matters to the model.

Two checks: deletion and insertion curves (Petsiuk et al., BMVC 2018) beside those of random maps, for the eye; and the
rank correlation between the importance of random sets of cells and the effect of painting them out (sensitivity-n,
Ancona et al., ICLR 2018), which a map without meaning does not have.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from socal_core.explanations.occlusion import Occlusion, Rectangle
from socal_core.explanations.record import Faithfulness

FRACTIONS = (0.1, 0.25, 0.5, 0.75)
"""Fractions of the cells that are painted out, or shown."""
RANDOM_MAPS = 5
SETS = 40
"""Number of random sets of cells."""
SET_FRACTION = 0.25
"""Fraction of the cells in each."""

Score = Callable[[Occlusion], float]


def judge(
    importance: Sequence[float],
    cells: Sequence[Occlusion],
    score: Score,
    seed: int,
    progress: Callable[[int, int], None],
) -> Faithfulness:
    """Check a map of cells.

    Args:
        importance: The importance of each cell.
        cells: The cells.
        score: Returns how well the model keeps its prediction with a part painted out; 0 for nothing painted out, and
            higher is more certain.
        seed: The seed of the random maps and sets.
        progress: Called with the number of finished steps and of all steps; may raise.
    """
    generator = np.random.default_rng(seed)
    total = 1 + RANDOM_MAPS + SETS
    # Cells of equal importance are in random order.
    orders = [np.lexsort((generator.random(len(cells)), -np.asarray(importance)))]
    orders += [generator.permutation(len(cells)) for _ in range(RANDOM_MAPS)]
    curves = []
    for number, order in enumerate(orders):
        progress(number, total)
        curves.append([_curve(order, cells, score, deleted) for deleted in (True, False)])
    found = np.array(curves)  # (maps, deletion or insertion, fractions)
    expected, losses = [], []
    for number in range(SETS):
        progress(len(orders) + number, total)
        chosen = generator.permutation(len(cells))[: max(1, round(SET_FRACTION * len(cells)))]
        expected.append(float(np.asarray(importance)[chosen].sum()))
        losses.append(-score(_joined(cells, chosen)))
    correlation, p_value = _correlation(expected, losses)
    chance = found[1:].mean(axis=0)
    return Faithfulness(
        fractions=FRACTIONS,
        deletion=tuple(found[0, 0].tolist()),
        insertion=tuple(found[0, 1].tolist()),
        random_deletion=tuple(chance[0].tolist()),
        random_insertion=tuple(chance[1].tolist()),
        correlation=correlation,
        p_value=p_value,
    )


def _curve(order: NDArray[np.int64], cells: Sequence[Occlusion], score: Score, deleted: bool) -> list[float]:
    """Return the score for each of FRACTIONS, with the first cells painted out, or all but them."""
    counts = [max(1, round(fraction * len(order))) for fraction in FRACTIONS]
    return [score(_joined(cells, order[:count] if deleted else order[count:])) for count in counts]


def _joined(cells: Sequence[Occlusion], chosen: NDArray[np.int64]) -> Occlusion:
    """Return some of the cells as one occlusion."""
    rectangles: dict[int, tuple[Rectangle, ...]] = {}
    for cell in chosen.tolist():
        for index, boxes in cells[cell].rectangles.items():
            rectangles[index] = (*rectangles.get(index, ()), *boxes)
    return Occlusion("several cells", rectangles)


def _correlation(expected: Sequence[float], losses: Sequence[float]) -> tuple[float, float]:
    """Return Spearman's correlation and its one-sided p value; 0 and 1 if a sequence is constant."""
    if len(set(expected)) < 2 or len(set(losses)) < 2:
        return 0.0, 1.0
    found = spearmanr(expected, losses, alternative="greater")
    return float(found.statistic), float(found.pvalue)
