"""The route `/health`, with which a monitor asks whether the app answers."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from socal_core import __version__

HEALTH_PATH = "/health"


def health_route(base: str = "") -> Route:
    """Return the route. It touches no file, and needs no login.

    Args:
        base: The path at which the app is served, without slashes at its ends.
    """
    return Route(f"/{base}{HEALTH_PATH}" if base else HEALTH_PATH, _answer, methods=["GET"])


async def _answer(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok", "version": __version__}, headers={"Cache-Control": "no-store"})
