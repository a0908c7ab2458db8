"""Find where this code is: in a checkout, or installed from a wheel, which contains the app inside the package."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_APP_IN_WHEEL = _PACKAGE / "_app"
"""Where pyproject.toml puts app.py, pages/ and .streamlit/ in a wheel."""

CODE_FOLDER = _PACKAGE.parent
"""The folder from which Python imports the package: the checkout, or site-packages."""


def is_checkout() -> bool:
    """Return whether the code runs from a checkout, which includes editable installs."""
    return not _APP_IN_WHEEL.is_dir()


def app_folder() -> Path:
    """Return the folder that contains app.py, pages/ and .streamlit/."""
    return CODE_FOLDER if is_checkout() else _APP_IN_WHEEL
