"""Simulate where the tools of a trial are in each second.

The suction drains the pool. The grasper brings the cottonoid, takes it away again and brings the muscle. A surgeon with
much control keeps the tools at the vessel; with little control they wander. Positions are in frame heights from the
centre of the frame.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from socal_core.demo.simulate import FloatArray, Stream, Trial, smooth_noise

BoolArray = NDArray[np.bool_]

REACH_SPEED = 0.4
"""Fraction of the distance from the edge of the view to its target that a tool moves per second."""
OUTSIDE = 0.80
"""Distance from the centre at which a tool is out of view."""
EDGE = 0.5
"""Distance from the centre at which the view ends."""
RARE = (("drill", 0.06), ("tool", 0.05), ("scalpel", 0.03))
"""Tools that rarely appear, and the fraction of trials in which they do."""


@dataclass(frozen=True)
class Pose:
    """One tool in one frame."""

    actor: str
    """Name of the tool within the trial; `suction` and `suction 2` are different tools."""
    label: str
    picture: str
    """Name of its sprite; `string` for a string."""
    x: float
    y: float
    """Position of the tip of an instrument, the centre of a patch or the knot of a string."""
    angle: float
    """Direction in radians from the tip along the shaft, or from the knot to the other end of a string."""


@dataclass(frozen=True, eq=False)
class Hand:
    """A tool on a shaft over the whole trial."""

    reach: FloatArray
    """How far the tool has entered, from 0 (out of view) to 1 (at its target), (seconds,)."""
    tip: FloatArray
    """Position of the tip, (seconds, 2)."""
    angle: FloatArray
    """Direction of the shaft in radians, (seconds,)."""

    def poses(self, actor: str, label: str, pictures: list[str]) -> list[Pose | None]:
        """Return one pose per second; None while the tool is out of view."""
        return [
            Pose(actor, label, pictures[second], float(tip[0]), float(tip[1]), float(self.angle[second]))
            if self.reach[second] > 0
            else None
            for second, tip in enumerate(self.tip)
        ]


def move_tools(trial: Trial) -> list[list[Pose]]:
    """Return the tools in each frame of a trial, in the order in which they are drawn."""
    rng = trial.rng(Stream.MOTION)
    length = trial.frames
    seconds = np.arange(length)
    away = _pauses(rng, trial, seconds)
    cottonoid, muscle = trial.cottonoid, trial.muscle
    removal = _removal(rng, trial)
    grasper = _hand(rng, trial, _grasper_needed(rng, trial, seconds, removal) & ~away, rng.uniform(2.5, 3.0), 0.5)
    suction = _hand(rng, trial, (seconds >= rng.integers(1, 5)) & ~away, rng.uniform(0.2, 0.7), 0.0)
    held = _leaving(trial, seconds, removal)
    for placed in (cottonoid, muscle):
        if placed is not None:
            held |= (seconds >= placed - 4) & (seconds < placed)
    jaws = [f"grasper{0 if closed else int(rng.integers(1, 3))}" for closed in held]
    tracks: list[list[Pose | None]] = []
    if muscle is not None:
        tracks.append(_muscle_poses(rng, trial, muscle, grasper, seconds))
    if cottonoid is not None:
        tracks += _cottonoid_poses(rng, trial, (cottonoid, removal), grasper, seconds)
    tracks.append(grasper.poses("grasper", "grasper", jaws))
    tracks.append(suction.poses("suction", "suction", ["suction"] * length))
    tracks += _extra_tools(rng, trial, seconds, away)
    return [[pose for track in tracks if (pose := track[second]) is not None] for second in range(length)]


def _hand(rng: np.random.Generator, trial: Trial, present: BoolArray, heading: float, lift: float) -> Hand:
    """Simulate a tool that enters while it is `present`.

    Args:
        rng: Source of the random numbers.
        trial: The trial, whose surgeon's control sets how much the tool wanders.
        present: When the tool is needed, (seconds,).
        heading: Direction that the tool enters from, in radians clockwise from the right.
        lift: Distance of the tip from the vessel towards `heading`, in units of 0.04 frame heights.
    """
    length = len(present)
    reach = np.empty(length)
    value = 0.0
    for second in range(length):
        value = float(np.clip(value + (REACH_SPEED if present[second] else -REACH_SPEED), 0, 1))
        reach[second] = value
    focus = 1 / (1 + np.exp(-1.5 * trial.shown))
    wander = 0.03 + 0.15 * (1 - focus)
    noise = np.column_stack([smooth_noise(rng, length, 0.35) for _ in range(2)])
    target = np.array(trial.site) + wander * noise + 0.04 * lift * np.array([np.cos(heading), np.sin(heading)])
    target = np.clip(target, -0.36, 0.36)
    turn = heading + 0.06 * smooth_noise(rng, length, 0.2)
    entry = OUTSIDE * np.column_stack([np.cos(turn), np.sin(turn)])
    tip = entry + (target - entry) * reach[:, None]
    behind = 1.6 * entry - tip
    return Hand(reach, tip, np.arctan2(behind[:, 1], behind[:, 0]))


def _grasper_needed(rng: np.random.Generator, trial: Trial, seconds: NDArray[np.int64], removal: float) -> BoolArray:
    """Choose when the grasper is needed: to handle the patches, and sometimes without a patch."""
    needed = np.zeros(len(seconds), dtype=bool)
    if trial.cottonoid is not None:
        needed |= (seconds >= trial.cottonoid - 5) & (seconds <= trial.cottonoid + 3)
        needed |= (seconds >= removal - 3) & (seconds < removal)
    if trial.muscle is not None:
        stays = rng.integers(3, 12)  # it holds the patch for a while
        needed |= (seconds >= trial.muscle - 5) & (seconds <= trial.muscle + stays)
    for _ in range(rng.integers(1, 4)):
        start = rng.uniform(3, 100)
        needed |= (seconds >= start) & (seconds < start + rng.uniform(5, 16))
    return needed & ~_leaving(trial, seconds, removal)


def _leaving(trial: Trial, seconds: NDArray[np.int64], removal: float) -> BoolArray:
    """Return when the grasper carries the cottonoid out."""
    return (trial.cottonoid is not None) & (seconds >= removal) & (seconds < removal + 3)


def _pauses(rng: np.random.Generator, trial: Trial, seconds: NDArray[np.int64]) -> BoolArray:
    """Choose when all tools are out of view to clean the lens; never while a patch is brought."""
    away = np.zeros(len(seconds), dtype=bool)
    for _ in range(rng.integers(1, 3)):
        start = rng.uniform(6, 110)
        placed = [time for time in (trial.cottonoid, trial.muscle) if time is not None]
        if all(not time - 14 < start < time + 6 for time in placed):
            away |= (seconds >= start) & (seconds < start + rng.uniform(4, 7))
    return away


def _removal(rng: np.random.Generator, trial: Trial) -> float:
    """Choose when the cottonoid is removed: before the muscle is brought, or after some time."""
    if trial.cottonoid is None:
        return 0.0
    latest = trial.cottonoid + float(rng.uniform(15, 45))
    if trial.muscle is None:
        return latest
    return min(latest, trial.muscle - 9)


def _cottonoid_poses(
    rng: np.random.Generator, trial: Trial, span: tuple[float, float], grasper: Hand, seconds: NDArray[np.int64]
) -> list[list[Pose | None]]:
    """Simulate the cottonoid, which is carried in, soaks at the vessel and is carried out, and its string."""
    placed, removal = span
    rest = np.array(trial.site) + rng.uniform(-0.05, 0.05, 2)
    turn, exit_turn = rng.uniform(-0.6, 0.6), rng.uniform(-1.2, -0.5)
    patch: list[Pose | None] = []
    string: list[Pose | None] = []
    for second in seconds:
        carried = placed - 4 <= second < placed or removal <= second < removal + 3
        at_rest = placed <= second < removal
        if not at_rest and not (carried and grasper.reach[second] > 0):
            patch.append(None)
            string.append(None)
            continue
        x, y = rest if at_rest else grasper.tip[second]
        soaked = int(np.clip((second - placed) / 6, 0, 4))
        patch.append(Pose("cottonoid", "cottonoid", f"cottonoid{soaked}", float(x), float(y), float(turn)))
        # When the patch is out of view, so is the string behind it.
        visible = np.hypot(x, y) < EDGE
        string.append(Pose("string", "string", "string", float(x), float(y), float(exit_turn)) if visible else None)
    return [string, patch]


def _muscle_poses(
    rng: np.random.Generator, trial: Trial, placed: float, grasper: Hand, seconds: NDArray[np.int64]
) -> list[Pose | None]:
    """Simulate the muscle patch, which is carried in, and stays if the bleeding stops or slips out of view."""
    turn = rng.uniform(-1, 1)
    slip = rng.uniform(0, 2 * np.pi)
    drift = rng.uniform(0.03, 0.07)
    poses: list[Pose | None] = []
    for second in seconds:
        position = np.array(trial.site)
        if trial.stopped is None:
            position = position + drift * (second - placed) * np.array([np.cos(slip), np.sin(slip)])
        carried = placed - 4 <= second < placed and grasper.reach[second] > 0
        x, y = grasper.tip[second] if carried else position
        pose = Pose("muscle", "muscle", "muscle", float(x), float(y), float(turn))
        poses.append(pose if carried or second >= placed else None)
    return poses


def _extra_tools(
    rng: np.random.Generator, trial: Trial, seconds: NDArray[np.int64], away: BoolArray
) -> list[list[Pose | None]]:
    """Simulate the rare tools, and the second suction or grasper that some trials have for some time."""
    wanted = [("suction", "suction 2", 0.3, (10, 30)), ("grasper", "grasper 2", 0.25, (8, 25))]
    wanted += [(label, label, fraction, (3, 6)) for label, fraction in RARE]
    tracks = []
    for label, actor, fraction, (shortest, longest) in wanted:
        start = rng.uniform(2, 90)
        present = (seconds >= start) & (seconds < start + rng.uniform(shortest, longest)) & ~away
        hand = _hand(rng, trial, present, rng.uniform(3.4, 4.2) if label == "suction" else rng.uniform(-0.7, -0.1), 3.0)
        if rng.uniform() < fraction:
            picture = "grasper1" if label == "grasper" else label
            tracks.append(hand.poses(actor, label, [picture] * len(seconds)))
    return tracks
