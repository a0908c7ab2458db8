"""What is known about a published data set: what its columns mean, its licence and its citation."""

import pandas as pd
import streamlit as st

from pages.components.downloads import NO_TRIALS, table_with_csv
from socal_core.dataset.dataset import Dataset
from socal_core.presets import PRESETS, Preset


def show_preset(dataset: Dataset) -> None:
    """Show which published data set the folder was read as, and how it compares with the publication."""
    preset, published = dataset.preset, dataset.preset.published
    with_frames = int((dataset.trials["n_frames"] > 0).sum())
    st.markdown(
        f"Read as: **{preset.title}**. Published are {published.trials:,} trials with {published.frames:,} frames and "
        f"{published.boxes:,} boxes, of {published.surgeons:,} surgeons; this folder has {with_frames:,} trials with "
        f"{len(dataset.frames):,} frames and {len(dataset.boxes):,} boxes."
    )
    st.subheader("Outcomes")
    st.markdown(f"`success` is 1 if {preset.success}, else 0.")
    rows = [
        {"Column": column.name, "Title in the file": column.title, "Unit": column.unit, "Meaning": column.meaning}
        for column in preset.outcomes
        if column.meaning
    ]
    table_with_csv(pd.DataFrame(rows).set_index("Column"), "outcomes", data=NO_TRIALS)


def show_licence(preset: Preset) -> None:
    """Show the licences and the citation of a data set."""
    st.subheader("Licence and citation")
    st.markdown(preset.description)
    if len(preset.licences) > 1:
        st.markdown("Its licence is stated in different ways. If in doubt, keep to the strictest or ask the authors.")
    for licence in preset.licences:
        st.markdown(f"- **{licence.name}**, stated in {licence.stated_in}: {licence.address}")
    st.markdown("Please cite:")
    st.markdown(f"> {preset.citation} https://doi.org/{preset.doi}")
    st.markdown(f"Download: {preset.address}")


def show_all_licences() -> None:
    """Show the licences and citations of all known data sets."""
    for preset in PRESETS:
        st.header(preset.title)
        show_licence(preset)
