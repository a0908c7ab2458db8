"""The life of a run: its process, state and queue; start, stop, continuation and trash."""
