"""What a check has found."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How serious a finding is."""

    OK = "ok"
    WARNING = "warning"
    """The app works, but may not as expected."""
    ERROR = "error"
    """Something does not work."""


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    check: str
    verdict: Verdict
    found: str
    """What was found, as one sentence or phrase without a full stop."""
    advice: str = ""
    """What to do; "" if nothing."""


def ok(check: str, found: str) -> Finding:
    """Return a finding of which nothing follows."""
    return Finding(check, Verdict.OK, found)


def warning(check: str, found: str, advice: str) -> Finding:
    """Return a finding that the user should know about."""
    return Finding(check, Verdict.WARNING, found, advice)


def error(check: str, found: str, advice: str) -> Finding:
    """Return a finding with which something does not work."""
    return Finding(check, Verdict.ERROR, found, advice)


def listed(names: list[str], most: int = 5) -> str:
    """Return names separated by commas, with the number of those beyond the first few."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
