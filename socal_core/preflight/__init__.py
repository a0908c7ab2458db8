"""Checks before a run starts: advice on the settings, the estimated cost, and the machine."""
