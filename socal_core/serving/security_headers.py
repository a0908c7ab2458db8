"""The headers of every response: what a page of the app may load, and that no other page may show it."""

import base64
import hashlib
import re

_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=(), midi=(), "
        "display-capture=(), browsing-topics=()"
    ),
}
_NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def inline_script_hashes(html: str) -> tuple[str, ...]:
    """Return the sources of a Content-Security-Policy that allow exactly the scripts inside a page.

    Args:
        html: The page.

    Returns:
        One source such as `'sha256-…'` for each script without attributes, in the order of the page.
    """
    digests = (hashlib.sha256(script.encode()).digest() for script in _INLINE_SCRIPT.findall(html))
    return tuple(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def app_headers(host: str, scripts: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the headers of what the app serves.

    Args:
        host: The `Host` of the request, which has been checked.
        scripts: Further sources of scripts.
    """
    policy = {
        "default-src": "'self'",
        # blob: Streamlit loads the scripts of a component (our player) as a module from memory. There is no
        # 'unsafe-inline' and no 'unsafe-eval': neither Streamlit nor Plotly need them, only Vega charts would.
        "script-src": " ".join(("'self'", "blob:", *scripts)),
        # Streamlit, Plotly and our components write their styles into the page while it runs.
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "media-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "worker-src": "'self' blob:",
        # 'self' does not cover the websocket in older versions of Safari.
        "connect-src": f"'self' ws://{host} wss://{host}",
        "frame-src": "'none'",
        "frame-ancestors": "'none'",
        "form-action": "'self'",
        "base-uri": "'self'",
        "object-src": "'none'",
    }
    return {**_FIXED, "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in policy.items())}


def refusal_headers() -> dict[str, str]:
    """Return the headers of a refusal, which loads nothing."""
    return {**_FIXED, "Content-Security-Policy": _NOTHING, "Cache-Control": "no-store"}
