"""Options for opening a data folder whose content is ambiguous or misleading."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from socal_core import presets
from socal_core.errors import ConfigError


@dataclass(frozen=True)
class OpenOptions:
    """The choices of the user for a data folder; by default everything is detected."""

    boxes: str = ""
    """The key of the box format to read; "" for the first format that is found."""
    columns: tuple[tuple[str, str], ...] = ()
    """Columns of the outcomes file under other titles: (the name of the column, the title in the file)."""

    def __post_init__(self) -> None:
        known = dict.fromkeys(name for preset in presets.PRESETS for name in preset.outcome_columns)
        for name, _ in self.columns:
            if name not in known:
                raise ConfigError("columns", f"must map one of {', '.join(known)}", name)

    def as_dict(self) -> dict[str, Any]:
        """Return the options as JSON-ready values."""
        return {"boxes": self.boxes, "columns": dict(self.columns)}

    @classmethod
    def from_dict(cls, values: object) -> "OpenOptions":
        """Read the values that `as_dict` returns.

        Raises:
            ConfigError: The values are not options.
        """
        if not isinstance(values, Mapping):
            raise ConfigError("data options", "must be options by name", values)
        boxes, columns = values.get("boxes", ""), values.get("columns", {})
        if not isinstance(boxes, str) or not isinstance(columns, dict):
            raise ConfigError("data options", "must be a format's key and columns by name", dict(values))
        return cls(boxes, tuple((str(name), str(title)) for name, title in columns.items()))
