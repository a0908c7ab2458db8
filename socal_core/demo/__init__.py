"""The embedded demo data set: synthetic trials in the published SOCAL layout, drawn by code."""
