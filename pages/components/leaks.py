"""What predicts the outcome without a look at the operation, on the split that a run would use."""

import streamlit as st

from pages.components.charts import chart
from socal_core.dataset.layout import OUTCOME_MEASURES
from socal_core.dataset.splits import Split, describe, make_split
from socal_core.dataset.types import Dataset
from socal_core.dataset.windows import Window
from socal_core.evaluation.leaks import Probe, probe_leaks
from socal_core.figures.leaks import leak_bars
from socal_core.runs.config import TrainConfig

CHANCE = 0.5


def show_leaks(dataset: Dataset, config: TrainConfig) -> None:
    """Bars and sentences; SocalError when the trials cannot be split."""
    trials = dataset.usable_trials
    split = make_split(trials, config.split_settings)
    sides = describe(split, trials)["trials"]
    st.write(
        f"Each line is a model that knows one thing only. It learns from the {sides['train']} training trials and is "
        f"asked about the {sides['validation'] + sides['test']} trials of other surgeons (validation and test). "
        f"Window: {config.observation.describe()}."
    )
    key = (dataset.fingerprint, len(trials), str(dataset.root), dataset.box_format)
    probes = _probes(dataset, key, split, config.window)
    chart(leak_bars(probes), "leaks")
    for probe in probes:
        st.markdown(f"{_icon(probe)} **{probe.name}.** {probe.verdict}")
    st.caption(
        "Never inputs, for they are outcomes themselves: "
        + "; ".join(f"**{name}**, {reason}" for name, reason in OUTCOME_MEASURES.items())
        + "."
    )


def _icon(probe: Probe) -> str:
    if probe.is_leak:
        return ":material/warning:"
    return ":material/help:" if probe.auroc is None or probe.auroc > CHANCE else ":material/check:"


@st.cache_data(max_entries=8, show_spinner="Looking at the first frames", hash_funcs={Split: Split.as_dict})
def _probes(_dataset: Dataset, key: tuple[str, int, str, str], split: Split, window: str) -> list[Probe]:
    return probe_leaks(_dataset, split, Window.parse(window))
