"""Work that the pages start in processes of their own: the mechanism (job.py, harness.py), and a file for each job."""
