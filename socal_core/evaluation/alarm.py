"""A sign that the test scores of a run may mislead."""

from dataclasses import asdict, dataclass
from enum import StrEnum


class AlarmSeverity(StrEnum):
    """How much an alarm says against the scores."""

    SERIOUS = "serious"
    """The scores are wrong or too good: do not report them."""
    CAUTION = "caution"
    """The scores may mislead: report them together with this."""
    NOTE = "note"
    """Worth knowing."""


@dataclass(frozen=True)
class Alarm:
    """A sign that test scores may mislead."""

    key: str
    """A stable name in kebab case, such as `few-test-trials`."""
    severity: AlarmSeverity
    text: str
    """What was found and what it means, in one sentence."""

    def as_dict(self) -> dict[str, str]:
        """Return the alarm as values for JSON."""
        return {**asdict(self), "severity": self.severity.value}
