"""A small synthetic folder in the layout of SOSpine."""

from pathlib import Path

from PIL import Image

from socal_core.presets import SOSPINE
from tests.factories import write_csv

HEADER = ("Trial ID", "Length", "Postgraduate year", "Time for repair", "Leak At 40mmHg", "Total Frames at 1 FPS")
SIZE = (64, 48)


def name(trial: str, number: int) -> str:
    return f"{trial}_frame_{number:08d}.jpeg"


def write_spine(root: Path, surgeons: int = 6, frames: int = 3, attempts: int = 3) -> Path:
    """Write the attempts S1A1, S1A2, …, and Clip0 of an unknown surgeon, in a folder for each trial.

    Attempt 1 leaks, and so do all attempts of even surgeons but the last. Every frame has one grasper box, the last
    frame of each trial none. Nothing is wrong with the folder.
    """
    root.mkdir(parents=True, exist_ok=True)
    outcomes: list[list[object]] = [["Clip0", "0:00:03", "", "", "", frames]]
    boxes: list[list[object]] = []
    trials = [f"S{surgeon}A{attempt}" for surgeon in range(1, surgeons + 1) for attempt in range(1, attempts + 1)]
    for trial in ("Clip0", *trials):
        (root / "frames" / trial).mkdir(parents=True)
        for number in range(1, frames + 1):
            Image.new("RGB", SIZE, (90, 20 * number, 30)).save(root / "frames" / trial / name(trial, number))
            corners = ["", "", "", "", ""] if number == frames else [4, 5, 20 + number, 25, "grasper"]
            boxes.append([name(trial, number), *corners])
    for trial in trials:
        surgeon, attempt = int(trial[1:-2]), int(trial[-1])
        leaks = attempt == 1 or (surgeon % 2 == 0 and attempt < attempts)
        outcomes.append([trial, "0:00:03", 2, 300 + 10 * surgeon + attempt, "Y" if leaks else "N", frames])
    write_csv(root / SOSPINE.outcomes_file, outcomes, HEADER)
    write_csv(root / SOSPINE.boxes_file, boxes, SOSPINE.box_titles)
    return root
