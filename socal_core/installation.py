"""Where this code is: in a checkout, or installed from a wheel, which brings the app inside the package."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_APP_IN_WHEEL = _PACKAGE / "_app"
"""Where pyproject.toml puts app.py, pages/ and .streamlit/ in a wheel."""

CODE_FOLDER = _PACKAGE.parent
"""The folder from which Python imports the package: the checkout, or site-packages."""


def is_checkout() -> bool:
    """Return whether the code runs from a checkout, also where that is installed as editable."""
    return not _APP_IN_WHEEL.is_dir()


def app_folder() -> Path:
    """Return the folder of app.py, with pages/ and .streamlit/ beside it."""
    return CODE_FOLDER if is_checkout() else _APP_IN_WHEEL
