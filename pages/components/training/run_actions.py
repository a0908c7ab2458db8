"""Actions on chosen runs: name, note and tag; stop, resume, duplicate and train further; delete and restore."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, cast
from zlib import crc32

import streamlit as st

from pages.components.access import acting, may, why_not
from pages.components.run_table import label, run_status
from pages.components.runs import choose_run, resume, start_new
from pages.components.sidebar.data_picker import name_of_data
from pages.components.training.duplicate import take_settings
from pages.components.words import plain_text
from socal_core.access.permissions import Action
from socal_core.errors import SocalError
from socal_core.file_handles import os_reason
from socal_core.lifecycle import launch, run_queue
from socal_core.lifecycle.further import train_further
from socal_core.lifecycle.state import RunState
from socal_core.lifecycle.trash import trash
from socal_core.runs.folder import RunFolder
from socal_core.runs.identity import KnownRun
from socal_core.runs.notes import LONGEST_NAME, LONGEST_NOTE, label_of, typed_notes, write_notes
from socal_core.runs.overview import RunSummary
from socal_core.settings import Recipe, TrainConfig

RESUMABLE = {RunState.STOPPED, RunState.FAILED, RunState.INTERRUPTED}
_MESSAGE = "runs-message"
_CHANGED = "runs-changed"
_EDITED = "edited-run"
NOTES_OPEN, DELETE_OPEN, EMPTY_OPEN = "notes-open", "delete-open", "empty-open"


def pop_changed() -> bool:
    """Return whether an action has changed what other parts of the page show, and reset that."""
    return bool(st.session_state.pop(_CHANGED, False))


def show_actions(chosen: Sequence[RunSummary], typed: TrainConfig | None) -> None:
    """Show the actions on the chosen runs, and the message of the last action.

    Args:
        chosen: The chosen runs.
        typed: The settings in the sidebar, which can replace those of a waiting run; None if they are not valid.
    """
    _show_message([item.run.name for item in chosen])
    if chosen:
        with st.container(horizontal=True, vertical_alignment="center"):
            _buttons(chosen)
    _edited(typed)


def _show_message(names: list[str]) -> None:
    """Show the message of the last action until the user chooses other runs."""
    message = st.session_state.get(_MESSAGE)
    if message and message.setdefault("chosen", names) == names:
        (st.error if message["error"] else st.info)(message["text"])
    else:
        st.session_state[_MESSAGE] = None


def _buttons(chosen: Sequence[RunSummary]) -> None:
    states = [(item, run_status(item)) for item in chosen]
    running = [item.run for item, status in states if status and status.state.alive]
    stoppable = [item.run for item, status in states if status and status.state.alive and not status.stopping]
    resumable = [item.run for item, status in states if status and status.state in RESUMABLE]
    one = chosen[0] if len(chosen) == 1 else None
    config = None if one is None else one.config
    if one and (position := run_queue.position(one.run)):
        _queue_buttons(one, position)
    _button("Stop", "stop", stoppable, Action.STOP_RUN, launch.request_stop)
    _button("Resume", "play_arrow", resumable, Action.RESUME_RUN, resume)
    st.button(
        "Duplicate with changes",
        icon=":material/content_copy:",
        disabled=config is None or not may(Action.DUPLICATE_RUN),
        help=why_not(Action.DUPLICATE_RUN)
        or "Copies the settings of one run to the sidebar, where you can change them and start a new run.",
        key="duplicate-run",
        on_click=_duplicate,
        args=(one,),
    )
    st.button(
        "Train further",
        icon=":material/forward:",
        disabled=bool(running) or one is None or not _has_weights(one) or not may(Action.START_RUN),
        help=why_not(Action.START_RUN)
        or "Starts a new run from the best checkpoint of one fine-tuned run that has ended, with its settings, data "
        "and split. Not available for a cross-validation, which has no checkpoint itself.",
        key="further-run",
        on_click=act,
        args=(None, [KnownRun.of(one.run)] if one else [], _train_further),
    )
    with st.popover(
        "Name, note, tags",
        icon=":material/edit:",
        disabled=one is None or not may(Action.NOTE_RUN, one.run),
        help=None if one is None else why_not(Action.NOTE_RUN, one.run),
        key=NOTES_OPEN,
        on_change="rerun",
    ):
        if one is not None:
            _notes_form(one)
    others = next((item.run for item in chosen if not may(Action.DELETE_RUN, item.run)), None)
    with st.popover(
        "Delete",
        icon=":material/delete:",
        disabled=bool(running) or others is not None,
        help=(others and why_not(Action.DELETE_RUN, others)) or ("Stop the active runs first." if running else None),
        key=DELETE_OPEN,
        on_change="rerun",
    ):
        names = ", ".join(plain_text(label(item)) for item in chosen)
        st.write(f"**{names}** will be moved to the trash and can be restored until it is emptied.")
        st.button(
            "Move to the trash",
            type="primary",
            disabled=others is not None,
            key="delete-runs",
            on_click=act,
            args=(Action.DELETE_RUN, [KnownRun.of(item.run) for item in chosen], trash),
        )


def _has_weights(found: RunSummary) -> bool:
    """Check whether a run is fine-tuned and is no cross-validation."""
    return found.config is not None and found.config.model.recipe is not Recipe.FROZEN and found.folds is None


def _queue_buttons(found: RunSummary, position: int) -> None:
    """Show the actions on a waiting run; position 1 is next."""
    for text, icon, to in (("Up", "arrow_upward", position - 1), ("Down", "arrow_downward", position + 1)):
        st.button(
            text,
            icon=f":material/{icon}:",
            disabled=not 1 <= to <= len(run_queue.waiting()) or not may(Action.ORDER_QUEUE, found.run),
            help=f"The run is number {position} in the queue.",
            key=f"{text.lower()}-run",
            on_click=act,
            args=(Action.ORDER_QUEUE, [KnownRun.of(found.run)], partial(_shift, by=to - position)),
        )
    st.button(
        "Edit",
        icon=":material/tune:",
        disabled=found.folds is not None or not may(Action.EDIT_RUN, found.run),
        help="The folds of a cross-validation keep their settings." if found.folds else None,
        key="edit-run",
        on_click=_edit,
        args=(found,),
    )


def _edited(typed: TrainConfig | None) -> None:
    """Show the buttons that end the editing of a waiting run: save the settings in the sidebar, or discard them."""
    known: KnownRun | None = st.session_state.get(_EDITED)
    if known is None:
        return
    name = plain_text(label_of(known.run))
    st.info(f"The settings of **{name}** are in the sidebar. Change them there, then save.")
    with st.container(horizontal=True):
        st.button(
            f"Save to {name}",
            type="primary",
            key="save-run",
            disabled=typed is None,
            on_click=_end_edit,
            args=(known, typed),
        )
        st.button("Discard the changes", key="cancel-edit", on_click=_end_edit, args=(known, None))


def _edit(found: RunSummary) -> None:
    if found.config is not None and may(Action.EDIT_RUN, found.run):
        missing = take_settings(found.config)
        st.session_state[_MESSAGE] = {"error": True, "text": missing} if missing else None
        st.session_state[_EDITED] = KnownRun.of(found.run)
        st.session_state[_CHANGED] = True


def _end_edit(known: KnownRun, typed: TrainConfig | None) -> None:
    st.session_state.pop(_EDITED, None)
    edited = [] if typed is None else [known]
    act(Action.EDIT_RUN, edited, lambda run: run_queue.edit(run, cast(TrainConfig, typed)))


def _button(
    text: str, icon: str, possible: Sequence[RunFolder], action: Action, do: Callable[[RunFolder], Any]
) -> None:
    """Show a button for an action on those of the chosen runs that allow it, and to which the user may do it."""
    runs = [run for run in possible if may(action, run)]
    st.button(
        text if len(runs) < 2 else f"{text} {len(runs)} runs",
        icon=f":material/{icon}:",
        disabled=not runs,
        help=why_not(action, possible[0]) if possible and not runs else None,
        key=f"{text.lower()}-runs",
        on_click=act,
        # `resume` asks for the permission itself.
        args=(None if do is resume else action, [KnownRun.of(run) for run in runs], do),
    )


def _notes_form(found: RunSummary) -> None:
    # The keys contain the saved values, so that the fields show them after a save, also by another tab.
    known = KnownRun.of(found.run)
    saved = f"{known.key}-{crc32(repr(found.notes).encode()):08x}"
    keys = [f"{field}-{saved}" for field in ("name", "note", "tags")]
    with st.form(f"notes-{saved}", border=False):
        st.text_input("Name", found.notes.name, LONGEST_NAME, key=keys[0], placeholder=found.run.name)
        st.text_area("Note", found.notes.note, max_chars=LONGEST_NOTE, key=keys[1])
        st.text_input("Tags", ", ".join(found.notes.tags), key=keys[2], placeholder="baseline, first minute")
        st.caption("The name of the folder stays the same. Separate tags with commas.")
        st.form_submit_button("Save", type="primary", on_click=_save, args=(known, keys))


def _save(known: KnownRun, keys: Sequence[str]) -> None:
    name, note, tags = (str(st.session_state[key]) for key in keys)
    act(Action.NOTE_RUN, [known], lambda run: write_notes(run, typed_notes(name, note, tags)))


def _shift(run: RunFolder, by: int) -> None:
    """Move a waiting run in the queue, which others may have changed since it was shown."""
    run_queue.move(run, (run_queue.position(run) or 1) + by)


def _train_further(run: RunFolder) -> None:
    """Start a new run from the best checkpoint of a run, and choose it on the page."""
    choose_run(start_new(lambda: train_further(run)), "training")


def _duplicate(found: RunSummary | None) -> None:
    if found is None or found.config is None or not may(Action.DUPLICATE_RUN):
        return
    st.session_state.pop(_EDITED, None)
    missing = take_settings(found.config)
    start = "start training" if found.folds is None else "train all folds"
    text = f"The settings of **{plain_text(label(found))}** are in the sidebar. Change them there, then {start}."
    if found.data is not None:
        text += f" This run was trained on {plain_text(name_of_data(found.data))}. The new run uses the open data set."
    st.session_state[_MESSAGE] = {"error": False, "text": f"{text} {missing}".strip()}
    st.session_state[_CHANGED] = True


def act(action: Action | None, items: Sequence[Any], do: Callable[[Any], Any]) -> None:
    """Do something to each item that is still there. Errors are stored as a message and do not affect the other items.

    Args:
        action: What the user must be allowed to do to each; None if `do` asks for that itself.
        items: Runs as they were shown, or runs in the trash.
        do: Is applied to each.
    """
    errors = []
    for item in items:
        try:
            found = item.still_there() if isinstance(item, KnownRun) else item
            with nullcontext() if action is None else acting(action, found, found.name):
                do(found)
        except SocalError as error:
            errors.append(plain_text(error))
        except OSError as error:
            errors.append(
                f"This is not possible: {os_reason(error)}. Check that the app may write to the folder of the runs."
            )
    st.session_state[_MESSAGE] = {"error": True, "text": "\n\n".join(errors)} if errors else None
    st.session_state[_CHANGED] = True
    if not errors:
        for key in (NOTES_OPEN, DELETE_OPEN, EMPTY_OPEN):
            st.session_state[key] = False
