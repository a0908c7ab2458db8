"""The commands that analyse, explain and export the results of runs, and their arguments."""

from pathlib import Path
from typing import Any

from socal_core.cli.options import add_command


def add_exports(commands: Any) -> None:
    """Add the commands that hand on a run."""
    text = "Write the run card: data, split, settings, results with intervals, limits, licences, reporting checklists."
    sub = add_command(commands, "exports", "card", text)
    sub.add_argument("run", type=Path)
    sub.add_argument("out", type=Path, help="the file to write, OUT.html or OUT.json; an existing one is replaced")
    sub.add_argument(
        "--pseudonymize",
        action="store_true",
        help="replace the ids of trials and surgeons by pseudonyms, and leave out the title and the choice of trials",
    )
    text = "Export the best checkpoint of a run as a folder for Hugging Face's tools, with a model card."
    sub = add_command(commands, "exports", "export", text)
    sub.add_argument("run", type=Path)
    sub.add_argument("out", type=Path, help="a folder that does not exist yet, or is empty")
    sub.add_argument("--onnx", action="store_true", help="add the model as ONNX, checked with onnxruntime")


def add_result_commands(commands: Any) -> None:
    """Add the commands that analyse results."""
    sub = add_command(
        commands, "results", "subgroups", "Report accuracy and AUROC of a run by subgroup of its test trials."
    )
    sub.add_argument("run", type=Path)
    sub.add_argument("--json", action="store_true")
    sub = add_command(commands, "results", "similar", "List the trials of a run that look most like one of them.")
    sub.add_argument("run", type=Path)
    sub.add_argument("trial_id")
    sub.add_argument("--count", type=int, default=5, help="number of trials to list (default: 5)")
    sub.add_argument("--json", action="store_true")
    sub = add_command(commands, "results", "compare", "Compare two runs that were tested on the same trials.")
    sub.add_argument("run", type=Path)
    sub.add_argument("other", type=Path)
    sub.add_argument("--view", metavar="NAME", help="only the test trials in a saved view of the data folder")
    sub.add_argument("--json", action="store_true")
    text = "Report AUROC and accuracy of a run whose model sees only the first 10, 20, … 60 s of its window."
    sub = add_command(commands, "results", "earliness", text)
    sub.add_argument("run", type=Path)
    sub.add_argument("--json", action="store_true")

    text = "Explain the prediction for a trial: without each tool, each part of the window, each place in the frame."
    sub = add_command(commands, "explanations", "explain", text)
    sub.add_argument("run", type=Path)
    sub.add_argument("trial_id")
    sub.add_argument("--out", type=Path, required=True, help="a folder that does not exist yet, or is empty")
    sub.add_argument("--attention", action="store_true", help="also map the attention of a fine-tuned VideoMAE")
    sub.add_argument("--json", action="store_true")
