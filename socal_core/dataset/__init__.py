"""A folder on disk in, one validated data set out; `opening.open_dataset` is the way in."""
