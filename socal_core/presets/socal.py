"""SOCAL, from the README of the data release (version 1) and Kugener et al., JAMA Netw Open 2022;5(3):e223177."""

import re

from socal_core.presets.preset import HEIGHT, SUCCESS, SURGEON, TRIAL, WIDTH, Licence, OutcomeColumn, Preset, Published

_TRIAL = r"S(?P<participant>[0-9A-Z]+)T(?P<number>[0-9]{1,9})"
_TEST_SURGEONS = ("203", "206", "303", "306", "316", "318", "403", "505", "616", "807")

SOCAL = Preset(
    name="socal",
    title="SOCAL",
    description=(
        "SOCAL, *Simulated Outcomes following Carotid Artery Laceration*, contains training exercises on cadavers and "
        "no patient data. A surgeon has five minutes to stop the bleeding from an injured carotid artery, once before "
        "coaching (trial 1) and once after it (trial 2)."
    ),
    trial_id=re.compile(f"^{_TRIAL}$"),
    # S311T1a_frame_00000078.jpeg: trial S311T1 of surgeon 311, video a of the trial, frame 78.
    frame_name=re.compile(rf"^(?P<trial>{_TRIAL})(?P<video>[a-z]?)_frame_(?P<index>[0-9]{{1,9}})\.[A-Za-z]+$"),
    example_trial="S102T1",
    example_frame="S102T1_frame_00000078.jpeg",
    outcomes_file="socal_trial_outcomes.csv",
    boxes_file="socal.csv",
    mapping_file="frame_to_trial_mapping.csv",
    surgeons_file="socal_participant_demographics.csv",
    outcomes=(
        OutcomeColumn(TRIAL, "trial_id", "Trial"),
        OutcomeColumn(SURGEON, "participant_id", "Surgeon"),
        OutcomeColumn(
            "cottonoid",
            "cottonoid",
            "Time to cottonoid",
            "time until the cottonoid was placed",
            "s",
            reason="it is timed during the trial whose end is predicted",
        ),
        OutcomeColumn(
            "cottonoid_success",
            "cottonoid_success",
            "Cottonoid placed",
            "1 if the cottonoid was placed, else 0",
            reason="it is the outcome of a step of the trial",
        ),
        OutcomeColumn(
            "muscle",
            "muscle",
            "Time to muscle",
            "time until the muscle patch was placed",
            "s",
            reason="the time at which the muscle patch was placed belongs to the end of the trial",
        ),
        OutcomeColumn(
            "muscle_success",
            "muscle_success",
            "Muscle placed",
            "1 if the muscle patch was placed, else 0",
            reason="success is haemostasis with the muscle patch",
        ),
        OutcomeColumn(
            "tth",
            "tth",
            "Time to haemostasis",
            "time to haemostasis, at most 300",
            "s",
            reason="the time to haemostasis is at most 300 s in a failed trial and ends a successful one",
            listed=True,
        ),
        OutcomeColumn(
            SUCCESS, "success", "Outcome", "1 if the bleeding was controlled, else 0", reason="it is what is predicted"
        ),
        OutcomeColumn(
            "blood_loss",
            "blood_loss",
            "Blood loss",
            "blood loss",
            "mL",
            reason="it is measured when the trial is over, and grows with the time to haemostasis",
            listed=True,
        ),
        OutcomeColumn(WIDTH, "trial_video_width", "Width of the frames", unit="px"),
        OutcomeColumn(HEIGHT, "trial_video_height", "Height of the frames", unit="px"),
    ),
    success="the bleeding was stopped with a muscle patch within five minutes",
    ending="A trial ends when the bleeding stops; a failed trial continues to the time limit.",
    longest_trial=300,
    licences=(Licence("CC BY-NC 4.0", "the readme of the data", "https://creativecommons.org/licenses/by-nc/4.0/"),),
    citation=(
        "Kugener G, Pangal DJ, Cardinal T, et al. Utility of the Simulated Outcomes Following Carotid Artery "
        "Laceration Video Data Set for Machine Learning Applications. JAMA Netw Open. 2022;5(3):e223177."
    ),
    doi="10.1001/jamanetworkopen.2022.3177",
    address="https://figshare.com/articles/dataset/Simulated_Outcomes_following_Carotid_Artery_Laceration/15132468",
    published=Published(surgeons=177, trials=147, frames=31_443, boxes=65_071),
    labels=("suction", "grasper", "cottonoid", "string", "muscle", "drill", "tool", "scalpel"),
    window="0:60",
    # Two trials of each of ten surgeons: https://github.com/jonahmackey/MAT497.
    test_trials=tuple(f"S{surgeon}T{number}" for surgeon in _TEST_SURGEONS for number in (1, 2)),
    coached=True,
)
