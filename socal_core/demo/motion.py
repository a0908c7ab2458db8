"""Where the tools of a trial are, second by second.

Suction looks after the pool; the grasper brings the cottonoid, takes it away again and brings the muscle. A surgeon in
control keeps the tools at the vessel, one who is not lets them wander. Positions are in frame heights from the middle
of the frame.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from socal_core.demo.simulate import FloatArray, Stream, Trial, smooth_noise

BoolArray = NDArray[np.bool_]

REACH_SPEED = 0.4
"""Share of the way between the edge of the view and its target that a tool moves in a second."""
OUTSIDE = 0.80
"""Distance from the middle at which a tool is out of view."""
EDGE = 0.5
"""Distance from the middle at which the view ends."""
RARE = (("drill", 0.06), ("tool", 0.05), ("scalpel", 0.03))
"""Tools that hardly ever appear, and the share of trials in which they do."""


@dataclass(frozen=True)
class Pose:
    """One tool in one frame."""

    actor: str
    """Which tool of the trial: `suction` and `suction 2` are two."""
    label: str
    picture: str
    """Its sprite; for a string `string`."""
    x: float
    y: float
    """The tip of an instrument, the middle of a patch, the knot of a string."""
    angle: float
    """Direction from the tip along the shaft, or towards the string's far end."""


@dataclass(frozen=True, eq=False)
class Hand:
    """A tool on a shaft over the whole trial: how far it is in (0 to 1) and where its tip is."""

    reach: FloatArray
    tip: FloatArray
    """(seconds, 2)."""
    angle: FloatArray

    def poses(self, actor: str, label: str, pictures: list[str]) -> list[Pose | None]:
        """One pose a second; None while the tool is out."""
        return [
            Pose(actor, label, pictures[second], float(tip[0]), float(tip[1]), float(self.angle[second]))
            if self.reach[second] > 0
            else None
            for second, tip in enumerate(self.tip)
        ]


def move_tools(trial: Trial) -> list[list[Pose]]:
    """For each frame the tools in it, the ones that lie lowest first."""
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
    """A tool that enters from the direction `heading` (radians, clockwise from the right) while it is `present`."""
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
    """When the grasper is at work: with the patches, and now and then for itself."""
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
    """When the grasper carries the cottonoid out."""
    return (trial.cottonoid is not None) & (seconds >= removal) & (seconds < removal + 3)


def _pauses(rng: np.random.Generator, trial: Trial, seconds: NDArray[np.int64]) -> BoolArray:
    """When everything is out of view, to clean the lens; never while a patch is brought."""
    away = np.zeros(len(seconds), dtype=bool)
    for _ in range(rng.integers(1, 3)):
        start = rng.uniform(6, 110)
        placed = [time for time in (trial.cottonoid, trial.muscle) if time is not None]
        if all(not time - 14 < start < time + 6 for time in placed):
            away |= (seconds >= start) & (seconds < start + rng.uniform(4, 7))
    return away


def _removal(rng: np.random.Generator, trial: Trial) -> float:
    """When the cottonoid is taken away: before the muscle comes, or after a while."""
    if trial.cottonoid is None:
        return 0.0
    latest = trial.cottonoid + float(rng.uniform(15, 45))
    if trial.muscle is None:
        return latest
    return min(latest, trial.muscle - 9)


def _cottonoid_poses(
    rng: np.random.Generator, trial: Trial, span: tuple[float, float], grasper: Hand, seconds: NDArray[np.int64]
) -> list[list[Pose | None]]:
    """The cottonoid and its string: carried in, left at the vessel, carried out; it soaks with the time it lies."""
    placed, removal = span
    rest = np.array(trial.site) + rng.uniform(-0.05, 0.05, 2)
    turn, exit_turn = rng.uniform(-0.6, 0.6), rng.uniform(-1.2, -0.5)
    patch: list[Pose | None] = []
    string: list[Pose | None] = []
    for second in seconds:
        carried = placed - 4 <= second < placed or removal <= second < removal + 3
        lies = placed <= second < removal
        if not lies and not (carried and grasper.reach[second] > 0):
            patch.append(None)
            string.append(None)
            continue
        x, y = rest if lies else grasper.tip[second]
        soaked = int(np.clip((second - placed) / 6, 0, 4))
        patch.append(Pose("cottonoid", "cottonoid", f"cottonoid{soaked}", float(x), float(y), float(turn)))
        # Once the patch is out of view, so is the string behind it.
        trails = np.hypot(x, y) < EDGE
        string.append(Pose("string", "string", "string", float(x), float(y), float(exit_turn)) if trails else None)
    return [string, patch]


def _muscle_poses(
    rng: np.random.Generator, trial: Trial, placed: float, grasper: Hand, seconds: NDArray[np.int64]
) -> list[Pose | None]:
    """The muscle patch: carried in; it stays at the vessel when the bleeding stops, else it slips out of view."""
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
    """A second suction or grasper for a while in some trials, and the rare tools."""
    wanted = [("suction", "suction 2", 0.3, (10, 30)), ("grasper", "grasper 2", 0.25, (8, 25))]
    wanted += [(label, label, share, (3, 6)) for label, share in RARE]
    tracks = []
    for label, actor, share, (shortest, longest) in wanted:
        start = rng.uniform(2, 90)
        present = (seconds >= start) & (seconds < start + rng.uniform(shortest, longest)) & ~away
        hand = _hand(rng, trial, present, rng.uniform(3.4, 4.2) if label == "suction" else rng.uniform(-0.7, -0.1), 3.0)
        if rng.uniform() < share:
            picture = "grasper1" if label == "grasper" else label
            tracks.append(hand.poses(actor, label, [picture] * len(seconds)))
    return tracks
