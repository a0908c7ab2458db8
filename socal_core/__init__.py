"""Predict how an operation ends from its video: the library under the app and the command line."""

import os

# All are read once, when huggingface_hub and PyTorch are first imported.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# PyTorch's threads wait asleep, not spinning: beside a busy browser on two cores a training step is three times faster.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Large tensors lie in large pages of memory: a batch of clips is turned into floats three times as fast.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
