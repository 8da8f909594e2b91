"""Argo CD at work on an Application that we would work on too.

Nothing of its own keeps two of them apart, so what it wrote does: while its last word on an Application is
young, we write nothing, there or in its destination. It writes `reconciledAt` every three minutes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tidegate.planners.rollout_rival import wrote

Raw = dict[str, Any]

RIVAL = "argocd-application-controller"
SILENCE = timedelta(minutes=5)
WORDS = (
    f"{RIVAL} wrote this Application less than {SILENCE.total_seconds() / 60:.0f} minutes ago; nothing is "
    "written until it has been silent for so long. Stop Argo CD, or start us without --applications"
)


def rival_until(raw: Raw, now: datetime) -> datetime | None:
    """Until when to write nothing; None where nobody else syncs it."""
    theirs = wrote(raw, RIVAL, "")
    return theirs + SILENCE if theirs and now < theirs + SILENCE else None
