"""What a run loads before its first step, its data and its model. Nothing is lost if this is interrupted."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from accelerate import Accelerator

from socal_core.dataset.dataset import Dataset
from socal_core.models.build import VideoClassifier, build_classifier, load_classifier
from socal_core.models.tuning import choose_trained_weights
from socal_core.models.weights_record import check_weights
from socal_core.runs.folder import RunFolder
from socal_core.settings import LORA, TrainConfig
from socal_core.splits import Split
from socal_core.training.run_split import split_of, with_outcomes_of_control, with_target_of_run
from socal_core.training.signals import interrupted_by_stop


def stopping_at_once(run: RunFolder, accelerator: Accelerator) -> AbstractContextManager[None]:
    """Return a context that the file `stop` interrupts at any place, in a run of one process."""
    return interrupted_by_stop(run) if accelerator.num_processes == 1 else nullcontext()


def load_data(run: RunFolder, config: TrainConfig, accelerator: Accelerator) -> tuple[Dataset, Split]:
    """Open the data set of a run with its target, and read its split or write it.

    Raises:
        SocalError: The data cannot be used.
        StopRequested: The user asked the run to stop.
    """
    # The other processes read the split and the target that the main process writes.
    with stopping_at_once(run, accelerator), accelerator.main_process_first():
        dataset = run.open_dataset()
        split = split_of(run, config.split, dataset, accelerator.is_main_process)
        dataset = with_target_of_run(run, dataset, split, accelerator.is_main_process)
        return with_outcomes_of_control(dataset, split, config), split


def load_network(
    run: RunFolder, config: TrainConfig, dataset: Dataset, checkpoint: Path | None, accelerator: Accelerator
) -> VideoClassifier:
    """Load the network of a run: that of its checkpoint, or the one that it starts from.

    Raises:
        ModelError: The model cannot be used.
        StopRequested: The user asked the run to stop.
    """
    with stopping_at_once(run, accelerator):
        if checkpoint is None:
            classifier = build_classifier(config, dataset.target)
        elif config.model.tune == LORA:  # its checkpoints hold the weights with the updates added
            check_weights(run)
            classifier = build_classifier(config, dataset.target)
        else:
            classifier = load_classifier(checkpoint)
        choose_trained_weights(classifier.model, config.model, config.split.seed)
        return classifier
