"""Parse links to Google Drive, and download the files behind them with gdown."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from socal_core.errors import DataError
from socal_core.fetch.unpack import Report, unsafe_name

_HOST = "drive.google.com"
_ID = re.compile(r"[A-Za-z0-9_-]{10,100}")
_PATH = re.compile(
    r"/(?:drive/(?:u/[0-9]+/)?folders/(?P<folder>[A-Za-z0-9_-]+)/?"
    r"|file/(?:u/[0-9]+/)?d/(?P<file>[A-Za-z0-9_-]+)(?:/[a-z]*)?"
    r"|open|uc|folderview)"
)
_TIMEOUT = (15.0, 60.0)
"""Seconds to wait for a connection, and for the next byte."""
_RETRIES = 4
_REPORT_SECONDS = 0.5
_MAX_NAMES = 5

_SHARE_IT = "Share it in Drive as 'Anyone with the link'. For a folder, use its .../drive/folders/ link."


@dataclass(frozen=True)
class DriveLink:
    """A link to a folder or file of Google Drive."""

    kind: Literal["folder", "file"]
    id: str


Fetch = Callable[[DriveLink, Path, Callable[[str], bool], Report], None]
"""A function `fetch(link, folder, wanted, report)` that downloads shared files into a folder, by their relative names.

A file gets its name only when it is complete. The function continues where an earlier call stopped, and skips names for
which `wanted(name)` is false."""


def drive_link(address: str) -> DriveLink:
    """Parse an address of Google Drive.

    Raises:
        DataError: The address is not an https link to a folder or file of drive.google.com.
    """
    try:
        parts = urlsplit(address.strip())
    except ValueError:  # for example a bracket in the host
        parts = urlsplit("")
    match = _PATH.fullmatch(parts.path)
    if parts.scheme == "https" and parts.netloc == _HOST and match is not None:
        path_id = match["folder"] or match["file"]
        ids = [path_id] if path_id else parse_qs(parts.query).get("id", [])
        if len(ids) == 1 and _ID.fullmatch(ids[0]):
            return DriveLink("folder" if match["folder"] or parts.path == "/folderview" else "file", ids[0])
    raise DataError(
        "This is not a link to a Google Drive folder or file. Open the folder in Drive, choose Share, then Copy link, "
        f"and paste the link: it begins with https://{_HOST}/drive/folders/ or https://{_HOST}/file/d/."
    )


def fetch_from_drive(link: DriveLink, folder: Path, wanted: Callable[[str], bool], report: Report) -> None:
    """Download the files behind a link with gdown, as described for `Fetch`.

    gdown writes a file under another name, `<name><8 letters>.part`, renames it when it is complete, and continues such
    a part. If Drive refuses a file, the other files are still downloaded.

    Raises:
        DataError: Not all files could be downloaded. The message says why and what to do.
    """
    import gdown  # takes half a second to import, and only a download needs it
    import requests

    report("Asking Google Drive for the list of files")
    files = _listing(link, report)
    failed: dict[str, str] = {}
    for number, (path, file_id) in enumerate(files.items(), start=1):
        target = folder / path
        head = f"{path} ({number} of {len(files)})"
        if target.is_file() or not wanted(path):
            report(f"{head}: downloaded already")
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            _fetch_one(file_id, target, head, report)
        except (gdown.exceptions.DownloadError, requests.RequestException, LookupError, ValueError) as error:
            if _is_network(error):
                raise DataError(_message(error)) from error
            failed[path] = _message(error)
    if failed:
        names = ", ".join([*list(failed)[:_MAX_NAMES], *(["…"] if len(failed) > _MAX_NAMES else [])])
        raise DataError(
            f"{len(files) - len(failed)} of {len(files)} files were downloaded, but not {names}. "
            f"{next(iter(failed.values()))} Downloaded files are kept: start the download again to continue."
        )


def _listing(link: DriveLink, report: Report) -> dict[str, str]:
    """Map the relative path of each file behind a link to its id; raise DataError if there are no files."""
    files: dict[str, str] = {}
    for path, file_id in _shared(link):
        # Hidden files are not data, and could have the names of the app's own hidden files.
        hidden = any(part.startswith(".") for part in path.split("/"))
        if hidden or unsafe_name(path) is not None:
            report(f"{path!r} is skipped: it is not a valid name for a data file")
            continue
        if path in files:
            raise DataError(f"The shared folder has two files named {path}. Rename or delete one in Drive.")
        files[path] = file_id
    if not files:
        raise DataError(f"There are no visible files in the shared folder. {_SHARE_IT}")
    return files


def _shared(link: DriveLink) -> list[tuple[str, str]]:
    """List relative path and id of the files behind a link, as Drive gives them."""
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
        raise DataError(_message(error)) from error
    return [(file.path, file.id) for file in found if isinstance(file, GoogleDriveFileToDownload)]


def _fetch_one(file_id: str, target: Path, head: str, report: Report) -> None:
    import gdown

    last = 0.0

    def report_bytes(done: int, total: int | None) -> None:
        nonlocal last
        if monotonic() - last >= _REPORT_SECONDS:
            last = monotonic()
            report(f"{head}: {done / 1e6:,.1f} MB" + (f" of {total / 1e6:,.1f} MB" if total else ""))

    def get() -> None:
        gdown.download(
            id=file_id,
            output=str(target),
            quiet=True,
            use_cookies=False,
            resume=True,
            progress=report_bytes,
            timeout=_TIMEOUT,
            retries=_RETRIES,
        )

    report(f"{head}: requesting the file")
    try:
        get()
    except gdown.exceptions.DownloadError as error:
        parts = _parts_of(target)
        if not parts or not ("byte range" in str(error) or "multiple temporary files" in str(error)):
            raise
        # A part that is complete, or longer than the file is now, cannot be continued.
        for part in parts:
            part.unlink()
        get()


def _parts_of(target: Path) -> list[Path]:
    """List the temporary files that gdown wrote for a target."""
    length = len(target.name) + 8 + len(".part")
    return [
        path
        for path in target.parent.iterdir()
        if path.name.startswith(target.name) and path.name.endswith(".part") and len(path.name) == length
    ]


def _is_network(error: Exception) -> bool:
    """Whether the error is one of the network, so that other files would fail in the same way."""
    import requests

    kinds = (requests.ConnectionError, requests.Timeout)
    return isinstance(error, kinds) or isinstance(error.__cause__, kinds)


def _message(error: Exception) -> str:
    """Say what to do about an error of gdown, without the addresses and paths in its own messages."""
    import gdown

    text = str(error).lower()
    if _is_network(error):
        return "Google Drive cannot be reached, or the connection was lost. Check it and start the download again."
    if "too many users" in text or "quota" in text:
        return (
            "Drive's download limit for this file has been reached. Try again in a day, or make a copy in your own "
            "Drive and share that."
        )
    if isinstance(error, gdown.exceptions.FileURLRetrievalError) or "folder contents" in text:
        return f"Drive refused access: the folder or file is not shared with everyone, or no longer exists. {_SHARE_IT}"
    return "Drive's answer was incomplete or not understood. Start the download again."
