"""Splits of the trials into training, validation and test subsets, by default so that subsets share no surgeon."""

from socal_core.settings.split import MOST_FOLDS, SplitMethod, SplitSettings
from socal_core.splits.methods import (
    SOCAL20_TRIALS,
    column_split,
    k_fold_split,
    make_split,
    random_split,
    socal20_split,
    split_dataset,
    surgeon_split,
)
from socal_core.splits.subsets import (
    SUBSETS,
    Split,
    describe,
    left_out,
    split_warning,
    surgeons_in_common,
    warning_of,
)
from socal_core.splits.views import dataset_of_run, with_filter

__all__ = [
    "MOST_FOLDS",
    "SOCAL20_TRIALS",
    "SUBSETS",
    "Split",
    "SplitMethod",
    "SplitSettings",
    "column_split",
    "dataset_of_run",
    "describe",
    "k_fold_split",
    "left_out",
    "make_split",
    "random_split",
    "socal20_split",
    "split_dataset",
    "split_warning",
    "surgeon_split",
    "surgeons_in_common",
    "warning_of",
    "with_filter",
]
