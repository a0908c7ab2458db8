"""socal_core.figures.leak_figures: the data and texts of the bars."""

from dataclasses import replace

import pytest

from socal_core.evaluation.leak_probes import Probe
from socal_core.figures.leak_figures import leak_bars
from socal_core.figures.style import FAILURE, NEUTRAL

PROBES = [
    Probe("Number of frames", 0.97, (0.87, 0.99), 42, ""),
    Probe("Mean colour", 0.6, (0.42, 0.75), 42, ""),
    Probe("Trial 1 or 2", 0.4, (0.25, 0.6), 42, ""),
    Probe("Cohort", None, None, 42, ""),
]


def test_the_worst_is_on_top_and_a_leak_has_its_own_colour() -> None:
    figure = leak_bars(PROBES)
    leaks, rest = figure.data
    assert (list(leaks.y), list(leaks.x), leaks.marker.color) == (["Number of frames"], [0.97], FAILURE)
    assert (list(rest.y), list(rest.x), rest.marker.color) == (["Mean colour", "Trial 1 or 2"], [0.6, 0.4], NEUTRAL)
    assert list(figure.layout.yaxis.categoryarray) == [probe.name for probe in PROBES]
    top, bottom = figure.layout.yaxis.range
    assert top > bottom


def test_error_bars_end_at_the_interval() -> None:
    _, rest = leak_bars(PROBES).data
    for x, more, less, probe in zip(rest.x, rest.error_x.array, rest.error_x.arrayminus, PROBES[1:3], strict=True):
        assert (x - less, x + more) == pytest.approx(probe.interval)
    texts = ["95 % interval 0.42 to 0.75", "95 % interval 0.25 to 0.60"]
    assert [list(row) for row in rest.customdata] == [[text, 42] for text in texts]


def test_a_probe_of_few_surgeons_says_so() -> None:
    (bar,) = leak_bars([replace(PROBES[1], interval=None)]).data
    assert list(bar.customdata[0]) == ["too few surgeons for an interval", 42]
    assert list(bar.error_x.array) == [0]


def test_chance_is_marked_and_the_axis_runs_from_0_to_1() -> None:
    figure = leak_bars(PROBES)
    (line,) = figure.layout.shapes
    assert (line.x0, line.x1) == (0.5, 0.5)
    assert figure.layout.xaxis.range == pytest.approx((0, 1), abs=0.01)


def test_unknown_probes_keep_their_position() -> None:
    figure = leak_bars(PROBES)
    (note,) = figure.layout.annotations
    assert (note.y, note.text) == ("Cohort", "not known")
    assert "Cohort" in figure.layout.yaxis.tickvals


@pytest.mark.parametrize(("probes", "notes"), [([], ["Nothing was probed."]), (PROBES[3:], ["not known"])])
def test_nothing_to_show(probes: list[Probe], notes: list[str]) -> None:
    figure = leak_bars(probes)
    assert not figure.data
    assert [note.text for note in figure.layout.annotations] == notes
