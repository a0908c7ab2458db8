"""Synthetic data sets that look unlike the demo, to measure how well default settings transfer."""
