"""A folder on disk in, one validated data set out; `open.open_dataset` is the way in."""
