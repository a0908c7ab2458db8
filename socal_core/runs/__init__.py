"""The run folder: settings, files, events. Nothing here needs torch."""
