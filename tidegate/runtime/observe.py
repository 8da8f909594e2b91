"""Looks at what planners need, without ever waiting, and knows whom a change wakes.

What the store holds is answered at once. The rest is fetched beside the workers, once for all who ask; the
answer wakes them. The needs of a key's last round are the reverse index.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Mapping
from datetime import timedelta
from typing import Any, assert_never

from tenacity import AsyncRetrying, RetryCallState, retry_if_result, wait_exponential

from crds.paths import get, put
from crds.refs import Kind, Ref, ref_of
from tidegate.kube.store import Raw, Store, owner_of
from tidegate.planners.needs import (
    Absent,
    Answer,
    Answers,
    Arrival,
    Defaulted,
    DryRun,
    Failed,
    Head,
    Known,
    Need,
    Noticed,
    Object,
    Outline,
    Owned,
    Pending,
    Pods,
    Pruned,
    Query,
    Reached,
    Refusal,
    Rendered,
    Reverted,
    Revertible,
    Samples,
    SecretKey,
    Served,
    Undone,
)

log = logging.getLogger("tidegate.observe")

Fetch = Callable[[Any], Awaitable[Answer]]
Ask = Callable[[Answers], tuple[Need, ...]]

FETCH_SECONDS = 30.0
GIT_SECONDS = 600.0
"""A first fetch of a large repository takes its time, and so do a hundred renderings at once."""
FIRST_RETRY = 1.0
LONGEST_RETRY = 30.0
FIRST_COSTLY, LONGEST_COSTLY = 30.0, 900.0
LONGEST_UNSERVED = 3.0
"""A sync waits for a kind whose definition it has just written, and a 404 costs the API server nothing."""
ROUNDS = 32


class Observer:
    """`fetchers` answer the needs that no watch covers; `wake` is told the keys an answer concerns.

    `missed` is told the kinds that are needed though the API server does not serve them.
    """

    def __init__(self, store: Store, fetchers: Mapping[type, Fetch], wake: Callable[[Ref], None]) -> None:
        self.missed: Callable[[Kind], None] = lambda _kind: None
        self._store = store
        self._fetchers = fetchers
        self._wake = wake
        self._asked: dict[Ref, tuple[Need, ...]] = {}
        self._askers: dict[Need, set[Ref]] = {}
        self._fetched: dict[Need, Answer] = {}
        self._fetching: dict[Need, asyncio.Task[None]] = {}
        self._told: dict[Need, Any] = {}
        self._outlines: set[Outline] = set()
        store.changed.append(self._changed)
        store.state_changed.append(self._state_changed)

    def observe(self, key: Ref, ask: Ask) -> Answers:
        """Ask until nothing more is asked; the answers to what was asked last."""
        answers: dict[Need, Answer] = {}
        for _ in range(ROUNDS):
            needs = ask(answers)
            new = [need for need in needs if need not in answers]
            if not new:
                self._remember(key, (*needs, *self._dear(key, answers)), set(answers))
                return {need: answers[need] for need in needs}
            answers |= {need: self._look(need) for need in new}
        raise RuntimeError(f"the needs of {key} do not come to an end; asked last: {needs}")

    def _dear(self, key: Ref, answers: Answers) -> tuple[Need, ...]:
        """Dry runs of the look before, while something is on its way that may lead to the same ones."""
        if not any(isinstance(answer, Pending) for answer in answers.values()):
            return ()
        before = self._asked.get(key, ())
        return tuple(need for need in before if isinstance(need, DryRun) and need not in answers)

    def refused(self, key: Ref, why: str) -> bool:
        """What the API server will not have of a key's plan, "" once it had it all; whether that is news."""
        return self._tell(Refusal(key), why or None)

    def pruned(self, key: Ref, fields: tuple[str, ...]) -> None:
        """Which fields of a status just recorded the API server did not keep."""
        self._tell(Pruned(key), fields or None)

    def arrived(self, need: Arrival, landing: Any) -> None:
        """What became of a push, for as long as somebody asks."""
        if need in self._askers:
            self._tell(need, landing)

    def notice(self, key: Ref, noticed: Any) -> None:
        """What the plan for `key` noticed: for its next look, and news to nobody."""
        self._keep(Noticed(key), noticed)

    def forget(self, key: Ref) -> None:
        for need in (Refusal(key), Pruned(key), Noticed(key)):
            self._keep(need, None)
        self._remember(key, (), set())

    def concerned(self, kind: Kind, raw: Raw) -> set[Ref]:
        """The keys whose last look would have been another one without this object."""
        ref = ref_of(kind, raw)
        needs = (Object(ref), Owned(kind, ref.namespace, owner_of(raw)))
        return set().union(*(self._askers.get(need, ()) for need in needs))

    async def close(self) -> None:
        tasks = list(self._fetching.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _look(self, need: Need) -> Answer:
        match need:
            case Object(Ref(kind)) | Owned(kind) | Outline(kind):
                return self._unseen(kind) or self._stored(need)
            case Refusal() | Pruned() | Noticed() | Arrival():
                return _shown(self._told.get(need))
            case Reached(kind):
                return _shown(self._reached(kind))
            case Pods() | Samples() | Query() | SecretKey() | Defaulted() | Served():
                return self._fetched.get(need) or self._begin(need)
            case Head() | Rendered() | DryRun() | Reverted() | Revertible() | Undone():
                return self._fetched.get(need) or self._begin(need)
            case never:
                assert_never(never)

    def _reached(self, kind: Kind) -> timedelta | None:
        """In transport time, as the others count it who try to come back."""
        since = self._store.reached(kind) if self._store.watches(kind) else None
        passed = 0.0 if since is None else asyncio.get_running_loop().time() - since
        return None if since is None else timedelta(seconds=max(0.0, passed))

    def _stored(self, need: Object | Owned | Outline) -> Answer:
        match need:
            case Object(ref):
                return _shown(self._store.get(*ref))
            case Owned(kind, namespace, uid):
                return Known(self._store.owned(kind, namespace, uid))
            case Outline(kind, namespace, paths):
                there = self._store.listed(kind, namespace)
                return Known(tuple(_outline(raw, paths) for raw in there))
            case never:
                assert_never(never)

    def _tell(self, need: Need, what: Any) -> bool:
        """Keep what a round learnt, and wake who asks for it; whether it is news."""
        news: bool = self._told.get(need) != what
        self._keep(need, what)
        if news:
            self._wake_askers(need)
        return news

    def _keep(self, need: Need, what: Any) -> None:
        if what is None:
            self._told.pop(need, None)
        else:
            self._told[need] = what

    def _unseen(self, kind: Kind) -> Answer | None:
        """Why nothing can be said of this kind's objects, or None where the store can tell."""
        if not self._store.watches(kind):
            self.missed(kind)  # which may begin to watch it
        if not self._store.watches(kind):
            return Failed(f"{kind.plural} are not watched by this controller")
        if why := self._store.refused(kind):
            self.missed(kind)
            return Failed(why)
        return None if self._store.synced(kind) else Pending()

    def _begin(self, need: Need) -> Answer:
        if type(need) not in self._fetchers:
            return Failed(f"this controller cannot answer {type(need).__name__}")
        if need not in self._fetching:
            self._fetching[need] = asyncio.create_task(self._fetch(need))
        return Pending()

    async def _fetch(self, need: Need) -> None:
        """Fetch until there is an answer, saying the error meanwhile; ends with the last who asks."""
        insistent = AsyncRetrying(
            retry=retry_if_result(lambda answer: _passing(need, answer)),
            wait=lambda state: _rest(need, state),
            before_sleep=lambda state: self._learn(
                need, state.outcome.result() if state.outcome else Absent()
            ),
        )
        answer: Answer = await insistent(self._try, need)
        del self._fetching[need]
        self._learn(need, answer)

    async def _try(self, need: Need) -> Answer:
        seconds = _patience(need)
        try:
            async with asyncio.timeout(seconds):
                return await self._fetchers[type(need)](need)
        except TimeoutError:
            return Failed(f"no answer within {seconds:.0f} s")
        except Exception as problem:
            log.exception("could not fetch %s", type(need).__name__)  # a query may hold a secret
            return Failed(f"{type(problem).__name__}: {problem}")

    def heads(self) -> tuple[Head, ...]:
        """What is needed of Git's heads now."""
        return tuple(need for need in self._askers if isinstance(need, Head))

    def learn(self, need: Need, answer: Answer) -> None:
        """A newer answer to what was answered before, if somebody still needs it."""
        if need in self._askers and need not in self._fetching:
            self._learn(need, answer)

    def _learn(self, need: Need, answer: Answer) -> None:
        if self._fetched.get(need) != answer:
            self._fetched[need] = answer
            self._wake_askers(need)

    def _wake_askers(self, need: Need) -> None:
        for key in self._askers.get(need, ()):
            self._wake(key)

    def _remember(self, key: Ref, needs: tuple[Need, ...], looked: set[Need]) -> None:
        before, after = looked.union(self._asked.pop(key, ())), set(needs)
        if needs:
            self._asked[key] = needs
        for need in after:
            self._askers.setdefault(need, set()).add(key)
            if isinstance(need, Outline):
                self._outlines.add(need)
        for need in before - after:
            self._askers.get(need, set()).discard(key)
            if not self._askers.get(need):
                self._unask(need)

    def _unask(self, need: Need) -> None:
        self._askers.pop(need, None)
        if isinstance(need, Outline):
            self._outlines.discard(need)
        if isinstance(need, Arrival):
            self._told.pop(need, None)
        self._fetched.pop(need, None)
        if task := self._fetching.pop(need, None):
            task.cancel()

    def _changed(self, kind: Hashable, before: Raw | None, after: Raw | None) -> None:
        assert isinstance(kind, Kind)
        for key in set().union(*(self.concerned(kind, raw) for raw in (before, after) if raw is not None)):
            self._wake(key)
        for need in [one for one in self._outlines if one.kind == kind]:
            if _differ(need, before, after):
                self._wake_askers(need)

    def _state_changed(self, kind: Hashable) -> None:
        asked = [keys for need, keys in self._askers.items() if _kind_of(need) == kind]
        for key in set().union(*asked):
            self._wake(key)


def _passing(need: Need, answer: Answer) -> bool:
    """Whether it is asked again after this; a kind that is not served may be tomorrow."""
    return isinstance(answer, Failed) or (isinstance(need, Served) and isinstance(answer, Absent))


def _rest(need: Need, state: RetryCallState) -> float:
    answer = state.outcome.result() if state.outcome else None
    first, longest = FIRST_RETRY, LONGEST_UNSERVED if isinstance(need, Served) else LONGEST_RETRY
    if isinstance(answer, Failed) and answer.costly:
        first, longest = FIRST_COSTLY, LONGEST_COSTLY
    return wait_exponential(multiplier=first, max=longest)(state)


def _patience(need: Need) -> float:
    match need:
        case Samples() | Query():
            return FETCH_SECONDS + need.server.timeout
        case Head() | Rendered() | Reverted() | Revertible() | Undone():
            return GIT_SECONDS
        case _:
            return FETCH_SECONDS


def _kind_of(need: Need) -> Kind | None:
    match need:
        case Object(ref):
            return ref.kind
        case Owned(kind) | Outline(kind) | Reached(kind):
            return kind
        case _:
            return None


def _shown(raw: Raw | timedelta | None) -> Answer:
    return Known(raw) if raw is not None else Absent()


def _outline(raw: Raw, paths: tuple[tuple[str, ...], ...]) -> Raw:
    outline: Raw = {}
    for path in paths:
        if (found := get(raw, *path)) is not None:
            outline = put(outline, path, found)
    return outline


def _differ(need: Outline, *raws: Raw | None) -> bool:
    """Whether what such a need shows is another one now."""
    there = [raw for raw in raws if raw is not None and get(raw, "metadata", "namespace") == need.namespace]
    return len(there) == 1 or len({repr(_outline(raw, need.paths)) for raw in there}) > 1
