"""Tells what is seen of a release, a line each; what only repeats is left out."""

from __future__ import annotations

from collections import Counter

from tidegate.views.seen import (
    Asked,
    Compared,
    Ended,
    Gone,
    Judged,
    Leaving,
    Observed,
    Released,
    Stood,
    Told,
    Typed,
)

GOOD, BAD, DIM, BOLD, BLUE = "32", "31", "2", "1", "36"
Line = tuple[str, str, str]
"""Who, what, colour."""

TELLING = (
    "RolloutUpdated",
    "RolloutStepCompleted",
    "RolloutCompleted",
    "RolloutAborted",
    "ScalingReplicaSet",
)
"""Of Events, those that say what the Rollout's own line does not say anyway."""

SAID_ANYWAY = ("RolloutAborted", "RolloutCompleted")
"""Of those, whose reasons other lines give in full."""


class Timeline:
    """`lines` is asked of each observation, in order: it learns, then tells."""

    def __init__(self) -> None:
        self._versions: dict[str, str] = {}
        self._newest = ""
        self._last: dict[str, object] = {}
        self._leaving: Counter[str] = Counter()

    def lines(self, observed: Observed) -> list[Line]:
        match observed:
            case Released() | Typed() | Ended():
                return self._acted(observed)
            case Asked(weight=weight, by=by):
                return self.anew("asked", weight, ("traffic", f"{by}: {self.shares(weight)}", BOLD))
            case Stood():
                return self._stood(observed) if observed.current else []
            case Judged():
                return self._judged(observed)
            case Told(reason=reason, message=message):
                said = message.partition(": ")[0] if reason in SAID_ANYWAY else message
                return [("event", f"{reason}: {said}", DIM)] if reason in TELLING else []
            case Compared():
                return self._compared(observed)
            case Leaving() | Gone():
                return self._pods(observed, self._versions.get(observed.hash, observed.hash))

    def anew(self, key: str, value: object, line: Line) -> list[Line]:
        """The line, unless `value` was the last of its `key`."""
        known, self._last[key] = self._last.get(key), value
        return [] if known == value else [line]

    def shares(self, weight: int) -> str:
        return f"canary {self._newest} {weight} %, stable {100 - weight} %" if weight else "all on stable"

    def _acted(self, acted: Released | Typed | Ended) -> list[Line]:
        match acted:
            case Released(version=version, image=image):
                self._newest = version
                return [("you", f"apply {image or version}", BLUE)]
            case Typed(command=command):
                return [("you", f"$ {command}", BLUE)]
            case Ended(output=output):
                return [("", output, BLUE)]

    def _stood(self, stood: Stood) -> list[Line]:
        self._versions[stood.hash] = stood.version
        where = f"{stood.version} {stood.phase}"
        if stood.phase in ("Progressing", "Paused"):
            where += f", step {stood.step}/{stood.steps}"
        why = stood.message if stood.phase in ("Paused", "Degraded") else ""
        colour = {"Healthy": GOOD, "Degraded": BAD}.get(stood.phase, "")
        return self.anew("stood", (where, why), ("rollout", f"{where}: {why}" if why else where, colour))

    def _judged(self, judged: Judged) -> list[Line]:
        """While it runs, only when its words change, not its numbers."""
        words = judged.message.partition("canary")[0]
        colour = {"Successful": GOOD, "Failed": BAD}.get(judged.phase, DIM)
        line = f"{judged.phase}: {judged.message}" if judged.message else f"{judged.run} begins"
        return self.anew(judged.run, (judged.phase, words), ("analysis", line, colour))

    def _compared(self, compared: Compared) -> list[Line]:
        """How it stands, and how far its rollback is."""
        name, at = compared.app, compared.revision[:7]
        stands = f"{name}: {compared.sync} at {at}, {compared.health}"
        lines = self.anew(name, stands, ("git", stands, DIM))
        if not compared.phase:
            return lines
        back = f"{name}: {compared.phase}: from {compared.bad[:7]} back to {compared.good[:7]}"
        return [*lines, *self.anew(f"{name} back", back, ("git", back, DIM))]

    def _pods(self, seen: Leaving | Gone, version: str) -> list[Line]:
        """The first pod of a version that is told to go, and the last to be gone."""
        self._leaving[version] += 1 if isinstance(seen, Leaving) else -1
        if isinstance(seen, Gone) and self._leaving[version] == 0:
            return [("pods", f"of {version}: all gone", DIM)]
        return self.anew("pods", version, ("pods", f"of {version}: told to go, {seen.pod} first", DIM))
