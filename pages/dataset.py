"""Dataset: what is in the folder, what is wrong with it, and what would make a result untrue."""

import pandas as pd
import streamlit as st

from pages.components.dataset.columns import ask_for_columns
from pages.components.dataset.filters import pick_trials
from pages.components.dataset.problems import show_problems
from pages.components.dataset.views import VIEWS
from pages.components.page_frame import page
from pages.components.sidebar.data_picker import is_demo
from pages.components.tiles import data_tiles
from pages.components.words import plain_text
from socal_core.annotations import format_of
from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.filters import apply, choices
from socal_core.errors import SocalError
from socal_core.settings import TINY, default_config

LEAKS, AGREEMENT, PROBLEMS, ABOUT = "Leaks", "Agreement", "Problems", "About"


def view_names(dataset: Dataset) -> list[str]:
    """The views of a data set; agreement only where there is something to compare."""
    agreement = [AGREEMENT] if len(dataset.box_formats) > 1 else []
    return [*VIEWS, LEAKS, *agreement, PROBLEMS, ABOUT]


def leaks(dataset: Dataset) -> None:
    # scikit-learn takes a second to load, which nobody waits for who does not open this view.
    from pages.components.dataset.leak_view import show_leaks

    st.caption("For the default split by surgeon. The Training page does the same for the split chosen there.")
    try:
        show_leaks(dataset, default_config(TINY))
    except SocalError as error:
        st.info(f"These trials cannot be split. {plain_text(error)}")


def about(dataset: Dataset) -> None:
    """Where the tables came from, and the fingerprint of what was read."""
    boxes = format_of(dataset.box_format).title if dataset.box_format else "none"
    place = plain_text(dataset.images_dir or "the data folder itself") + (
        f", and {len(dataset.videos):,} videos" if dataset.videos else ""
    )
    st.markdown(f"Frames: **{place}**  \nBoxes: **{boxes}**")
    st.markdown("Fingerprint of this data, the same on every machine (SHA-256 of frame names, tables and annotations):")
    st.code(dataset.fingerprint, language=None)
    show_evidence(dataset)
    show_licence()


def show_evidence(dataset: Dataset) -> None:
    """How files were interpreted, and why."""
    if not dataset.evidence:
        return
    st.subheader("How files were interpreted")
    rows = [
        {name: plain_text(value) for name, value in zip(("File", "Interpretation", "Evidence"), cells, strict=True)}
        for cells in ((item.path, item.interpretation, item.basis) for item in dataset.evidence)
    ]
    st.table(pd.DataFrame(rows).set_index("File"))


def show_licence() -> None:
    st.subheader("Licence and citation")
    st.markdown(
        "SOCAL, *Simulated Outcomes following Carotid Artery Laceration*, contains training exercises on cadavers and "
        f"no patient data. Its licence is **{layout.LICENCE}**: attribution required, no commercial use. Please cite:"
    )
    st.markdown(f"> {layout.CITATION}")


def show_view(name: str, whole: Dataset, chosen: Dataset) -> None:
    """Compute and draw the one view that is open."""
    if name in VIEWS:
        VIEWS[name](chosen)
    elif name == LEAKS:
        leaks(chosen)
    else:
        if chosen is not whole:
            st.caption("This view shows the whole folder, whichever trials are selected above.")
        show_view_of_folder(name, whole)


def show_view_of_folder(name: str, whole: Dataset) -> None:
    if name == AGREEMENT:
        # SciPy takes a while to load, which nobody waits for who does not open this view.
        from pages.components.dataset.agreement import show_agreement

        show_agreement(whole)
    elif name == PROBLEMS:
        show_problems(whole)
    else:
        about(whole)


INTRODUCTION = "What is in the data folder, what is wrong with it, and what could make results misleading."

with page("Dataset", INTRODUCTION) as dataset:
    if dataset is None:
        show_licence()
    else:
        if is_demo(dataset):
            st.info("This is the **synthetic** demo: a program generated every frame; it shows no real operation.")
        ask_for_columns(dataset)
        chosen = apply(dataset, pick_trials(choices(dataset)))
        data_tiles(chosen)
        names = view_names(dataset)
        name = st.segmented_control("View", names, default=names[0], required=True, key="view", persist_state="session")
        show_view(name if name in names else names[0], dataset, chosen)
