"""How a data folder is to be read where looking at it does not say, or says it wrongly."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from socal_core.dataset import layout
from socal_core.errors import ConfigError


@dataclass(frozen=True)
class OpenOptions:
    """What a user chose for a data folder; the defaults leave everything to looking."""

    boxes: str = ""
    """The key of the box format to read; "" takes the first one that is there."""
    columns: tuple[tuple[str, str], ...] = ()
    """Columns of the outcomes file under other names: (SOCAL's name, the name in the file)."""

    def __post_init__(self) -> None:
        for name, _ in self.columns:
            if name not in layout.OUTCOME_COLUMNS:
                raise ConfigError("columns", f"must map one of {', '.join(layout.OUTCOME_COLUMNS)}", name)

    def as_dict(self) -> dict[str, Any]:
        """The options as JSON-ready values."""
        return {"boxes": self.boxes, "columns": dict(self.columns)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "OpenOptions":
        """The options that as_dict gave; ConfigError when it is something else."""
        boxes, columns = values.get("boxes", ""), values.get("columns", {})
        if not isinstance(boxes, str) or not isinstance(columns, dict):
            raise ConfigError("data options", "must be a format's key and columns by name", dict(values))
        return cls(boxes, tuple((str(name), str(title)) for name, title in columns.items()))
