"""Declaration of a setting: a field of a group, with its help text, its limits and the settings that it depends on."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from socal_core.errors import ConfigError

Condition = Mapping[str, list[Any]]
"""The values of other settings, by name, with which a setting applies."""

_RULES = {
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "extra_forbidden": "is not a setting of this group",
}
"""The rule that ConfigError states, by pydantic's type of error."""


@dataclass(frozen=True)
class Setting:
    """The declaration of a setting, for the code that displays, reads or writes settings."""

    name: str
    group: str
    """The attribute of TrainConfig that holds it."""
    heading: str
    """The heading of the setting in the form and in the documentation."""
    kind: Any
    """The type: str, int, float, bool or a StrEnum."""
    default: Any
    help: str
    low: Any
    high: Any
    """The smallest and the largest value of a number; None for others."""
    step: int
    """The increment of a whole number in the form."""
    condition: Condition
    alias: str
    """Its name in the reference notebook, if that is different."""

    def applies(self, values: Mapping[str, Any]) -> bool:
        """Check whether the setting has an effect.

        Args:
            values: The values of the settings declared before it, by name.
        """
        return all(values.get(name) in needed for name, needed in self.condition.items())

    @property
    def rule(self) -> str:
        """The rule for values of the right type: one of the choices, or between the limits."""
        if issubclass(self.kind, StrEnum):
            return f"must be one of {', '.join(self.kind)}"
        return f"must be between {self.low:g} and {self.high:g}"


class SettingsGroup(BaseModel):
    """Settings that belong together. Values are checked when a group is created.

    Raises:
        ConfigError: A value is invalid. The error names the setting, the rule and the value.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    heading: ClassVar[str]
    """The heading of the group in the form and in the documentation."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0])
            rule = _RULES.get(first["type"]) or _setting(name, "", type(self)).rule
            raise ConfigError(name, rule, first["input"]) from None

    @classmethod
    def declared(cls, group: str) -> list[Setting]:
        """Return the settings of the group, which TrainConfig holds under the name `group`."""
        return [_setting(name, group, cls) for name in cls.model_fields]


def setting(
    default: Any,
    text: str,
    low: float | None = None,
    high: float | None = None,
    *,
    step: int = 1,
    applies: Condition | None = None,
    heading: str = "",
    alias: str = "",
) -> Any:
    """Declare a field of a group as a setting.

    Args:
        default: The default value.
        text: The help text.
        low: The smallest number.
        high: The largest number.
        step: The increment of a whole number in the form.
        applies: The condition under which the setting has an effect, from `when`; None for always.
        heading: Its heading in the form, if different from the heading of its group.
        alias: Its name in the reference notebook, if different.
    """
    more: dict[str, Any] = {"step": step, "applies": applies or {}, "heading": heading, "alias": alias}
    lenient = isinstance(default, StrEnum)  # the name of a choice is as good as the choice
    return Field(default=default, description=text, ge=low, le=high, strict=not lenient, json_schema_extra=more)


def when(**needed: str | bool | list[str]) -> Condition:
    """Return the condition that other settings have the given values: one value each, or a list of them."""
    return {name: value if isinstance(value, list) else [value] for name, value in needed.items()}


def _setting(name: str, group: str, kind: type[SettingsGroup]) -> Setting:
    info: FieldInfo = kind.model_fields[name]
    more: Any = info.json_schema_extra
    low: Any = next((limit.ge for limit in info.metadata if hasattr(limit, "ge")), None)
    high: Any = next((limit.le for limit in info.metadata if hasattr(limit, "le")), None)
    return Setting(
        name=name,
        group=group,
        heading=more["heading"] or kind.heading,
        kind=info.annotation,
        default=info.default,
        help=info.description or "",
        low=low,
        high=high,
        step=more["step"],
        condition=more["applies"],
        alias=more["alias"],
    )
