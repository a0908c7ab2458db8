"""Video classifiers: where they come from, how they are saved and loaded."""
