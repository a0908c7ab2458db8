"""How a person moves: the angles of all joints over time for six kinds of movement."""

from dataclasses import dataclass

import numpy as np

from benchmarks.transfer.body import Pose

KINDS = ("run", "jacks", "dash", "wave", "sway", "stroll")
VIGOROUS = ("run", "jacks", "dash")
RANGES = {
    # Cycles a second, amplitude in degrees, distance travelled in two seconds in widths of the picture.
    "run": ((1.5, 2.6), (32, 55), (0.35, 0.9)),
    "jacks": ((0.8, 1.6), (60, 85), (0.0, 0.05)),
    "dash": ((0.5, 0.9), (40, 60), (0.3, 0.75)),
    "wave": ((1.2, 2.8), (22, 48), (0.0, 0.05)),
    "sway": ((0.5, 1.3), (12, 32), (0.0, 0.08)),
    "stroll": ((0.8, 1.3), (14, 26), (0.1, 0.4)),
}


@dataclass(frozen=True)
class Movement:
    """A movement of one person."""

    kind: str
    frequency: float
    """Cycles a second."""
    amplitude: float
    """Degrees."""
    travel: float
    """Distance in two seconds in widths of the picture; negative to the left."""
    phase: float
    lean: float
    """Posture: degrees that the body leans forward all the time."""
    start: float
    """Second in which a dash begins."""

    @classmethod
    def draw(cls, rng: np.random.Generator, kind: str) -> "Movement":
        """Draw a movement of a kind."""
        frequency, amplitude, travel = (float(rng.uniform(*ends)) for ends in RANGES[kind])
        way = 1 if rng.uniform() < 0.5 else -1
        return cls(
            kind, frequency, amplitude, way * travel, rng.uniform(0, 2 * np.pi), rng.normal(0, 4), rng.uniform(0.3, 0.9)
        )

    def pose(self, time: float) -> Pose:
        """Compute the pose at a time in seconds."""
        turn = 2 * np.pi * self.frequency * time + self.phase
        pose = getattr(self, f"_{self.kind}")(turn, time)
        return pose if self.travel >= 0 else pose.mirrored()

    def _run(self, turn: float, time: float) -> Pose:
        swing, size = np.sin(turn), self.amplitude
        return Pose(
            lean=10 + self.lean,
            hips=(size * swing, -size * swing),
            knees=(25 + 55 * max(np.cos(turn), 0), 25 + 55 * max(-np.cos(turn), 0)),
            shoulders=(-size * swing, size * swing),
            elbows=(80, 80),
            lift=0.05 * abs(np.cos(turn)),
        )

    def _stroll(self, turn: float, time: float) -> Pose:
        swing, size = np.sin(turn), self.amplitude
        return Pose(
            lean=2 + self.lean,
            hips=(size * swing, -size * swing),
            knees=(6 + 24 * max(np.cos(turn), 0), 6 + 24 * max(-np.cos(turn), 0)),
            shoulders=(-0.7 * size * swing, 0.7 * size * swing),
            elbows=(12, 12),
            lift=0.008 * abs(np.cos(turn)),
        )

    def _jacks(self, turn: float, time: float) -> Pose:
        out = (1 - np.cos(turn)) / 2
        arm, leg = 15 + 2 * self.amplitude * out, 3 + 0.35 * self.amplitude * out
        return Pose(self.lean, (leg, -leg), (0, 0), (arm, -arm), (10, -10), 0.09 * np.sin(np.pi * out))

    def _dash(self, turn: float, time: float) -> Pose:
        # Crouches until `start`, then leaps with the arms thrown up, and lands.
        gone = float(np.clip((time - self.start) / 0.7, 0, 1))
        air, size = np.sin(np.pi * gone), self.amplitude
        crouch = float(np.clip(1 - abs(time - self.start) / 0.35, 0, 1))
        return Pose(
            lean=self.lean + 22 * crouch + 6 * gone,
            hips=(30 * crouch + size * air, 30 * crouch - 0.8 * size * air),
            knees=(60 * crouch + 15 * air, 60 * crouch + 35 * air),
            shoulders=(-40 * crouch + 2.6 * size * gone * (1 - 0.5 * gone), -30 * crouch + 2.2 * size * air),
            elbows=(20, 25),
            lift=0.28 * air - 0.1 * crouch,
            ahead=gone - time / 2,
        )

    def _wave(self, turn: float, time: float) -> Pose:
        return Pose(
            lean=self.lean,
            hips=(5, -5),
            knees=(0, 0),
            shoulders=(110 + 0.35 * self.amplitude * np.sin(turn), -10),
            elbows=(55 + self.amplitude * np.sin(turn), -8),
        )

    def _sway(self, turn: float, time: float) -> Pose:
        side = self.amplitude * np.sin(turn)
        return Pose(
            lean=self.lean + side,
            hips=(6, -6),
            knees=(0, 0),
            shoulders=(16 + 0.4 * side, -16 + 0.4 * side),
            elbows=(10, -10),
        )
