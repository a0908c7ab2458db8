"""Google Drive: what an address points at, and getting the files behind it by gdown."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from socal_core.errors import DataError
from socal_core.fetch.unpack import Tell, unsafe_name

_HOST = "drive.google.com"
_ID = re.compile(r"[A-Za-z0-9_-]{10,100}")
_PATH = re.compile(
    r"/(?:drive/(?:u/[0-9]+/)?folders/(?P<folder>[A-Za-z0-9_-]+)/?"
    r"|file/(?:u/[0-9]+/)?d/(?P<file>[A-Za-z0-9_-]+)(?:/[a-z]*)?"
    r"|open|uc|folderview)"
)
_TIMEOUT = (15.0, 60.0)
"""Seconds without an answer, without a byte."""
_RETRIES = 4
_REPORT_SECONDS = 0.5
_NAMED = 5

_SHARE = "Share it in Drive as 'Anyone with the link'; a folder has to be given by its .../drive/folders/ link."


@dataclass(frozen=True)
class DriveLink:
    """What a Drive address points at."""

    kind: Literal["folder", "file"]
    id: str


Fetch = Callable[[DriveLink, Path, Callable[[str], bool], Tell], None]
"""fetch(link, folder, wanted, tell): put the shared files into the folder by their relative names, a file under its own
name only when it is complete; go on where an earlier start stopped; leave out names for which wanted(name) is false."""


def drive_link(address: str) -> DriveLink:
    """What a Drive address points at; DataError unless it is an https link to a folder or file of drive.google.com."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:  # a bracket in the host
        parts = urlsplit("")
    match = _PATH.fullmatch(parts.path)
    if parts.scheme == "https" and parts.netloc == _HOST and match is not None:
        in_path = match["folder"] or match["file"]
        given = [in_path] if in_path else parse_qs(parts.query).get("id", [])
        if len(given) == 1 and _ID.fullmatch(given[0]):
            return DriveLink("folder" if match["folder"] or parts.path == "/folderview" else "file", given[0])
    raise DataError(
        "This is no link to a Google Drive folder or file. Open the folder in Drive, choose Share, then Copy link, and "
        f"paste that: it begins with https://{_HOST}/drive/folders/ or https://{_HOST}/file/d/."
    )


def fetch_from_drive(link: DriveLink, folder: Path, wanted: Callable[[str], bool], tell: Tell) -> None:
    """Get the files behind a link (see Fetch). DataError in plain words when not all of them arrive.

    gdown writes a file under another name, `<name><8 letters>.part`, renames it when it is complete, and goes on with
    such a part. A file that Drive refuses does not keep the others from being tried.
    """
    import gdown  # half a second, and only a download needs it
    import requests

    tell("Asking Google Drive what is shared")
    files = _listing(link, tell)
    failed: dict[str, str] = {}
    for number, (path, file_id) in enumerate(files.items(), start=1):
        target = folder / path
        head = f"{path} ({number} of {len(files)})"
        if target.is_file() or not wanted(path):
            tell(f"{head}: here already")
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            _fetch_one(file_id, target, head, tell)
        except (gdown.exceptions.DownloadError, requests.RequestException, LookupError, ValueError) as error:
            if _is_network(error):
                raise DataError(_in_words(error)) from error
            failed[path] = _in_words(error)
    if failed:
        names = ", ".join([*list(failed)[:_NAMED], *(["…"] if len(failed) > _NAMED else [])])
        raise DataError(
            f"{len(files) - len(failed)} of {len(files)} files arrived; {names} did not. {next(iter(failed.values()))} "
            "What has arrived is kept: start the download again to go on."
        )


def _listing(link: DriveLink, tell: Tell) -> dict[str, str]:
    """The id of each file behind a link by its relative path; DataError when there is none."""
    files: dict[str, str] = {}
    for path, file_id in _shared(link):
        # Hidden files are no data, and would meet the app's own.
        hidden = any(part.startswith(".") for part in path.split("/"))
        if hidden or unsafe_name(path) is not None:
            tell(f"{path!r} is left out: no file of the data has such a name")
            continue
        if path in files:
            raise DataError(f"The shared folder holds two files named {path}. Rename or delete one in Drive.")
        files[path] = file_id
    if not files:
        raise DataError(f"The shared folder shows no file. {_SHARE}")
    return files


def _shared(link: DriveLink) -> list[tuple[str, str]]:
    """Relative path and id of what Drive shows behind a link, as Drive says it."""
    import gdown
    import requests
    from gdown.download import GoogleDriveFileToDownload

    found: Sequence[object]
    try:
        if link.kind == "folder":
            found = gdown.download_folder(
                id=link.id, quiet=True, use_cookies=False, skip_download=True, timeout=_TIMEOUT
            )
        else:
            found = [gdown.download(id=link.id, quiet=True, use_cookies=False, skip_download=True, timeout=_TIMEOUT)]
    except (gdown.exceptions.DownloadError, requests.RequestException, LookupError, ValueError) as error:
        raise DataError(_in_words(error)) from error
    return [(file.path, file.id) for file in found if isinstance(file, GoogleDriveFileToDownload)]


def _fetch_one(file_id: str, target: Path, head: str, tell: Tell) -> None:
    import gdown

    last = 0.0

    def report(done: int, total: int | None) -> None:
        nonlocal last
        if monotonic() - last >= _REPORT_SECONDS:
            last = monotonic()
            tell(f"{head}: {done / 1e6:,.1f} MB" + (f" of {total / 1e6:,.1f} MB" if total else ""))

    def get() -> None:
        gdown.download(
            id=file_id,
            output=str(target),
            quiet=True,
            use_cookies=False,
            resume=True,
            progress=report,
            timeout=_TIMEOUT,
            retries=_RETRIES,
        )

    tell(f"{head}: asking for it")
    try:
        get()
    except gdown.exceptions.DownloadError as error:
        parts = _parts_of(target)
        if not parts or not ("byte range" in str(error) or "multiple temporary files" in str(error)):
            raise
        # A part that is whole, or longer than the file is by now, can never be gone on with.
        for part in parts:
            part.unlink()
        get()


def _parts_of(target: Path) -> list[Path]:
    """gdown's temporary files of a target."""
    length = len(target.name) + 8 + len(".part")
    return [
        path
        for path in target.parent.iterdir()
        if path.name.startswith(target.name) and path.name.endswith(".part") and len(path.name) == length
    ]


def _is_network(error: Exception) -> bool:
    """Whether the next file would fail in the same way."""
    import requests

    broken = (requests.ConnectionError, requests.Timeout)
    return isinstance(error, broken) or isinstance(error.__cause__, broken)


def _in_words(error: Exception) -> str:
    """What to do about an error of gdown, without the addresses and paths that its own messages hold."""
    import gdown

    text = str(error).lower()
    if _is_network(error):
        return "Google Drive cannot be reached, or the connection broke off. Check it and start the download again."
    if "too many users" in text or "quota" in text:
        return (
            "Drive's limit of downloads for this file is used up. Try again after a day, or make a copy in your own "
            "Drive and share that."
        )
    if isinstance(error, gdown.exceptions.FileURLRetrievalError) or "folder contents" in text:
        return f"Drive does not give it to everybody, or it is not there any more. {_SHARE}"
    return "Drive's answer was not understood or broke off. Start the download again."
