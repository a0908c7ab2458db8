"""SOSpine, from the readme of the data release (version 1) and Balu et al., Sci Data 2024."""

import re

from socal_core.presets.preset import SUCCESS, TRIAL, Licence, OutcomeColumn, Preset, Published

_TRIAL = r"(?:S(?P<participant>[0-9]{1,9})A(?P<number>[0-9]{1,9})|Clip[0-9]{1,9})"

SOSPINE = Preset(
    name="sospine",
    title="SOSpine",
    description=(
        "SOSpine, *Simulated Outcomes for Durotomy Repair in Minimally Invasive Spine Surgery*, contains training "
        "exercises on cadavers and no patient data. A surgeon repairs a tear of the dura, up to three times in "
        "succession (attempts A1 to A3). Assumed here: success is *Leak At 40mmHg* = N. The readme calls this column "
        "the presence of a leak, and the table has Y and N; yes, true and 1 are read like Y, and no, false and 0 like "
        "N. *Time for repair* is in seconds, as the readme states. The surgeons of Clip0 and Clip1 are unknown. What "
        "the table says about surgeons is not read."
    ),
    trial_id=re.compile(f"^{_TRIAL}$"),
    frame_name=re.compile(rf"^(?P<trial>{_TRIAL})_frame_(?P<index>[0-9]{{1,9}})\.[A-Za-z]+$"),
    example_trial="S1A2",
    example_frame="S1A2_frame_00000001.jpeg",
    outcomes_file="sospine_outcomes.csv",
    boxes_file="sospine_bbox.csv",
    other_files=("sospine_tool_tips.csv",),
    outcomes=(
        OutcomeColumn(TRIAL, "Trial ID", "Trial"),
        OutcomeColumn(
            "repair_time",
            "Time for repair",
            "Time for repair",
            "time from the first contact of an instrument with the dura to the last knot",
            "s",
            reason="it is known only when the repair is over",
            listed=True,
        ),
        OutcomeColumn(
            SUCCESS,
            "Leak At 40mmHg",
            "Outcome",
            "1 if cerebrospinal fluid did not leak at 40 mmHg, else 0",
            reason="it is what is predicted",
        ),
    ),
    successes=("n", "no", "false", "0"),
    failures=("y", "yes", "true", "1"),
    success="the repaired dura did not leak at 40 mmHg",
    ending="A trial ends when the repair is complete, whether or not it leaks afterwards.",
    longest_trial=1_252,
    licences=(
        Licence("CC BY-NC 4.0", "the readme of the data", "https://creativecommons.org/licenses/by-nc/4.0/"),
        Licence("CC BY 4.0", "the pages of the data on Figshare", "https://creativecommons.org/licenses/by/4.0/"),
    ),
    citation=(
        "Balu A, Kugener G, Pangal DJ, et al. Simulated outcomes for durotomy repair in minimally invasive spine "
        "surgery. Sci Data. 2024."
    ),
    doi="10.1038/s41597-023-02744-5",
    address=(
        "https://figshare.com/projects/"
        "Simulated_Outcomes_for_Durotomy_Repair_in_Minimally_Invasive_Spine_Surgery_SOSpine_/142508"
    ),
    published=Published(surgeons=8, trials=24, frames=15_698, boxes=21_371),
    box_titles=("trial_frame", "x1", "y1", "x2", "y2", "label"),
    labels=("durotomy", "grasper", "needle", "needle driver", "nerve hook"),
)
