"""Pre-training of the small VideoMAE on generated clips. It needs no data set, so no licence applies."""
