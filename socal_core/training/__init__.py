"""The training loop, its checkpoints and the process in which it runs."""
