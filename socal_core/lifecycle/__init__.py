"""The life of a run: its process, state, queue, start, stop, continuation and trash."""
