"""The chapters of the Guide."""

from dataclasses import dataclass
from pathlib import Path

PICTURES = Path(__file__).parent
SUFFIX = ".webp"


@dataclass(frozen=True)
class Chapter:
    """A page of the app: the question that it answers, and a picture of it."""

    title: str
    script: str
    question: str
    text: str
    shows: str
    """What the picture shows, for those who cannot see it."""

    @property
    def name(self) -> str:
        """The name of the page, which its picture has too."""
        return Path(self.script).stem

    @property
    def picture(self) -> Path:
        """The file of the picture."""
        return PICTURES / f"{self.name}{SUFFIX}"


CHAPTERS = (
    Chapter(
        "Overview",
        "app.py",
        "What is here?",
        "The data in numbers, the four steps, and the newest runs. A run is one training of one model.",
        "The Overview page: seven numbers about the data, four steps, and a table of runs.",
    ),
    Chapter(
        "Dataset",
        "pages/dataset.py",
        "What is in my data, and can I trust it?",
        "Outcomes, lengths and instruments of the trials. *Problems* lists errors in your files, with file and row, "
        "and what to do about them. *Leaks* shows whether something other than the operation gives the outcome away, "
        "such as the size of the frames.",
        "The Dataset page: charts of outcomes, lengths and boxes.",
    ),
    Chapter(
        "Training",
        "pages/training.py",
        "How do I train a model?",
        "Press *Start training*; the default settings are a good start. They never train and test on trials of one "
        "surgeon. You can close the browser: the run goes on, and a line at the top of every page says when it has "
        "ended.",
        "The Training page: a run with its settings and results, and the settings of the next run at the left.",
    ),
    Chapter(
        "Evaluation",
        "pages/evaluation.py",
        "How good is the model, and how certain is that?",
        "The first sentence compares the model with simple rules, such as the colour of the frames. If a simple rule "
        "does as well, the model has not shown that it uses more. Yellow messages warn of problems that could make "
        "the results misleading.",
        "The Evaluation page: a sentence that compares the model with its best control, and scores with intervals.",
    ),
    Chapter(
        "Trial viewer",
        "pages/trial_viewer.py",
        "Which trials does it get right, and which not?",
        "Play a trial with its boxes and see what the model predicted. Start with the wrong predictions: they often "
        "show what the model relies on.",
        "The Trial viewer: a frame with boxes around the instruments, and the prediction beside it.",
    ),
)

DATA = """
1. Put one folder on the computer that runs this app: the frames in `JPEGImages/`, or in one folder per trial, or as
   videos, and the table of outcomes.
2. If you have boxes around instruments, put them there too, as your annotation program exports them (CSV, YOLO,
   Pascal VOC, CVAT, COCO or MOT).
3. At the left, open **Change data set**, type the path of the folder and press **Open folder**.
4. Look at **Problems** on the Dataset page. Your files are never changed.

Your data stay on that computer. The app does not send them anywhere.
"""

INTERVAL = """
A score is measured on a few trials. With other trials it would be another number. The range beside a score, such as
*0.71 to 0.93*, is its **95 % interval**: values that fit the data. With many repetitions of such a study, 95 of 100
intervals contain the true value.

- **A wide interval** means: too few surgeons to know. More trials of the same surgeons help little.
- **AUROC** is the chance that a random success gets a higher probability than a random failure. 0.5 is a coin. If 0.5
  lies in the interval, the model may know nothing.
- **Two models** are compared by the interval of their difference. If it contains 0, the data do not show which is
  better.
- **Too few surgeons** instead of a range means that there are not enough surgeons for a reliable one.
"""

TASK = """
The *observation window* is the part of a trial that the model sees, such as the first 60 seconds.

- **Prediction**: most trials go on after the window. The model says what will happen. This can help a surgeon in time.
- **Recognition**: most trials end inside the window. The model may see the outcome itself, and scores are high
  for a simple reason. This cannot warn anyone.

Never compare the two. The app names the task at each result, and on the Training page it warns of recognition and
names a window that avoids it.
"""
