"""The Administration page, for admins of a server: who did what."""

from dataclasses import asdict

import pandas as pd
import streamlit as st

from pages.components.access import acting, login_is_on
from pages.components.downloads import download_csv
from pages.components.page_frame import page
from socal_core.access.audit import read_audit
from socal_core.access.permissions import Action

MOST_SHOWN = 2000
TITLES = {"time": "Time (UTC)", "user": "User", "action": "Action", "what": "What", "result": "Result", "reason": "Why"}


def show_audit() -> None:
    """Show the audit log, the newest line first."""
    st.subheader("Who did what")
    with acting(Action.SEE_AUDIT):
        entries, unreadable = read_audit()
    if not login_is_on():
        st.caption("Nobody logs in on this server, so all visitors are the same user.")
    newest = [asdict(entry) for entry in entries[: -MOST_SHOWN - 1 : -1]]
    table = pd.DataFrame(newest, columns=list(TITLES)).rename(columns=TITLES)
    st.dataframe(table, hide_index=True, key="audit", placeholder="–", height=560)
    st.caption(f"The newest {len(newest):,} of {len(entries):,} lines. `socal audit` on the server shows all of them.")
    download_csv(
        "CSV", lambda: pd.DataFrame([asdict(entry) for entry in entries]), "audit.csv", data=None, key="csv-audit"
    )
    if unreadable:
        st.warning(f"{unreadable:,} lines of the log cannot be read and are left out.", icon=":material/broken_image:")


INTRODUCTION = "See what users of this server have started, stopped, changed, deleted and downloaded."

with page("Administration", INTRODUCTION):
    show_audit()
