"""The commands that start the run of the form without the app, to be copied."""

import streamlit as st

from pages.components.runs import free_path
from pages.components.sidebar.data_picker import opened_with
from socal_core.dataset.dataset import Dataset
from socal_core.runs.command_line import cv_command, torchrun_command, train_command
from socal_core.settings import SplitMethod, TrainConfig


def show_command_line(config: TrainConfig, dataset: Dataset, repeats: int) -> None:
    """Show the commands in a popover; each has a button that copies it.

    Args:
        config: The settings of the form.
        dataset: The data set.
        repeats: The number of seeds with which all folds are trained.
    """
    data, options = dataset.root.resolve(), opened_with(dataset)
    with st.popover("Command line", icon=":material/terminal:"):
        st.caption("Starts the same run in a terminal, with the settings that differ from their defaults.")
        _show(train_command(config, data, free_path("run"), options))
        if config.processes > 1:
            st.caption("The same with torchrun, as a job on a cluster starts it:")
            _show(torchrun_command(config, data, free_path("run"), options))
        if config.split.split_method is SplitMethod.KFOLD:
            st.caption("All folds:")
            _show(cv_command(config, data, free_path("cv"), options, repeats))


def _show(command: str) -> None:
    st.code(command, language="bash", wrap_lines=True)
