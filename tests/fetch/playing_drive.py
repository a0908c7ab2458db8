"""A shared folder, and a local server that simulates the pages of Google Drive for it."""

import re
import shutil
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from socal_core.dataset import layout
from tests.factories import write_dataset

FOLDER_ID = "1ZXEhzbLRLU1giKKRJkjm8N04cO_JoYE2"
FOLDER = f"https://drive.google.com/drive/folders/{FOLDER_ID}"


def tree(folder: Path) -> dict[str, bytes]:
    """Read the bytes of every file of a folder, by relative name."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def zip_folder(folder: Path, archive: Path, prefix: str = "") -> None:
    """Pack all files of a folder, with a prefix before their names."""
    with zipfile.ZipFile(archive, "w") as opened:
        for name, data in sorted(tree(folder).items()):
            opened.writestr(prefix + name, data)


def write_shared(folder: Path) -> Path:
    """Write a folder to share: SOCAL's tables, and twelve frames of four trials as frames.zip."""
    write_dataset(folder, surgeons=2, frames=3)
    zip_folder(folder / layout.IMAGES_DIR, folder / "frames.zip")
    shutil.rmtree(folder / layout.IMAGES_DIR)
    return folder


def file_id(name: str) -> str:
    """Return the id that the server gives to a file."""
    return f"file-{name.encode().hex():0>25}"


class Drive(ThreadingHTTPServer):
    """Simulates the pages of Drive that gdown requests, for one shared folder."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), DriveRequest)
        self.files = {file_id(name): (name, data) for name, data in tree(folder).items()}
        self.asked: list[tuple[str, str | None]] = []
        """Name and byte range of each requested file."""
        self.pages: dict[str, tuple[int, bytes]] = {}
        """Status and page to send instead of the folder ("") or a file."""
        self.cut: dict[str, int] = {}
        """Number of bytes of a file after which the connection closes once."""
        self.stalls: set[str] = set()
        """Files of which only half is sent, without closing the connection."""
        self.end = threading.Event()


class DriveRequest(BaseHTTPRequestHandler):
    """A response of Drive."""

    server: Drive

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(address.query).items()}
        name, data = self.server.files.get(query["id"], ("", b""))
        if name in self.server.pages:
            status, page = self.server.pages[name]
            self.answer(status, {"Content-Type": "text/html"}, page)
        elif address.path == "/embeddedfolderview":
            self.answer(200, {"Content-Type": "text/html"}, self.listing(query["id"]).encode())
        elif "confirm" not in query and name.endswith(".zip"):
            # Drive asks for confirmation before it sends a file that it has not scanned for viruses.
            page = (
                '<form id="download-form" action="https://drive.usercontent.google.com/download" method="get">'
                f'<input type="hidden" name="id" value="{query["id"]}"><input type="hidden" name="confirm" value="t">'
            )
            self.answer(200, {"Content-Type": "text/html"}, page.encode())
        else:
            self.send(name, data)

    def listing(self, folder: str) -> str:
        """Return the page of the shared folder, or of a folder in it."""
        inside = [(name, key) for key, (name, _) in self.server.files.items()]
        tops = {name.split("/")[0] for name, _ in inside if "/" in name}
        top = next((top for top in sorted(tops) if file_id(f"{top}/") == folder), None)
        rows = [
            f'<a href="https://drive.google.com/file/d/{key}/view">{name.split("/")[-1]}</a>'
            for name, key in inside
            if (name.split("/")[0] == top if top else "/" not in name)
        ]
        if top is None:
            rows += [f'<a href="https://drive.google.com/drive/folders/{file_id(f"{top}/")}">{top}</a>' for top in tops]
        return f"<html><title>{top or 'SOCAL'}</title>{''.join(rows)}</html>"

    def send(self, name: str, data: bytes) -> None:
        span = self.headers["Range"]
        self.server.asked.append((name, span))
        start = int(re.fullmatch(r"bytes=(\d+)-", span)[1]) if span else 0
        head = {"Content-Type": "application/octet-stream", "ETag": f'"{len(data)}"', "Accept-Ranges": "bytes"}
        head["Content-Disposition"] = f'attachment; filename="{name.split("/")[-1]}"'
        if start >= len(data) > 0 and span:
            return self.answer(416, {**head, "Content-Range": f"bytes */{len(data)}"}, b"")
        if span and self.headers["If-Range"] in {None, head["ETag"]}:
            head["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            return self.answer(206, head, data[start:], self.server.cut.pop(name, None))
        if name in self.server.stalls:
            self.answer(200, head, data, len(data) // 2)
            self.wfile.flush()
            self.server.end.wait(20)
            return None
        return self.answer(200, head, data, self.server.cut.pop(name, None))

    def answer(self, status: int, head: dict[str, str], data: bytes, end: int | None = None) -> None:
        self.send_response(status)
        for key, value in head.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:end])
