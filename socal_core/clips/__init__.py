"""Turn frames on the disk into the tensors that a model receives."""
