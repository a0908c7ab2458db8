"""One way to read and write a JSON file of a run, and one way to fail."""

from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from socal_core.errors import RunError, SocalError
from socal_core.storage import write_json

T = TypeVar("T")

FORMAT_FIELD = "format"
"""The version of a file's format; 1 where a file does not have it."""

_OBJECT = TypeAdapter(dict[str, Any])


class NewerFormatError(RunError):
    """A newer version of the app wrote the file."""


class RunFile(Generic[T]):
    """A JSON file of a run: its name, what it holds, and the version of its format."""

    def __init__(self, name: str, holds: type[T], remedy: str, version: int = 1) -> None:
        """Describe a file.

        Args:
            name: Its name.
            holds: A class that pydantic can check. Its fields are those of the file.
            remedy: What the user can do when the file cannot be read.
            version: The newest version of the format that is read; this one is written.
        """
        self.name = name
        self.version = version
        self.remedy = remedy
        self._adapter: TypeAdapter[T] = TypeAdapter(holds)

    def read(self, folder: Path, owner: str) -> T | None:
        """Read the file.

        Args:
            folder: Where it is.
            owner: Whose file it is, to begin a message with, such as `Run run-1`.

        Returns:
            What it holds; None where there is no such file.

        Raises:
            NewerFormatError: A newer version of the app wrote it.
            RunError: It is damaged, or a field is missing or wrong.
        """
        path = folder / self.name
        values = read_object(path, owner, self.remedy)
        if values is None:
            return None
        check_format(values.pop(FORMAT_FIELD, 1), self.version, f"{owner}: {self.name}")
        try:
            # JSON has fewer types than Python: a list may stand for a tuple, a text for a member of an enumeration.
            return self._adapter.validate_json(path.read_bytes(), strict=True)
        except ValidationError as error:
            problem = what_is_wrong(error)
        except SocalError as error:
            problem = str(error)
        except FileNotFoundError:
            return None
        raise RunError(f"{owner}: {self.name} cannot be read: {problem}. {self.remedy}")

    def write(self, folder: Path, content: T) -> None:
        """Write the file in one step, in the present version of its format.

        Args:
            folder: Where it goes.
            content: What it holds.

        Raises:
            OSError: The disk does not take it.
        """
        values = self._adapter.dump_python(content, mode="json")
        write_json(folder / self.name, {FORMAT_FIELD: self.version, **values})


def read_object(path: Path, owner: str, remedy: str) -> dict[str, Any] | None:
    """Read a JSON object whose fields are checked elsewhere.

    Args:
        path: The file.
        owner: Whose file it is, to begin a message with.
        remedy: What the user can do when it cannot be read.

    Returns:
        Its values by name; None where there is no such file.

    Raises:
        RunError: It is no JSON object.
    """
    try:
        return _OBJECT.validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        problem = str(error.strerror)
    except ValidationError as error:
        damaged = error.errors(include_url=False)[0]["type"] == "json_invalid"
        problem = "it is damaged" if damaged else "it is damaged, it holds no fields by name"
    raise RunError(f"{owner}: {path.name} cannot be read: {problem}. {remedy}")


def check_format(version: object, known: int, file: str) -> None:
    """Refuse a file of a newer format.

    Args:
        version: What the file gives as its version.
        known: The newest version that is read.
        file: The file, to begin a message with.

    Raises:
        NewerFormatError: The version is not among 1 to `known`.
    """
    if not isinstance(version, int) or not 1 <= version <= known:
        raise NewerFormatError(f"{file} has format {version!r}, this version reads up to {known}. Update the app.")


def what_is_wrong(error: ValidationError) -> str:
    """Describe the first thing that pydantic found wrong, such as `its field seed should be a valid integer`."""
    found = error.errors(include_url=False)[0]
    field = ".".join(map(str, found["loc"])) or "content"
    if found["type"] == "missing":
        return f"its field {field} is missing"
    return f"its field {field} {found['msg'].removeprefix('Input ')}"
