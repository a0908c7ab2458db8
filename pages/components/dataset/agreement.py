"""The comparison of the boxes of a folder that has them in several formats."""

import streamlit as st

from pages.components.downloads import before_downloads, download, download_csv, ids_in
from pages.components.sidebar.data_picker import opened_with
from pages.components.words import plain_text
from socal_core.annotations import format_of
from socal_core.annotations.agreement import Agreement, compare_formats
from socal_core.annotations.class_proposals import NameProposal
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.open_options import OpenOptions

ROWS_SHOWN = 1000
KINDS = {
    "exact": "Exact",
    "rounding": "Within 1 px",
    "shifted": "Shifted",
    "renamed": "Renamed",
    "missing": "Missing",
    "extra": "Extra",
}


def show_agreement(dataset: Dataset) -> None:
    """Show whether the formats agree: sentences, a table by label, and all differences in the whole folder."""
    if len(dataset.box_formats) < 2:
        st.info("The folder has boxes in only one format, so there is nothing to compare.")
        return
    result = _compared(str(dataset.root), dataset.fingerprint, opened_with(dataset))
    (st.success if result.agrees() else st.warning)(plain_text(result.sentences()[0]))
    for sentence in result.sentences()[1:]:
        st.write(plain_text(sentence))
    for proposal in result.proposals:
        _show_names(proposal)
    summary = result.summary.assign(format=result.summary["format"].map(_title))
    names = {"format": "Format", "label": "Label", "largest_shift": "Largest shift (px)"}
    names |= KINDS
    table = summary[["format", "label", *KINDS, "largest_shift"]].rename(columns=names)
    st.dataframe(
        table,
        hide_index=True,
        height="content" if len(summary) <= 16 else 560,
    )
    download_csv("CSV", lambda: table, "agreement.csv", data=None, type="tertiary", key="csv-agreement")
    if len(result.details):
        st.subheader("Differences")
        st.dataframe(result.details.head(ROWS_SHOWN), hide_index=True, placeholder="–", height=320)
        data = before_downloads(ids_in(dataset), dataset.fingerprint, "agreement")
        download_csv("Download all differences as CSV", lambda: result.details, "differences.csv", data=data)


def _show_names(proposal: NameProposal) -> None:
    """Show the proposed file of class names, to copy or download."""
    if not proposal.lines:
        return
    content, name = proposal.content(), proposal.files[0].rpartition("/")[2]
    with st.expander(f"Proposed {name} for {_title(proposal.key)}", icon=":material/label:", expanded=True):
        st.write(
            f"Save this as {plain_text(' and as '.join(proposal.files))} in the data folder, in place of the file that "
            "may be there, and choose *Read the folder again* in the sidebar. Nothing is applied on its own."
        )
        st.code(content, language=None)
        download(f"Download {name}", lambda: content, name, "text/plain", key=f"names-{proposal.key}")


def _title(key: object) -> str:
    return format_of(str(key)).title


@st.cache_resource(max_entries=2, show_spinner="Comparing the formats")
def _compared(root: str, fingerprint: str, options: OpenOptions) -> Agreement:
    return compare_formats(root, options)
