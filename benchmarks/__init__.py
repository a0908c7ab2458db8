"""The measured claims of the README, each one command."""

from socal_core.startup import prepare_process

# What is measured here runs in the process of the command, which is to be like that of the app.
prepare_process()
