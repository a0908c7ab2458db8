"""The ways to split a data set, and what each needs to know."""

from dataclasses import dataclass
from enum import StrEnum

from socal_core.dataset import layout
from socal_core.dataset.outcomes import SURGEON_COLUMNS
from socal_core.errors import ConfigError

MOST_FOLDS = 100


class SplitMethod(StrEnum):
    """How trials are divided into train, validation and test."""

    SURGEON = "surgeon"
    """By surgeon, sizes by fractions."""
    SOCAL20 = "socal20"
    """The twenty published test trials; the rest by surgeon."""
    COLUMN = "column"
    """One cohort, specialty or training status is the test subset; the rest by surgeon."""
    KFOLD = "k-fold"
    """By surgeon into folds, one of which is the test subset; the rest by surgeon."""
    RANDOM = "random"
    """By trial: a surgeon's trials can lie on two sides."""

    @property
    def draws_test(self) -> bool:
        """Whether test_fraction decides the size of the test subset."""
        return self in {SplitMethod.SURGEON, SplitMethod.RANDOM}


@dataclass(frozen=True)
class SplitSettings:
    """All that a split depends on beside the trials. ConfigError when the settings contradict each other."""

    method: SplitMethod = SplitMethod.SURGEON
    validation_fraction: float = 0.15
    """Of all trials where the method draws the test subset, else of the trials outside it."""
    test_fraction: float = 0.25
    """With the default, 80 trials give 20 test trials and 143, as SOCAL has, give 36."""
    seed: int = 0
    column: str = SURGEON_COLUMNS[0]
    value: str = ""
    folds: int = 5
    fold: int = 1
    """From 1 to folds."""

    def __post_init__(self) -> None:
        check_fractions(self.validation_fraction, self.test_fraction if self.method.draws_test else None)
        check_column(self.column)
        check_fold(self.folds, self.fold)
        if self.method is SplitMethod.COLUMN and not self.value.strip():
            raise ConfigError(
                "split_value", f"must name the {self.column} whose trials are the test subset", self.value
            )
        if self.method is not SplitMethod.COLUMN and self.value:
            rule = f"is used by split_method column alone, and this one is {self.method}; set the method, or no value"
            raise ConfigError("split_value", rule, self.value)


def check_fractions(validation_fraction: float, test_fraction: float | None = None) -> None:
    """Refuse shares of the trials that leave a side empty; None when no share decides the test subset."""
    for field, value in (("validation_fraction", validation_fraction), ("test_fraction", test_fraction)):
        if value is not None and not 0 < value < 1:
            raise ConfigError(field, "must lie between 0 and 1", value)
    if test_fraction is not None and validation_fraction + test_fraction >= 1:
        rule = f"must leave trials to train on beside test_fraction {test_fraction}"
        raise ConfigError("validation_fraction", rule, validation_fraction)


def check_column(column: str) -> None:
    """Refuse a column that does not describe the surgeon, and say why where it is an outcome."""
    allowed = f"must be one of {', '.join(SURGEON_COLUMNS)}"
    if column in layout.OUTCOME_MEASURES:
        allowed += f" and no outcome ({layout.OUTCOME_MEASURES[column]})"
    if column not in SURGEON_COLUMNS:
        raise ConfigError("split_column", allowed, column)


def check_fold(folds: int, fold: int) -> None:
    """Refuse fewer than two folds, and a fold that is none of them."""
    if not 2 <= folds <= MOST_FOLDS:
        raise ConfigError("folds", f"must be between 2 and {MOST_FOLDS}", folds)
    if not 1 <= fold <= folds:
        raise ConfigError("fold", f"must be between 1 and folds, which is {folds}", fold)
