"""What is known of an Application by now: Git's head, what it declares there, what is there, what would be.

Each question asks for what the one before needs; what is known again as before is the very object it was.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property

from crds.application import Application
from crds.application_rollback import KnownGood
from crds.application_source import as_json
from crds.application_status import ResourceResult, ResourceStatus
from crds.paths import get
from crds.refs import APPLICATION, NAMESPACE, Ref, Resource
from crds.returns import is_marked, mark, marked
from gitops.compare import Hidden, to_send
from gitops.hooks import called
from gitops.objects import Key, desired, flat, group_version, is_definition, key_of, scope_of, unique
from gitops.plan import asked_revision
from gitops.recursion import Folders, folders
from gitops.refresh import asked, poll_at
from gitops.rejection import ROLLOUT
from gitops.release import remembered
from gitops.releases import Moving, is_mover, moving
from gitops.rollback import UNMENDED
from gitops.sources import Found, Manifests, digest, is_commit
from gitops.tracking import instance, tracked_by
from tidegate.planners.application_objects import Sent, kinds_of, named, placed, served
from tidegate.planners.application_parent import parent, parent_needs
from tidegate.planners.application_reading import Reading
from tidegate.planners.needs import (
    Answers,
    DryRun,
    Failed,
    Head,
    Known,
    Object,
    Raw,
    Rendered,
    Served,
    Undone,
    known,
)
from tidegate.planners.settings import Site

RUNNING = ("Running", "Terminating")
CLAIMS = (
    ("metadata", "name"),
    ("metadata", "namespace"),
    ("metadata", "deletionTimestamp"),
    ("spec", "project"),
    ("spec", "destination"),
    ("spec", "rollback"),
    ("spec", "syncPolicy", "rollback"),
    ("status", "rollback"),
)
"""What of another Application says which objects are its own, and whether it has a revert open."""
ANY = datetime(1970, 1, 1, tzinfo=UTC)
"""What is asked does not depend on when."""


class Sight:
    """One Application and the answers so far; each question below asks for what the one before needs."""

    def __init__(
        self, raw: Raw, application: Application, answers: Answers, of: tuple[Site, Reading]
    ) -> None:
        self.raw, self.application, self.answers = raw, application, answers
        self.site, self.reading = of
        self.home = self.site.home
        self.me = Ref(APPLICATION, application.metadata.namespace, application.name)

    # What is asked of Git

    @property
    def leaving(self) -> bool:
        return self.application.metadata.deletion_timestamp is not None

    def head(self, now: datetime) -> Head | None:
        """What the target names."""
        source = self.application.spec.source
        return self._head(source.target_revision, now) if source else None

    def asked_head(self, now: datetime) -> Head | None:
        """What the operation names, where that is another thing than a commit."""
        named = asked_revision(self.application)
        return self._head(named, now) if named and not is_commit(named) else self.head(now)

    def rendered(self, now: datetime) -> Rendered | None:
        source, named = self.application.spec.source, asked_revision(self.application)
        commit = named if is_commit(named) else self.commit(self.asked_head(now))
        if source is None or not commit:
            return None
        written = as_json(get(self.raw, "spec", "source"))
        anew = asked(self.application) == "hard"
        return Rendered(source.repo_url, commit, written, self.application.name, self.folders, anew)

    @property
    def folders(self) -> Folders:
        return folders(self.application, self.site.recurse)

    def dry_run(self, one: Sent) -> DryRun | None:
        """None where nobody can be asked: the namespace or the kind is not there yet."""
        if one.ref is None or one.ref.namespace not in self._spaces:
            return None
        if not one.ref.namespace and self.nowhere(one):
            return None
        return DryRun(one.ref, one.body, f"{one.version} {self._try}")

    def nowhere(self, one: Sent) -> bool:
        """Whether it needs a namespace, and neither it nor the destination names one."""
        if one.ref is None or one.ref.namespace:
            return False
        found = self.resource(one.wanted)
        return found is not None and found.namespaced

    # What is known by now

    @cached_property
    def manifests(self) -> Manifests | None:
        found = self.rendered(ANY)
        value = known(self.answers, found) if found else None
        return value if isinstance(value, Manifests) else None

    @cached_property
    def declared(self) -> tuple[Raw, ...]:
        """Each that is declared as before is the very object that it was before."""
        found = self.manifests
        if found is None:
            return ()
        return self.reading.once("declared", (found,), lambda: self.reading.again(flat(found.objects)))

    @cached_property
    def wanted(self) -> tuple[Raw, ...]:
        return self.distinct[0]

    @cached_property
    def distinct(self) -> tuple[tuple[Raw, ...], tuple[Key, ...]]:
        """What Git wants, in its namespaces and marked as ours, once all kinds are known; and repeats."""
        if any(need not in self.answers for need in self.kinds):
            return (), ()
        scopes = {
            (need.group, need.kind): found.namespaced
            for need in self.kinds
            if (found := known(self.answers, need))
        }
        name, to = self.instance, self.application.spec.destination.namespace
        crds = self._definitions
        found = self.reading.each(
            "placed",
            ((raw, crds) for raw in self._called),
            lambda raw, crds: desired(raw, name, to, scope_of(raw, scopes, crds) is not False),
            (scopes, name, to),
        )
        return self.reading.once("distinct", (found,), lambda: unique(found))

    @cached_property
    def _called(self) -> tuple[Raw, ...]:
        """What is declared; hooks without a name have that of the last sync, which may be running."""
        state, declared, asked = self.application.status.operation_state, self.declared, self.rendered(ANY)
        begun = state.started_at if state else None
        sync = f"{asked.commit if asked else ''}"[:7] + (f"-{begun.timestamp():.0f}" if begun else "")
        return self.reading.each("called", ((raw,) for raw in declared), lambda raw: called(raw, sync), sync)

    @cached_property
    def _definitions(self) -> tuple[Raw, ...]:
        declared = self.declared
        found = self.reading.once("definitions", (declared,), lambda: tuple(filter(is_definition, declared)))
        return self.reading.each("definition", ((raw,) for raw in found), lambda raw: raw)

    @cached_property
    def keys(self) -> frozenset[Key]:
        """Of what is wanted."""
        return self.reading.once("keys", (self.wanted,), lambda: frozenset(map(key_of, self.wanted)))

    @cached_property
    def kinds(self) -> tuple[Served, ...]:
        return self.reading.once("kinds", (self.declared,), lambda: kinds_of(self.declared))

    @cached_property
    def objects(self) -> tuple[Object | None, ...]:
        """What is wanted, where its kind is served."""
        return self._places("objects", self.wanted, self.kinds)

    @cached_property
    def left_over(self) -> tuple[Object | None, ...]:
        """What was recorded, of what is known to be wanted, too, that is asked already."""
        what, raws = ("gone", self._gone) if self.wanted else ("recorded", self._recorded)
        return self._places(f"{what} places", raws, self.recorded_kinds)

    def _places(
        self, what: str, raws: tuple[Raw, ...], kinds: tuple[Served, ...]
    ) -> tuple[Object | None, ...]:
        """None of them before all their kinds are asked for."""
        if any(need not in self.answers for need in kinds):
            return ()
        served = tuple(known(self.answers, need) for need in kinds)
        return self.reading.each(what, ((raw,) for raw in raws), self._place, served)

    def _place(self, raw: Raw) -> Object | None:
        ref = self.at(raw)
        return Object(ref) if ref else None

    @cached_property
    def _spaces(self) -> set[str]:
        """The namespaces that are there, "" for what lies in none."""
        return {"", *(name for name in {key.namespace for key in self.keys} if self.namespace(name))}

    @cached_property
    def sent(self) -> tuple[Sent, ...]:
        """Once all that is there is known."""
        if not self._live:
            return ()
        moved, ignored = moving(self.movers), self.application.spec.ignore_differences
        back = self._goes_back
        return self.reading.each(
            "sent",
            zip(self.wanted, self._live, self.objects, strict=True),
            lambda raw, there, asked: self._sent(raw, there, asked.ref if asked else None, moved),
            (moved, ignored, back),
        )

    def _sent(self, raw: Raw, live: Raw | None, ref: Ref | None, moved: Moving) -> Sent:
        wanted, guard = to_send(raw, live, self.application.spec.ignore_differences, moved)
        return Sent(self._marked(wanted, live, ref), live, guard, ref)

    @cached_property
    def _live(self) -> tuple[Raw | None, ...]:
        """What is there of what is wanted, once that is known of all."""
        if any(need and need not in self.answers for need in self.objects):
            return ()
        return tuple(known(self.answers, need) if need else None for need in self.objects)

    @cached_property
    def movers(self) -> tuple[Raw, ...]:
        """Rollouts and autoscalers, wanted and live, and what is no more wanted."""
        places = self._movers if self._live else ()
        found = (raw for at in places for raw in (self.wanted[at], self._live[at]) if raw)
        return (*found, *self.extras)

    @cached_property
    def _movers(self) -> tuple[int, ...]:
        """Where they stand among what is wanted."""
        numbered = enumerate(self.wanted)
        return self.reading.once(
            "movers", (self.wanted,), lambda: tuple(at for at, raw in numbered if is_mover(raw))
        )

    @cached_property
    def dry_runs(self) -> tuple[DryRun | None, ...]:
        """Of what is sent, one by one."""
        alike = (self._spaces, self._try)
        return self.reading.each("dry runs", ((one,) for one in self.sent), self.dry_run, alike)

    @cached_property
    def rendering(self) -> str:
        """The digest of what is declared, "" while that is not known."""
        if self.manifests is None:
            return ""
        return self.reading.once("digest", (self.declared,), lambda: digest(self.declared))

    @cached_property
    def again(self) -> KnownGood | None:
        """What was good before the last release, where that is declared again."""
        goods, history = remembered(self.application.status).goods, self.application.status.history
        asked = self.rendered(ANY)
        if not (goods[:-1] and history and asked and self.declared) or history[-1].revision == asked.commit:
            return None
        return next((one for one in goods[:-1] if one.rendering == self.rendering), None)

    @cached_property
    def undone(self) -> Undone | None:
        """Asked once it is known who declares us."""
        good, asked = self.again, self.rendered(ANY)
        if not (good and asked) or any(need not in self.answers for need in parent_needs(self)):
            return None
        last = self.application.status.history[-1].revision
        me = f"{self.me.namespace}/{self.me.name}"
        return Undone(
            asked.repo, good.revision, last, asked.commit, me, asked.source, asked.folders, parent(self)
        )

    def _marked(self, raw: Raw, live: Raw | None, ref: Ref | None) -> Raw:
        """A Rollout that goes back to what was good is told so, once and for all that it stays there."""
        if ref is None or (ref.kind.group, ref.kind.kind) != ROLLOUT:
            return raw
        kept = is_marked(live) and mark(raw) == mark(live or {})
        return marked(raw) if kept or self._goes_back else raw

    @cached_property
    def _goes_back(self) -> bool:
        return self.undone is not None and known(self.answers, self.undone) is True

    @cached_property
    def extras(self) -> tuple[Raw, ...]:
        """What is ours by its tracking id, and was recorded, and is no more in Git."""
        found = (self.live(self.at(raw)) for raw in self._gone)
        ours = (raw for raw in found if raw is not None and tracked_by(raw) == self.instance)
        return tuple({key_of(raw): raw for raw in ours if key_of(raw) not in self.keys}.values())

    @cached_property
    def hidden(self) -> tuple[Hidden, ...]:
        """What was recorded, is no more in Git, and cannot be seen."""
        said = ((raw, self.unseen(raw, self.at(raw))) for raw in self._gone)
        return tuple(Hidden(key_of(raw), group_version(raw)[1], why.why) for raw, why in said if why)

    @property
    def _gone(self) -> tuple[Raw, ...]:
        """What was recorded, and is no more in Git."""
        found, keys = self._recorded, self.keys
        return self.reading.once(
            "gone", (found, keys), lambda: tuple(raw for raw in found if key_of(raw) not in keys)
        )

    @property
    def instance(self) -> str:
        return instance(self.application.name, self.me.namespace, self.home)

    def namespace(self, name: str) -> Raw | None:
        return self.live(Ref(NAMESPACE, "", name))

    def live(self, ref: Ref | None) -> Raw | None:
        raw: Raw | None = known(self.answers, Object(ref)) if ref else None
        return raw

    def resource(self, raw: Raw) -> Resource | None:
        found: Resource | None = known(self.answers, served(raw))
        return found

    def unseen(self, raw: Raw, ref: Ref | None) -> Failed | None:
        """Why nobody can say whether it, which lies there, is there."""
        answer = self.answers.get(Object(ref) if ref else served(raw))
        return answer if isinstance(answer, Failed) else None

    def at(self, raw: Raw) -> Ref | None:
        return placed(self.resource(raw), key_of(raw))

    @cached_property
    def _recorded(self) -> tuple[Raw, ...]:
        """The objects that the status names, as far as it says what they are."""
        status = self.application.status
        result = status.operation_state.sync_result if status.operation_state else None
        done = result.resources if result else ()
        every: tuple[ResourceStatus | ResourceResult, ...] = (*status.resources, *done)
        said = [(one.group, one.version, one.kind, one.namespace, one.name) for one in every]
        return self.reading.once("recorded", (), lambda: named(said), said)

    @cached_property
    def recorded_kinds(self) -> tuple[Served, ...]:
        return self.reading.once("recorded kinds", (self._recorded,), lambda: kinds_of(self._recorded))

    def _head(self, revision: str, now: datetime) -> Head | None:
        source = self.application.spec.source
        every = (poll_at(self.application, now) - now).total_seconds()
        return Head(source.repo_url, revision, every, asked(self.application)) if source else None

    def commit(self, head: Head | None) -> str:
        """What it names, "" while that is not known.

        Where Git does not answer, it is still at what was rejected, so that this goes back without Git.
        """
        rollback, answer = self.application.status.rollback, self.answers.get(head) if head else None
        if isinstance(answer, Failed):
            return rollback.from_ if rollback.phase in UNMENDED else ""
        return answer.value.commit if isinstance(answer, Known) and isinstance(answer.value, Found) else ""

    @cached_property
    def _try(self) -> str:
        """Each try of an operation asks anew what was refused before."""
        state = self.application.status.operation_state
        running = state is not None and state.phase in RUNNING
        return f"{state.started_at}/{state.retry_count}" if state and running else ""
