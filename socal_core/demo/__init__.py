"""The built-in demo data set: synthetic trials in the published SOCAL layout, rendered by code."""
