"""socal_core.figures.compare"""

import pandas as pd
import pytest

from socal_core.figures.compare import DASHES, RUN_COLOURS, overlaid_auroc, overlaid_losses
from socal_core.runs.events import epochs_table


def table(losses: list[float | None], auroc: list[float | None] | None = None) -> pd.DataFrame:
    pairs = zip(losses, auroc or [0.5] * len(losses), strict=True)
    events = [
        {"type": "epoch", "epoch": epoch, "val_loss": loss, "val_auroc": area}
        for epoch, (loss, area) in enumerate(pairs, start=1)
    ]
    return epochs_table(events)


def test_each_run_is_one_curve_with_a_star_on_its_lowest_loss() -> None:
    figure = overlaid_losses({"a": table([0.7, 0.5, 0.6]), "b": table([0.4, 0.9])})
    assert [list(curve.y) for curve in figure.data] == [[0.7, 0.5, 0.6], [0.4, 0.9]]
    assert [list(curve.x) for curve in figure.data] == [[1, 2, 3], [1, 2]]
    assert [list(curve.marker.symbol).index("star") for curve in figure.data] == [1, 0]
    assert len({curve.line.color for curve in figure.data}) == 2


def test_an_auroc_that_is_not_defined_is_a_gap() -> None:
    figure = overlaid_auroc({"a": table([1.0, 1.0, 1.0], [0.5, None, 0.75])})
    assert pd.isna(figure.data[0].y[1])
    assert figure.data[0].y[2] == 0.75
    assert "star" not in figure.data[0].marker.symbol


@pytest.mark.parametrize("draw", [overlaid_losses, overlaid_auroc])
def test_runs_without_an_epoch(draw) -> None:
    figure = draw({"a": table([])})
    assert "start when the first epoch is done" in figure.layout.annotations[0].text
    assert not draw({"a": table([]), "b": table([0.5])}).layout.annotations
    assert draw({"a": table([None, None])}).data[0].name == "a"


def test_twenty_runs_can_be_distinguished() -> None:
    curves = overlaid_losses({str(number): table([0.5]) for number in range(20)}).data
    assert len({(curve.line.color, curve.line.dash) for curve in curves}) == 20
    assert len(RUN_COLOURS) * len(DASHES) > 20


def test_a_name_is_no_markup() -> None:
    figure = overlaid_losses({"<b>x</b> " + "long" * 20: table([0.5])})
    assert figure.data[0].name.startswith("&lt;b&gt;x&lt;/b&gt; long")
    assert figure.data[0].name.endswith("…")
    assert "<b>" not in figure.data[0].customdata[0]
