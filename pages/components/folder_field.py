"""The choice of a folder of the server: typed on a laptop, browsed below the data roots where there are some."""

from collections.abc import Collection, Sequence
from pathlib import Path

import streamlit as st

from pages.components.words import plain_text
from socal_core.access.data_roots import data_roots, entries_of


def folder_field(label: str, key: str, placeholder: str, help_text: str, suffixes: Collection[str] = ()) -> str:
    """Show the choice of a folder or file, and return it; "" if nothing is chosen.

    Args:
        label: The label.
        key: The key of the field.
        placeholder: An example, for the field in which it is typed.
        help_text: What the folder may be.
        suffixes: The suffixes of files that can be chosen too, in lower case and with their dot.
    """
    roots = data_roots()
    if not roots:
        return st.text_input(label, key=key, placeholder=placeholder, help=help_text).strip()
    return browse(label, key, roots, help_text, suffixes)


def browse(label: str, key: str, roots: Sequence[Path], help_text: str, suffixes: Collection[str] = ()) -> str:
    """Show the folders below the data roots one level at a time, and return the one that the user has gone to.

    Args:
        label: The label.
        key: The key of the field, under which the session keeps the place.
        roots: The data roots, of which there is at least one.
        help_text: What the folder may be.
        suffixes: The suffixes of files that can be chosen too.
    """
    place = str(st.session_state.get(f"{key}-place", str(roots[0]) if len(roots) == 1 else ""))
    names = entries_of(Path(place), roots, suffixes) if place else [str(root) for root in roots]
    if place:
        st.caption(f"In **{plain_text(_below_root(Path(place), roots))}**")
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    # Each place has a field of its own, so that none keeps a name of another place.
    field = f"{key}-in-{place}"
    left.selectbox(
        label,
        names,
        index=None,
        placeholder="Go to" if names else "No folders here",
        disabled=not names,
        key=field,
        help=help_text,
        on_change=_enter,
        args=(key, place, field),
    )
    at_the_top = not place or (len(roots) == 1 and Path(place) == roots[0])
    right.button(
        "Up",
        icon=":material/arrow_upward:",
        disabled=at_the_top,
        key=f"{key}-up",
        on_click=_go,
        args=(key, "" if Path(place) in roots else str(Path(place).parent)),
    )
    return place


def _enter(key: str, place: str, field: str) -> None:
    name = st.session_state.get(field)
    if name:
        _go(key, str(Path(place) / name))


def _go(key: str, place: str) -> None:
    st.session_state[f"{key}-place"] = place


def _below_root(place: Path, roots: Sequence[Path]) -> str:
    root = next((root for root in roots if place.is_relative_to(root)), None)
    return str(place) if root is None else str(Path(root.name) / place.relative_to(root))
