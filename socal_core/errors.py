"""All errors with a message for the user. Callers catch the base class.

SocalError
├── AccessError   the user may not do that
├── DataError     a data folder, or a file in it, cannot be used
├── ConfigError   a setting has a value that is not allowed: field, rule, value
├── ModelError    a model cannot be found, built or loaded
├── RunError      a run folder is missing, incomplete or busy
└── TooManyFilesError   this process has as many files open as it may

A message states what is wrong, where, and what to do. It names files relative to the folder that the user typed, and
never shows a path of the server.
"""


class SocalError(Exception):
    """Base class of every error with a message for the user."""


class AccessError(SocalError):
    """The user may not do that."""


class DataError(SocalError):
    """A data folder, or a file in it, cannot be used."""


class ConfigError(SocalError):
    """A setting has a value that is not allowed. The message reads `field: rule, got value`."""

    def __init__(self, field: str, rule: str, value: object, file: str = "") -> None:
        """Describe the error.

        Args:
            field: The setting.
            rule: What its value must be.
            value: Its value.
            file: The file with the value, such as `Run run-1: config.json`, with which the message then begins.
        """
        self.field = field
        self.rule = rule
        self.value = value
        super().__init__(f"{file}: {self.without_file}" if file else self.without_file)

    @property
    def without_file(self) -> str:
        """The message for a reader who knows the file."""
        return f"{self.field}: {self.rule}, got {self.value!r}"


class ModelError(SocalError):
    """A model cannot be found, built or loaded."""


class RunError(SocalError):
    """A run folder is missing, incomplete or busy."""


class TooManyFilesError(SocalError):
    """This process has as many files open as it may (file_handles.py). It says nothing about the file."""
