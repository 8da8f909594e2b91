"""What one look at a Rollout leaves to the next in the same process; a successor does without
(docs/decisions/0011-a-successor-reckons-settling-anew.md)."""

from __future__ import annotations

from datetime import datetime

import msgspec

from crds.meta import ObjectMeta
from crds.refs import ROLLOUT, Ref
from rollouts.memory import Noted
from tidegate.planners.needs import Answers, Noticed, known


class Note(msgspec.Struct, frozen=True):
    """What the router was seen to say, and since when; since when the status keeps news back."""

    traffic: Noted | None = None
    unsaid_since: datetime | None = None


def note_need(meta: ObjectMeta) -> Noticed:
    return Noticed(Ref(ROLLOUT, meta.namespace, meta.name))


def note_of(meta: ObjectMeta, answers: Answers) -> Note | None:
    """What the last look left; None where this is the first of this process."""
    note = known(answers, note_need(meta))
    return note if isinstance(note, Note) else None
