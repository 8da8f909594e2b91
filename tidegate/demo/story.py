"""The story: the brief's repository comes up, a good commit walks, a bad one is caught, a drift is healed.

It only acts and waits; what must have come of it is judged afterwards, by `facts`. A chapter is a method, so
that what the controller learns to do next (quarantine, its own revert) is one chapter more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import msgspec

from crds.paths import get
from tidegate.cli.paper import Paper
from tidegate.demo.cluster import APPLICATIONS, Cluster
from tidegate.demo.edits import IMAGE, PRODUCTION, ROOT, brief, edited, edits, told
from tidegate.demo.origin import Origin
from tidegate.sandbox.objects import Raw
from tidegate.sandbox.resources import APPLICATIONS as APPS
from tidegate.sandbox.resources import ROLLOUTS, Resource
from tidegate.simulate.eyes import Eyes, Sight
from tidegate.views.seen import Observed, Released, Stood, compared
from tidegate.views.timeline import BAD, BLUE, BOLD, DIM, GOOD, Timeline

RATE = 600.0
ERRORS = 0.3
V1, V2, V3 = "v2.1.0", "v2.2.0", "v2.3.0"
BROKEN = {f"{IMAGE}:{V3}": ERRORS}
KNOWN = 12.0
"""Seconds of users before a release: the preflight asks for counters as of the last full ten."""
NO_ANALYSIS = '{"spec":{"strategy":{"canary":{"analysis":null}}}}'
INDENT = 20
APPLY = ("apply", "--server-side", "--validate=false", "-f")


class Late(Exception):
    """What was waited for did not come."""


class Found(msgspec.Struct):
    """What the facts are judged by, beside what was seen: when something was done, and what came of it.

    `back` is when the cluster had the version before again, and `pushed` when Git did; `reverts` are the
    commits that say to be one of ours. `returned` is how long a person's revert took from its push.
    """

    commits: dict[str, float] = {}
    live: dict[str, float] = {}
    aborted: float = 0.0
    back: float = 0.0
    pushed: float = 0.0
    reverts: list[str] = []
    signed: bool = False
    returned: float = 0.0
    drifted: float = 0.0
    healed: float = 0.0
    exits: list[int] = []


class Story:
    def __init__(self, cluster: Cluster, origin: Origin, paper: Paper) -> None:
        self._cluster, self._origin, self._paper = cluster, origin, paper
        self._timeline = Timeline()
        self._good = ""
        self.seen: list[Observed] = []
        self.found = Found()
        loop = asyncio.get_running_loop()
        canary = {"host": "api", "subset": "canary"}
        self._eyes = Eyes(cluster.store, Sight("production", "api", canary), loop.time, self._note)
        cluster.store.listeners[APPS].append(self._applications)

    async def play(self) -> None:
        """Raises Late."""
        await self.the_repository_comes_up()
        await self.a_good_commit_walks()
        await self.a_bad_commit_is_taken_back()
        await self.a_person_takes_a_good_release_back()
        await self.a_drift_is_healed()

    async def the_repository_comes_up(self) -> None:
        self._chapter("the brief's repository comes up through its app-of-apps")
        key = self._origin.key()
        changes = edits(self._origin.url, signs=bool(key))
        self._paper.say("The brief's files, and the edits they need:", BOLD)
        for line in told(changes):
            self._paper.say(line, indent=8)
        self._origin.write(edited(brief(), changes))
        await self._pushed("All of it", lambda: self._origin.commit("All of it"))
        await self._kubectl(*APPLY, str(self._cluster.secrets(self._origin, key)))
        await self._kubectl(
            "apply", "--server-side", "--validate=false", "-f", str(self._origin.clone / ROOT)
        )
        for name in ("root", "api-prod", "api-staging"):
            await self._until(partial(self._well, name), 60, f"{name} to be Synced and Healthy")
        await self._kubectl("argo", "rollouts", "list", "rollouts", "-A")
        self._cluster.users(RATE)
        self._tell("users", f"{RATE:g} requests/s come to production", DIM)
        await asyncio.sleep(KNOWN)

    async def a_good_commit_walks(self) -> None:
        self._chapter("a good commit: 10 %, hold, a person agrees, 50 %, hold, 100 %")
        self._good = await self._bumped(V1, V2)
        await self._until(self._paused_for_ever, 60, f"{V2} to wait for a person")
        await self._kubectl("argo", "rollouts", "promote", "api", "-n", "production")
        await self._until(lambda: self._stands(V2), 60, f"{V2} to be stable")
        await self._until(lambda: self._well("api-prod"), 30, "api-prod to be Synced and Healthy")

    async def a_bad_commit_is_taken_back(self) -> None:
        self._chapter(f"a bad commit: {ERRORS:.0%} of its answers are 500, against a limit of 5 %")
        bad = await self._bumped(V2, V3)
        await self._until(self._aborted, 60, f"{V3} to be aborted")
        self.found.aborted = self._eyes.now
        await self._until(lambda: self._image() == f"{IMAGE}:{V2}", 30, f"{V2} to be back in the cluster")
        self.found.back = self._eyes.now
        await self._until(lambda: self._origin.head != bad, 30, "the revert to be in Git")
        self.found.pushed = self._eyes.now
        self._shows(self._origin.log("-1", "--format=%an <%ae>%n%n%B"))
        await self._until(lambda: self._well("api-prod"), 30, "api-prod to be Synced and Healthy")
        self.found.reverts = self._origin.log("--grep=^Rollback-Id:", "--format=%H").split()
        self.found.signed = all(map(self._origin.is_signed, self.found.reverts))

    async def a_person_takes_a_good_release_back(self) -> None:
        self._chapter(f"a person takes {V2} back, which was good")
        self._tell("you", f"$ git pull && git revert {self._good[:7]} && git push", BLUE)
        self._release(V1)
        back = await self._pushed("", lambda: self._origin.revert(self._good))
        await self._until(lambda: self._stands(V1), 60, f"{V1} to be stable")
        self.found.returned = self._eyes.now - self.found.commits[back]
        await self._until(lambda: self._well("api-prod"), 30, "api-prod to be Synced and Healthy")

    async def a_drift_is_healed(self) -> None:
        self._chapter("somebody switches the analysis off by hand")
        self.found.drifted = self._eyes.now
        await self._kubectl("patch", "rollout", "api", "--type", "merge", "-p", NO_ANALYSIS)
        await self._until(self._analyses, 30, "the analysis to be back")
        self.found.healed = self._eyes.now
        self._tell("git", f"the analysis is back after {self.found.healed - self.found.drifted:.1f} s", DIM)
        await self._until(lambda: self._well("api-prod"), 30, "api-prod to be Synced and Healthy")

    # -- what a person does

    async def _bumped(self, old: str, new: str) -> str:
        """The commit."""
        self._origin.edit(PRODUCTION, f"newTag: {old}", f"newTag: {new}")
        self._tell("you", f"{PRODUCTION}: newTag: {old} → {new}", BLUE)
        commit = await self._pushed(f"api {new}", lambda: self._origin.commit(f"api {new}"))
        self._release(new)
        await self._until(lambda: self._image() == f"{IMAGE}:{new}", 30, f"{new} to be applied")
        self.found.live[new] = self._eyes.now
        return commit

    def _release(self, version: str) -> None:
        """Noted; what was typed is told already."""
        released = Released(self._eyes.now, version)
        self.seen.append(released)
        self._timeline.lines(released)

    async def _pushed(self, message: str, push: Callable[[], str]) -> str:
        if message:
            self._tell("you", f"$ git commit -m {message!r} && git push", BLUE)
        commit = await asyncio.to_thread(push)
        self.found.commits[commit] = self._eyes.now
        return commit

    async def _kubectl(self, *words: str) -> None:
        here = (f"{self._origin.clone}/", f"{self._origin.clone.parent}/")
        shown = " ".join(word.removeprefix(here[0]).removeprefix(here[1]) for word in words)
        self._tell("you", f"$ kubectl {shown}", BLUE)
        code, output = await self._cluster.kubectl(*words)
        self.found.exits.append(code)
        for line in output.splitlines():
            self._paper.say(f"{'':20}{line}", BLUE if code == 0 else BAD, INDENT)

    # -- what is waited for

    async def _until(self, holds: Callable[[], bool], seconds: float, what: str) -> None:
        end = asyncio.get_running_loop().time() + seconds
        while not holds():
            if asyncio.get_running_loop().time() > end:
                raise Late(f"not within {seconds:g} s: {what}")
            if self._cluster.died:
                raise Late(f"the controller ended: {what}")
            await asyncio.sleep(0.05)

    def _find(self, resource: Resource, name: str, namespace: str = "production") -> Raw:
        return self._cluster.find(resource, namespace, name)

    def _well(self, name: str) -> bool:
        """Synced at the newest commit, which is over, and Healthy."""
        status = get(self._find(APPS, name, APPLICATIONS), "status", default={})
        stands = (
            get(status, "sync", "status"),
            get(status, "health", "status"),
            get(status, "sync", "revision"),
        )
        over = get(status, "operationState", "phase") in (None, "Succeeded")
        return over and stands == ("Synced", "Healthy", self._origin.head)

    def _rollout(self) -> Raw:
        return self._find(ROLLOUTS, "api")

    def _image(self) -> str:
        return str(get(self._rollout(), "spec", "template", "spec", "containers", 0, "image"))

    def _now(self) -> Stood | None:
        stood = [one for one in self.seen if isinstance(one, Stood)][-1:]
        return stood[0] if stood and stood[0].current else None

    def _stands(self, version: str) -> bool:
        now = self._now()
        return bool(now and (now.version, now.phase, now.hash) == (version, "Healthy", now.stable))

    def _paused_for_ever(self) -> bool:
        now = self._now()
        return bool(now and now.step == 1 and now.pauses and now.version == V2)

    def _aborted(self) -> bool:
        return bool(get(self._rollout(), "status", "abort"))

    def _analyses(self) -> bool:
        return bool(get(self._rollout(), "spec", "strategy", "canary", "analysis"))

    # -- what is told

    def _shows(self, text: str) -> None:
        self._tell("git", "log -1 origin/main:", DIM)
        for line in text.splitlines():
            self._paper.say(f"{'':{INDENT}}{line}", GOOD, INDENT)

    def _chapter(self, title: str) -> None:
        self._paper.say(f"\n── {title} ──", BOLD)

    def _tell(self, who: str, words: str, colour: str = "") -> None:
        self._paper.say(f"{self._eyes.now:6.1f} s  {who:<9} {words}", colour, INDENT)

    def _note(self, observed: Observed) -> None:
        self.seen.append(observed)
        for who, words, colour in self._timeline.lines(observed):
            self._tell(who, words, colour)

    def _applications(self) -> None:
        for raw in self._cluster.store.every(APPS):
            if said := compared(raw, self._eyes.now):
                self._note(said)
