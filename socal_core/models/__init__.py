"""Find, build, save and load video classifiers and frozen encoders."""
