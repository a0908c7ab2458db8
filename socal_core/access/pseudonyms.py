"""Tables without the ids of trials and surgeons, for those outside of the lab.

A pseudonym is made of an id and a secret key (HMAC-SHA-256), so the same id has the same pseudonym in every table, and
ids cannot be tried out without the key. The key, and which pseudonym belongs to which id, are in `pseudonyms.json` in
the workspace, which only its owner may read.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pandas as pd

from socal_core.errors import DataError
from socal_core.file_handles import handles_explained, os_reason
from socal_core.storage import locked, write_json
from socal_core.workspace import workspace

FILE = "pseudonyms.json"
TRIALS = ("trial_id", "Trial", "Other trial")
SURGEONS = ("participant_id", "Surgeon")
FILES = ("frame", "file", "File")
LEFT_OUT = ("note", "Note", "Text", "evidence", "Evidence", "Interpretation")
"""Columns with free text, with text from frames and with names of files, which may name anybody. They stay empty."""
_TYPED = ("event", "tags", "Event", "Tags", "reason", "Reason")
_KEY_BYTES, _CHARACTERS = 32, 10


def pseudonymized(table: pd.DataFrame, trials: Collection[str], surgeons: Collection[str]) -> pd.DataFrame:
    """Return a table with pseudonyms in place of the ids of trials, surgeons and frames.

    Args:
        table: The table. Its columns say what they hold: TRIALS, SURGEONS, FILES and LEFT_OUT.
        trials: The ids of all trials of the data set, which are replaced in other texts as well.
        surgeons: The ids of all surgeons, which are replaced in what users type as well.

    Raises:
        DataError: The file with the key is damaged, or cannot be written.
        TooManyFilesError: Too many files are open.
    """
    names = _Names()
    of_trials = _replaces(trials, lambda found: names.of("trial", found))
    of_surgeons = _replaces(surgeons, lambda found: names.of("surgeon", found))
    columns: dict[str, Any] = {}
    for title, column in table.items():
        if title in LEFT_OUT:
            columns[str(title)] = ""
        elif title in TRIALS:
            columns[str(title)] = column.map(lambda value: names.of("trial", str(value)))
        elif title in SURGEONS:
            columns[str(title)] = column.map(lambda value: names.of("surgeon", str(value)) if _is_id(value) else value)
        elif title in FILES:
            columns[str(title)] = column.map(lambda value: names.of("frame", str(value)))
        elif column.dtype == "object" or isinstance(column.dtype, pd.StringDtype):
            typed = title in _TYPED
            columns[str(title)] = column.map(
                lambda value, typed=typed: of_surgeons(of_trials(value)) if typed else of_trials(value)
            )
        else:
            columns[str(title)] = column
    names.keep()
    return pd.DataFrame(columns, index=table.index)


def pseudonymized_values(values: Any, trials: Collection[str], surgeons: Collection[str]) -> Any:
    """Return JSON-ready values with pseudonyms in place of the ids of trials and surgeons in all texts.

    Args:
        values: Texts, numbers, lists and dictionaries of these.
        trials: The ids of all trials of the data set.
        surgeons: The ids of all surgeons. One of digits alone is replaced only where it is a whole text, since it may
            stand for a number in a sentence.

    Raises:
        DataError: The file with the key is damaged, or cannot be written.
        TooManyFilesError: Too many files are open.
    """
    names = _Names()
    of_trials = _replaces(trials, lambda found: names.of("trial", found))
    of_surgeons = _replaces([name for name in surgeons if not name.isdigit()], lambda found: names.of("surgeon", found))
    whole = frozenset(surgeons)

    def replaced(value: Any) -> Any:
        if isinstance(value, str):
            return names.of("surgeon", value) if value in whole else of_surgeons(of_trials(value))
        if isinstance(value, dict):
            return {replaced(name): replaced(found) for name, found in value.items()}
        return [replaced(found) for found in value] if isinstance(value, (list, tuple)) else value

    found = replaced(values)
    names.keep()
    return found


def pseudonym_of_trial(trial_id: str) -> str:
    """Return the pseudonym of a trial, as in `pseudonymized`."""
    names = _Names()
    found = names.of("trial", trial_id)
    names.keep()
    return found


class _Names:
    """The pseudonyms of the workspace."""

    def __init__(self) -> None:
        try:
            with locked(workspace() / ".pseudonyms.lock"):
                values = _read(workspace() / FILE)
                if values is None:
                    values = {"key": secrets.token_hex(_KEY_BYTES), "pseudonyms": {}}
                    write_json(workspace() / FILE, values, private=True)
            self._key = bytes.fromhex(values["key"])
        except OSError as error:
            raise _cannot_write(error) from None
        except (ValueError, KeyError, TypeError):
            raise DataError(
                f"{FILE} in the workspace is damaged. Restore it from a backup; without it, ids get other pseudonyms."
            ) from None
        self._used: dict[str, dict[str, str]] = {"trial": {}, "surgeon": {}}

    def of(self, kind: str, identity: str) -> str:
        """Return the pseudonym of an id."""
        digest = hmac.new(self._key, f"{kind}:{identity}".encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
        name = f"{kind}-{base64.b32encode(digest).decode()[:_CHARACTERS].lower()}"
        if kind in self._used:
            self._used[kind][identity] = name
        return name

    def keep(self) -> None:
        """Add the pseudonyms that were used to the file, in which the lab can look up whose they are."""
        try:
            with locked(workspace() / ".pseudonyms.lock"):
                values = _read(workspace() / FILE) or {"key": self._key.hex(), "pseudonyms": {}}
                before = json.dumps(values, sort_keys=True)
                for kind, used in self._used.items():
                    values["pseudonyms"].setdefault(kind, {}).update(used)
                if json.dumps(values, sort_keys=True) != before:
                    write_json(workspace() / FILE, values, private=True)
        except OSError as error:
            raise _cannot_write(error) from None


def _cannot_write(error: OSError) -> DataError:
    return DataError(f"{FILE} in the workspace cannot be written: {os_reason(error)}. Free some space.")


def _read(file: Path) -> dict[str, Any] | None:
    try:
        with handles_explained():
            values = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    if not isinstance(values, dict) or not isinstance(values.get("pseudonyms"), dict):
        raise ValueError(f"{FILE} is not as this app writes it")
    return values


def _is_id(value: Any) -> bool:
    return bool(pd.notna(value)) and value not in {"", "unknown"}


def _replaces(ids: Collection[str], name_of: Callable[[str], str]) -> Callable[[object], object]:
    """Return a function that replaces the ids in a text; other values are returned as they are."""
    if not ids:
        return lambda value: value
    longest_first = "|".join(re.escape(name) for name in sorted(map(str, ids), key=len, reverse=True))
    pattern = re.compile(rf"(?<![A-Za-z0-9])(?:{longest_first})(?![A-Za-z0-9])")

    def replace(value: object) -> object:
        return pattern.sub(lambda found: name_of(found[0]), value) if isinstance(value, str) else value

    return replace
