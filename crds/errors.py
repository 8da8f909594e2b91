"""What can be wrong with a user's object, in two kinds; anything else is a bug.

`Invalid` waits for an edit. `Retry` waits for the world. They are raised where the fault is seen and
caught in one place, the reconcile loop or the planner that turns them into a condition.
"""

from __future__ import annotations

from datetime import timedelta


class Invalid(Exception):
    """A field holds something we cannot act on; nothing is retried until it is edited.

    `path` names the field (`spec.strategy.canary.steps[2]`), `problem` says what is wrong and what to
    write instead.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


class NotMeasured(Invalid):
    """Right for Argo Rollouts, and not acted on here: no mistake of its author, so nothing fails by it."""


class Retry(Exception):
    """The world is not ready; look again `after`."""

    def __init__(self, why: str, after: timedelta) -> None:
        super().__init__(why)
        self.why = why
        self.after = after
