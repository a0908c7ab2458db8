"""Leaks: what predicts the outcome without showing the operation, on the split that a run would use."""

import streamlit as st

from pages.components.charts import chart
from pages.components.sidebar.data_picker import options_in_use
from pages.components.words import plain_text
from socal_core.annotations.track_cache import digest_of_boxes
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.windows import Window
from socal_core.evaluation.leak_probes import Probe, probe_leaks
from socal_core.figures.leak_figures import leak_bars
from socal_core.settings import TrainConfig
from socal_core.splits import Split, describe, split_dataset, split_warning

CHANCE = 0.5


def show_leaks(dataset: Dataset, config: TrainConfig) -> None:
    """Show the leak probes as bars and sentences.

    Raises:
        SocalError: The trials cannot be split.
    """
    trials = dataset.usable_trials
    split = split_dataset(dataset, config.split)
    counts = describe(split, trials)["trials"]
    st.write(
        f"Each bar is a model that uses only one fact. It learns from the {counts['train']} training trials and is "
        f"tested on the {counts['validation'] + counts['test']} validation and test trials. Window: "
        f"{config.clip.observation.describe()}."
    )
    warning = split_warning(split, trials)
    if warning:
        st.warning(warning)
    # The result depends on the trials chosen on the page, and on how the columns of the folder are read.
    key = (str(dataset.root), dataset.fingerprint, digest_of_boxes(dataset.boxes), str(options_in_use()))
    probes = _probes(dataset, key, split, config.clip.window)
    chart(leak_bars(probes), "leaks")
    for probe in probes:
        st.markdown(f"{_icon(probe)} **{plain_text(probe.name)}.** {plain_text(probe.verdict)}")
    st.caption(
        "Never used as inputs, because they are outcomes themselves: "
        + "; ".join(f"**{name}**, {reason}" for name, reason in dataset.preset.reasons.items())
        + "."
    )


def _icon(probe: Probe) -> str:
    if probe.is_leak:
        return ":material/warning:"
    return ":material/help:" if probe.auroc is None or probe.auroc > CHANCE else ":material/check:"


@st.cache_data(max_entries=8, show_spinner="Reading the first frames", hash_funcs={Split: Split.as_dict})
def _probes(_dataset: Dataset, key: tuple[str, str, str, str], split: Split, window: str) -> list[Probe]:
    return probe_leaks(_dataset, split, Window.parse(window))
