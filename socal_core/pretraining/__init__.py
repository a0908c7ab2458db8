"""Pre-training of the small VideoMAE on generated clips: no data set is needed, and no licence applies."""
