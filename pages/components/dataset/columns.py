"""The form for columns of the outcomes file with other names. The answers are stored for the folder."""

import streamlit as st

from pages.components.sidebar.data_picker import choose_options, options_in_use
from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.outcomes import read_titles
from socal_core.dataset.problem_kinds import file_kinds

NONE = ""


def ask_for_columns(dataset: Dataset) -> None:
    """Show a form if a required column is missing, or if columns were assigned before."""
    options, preset = options_in_use(), dataset.preset
    lacking = any(
        problem.code == file_kinds.MISSING_COLUMN.code and problem.path.lower() == preset.outcomes_file.lower()
        for problem in dataset.problems
    )
    if not lacking and not options.columns:
        return
    titles = read_titles(dataset.root, preset)
    chosen = dict(options.columns)
    with st.expander("Columns of the outcomes file", expanded=lacking, icon=":material/table_chart:"):
        if lacking:
            st.write(
                f"{preset.outcomes_file} does not have all columns under the names that {preset.title} uses. Choose "
                "the column for each name."
            )
        with st.form("columns", border=False):
            cells = [cell for _ in range(3) for cell in st.columns(4)]
            answers = {
                name: cell.selectbox(
                    name + (" (required)" if name in layout.REQUIRED_OUTCOME_COLUMNS else ""),
                    [NONE, *titles],
                    index=_index(titles, chosen.get(name, preset.title_of(name))),
                    format_func=lambda title: title or "not available",
                    key=f"column-{name}",
                )
                for name, cell in zip(preset.outcome_columns, cells, strict=False)
            }
            if st.form_submit_button("Use these columns"):
                other = {name: title for name, title in answers.items() if title and title != preset.title_of(name)}
                choose_options(OpenOptions(options.boxes, tuple(other.items())))


def _index(titles: list[str], title: str) -> int:
    """Return the index of a title among the choices, or 0 (none) if it is not there."""
    return titles.index(title) + 1 if title in titles else 0
