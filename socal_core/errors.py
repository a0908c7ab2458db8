"""All errors that a user can meet; callers catch the base.

SocalError
├── DataError     a data folder, or a file in it, cannot be used
├── ConfigError   a setting is refused: field, rule, value
├── ModelError    a model cannot be found, built or loaded
└── RunError      a run folder is missing, incomplete or busy

A message says what is wrong, where, and what to do. It names files relative to the folder that the user typed,
never by a path of the server.
"""


class SocalError(Exception):
    """Base of every error whose message is meant for the user."""


class DataError(SocalError):
    """A data folder, or a file in it, cannot be used."""


class ConfigError(SocalError):
    """A setting is refused. The message reads `field: rule, got value`."""

    def __init__(self, field: str, rule: str, value: object) -> None:
        super().__init__(f"{field}: {rule}, got {value!r}")
        self.field = field
        self.rule = rule
        self.value = value


class ModelError(SocalError):
    """A model cannot be found, built or loaded."""


class RunError(SocalError):
    """A run folder is missing, incomplete or busy."""
