"""The entries of the catalogue of problems, with their texts."""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

from socal_core.dataset.dataset import Severity


class _Template(Formatter):
    """Fills in templates. A number format such as `,` is ignored for text, since a file may hold text for a number."""

    def format_field(self, value: Any, format_spec: str) -> str:
        return str(format(value, "" if isinstance(value, str) else format_spec))


_TEMPLATE = _Template()


@dataclass(frozen=True)
class ProblemKind:
    """One kind of problem. `message` and `advice` are format strings over path, row, count and the parameters."""

    code: str
    """Stable name in kebab case, such as `box-outside-frame`."""
    severity: Severity
    title: str
    """The problem in a few words."""
    message: str
    """What is wrong, and what was done about it."""
    advice: str
    """What to do; "" if nothing has to be done."""

    @property
    def fields(self) -> frozenset[str]:
        """The names in braces in both templates."""
        parsed = (*_TEMPLATE.parse(self.message), *_TEMPLATE.parse(self.advice))
        return frozenset(name for _, name, _, _ in parsed if name)

    def text(self, values: Mapping[str, Any]) -> str:
        """Return the message and the advice.

        Args:
            values: A value for each of `fields`.

        Raises:
            KeyError: A value is missing.
        """
        return _TEMPLATE.vformat(f"{self.message} {self.advice}".strip(), (), values)
