"""The card of a run to download, and the command that exports its model."""

from functools import partial

import streamlit as st

from pages.components.access import may, why_not
from pages.components.downloads import download, pseudonyms_chosen
from socal_core.access.permissions import Action
from socal_core.exporting.card import collect_facts, pseudonymized_facts
from socal_core.exporting.card_page import render_html
from socal_core.installation import is_checkout
from socal_core.runs.cross_validation import folds_of
from socal_core.runs.folder import RunFolder


def exports(run: RunFolder) -> None:
    """Show the button that makes the card of a run, and the command to copy for its model."""
    card, export = st.columns(2)
    hides = pseudonyms_chosen()
    with card:
        download(
            "Run card",
            partial(_card, run, hides),
            "card-pseudonymized.html" if hides else f"{run.name}-card.html",
            "text/html",
            Action.EXPORT_CARD,
            icon=":material/description:",
            help_text="One HTML file: data, split, settings, results with intervals, limits, licences, and the items "
            "of TRIPOD+AI and CLAIM. `socal card RUN OUT.json` writes the same as JSON.",
        )
    off, why = not may(Action.EXPORT_MODEL), why_not(Action.EXPORT_MODEL)
    with export, st.popover("Export…", icon=":material/output:", disabled=off, help=why):
        folds = folds_of(run)
        st.write(
            "A folder with the model, its model card, and what predictions need. Run this command in the workspace, "
            "the folder that contains `runs`:"
        )
        name = f"{run.name}/{folds[0].run.name}" if folds else run.name
        program = "python -m socal_core" if is_checkout() else "socal"
        st.code(f"{program} export runs/{name} {name.replace('/', '-')}-model", language="bash", wrap_lines=True)
        if folds:
            st.caption("A cross-validation has no model of its own: choose the fold whose model you want.")


def _card(run: RunFolder, hides: bool) -> str:
    return render_html(pseudonymized_facts(run) if hides else collect_facts(run))
