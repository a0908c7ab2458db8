"""The scripts that pages run outside of a component. The server allows exactly these, by their hashes."""

TO_TOP = "<script>document.querySelector('[data-testid=stMain]')?.scrollTo({top: 0})</script>"
"""Scrolls to the top of the page."""
ALL = (TO_TOP,)
