"""The sidebar: which data folder."""
