"""The schemas of the files of a run, which are all read with the same checks and errors.

`records.py` declares the files with one object each, `metrics_file.py` metrics.json, and `event_types.py` the lines
of events.jsonl. `run_file.py` reads and writes them. The schema of the settings in config.json is socal_core/settings.
`docs/run-files.md` describes all files for users.
"""
