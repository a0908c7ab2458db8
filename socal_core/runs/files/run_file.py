"""Reading and writing of the JSON files of a run, with the same checks and errors for all of them."""

import json
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from socal_core.errors import RunError, SocalError
from socal_core.file_handles import os_reason
from socal_core.json_files import read_json
from socal_core.storage import write_json

T = TypeVar("T")

FORMAT_FIELD = "format"
"""The field with the version of the format; a file without it has version 1."""


class NewerFormatError(RunError):
    """A newer version of the app wrote the file."""


class RunFile(Generic[T]):
    """A JSON file of a run: its name, the type of its content, and the version of its format."""

    def __init__(self, name: str, holds: type[T], remedy: str, version: int = 1) -> None:
        """Describe a file.

        Args:
            name: The name of the file.
            holds: The type of the content, which pydantic can check.
            remedy: What the user can do if the file cannot be read.
            version: The version of the format that is written, and the newest one that is read.
        """
        self.name = name
        self.version = version
        self.remedy = remedy
        self._adapter: TypeAdapter[T] = TypeAdapter(holds)

    def read(self, folder: Path, owner: str) -> T | None:
        """Read the file.

        Args:
            folder: The folder of the file.
            owner: The owner of the file, such as `Run run-1`, with which messages begin.

        Returns:
            The content; None if the file does not exist.

        Raises:
            NewerFormatError: A newer version of the app wrote the file.
            RunError: The file is damaged, or a field is missing or wrong.
            TooManyFilesError: Too many files are open.
        """
        values = read_object(folder / self.name, owner, self.remedy)
        if values is None:
            return None
        check_format(values.pop(FORMAT_FIELD, 1), self.version, f"{owner}: {self.name}")
        try:
            # JSON has fewer types than Python: a list may represent a tuple, and text a member of an enumeration.
            return self._adapter.validate_json(json.dumps(values), strict=True)
        except ValidationError as error:
            problem = what_is_wrong(error)
        except SocalError as error:
            problem = str(error)
        raise RunError(f"{owner}: {self.name} cannot be read: {problem}. {self.remedy}")

    def write(self, folder: Path, content: T) -> None:
        """Write the file in one step, in the current version of its format.

        Args:
            folder: The folder of the file.
            content: The content.

        Raises:
            OSError: The file cannot be written.
            TooManyFilesError: Too many files are open.
        """
        values = self._adapter.dump_python(content, mode="json")
        write_json(folder / self.name, {FORMAT_FIELD: self.version, **values})


def read_object(path: Path, owner: str, remedy: str) -> dict[str, Any] | None:
    """Read a JSON object whose fields are checked elsewhere.

    Args:
        path: The file.
        owner: The owner of the file, with which messages begin.
        remedy: What the user can do if the file cannot be read.

    Returns:
        The values by name; None if the file does not exist.

    Raises:
        RunError: The file is not a JSON object.
        TooManyFilesError: Too many files are open.
    """
    try:
        values = read_json(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        problem = os_reason(error)
    except ValueError as error:
        about = "" if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)) else f": {error}"
        problem = f"it is damaged{about}"
    else:
        if isinstance(values, dict):
            return values
        problem = "it is not a JSON object"
    raise RunError(f"{owner}: {path.name} cannot be read: {problem}. {remedy}")


def check_format(version: object, known: int, file: str) -> None:
    """Check that the format of a file is not newer than the known one.

    Args:
        version: The version that the file contains.
        known: The newest version that is read.
        file: The file, with which messages begin.

    Raises:
        NewerFormatError: The version is not between 1 and `known`.
    """
    if not isinstance(version, int) or not 1 <= version <= known:
        raise NewerFormatError(f"{file} has format {version!r}, this version reads up to {known}. Update the app.")


def what_is_wrong(error: ValidationError) -> str:
    """Describe the first error that pydantic found, such as `its field seed should be a valid integer`."""
    found = error.errors(include_url=False)[0]
    field = ".".join(map(str, found["loc"])) or "content"
    if found["type"] == "missing":
        return f"its field {field} is missing"
    return f"its field {field} {found['msg'].removeprefix('Input ')}"
