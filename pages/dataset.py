"""The Dataset page: the content of the folder, its problems, and what could make results misleading."""

import pandas as pd
import streamlit as st

from pages.components.dataset.alignment_check import check_alignment
from pages.components.dataset.columns import ask_for_columns
from pages.components.dataset.filters import pick_trials
from pages.components.dataset.preset_view import show_all_licences, show_licence, show_preset
from pages.components.dataset.problems import show_problems
from pages.components.dataset.saved_views import show_saved_views
from pages.components.dataset.views import views_of
from pages.components.downloads import announce, ids_in, table_with_csv
from pages.components.page_frame import page
from pages.components.sidebar.data_picker import is_demo
from pages.components.tiles import data_tiles
from pages.components.words import plain_text
from socal_core.annotations import format_of
from socal_core.annotations.alignment import warning_of_shifts
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.filters import apply, choices
from socal_core.errors import SocalError
from socal_core.settings import TINY, default_config

FRAMES, LEAKS, AGREEMENT, PROBLEMS, ABOUT = "Frames", "Leaks", "Agreement", "Problems", "About"


def view_names(dataset: Dataset) -> list[str]:
    """Return the views of a data set. Agreement needs boxes in at least two formats."""
    agreement = [AGREEMENT] if len(dataset.box_formats) > 1 else []
    return [*views_of(dataset), LEAKS, *agreement, PROBLEMS, ABOUT]


def leaks(dataset: Dataset) -> None:
    # Only this view needs scikit-learn, which takes a second to load.
    from pages.components.dataset.leak_view import show_leaks

    st.caption("This view uses the default split by surgeon. The Training page shows the same for the split of a run.")
    try:
        show_leaks(dataset, default_config(TINY))
    except SocalError as error:
        st.info(f"These trials cannot be split. {plain_text(error)}")


def about(dataset: Dataset) -> None:
    """Show which data set this is, which files were read, and the fingerprint of the data."""
    show_preset(dataset)
    boxes = format_of(dataset.box_format).title if dataset.box_format else "none"
    source = plain_text(dataset.images_dir or "the data folder itself") + (
        f", and {len(dataset.videos):,} videos" if dataset.videos else ""
    )
    st.markdown(f"Frames: **{source}**  \nBoxes: **{boxes}**")
    st.markdown("Fingerprint of this data, the same on every machine (SHA-256 of frame names, tables and annotations):")
    st.code(dataset.fingerprint, language=None)
    shifted = warning_of_shifts(dataset)
    if shifted:
        st.warning(plain_text(shifted), icon=":material/warning:")
    show_evidence(dataset)
    show_licence(dataset.preset)


def show_evidence(dataset: Dataset) -> None:
    """Show how files were interpreted, and why."""
    if not dataset.evidence:
        return
    st.subheader("How files were interpreted")
    rows = [
        {"File": item.path, "Interpretation": item.interpretation, "Evidence": item.basis} for item in dataset.evidence
    ]
    data = announce(ids_in(dataset), dataset.fingerprint)
    table_with_csv(pd.DataFrame(rows).set_index("File"), "evidence", data=data)


def show_view(name: str, whole: Dataset, chosen: Dataset) -> None:
    """Compute and show the view that is open."""
    views = views_of(whole)
    if name in views:
        views[name](chosen)
        if name == FRAMES:
            if chosen is not whole:
                st.caption("The check below is of the whole folder, not only of the trials chosen above.")
            check_alignment(whole)  # an answer is about all boxes of a file
    elif name == LEAKS:
        leaks(chosen)
    else:
        if chosen is not whole:
            st.caption("This view shows the whole folder, not only the trials chosen above.")
        show_view_of_folder(name, whole)


def show_view_of_folder(name: str, whole: Dataset) -> None:
    if name == AGREEMENT:
        # Only this view needs SciPy, which takes a while to load.
        from pages.components.dataset.agreement import show_agreement

        show_agreement(whole)
    elif name == PROBLEMS:
        show_problems(whole)
    else:
        about(whole)


INTRODUCTION = "See what is in the data folder, which problems it has, and what could make results misleading."

with page("Dataset", INTRODUCTION) as dataset:
    if dataset is None:
        show_all_licences()
    else:
        if is_demo(dataset):
            st.info("This is the **synthetic** demo. A program generated every frame. It shows no real operation.")
        ask_for_columns(dataset)
        picked = pick_trials(choices(dataset))
        show_saved_views(dataset, picked)
        chosen = apply(dataset, picked)
        data_tiles(chosen)
        names = view_names(dataset)
        name = st.segmented_control("View", names, default=names[0], required=True, key="view", persist_state="session")
        show_view(name if name in names else names[0], dataset, chosen)
