"""socal_core.settings.acting"""

from socal_core.settings import SETTINGS, TINY, TrainConfig, applicable_settings


def acting(**settings: object) -> set[str]:
    return set(applicable_settings(TrainConfig.from_flat({"model": TINY, **settings})))


def test_frozen_features_have_no_settings_of_training() -> None:
    frozen, trained = acting(recipe="frozen"), acting(recipe="finetune")
    assert frozen - trained == {"encoder"}
    assert {"learning_rate", "num_epochs", "scheduler_patience", "mixup", "dropout_rate", "gpus"} <= trained - frozen
    both = {
        "model",
        "window",
        "num_frames",
        "test_clips",
        "seed",
        "split_method",
        "num_workers",
        "scaled_decoding",
        "sampling",
    }
    assert both <= frozen & trained
    groups = {SETTINGS[name].heading for name in frozen}
    assert groups == {"Model", "Clip", "Machine", "Split"}


def test_the_stride_acts_for_dense_clips_alone() -> None:
    assert "stride" in acting(recipe="finetune", sampling="dense")
    assert "stride" not in acting(recipe="finetune", sampling="uniform")
    assert "stride" in acting(recipe="frozen", sampling="dense")  # it decides which frames are embedded


def test_settings_of_other_ways_to_split_do_not_act() -> None:
    assert "fold" not in acting(split_method="surgeon")
    assert {"fold", "folds"} <= acting(split_method="k-fold")
