"""What there is to know or to mend about an Application, under Argo's types where Argo has one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from crds.errors import Invalid
from gitops.automation import Choice, Nothing
from gitops.compare import Comparison
from gitops.objects import Key

Said = tuple[str, str]
INVALID = "InvalidSpecError"
DELETION = "DeletionError"
COMPARISON = "ComparisonError"
SYNC = "SyncError"
SHARED = "SharedResourceWarning"
REPEATED = "RepeatedResourceWarning"
UNSUPPORTED = "Unsupported"
IGNORED = "FieldsIgnored"
RECURSION = "AppOfAppsRecursion"
UNMATCHED = "ImageOverrideMatchesNothing"
REWRITTEN = "HistoryRewritten"
MOST_NAMED = 20


class Facts(msgspec.Struct, frozen=True):
    """What was found. `trouble` keeps everything from being compared; `unheard` is asked for in vain.

    `held` is why what Git declares is compared and not synced; `release` what is said of the release.
    """

    problems: tuple[Invalid, ...] = ()
    unsupported: tuple[Invalid, ...] = ()
    ignored: tuple[str, ...] = ()
    refused: str = ""
    trouble: str = ""
    recursion: str = ""
    unmatched: tuple[Invalid, ...] = ()
    repeated: tuple[Key, ...] = ()
    unpermitted: Mapping[Key, str] = {}
    claimed: Mapping[Key, str] = {}
    unheard: tuple[str, ...] = ()
    rewritten: str = ""
    held: str = ""
    release: tuple[Said, ...] = ()

    @property
    def forbidden(self) -> dict[Key, str]:
        """The objects that may not be written: by the project, or because they are another's."""
        return {**self.unpermitted, **self.claimed}

    @property
    def blocked(self) -> str:
        """Why nothing may be synced; "" where something may."""
        wrong = (*(str(one) for one in (*self.problems, *self.unsupported)), self.refused, self.trouble)
        return "; ".join(one for one in wrong if one)


def conditions(
    facts: Facts, comparison: Comparison | None = None, choice: Choice | None = None
) -> tuple[Said, ...]:
    """Each as type and message."""
    return (
        *_each(INVALID, (*map(str, facts.problems), facts.refused, *facts.unpermitted.values())),
        *_each(UNSUPPORTED, map(str, facts.unsupported)),
        *_each(COMPARISON, (facts.trouble, *(comparison.errors if comparison else ()))),
        *_each(SYNC, (choice.condition if isinstance(choice, Nothing) else "",)),
        *_each(SHARED, facts.claimed.values()),
        *_each(REPEATED, (f"{one} is rendered more than once; the last is taken" for one in facts.repeated)),
        *_each(RECURSION, (facts.recursion,)),
        *_each(UNMATCHED, map(str, facts.unmatched)),
        *_each(REWRITTEN, (facts.rewritten,)),
        *_each(IGNORED, (_listed((*facts.ignored, *facts.unheard)),)),
        *facts.release,
    )


def _each(kind: str, messages: Iterable[str]) -> Iterator[Said]:
    return ((kind, one) for one in messages if one)


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"not acted on yet: {', '.join(names[:MOST_NAMED])}{more}" if names else ""
