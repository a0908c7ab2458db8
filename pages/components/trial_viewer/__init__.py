"""Parts of the Trial viewer page."""
