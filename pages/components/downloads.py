"""Downloads of pages: who may, what the audit log says of them, CSV without formulas, and pseudonyms."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from pages.components import session_user
from pages.components.access import may, present_user, why_not
from pages.components.words import plain_text
from socal_core.access import audit
from socal_core.access.permissions import Action
from socal_core.access.pseudonyms import pseudonym_of_trial, pseudonymized
from socal_core.access.users import User
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.frame_reports import TEXT, read_report
from socal_core.evaluation.frame_text import TextKind, kinds_of_text, texts_of
from socal_core.runs.folder import RunFolder
from socal_core.spreadsheets import csv_for_people

_PSEUDONYMS = "pseudonymize"
ABOUT_PSEUDONYMS = (
    "Replaces the ids of trials, surgeons and frames in tables, run cards and CVAT files that are downloaded, and "
    "leaves out notes, text from frames and evidence. The same id always gets the same pseudonym. Only people with "
    "access to the workspace can match pseudonyms to ids."
)


@dataclass(frozen=True)
class Ids:
    """The ids of a data set, which a pseudonymized table must not name."""

    trials: Collection[str] = ()
    surgeons: Collection[str] = ()


@dataclass(frozen=True)
class Announced:
    """The ids that a download may hold, and proof that the page has said whether frames contain text such as names."""

    ids: Ids


NO_TRIALS = Announced(Ids())
"""Of a table that names no trial: there is nothing to say above it."""


def ids_of(table: pd.DataFrame) -> Ids:
    """Return the ids in a table of trials that has them as `trial_id`, a column or its index, and `participant_id`."""
    found = table if "trial_id" in table.columns else table.reset_index()
    surgeons = found["participant_id"].dropna().astype(str) if "participant_id" in found.columns else ()
    return Ids(frozenset(found["trial_id"].astype(str)), frozenset(surgeons) - {""})


def download(
    label: str,
    content: Callable[[], str | bytes],
    file_name: str,
    mime: str,
    action: Action = Action.EXPORT,
    help_text: str | None = None,
    **shown: Any,
) -> None:
    """Show a button that downloads a file.

    Args:
        label: The label.
        content: Creates the file when the button is pressed.
        file_name: The name of the file.
        mime: Its type.
        action: What the user does by downloading it.
        help_text: The help of the button.
        shown: Further arguments of `st.download_button`.
    """
    user = session_user.current_user()
    allowed = {"disabled": not may(action), **shown}
    st.download_button(
        label,
        partial(_made, user, action, content, file_name),
        file_name=file_name,
        mime=mime,
        on_click="ignore",
        help=why_not(action) or help_text,
        **{"icon": ":material/download:", **allowed},
    )


def download_csv(
    label: str, table: Callable[[], pd.DataFrame], file_name: str, *, data: Announced | None, **shown: Any
) -> None:
    """Show a button that downloads a table for people, with pseudonyms if the user has chosen that.

    Args:
        label: The label.
        table: Creates the table when the button is pressed; its index is left out.
        file_name: The name of the file.
        data: What the page has said about the data set whose ids or texts the table holds; None if it needs no
            pseudonyms.
        shown: Further arguments of `download`.
    """
    hides = data.ids if data is not None and pseudonyms_chosen() else None
    if hides is not None:  # a file made before the choice must not pass for one with pseudonyms
        file_name = f"{Path(file_name).stem}-pseudonymized.csv"
    download(label, lambda: _csv(table(), hides), file_name, "text/csv", **shown)


def table_with_csv(table: pd.DataFrame, name: str, *, data: Announced | None) -> None:
    """Show a table of text with a button that downloads it as CSV.

    Args:
        table: Texts as Markdown, or plain texts if there is `data`.
        name: The name of the file.
        data: What the page has said about the data set whose ids or texts the table holds; None if it needs no
            pseudonyms.
    """
    st.table(table if data is None else table.map(plain_text).rename(index=plain_text, columns=plain_text))
    download_csv("CSV", table.reset_index, f"{name}.csv", data=data, type="tertiary", key=f"csv-{name}")


def name_for_file(trial_id: str) -> str:
    """Return what a file of a trial is called: by its pseudonym if the user has chosen that."""
    return pseudonym_of_trial(trial_id) if pseudonyms_chosen() else trial_id


def pseudonyms_chosen() -> bool:
    """Return whether tables, run cards and CVAT files of this session are downloaded with pseudonyms."""
    return bool(st.session_state.get(_PSEUDONYMS))


def announce(ids: Ids, fingerprint: str | None) -> Announced:
    """Show what is known of text in the frames of a data set, before something of it is downloaded.

    Args:
        ids: Its ids.
        fingerprint: Its fingerprint; None if it is not known.
    """
    st.caption(about_text_in_frames(fingerprint))
    return Announced(ids)


def before_downloads(ids: Ids, fingerprint: str | None, key: str) -> Announced:
    """Show what to know before something is downloaded, as `announce`, and the choice of pseudonyms.

    Args:
        ids: The ids of the data set.
        fingerprint: The fingerprint of the data set; None if it is not known.
        key: The key of the choice on this page. All pages share what is chosen.
    """
    data = announce(ids, fingerprint)
    field = f"{_PSEUDONYMS}-{key}"
    st.session_state[field] = pseudonyms_chosen()
    st.toggle("Pseudonymize", key=field, help=ABOUT_PSEUDONYMS, on_change=_choose, args=(field,))
    if pseudonyms_chosen():
        st.caption("Tables, run cards and CVAT files are downloaded with pseudonyms, and without notes.")
    return data


def about_text_in_frames(fingerprint: str | None) -> str:
    """Return what is known about text burnt into the frames of a data set, as Markdown."""
    report = None if fingerprint is None else read_report(fingerprint, TEXT)
    if report is None:
        return (
            ":material/text_fields: The frames of this data set were not checked for burnt-in text, such as names. "
            "*Look for text in frames* on the Dataset page does that."
        )
    kinds = kinds_of_text(texts_of(report))
    burnt_in = sorted(trial for trial, (kind, _) in kinds.items() if kind is not TextKind.SEEN)
    if not kinds:
        return f":material/text_fields: No text was found in {report['frames']:,} frames that were checked."
    return (
        f":material/text_fields: **Text was found in the frames of {len(kinds)} of {report['trials']} trials**; in "
        f"{len(burnt_in)} it stays at its place or counts. Look at it on the Dataset page before you hand on frames or "
        "pictures."
    )


def ids_in(dataset: Dataset) -> Ids:
    """Return the ids of a data set."""
    return ids_of(dataset.trials.rename_axis("trial_id"))


def fingerprint_of(run: RunFolder) -> str | None:
    """Return the fingerprint of the data set that a run was tested on; None if it is not known."""
    metrics = run.read_metrics()
    return None if metrics is None else metrics.get("data_fingerprint")


def _choose(field: str) -> None:
    st.session_state[_PSEUDONYMS] = st.session_state[field]


def _csv(table: pd.DataFrame, hides: Ids | None) -> bytes:
    if hides is not None:
        table = pseudonymized(table, hides.trials, hides.surgeons)
    return csv_for_people(table).encode("utf-8", "replace")


def _made(user: User | None, action: Action, content: Callable[[], str | bytes], what: str) -> str | bytes:
    """Create a file in a thread of the server, which knows no session, so the role is asked for by name."""
    with audit.acting(present_user(user), action, what=what):
        return content()
