"""The Training page: the live run, the next run with its settings in the sidebar, and all runs."""

from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from pages.components.access import may, why_not
from pages.components.page_frame import page
from pages.components.runs import all_runs, start_cross_validation, start_run
from pages.components.training.advice import show_advice
from pages.components.training.all_runs import show_all_runs
from pages.components.training.clip_cache import show_cache
from pages.components.training.command_line import show_command_line
from pages.components.training.run_section import NEXT, show_run_section, show_started
from pages.components.training.settings_form import settings_form
from pages.components.training.split import show_split
from pages.components.training.strip import show_strip
from pages.components.words import plain_text
from socal_core.access.permissions import Action
from socal_core.annotations.alignment import warning_of_shifts
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.windows import Window, fraction_ending_inside, kind_of_task, window_for_prediction
from socal_core.errors import SocalError
from socal_core.runs.files.records import MOST_REPEATS
from socal_core.runs.folder import RunFolder
from socal_core.settings import SplitMethod, TrainConfig
from socal_core.splits import dataset_of_run

REPEATS_HELP = (
    "Trains all folds with this many seeds, which change the folds and the weights, and averages the predictions."
)
LEAKS_HELP = (
    "Shows how well simple facts, such as the number of frames, the frame size or the colour, predict the outcome."
)


def new_run(dataset: Dataset, config: TrainConfig) -> None:
    usable = dataset.frames[dataset.frames["trial_id"].isin(dataset.usable_trials.index)]
    window = config.clip.observation
    if len(usable) and kind_of_task(usable, window) == "recognition":
        st.warning(
            f"**Recognition, not prediction.** {fraction_ending_inside(usable, window):.0%} of the trials end inside "
            f"the window. The model can see how they ended.{window_that_predicts(dataset, usable, window)}",
            icon=":material/visibility:",
        )
    elif window.ends_with_the_trial:
        st.caption(
            ":material/info: The length of this window depends on the length of the trial. So the pace of a clip "
            "reveals the length of the trial, which is related to the outcome."
        )
    unseen = usable["trial_id"].nunique() - window.select(usable)["trial_id"].nunique()
    if unseen:
        trials = "One trial has" if unseen == 1 else f"{unseen} trials have"
        st.warning(f"{trials} no frame in this window and will be left out.", icon=":material/timer_off:")
    shifted = warning_of_shifts(dataset)
    if shifted:
        st.warning(plain_text(shifted), icon=":material/warning:")
    ready = show_split(dataset, config)
    # The leak probes are about success.
    if ready and dataset.target.is_success and st.toggle("Look for leaks in this split", help=LEAKS_HELP):
        # Only this part needs scikit-learn, which takes a second to load.
        from pages.components.dataset.leak_view import show_leaks

        show_leaks(dataset, config)
    allowed = ready and show_advice(dataset, config)
    if ready:
        show_strip(dataset, config)
        show_cache(dataset, config)
    start = start_button(dataset, config, allowed)
    if start is not None:
        try:
            run = start()
        except SocalError as error:
            st.error(plain_text(error))
        else:
            show_started(run)


def window_that_predicts(dataset: Dataset, usable: pd.DataFrame, window: Window) -> str:
    """Return which window would make the task prediction: the published one or a shorter one; "" if none does."""
    published = dataset.preset.window
    if published and kind_of_task(usable, Window.parse(published)) == "prediction":
        return f" The published task is *{Window.parse(published).describe().capitalize()}*."
    shorter = window_for_prediction(usable, window.start)
    if shorter is None:
        return ""
    return f" Most trials go on after *{shorter.describe().capitalize()}*: choose that, under *Other seconds*."


def start_button(dataset: Dataset, config: TrainConfig, allowed: bool) -> Callable[[], RunFolder] | None:
    """Show the button that starts a run and, for folds, the one that starts all; return what the clicked one starts."""
    folds, start = config.split.folds, None
    off, why = not (allowed and may(Action.START_RUN)), why_not(Action.START_RUN)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if st.button("Start training", type="primary", icon=":material/play_arrow:", disabled=off, help=why):
            start = partial(start_run, config, dataset)
        if config.split.split_method is not SplitMethod.KFOLD:
            show_command_line(config, dataset, repeats=1)
            return start
        clicked = st.button("Train all folds", icon=":material/view_week:", disabled=off, help=why, key="train-folds")
        repeats = st.number_input(
            "Repeats", 1, MOST_REPEATS, key="repeats", width=110, persist_state="session", help=REPEATS_HELP
        )
        show_command_line(config, dataset, repeats)
        if clicked:
            start = partial(start_cross_validation, config, dataset, repeats)
    st.caption(
        f"*Start training* trains the run of fold {config.split.fold}. *Train all folds* trains {folds * repeats} runs "
        "one after another, each of which takes the time above, and pools the predictions of their test trials."
    )
    return start


INTRODUCTION = (
    "Train a model that predicts from the frames of a trial how it ends. "
    "Training runs in the background: you can leave this page or close the browser and come back later."
)

with page("Training", INTRODUCTION) as dataset:
    with st.sidebar:
        st.divider()
        st.caption("Settings of the next run")
        config = settings_form(dataset)
    runs = all_runs()
    if runs:
        show_run_section(runs)
        st.divider()
    if dataset is not None:
        st.subheader("Next run", anchor=NEXT)
        st.caption("Its settings are in the sidebar. They change no run that has been started.")
        if config is None:
            st.info("A setting in the sidebar is not valid. The message there explains why.")
        else:
            new_run(dataset_of_run(dataset, config), config)
    if not runs:
        st.info("There are no runs yet. The curves of the first one will appear at the top of this page.")
    show_all_runs(config)
