"""Two chosen runs on the same test trials: their differences, and whether these distinguish them."""

import pandas as pd
import streamlit as st

from pages.components.downloads import table_with_csv
from pages.components.evaluation.results import score
from pages.components.view_choice import label_view, pick_view
from pages.components.words import plain_text
from socal_core.errors import SocalError
from socal_core.evaluation.coaching import p_value_text
from socal_core.evaluation.intervals import TOO_FEW
from socal_core.evaluation.run_comparison import RunComparison, ScoreComparison, compare_runs, verdict_sentence
from socal_core.runs.folder import RunFolder


def show_comparison(first: RunFolder, second: RunFolder) -> None:
    """Compare the test results of two runs, or show why that is not possible; nothing if one has no results."""
    if not (first.metrics_file.is_file() and second.metrics_file.is_file()):
        return
    st.subheader("Test results of the two runs")
    view = pick_view(first, "comparison")
    try:
        compared = compare_runs(first, second, view)
    except SocalError as error:
        st.info(plain_text(error))
        return
    if view is not None:
        label_view(view, compared.trials, len(first.read_split().test))
    scores = (compared.auroc, compared.accuracy)
    table_with_csv(
        pd.DataFrame([_row(compared, found) for found in scores]).set_index("Score"), "comparison", data=None
    )
    for found in scores:
        show = st.success if found.distinguished else st.info
        show(plain_text(verdict_sentence(compared, found)))
    mcnemar = "no trial differs" if compared.mcnemar_p is None else p_value_text(compared.mcnemar_p)
    lines = [
        f"{compared.trials} test trials of {compared.surgeons} surgeons, the same in both runs. Only {compared.first} "
        f"predicts {compared.only_first_right} of them correctly, only {compared.second} {compared.only_second_right} "
        f"(exact McNemar test: {mcnemar}).",
        *compared.notes,
    ]
    st.caption("  \n".join(plain_text(line) for line in lines))


def _row(compared: RunComparison, found: ScoreComparison) -> dict[str, str]:
    if found.difference is None:
        between = "–"
    else:
        between = f"{found.interval[0]:+.2f} to {found.interval[1]:+.2f}" if found.interval else TOO_FEW
    return {
        "Score": found.name if found.name.isupper() else found.name.capitalize(),
        plain_text(compared.first): score(found.first),
        plain_text(compared.second): score(found.second),
        "Difference": "–" if found.difference is None else f"{found.difference:+.2f}",
        "95 % interval": between,
    }
