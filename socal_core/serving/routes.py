"""The route `/frames/TOKEN/TRIAL/POSITION?width=960`, which serves the frames of opened data sets and nothing else.

A frame is named by its trial and its position there, never by a file. Whatever is not such a name is not found.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, Router

from socal_core.errors import DataError
from socal_core.serving.opened import OpenedFrames, find_opened
from socal_core.serving.pictures import WIDTHS, Pictures, tag_of

PATH = "/frames"
_NAMES_AHEAD = 8
_THREADS = 2
"""Frames that are decoded at the same time. More would take memory, and time from the pages."""
_NOT_WAITING = 499
"""The status of a request whose browser no longer waits for the answer, as nginx has it."""
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}
_CACHED = "private, max-age=600"


def address_of(opened: OpenedFrames, base: str = "") -> str:
    """Return the path below which the frames of an opened data set are served.

    Args:
        opened: The opened data set.
        base: The path at which the app is served, without slashes at its ends.
    """
    return f"{_path(base)}/{opened.token}"


def frame_routes(base: str = "") -> list[Mount]:
    """Return the routes that serve frames.

    Args:
        base: The path at which the app is served, without slashes at its ends.
    """
    route = Route("/{token}/{trial_id}/{position:int}", _FrameEndpoint().answer, methods=["GET"])
    return [Mount(_path(base), app=Router([route], redirect_slashes=False))]


def _path(base: str) -> str:
    return f"/{base}{PATH}" if base else PATH


class _FrameEndpoint:
    """Answers requests for frames, decoding a few at a time in threads of its own."""

    def __init__(self) -> None:
        self._pictures = Pictures()
        self._turns = asyncio.Semaphore(_THREADS)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="frames")

    async def answer(self, request: Request) -> Response:
        names = request.path_params
        opened = find_opened(names["token"])
        known, width = _width_in(request)
        frames = opened.names_from(names["trial_id"], names["position"], _NAMES_AHEAD) if opened and known else []
        if opened is None or not frames:
            return Response(status_code=404, headers={**_HEADERS, "Cache-Control": "no-store"})
        asked = request.headers.get("if-none-match", "")
        async with self._turns:
            if await request.is_disconnected():
                return Response(status_code=_NOT_WAITING)  # the user has gone on to another frame
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._read, opened, frames, width, asked)

    def _read(self, opened: OpenedFrames, frames: list[str], width: int | None, asked: str) -> Response:
        """Return the picture, 304 if the browser has it already, or as JSON why there is none."""
        try:
            tag = f'"{tag_of(opened.dataset, frames[0], width)}"'
            headers = {**_HEADERS, "Cache-Control": _CACHED, "ETag": tag}
            if tag in asked:
                return Response(status_code=304, headers=headers)
            picture = self._pictures.read(opened.dataset, frames, width)
        except DataError as error:
            # Not an error of the request: the frame is there, and this is what can be shown of it.
            return JSONResponse({"problem": str(error)}, headers={**_HEADERS, "Cache-Control": "no-store"})
        return Response(picture, media_type="image/jpeg", headers=headers)


def _width_in(request: Request) -> tuple[bool, int | None]:
    """Return whether the width that is asked for is offered, and the width."""
    asked = request.query_params.getlist("width")
    if not asked:
        return True, None
    offered = {str(width): width for width in WIDTHS}
    return asked[-1] in offered, offered.get(asked[-1])
