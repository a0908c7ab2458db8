"""The tests, in a process like that of the app."""

from socal_core.startup import prepare_process

prepare_process()
