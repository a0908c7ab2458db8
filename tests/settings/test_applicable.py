"""socal_core.settings: which settings of a run have an effect, given the others."""

from socal_core.settings import SETTINGS, TINY, TrainConfig, applicable_settings


def applicable(**settings: object) -> set[str]:
    return set(applicable_settings(TrainConfig.from_flat({"model": TINY, **settings})))


def test_frozen_features_have_no_settings_of_training() -> None:
    frozen, trained = applicable(recipe="frozen"), applicable(recipe="finetune")
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
    assert {SETTINGS[name].heading for name in frozen} == {"Model", "Clip", "Control", "Machine", "Split"}


def test_the_stride_applies_only_to_dense_clips() -> None:
    assert "stride" in applicable(recipe="finetune", sampling="dense")
    assert "stride" not in applicable(recipe="finetune", sampling="uniform")
    assert "stride" in applicable(recipe="frozen", sampling="dense")  # it decides which frames are embedded


def test_settings_of_other_split_methods_do_not_apply() -> None:
    assert "fold" not in applicable(split_method="surgeon")
    assert {"fold", "folds"} <= applicable(split_method="k-fold")


def test_settings_of_a_feature_that_is_off_do_not_apply() -> None:
    schedule = {"schedule", "scheduler_patience", "scheduler_factor"}
    everything = applicable(recipe="finetune")
    assert everything - applicable(recipe="finetune", use_lr_scheduler=False) == schedule
    assert everything - applicable(recipe="finetune", use_early_stopping=False) == {"early_stopping_patience"}
    assert "use_lr_scheduler" not in applicable(recipe="frozen")


def test_each_schedule_has_its_own_settings() -> None:
    cosine, plateau = applicable(recipe="notebook", schedule="cosine"), applicable(recipe="notebook")
    assert cosine - plateau == {"warmup_epochs", "min_learning_rate"}
    assert plateau - cosine == {"scheduler_patience", "scheduler_factor"}


def test_settings_of_low_rank_updates_apply_only_with_them() -> None:
    assert applicable(recipe="finetune", tune="lora") - applicable(recipe="finetune") == {"lora_rank", "lora_modules"}


def test_a_setting_depends_only_on_earlier_ones() -> None:
    """The form asks for settings in this order."""
    names = list(SETTINGS)
    for place, item in enumerate(SETTINGS.values()):
        assert set(item.condition) <= set(names[:place]), item.name
