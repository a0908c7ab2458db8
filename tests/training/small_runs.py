"""Settings of runs that train in a fraction of a second, and such a run."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, config_from
from tests.models.checkpoints import write_pretrained

QUICK = {
    "recipe": "finetune",
    "num_frames": 4,
    "test_clips": 1,
    "num_epochs": 3,
    "batch_size": 4,
    "validation_fraction": 0.2,
    "test_fraction": 0.2,
    "early_stopping_patience": 2,
}


EVERYTHING = {
    "sampling": "segments",
    "test_clips": 2,
    "crop_area": 0.7,
    "rotation_degrees": 10.0,
    "random_erasing": 0.25,
    "rand_augment": 7.0,
    "mixup": 0.8,
    "cutmix": 1.0,
    "repeated_augmentation": 2,
    "drop_path": 0.2,
    "head_dropout": 0.5,
    "label_smoothing": 0.1,
    "gradient_clipping": 1.0,
    "weight_averaging": 0.9,
    "test_crops": 3,
}


NO_DROPOUT = {"dropout_rate": 0.0, "head_dropout": 0.0, "drop_path": 0.0}
"""Settings that are random for each part of a batch, so that results depend on its parts."""


@cache
def small_model() -> str:
    """Write a model that computes far faster than `tiny`, once per process, and return its folder."""
    parent = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, parent)
    write_pretrained(Path(parent, "model"), use_mean_pooling=True)
    return str(Path(parent, "model"))


def new_run(folder: Path, data: Path, **settings: Any) -> RunFolder:
    """Create a run of a small model, unless the settings name another one."""
    return RunFolder.create(folder, config_from({"model": small_model(), **QUICK, **settings}, TINY), data)
