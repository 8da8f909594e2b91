"""Where a Rollout stands, as one phase and one line, the same in every view.

The controller writes phase and message; two moments it cannot know of are told from here: a spec it has
not seen yet, and a pause a person has just ended.
"""

from __future__ import annotations

from typing import Any

import msgspec

from crds.paths import get
from tidegate.views.steering import observed, unpausing

Raw = dict[str, Any]

GLYPHS = {
    "Healthy": "✔",
    "Successful": "✔",
    "Progressing": "◌",
    "Running": "◌",
    "Pending": "◷",
    "Paused": "॥",
    "Degraded": "✖",
    "Failed": "✖",
    "Error": "⚠",
    "Inconclusive": "?",
    "ScaledDown": "•",
}


class Standing(msgspec.Struct, frozen=True):
    """`phase` is Healthy, Progressing, Paused, Degraded or Unknown; `message` may be empty."""

    phase: str
    message: str = ""

    @property
    def line(self) -> str:
        return f"{self.phase} - {self.message}" if self.message else self.phase

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be waited for: it is well, or it is not."""
        return self.phase in {"Healthy", "Degraded"}


def standing(rollout: Raw) -> Standing:
    """Phase and message of a raw Rollout."""
    if not observed(rollout):
        return Standing("Progressing", "waiting for rollout spec update to be observed")
    if unpausing(rollout):
        return Standing("Progressing", "waiting for rollout to unpause")
    status = get(rollout, "status")
    return Standing(get(status, "phase", default="Unknown"), get(status, "message", default=""))


def marked(phase: str) -> str:
    """A phase behind its glyph: `✔ Healthy`."""
    return f"{GLYPHS.get(phase, '?')} {phase}"
