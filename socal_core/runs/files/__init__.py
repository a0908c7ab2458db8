"""What the files of a run hold: the schema of each, one way to read them, one way to fail.

`records.py` has the files with one object each, `metrics_record.py` metrics.json, and `event_types.py` the lines of
events.jsonl. `run_file.py` reads and writes them. The settings in config.json have a schema of their own
(socal_core/settings). `docs/run-files.md` describes all of them for users.
"""
