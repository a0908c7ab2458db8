"""Parts of pages: those that several pages share, and one folder per page."""
