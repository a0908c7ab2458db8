"""What the pages share: the frame of a page, pickers, caches, the live view of a run."""
