"""The training loop, its checkpoints and the process it runs in."""
