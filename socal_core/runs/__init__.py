"""The run folder, known to the pages and the worker alike. Nothing here needs torch."""
