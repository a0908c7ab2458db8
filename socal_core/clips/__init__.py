"""From frames on disk to the tensors a model is given."""
