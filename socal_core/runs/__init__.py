"""The folder of a run: settings, files, events. This package does not load torch."""
