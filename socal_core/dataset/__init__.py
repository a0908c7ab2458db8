"""Read a folder on disk as one validated data set: see `opening.open_dataset`."""
