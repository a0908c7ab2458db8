"""From a model to numbers that can be believed."""
