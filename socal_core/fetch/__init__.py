"""Fetch a data folder: download it, or unpack an archive."""
