"""`python -m tests.e2e.demo [--keep]`: a lab of its own, the demo in it, and 0 if every fact held."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.demo.facts import Fact, facts
from tests.e2e.demo.figures import lines
from tests.e2e.demo.in_git import facts_of_git, lines_of_git
from tests.e2e.demo.record import Record
from tests.e2e.demo.story import RATE, Story, shortenings
from tests.e2e.demo.timeline import Timeline
from tests.e2e.demo.witness import Witness
from tests.e2e.gitops import Gitops
from tests.e2e.repository import Repository
from tests.e2e.scene import HOST, Scene
from tests.lab import build, session
from tests.lab.load import Load
from tests.lab.parts import tail
from tests.lab.state import read_state
from tests.lab.waiting import Late, deadline
from tidegate.cli.paper import Paper
from tidegate.views.timeline import BAD, BOLD, GOOD


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave lab, controller and load running")
    keep = parser.parse_args(words).keep
    return play(keep) if "TIDEGATE_LAB" in os.environ else in_a_lab(keep)


def in_a_lab(keep: bool) -> int:
    """A lab of our own; one that is kept outlives us."""
    demo = [sys.executable, "-m", "tests.e2e.demo"]
    build.build()
    if not keep:
        return session.run(demo)
    lab = Path(session.up().folder).name
    print(f"lab: up, and stays until\n  {python()} -m tests.lab down --lab {lab}", flush=True)
    return session.enter([*demo, "--keep"], lab)


def python() -> str:
    """As it can be typed from here."""
    return os.path.relpath(sys.executable)


def play(keep: bool) -> int:
    paper, state = Paper(), read_state()
    folder = Path(state.logs)
    served = folder / "git"
    served.mkdir()
    scene = Scene(state, folder)
    load = Load(state.gateway, HOST, RATE)
    try:
        with Repository(served) as repository:
            held = perform(Gitops(scene, repository), load, paper)
        if keep:
            go_on(folder, repository.folder, paper)
        return 0 if held else 1
    finally:
        if not keep:
            scene.__exit__()


def perform(gitops: Gitops, load: Load, paper: Paper) -> bool:
    """Play, then judge; what was seen is told even where the story broke off."""
    scene = gitops.scene
    paper.say("Durations are shortened, nothing else:", BOLD)
    for line in shortenings(scene):
        paper.say(f"          {line}")
    paper.say("The repository is the brief's, edited where `make demo` explains it, and without staging.")
    record = Record(Timeline(paper))
    witness = Witness(scene.state, gitops.repository, record)
    scene.define()
    gitops.serve()
    gitops.allow_reverts()
    witness.start()
    controller = gitops.controller()
    late = ""
    try:
        Story(gitops, record, witness, paper).play(load)
    except Late as problem:
        late = str(problem)
    witness.stop()
    if witness.load:
        load.stop()
    found = [*facts(record.past, died(controller)), *facts_of_git(record.past, deadline(1))]
    paper.say("\n── what matters ──", BOLD)
    for line in (*lines(record.past), *lines_of_git(record.past)):
        paper.say(f"  {line}", indent=4)
    return judge([*found, *([Fact("the story came to its end", False, late)] if late else [])], scene, paper)


def died(controller: subprocess.Popen[bytes]) -> str:
    code = controller.poll()
    return "" if code is None else f"it ended with exit code {code}"


def judge(found: list[Fact], scene: Scene, paper: Paper) -> bool:
    paper.say("\n── observed, through the API server, Envoy, Git and what users got ──", BOLD)
    for fact in found:
        paper.say(f"  {'✓' if fact.holds else '✗'} {fact.name}", GOOD if fact.holds else BAD)
        paper.say(f"      {fact.evidence}", indent=6)
    failed = sum(not fact.holds for fact in found)
    if failed:
        paper.say(f"\nThe controller's last words:\n{tail(scene.folder / 'controller-1.log')}", BAD, 6)
    paper.say(f"\n{len(found) - failed} of {len(found)} facts observed.", BAD if failed else GOOD)
    return not failed


def go_on(folder: Path, repository: Path, paper: Paper) -> None:
    """Users go on coming and Git is served, by a process of its own; the lab ends it with everything else."""
    command = [sys.executable, "-m", "tests.e2e.demo.users", str(repository.parent)]
    subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
    lab = folder.parent.name
    enter = f"{python()} -m tests.lab enter --lab {lab} --"
    paper.say("\nLab, controller, Git and load go on. Look around:", BOLD)
    for words in LOOK_AROUND:
        print(f"  {enter} {words}")
    print(f"  git -C {repository} log --stat")
    paper.say(f"Release what you like: commit there, then have Git looked at:\n  {enter} {LOOK_AT_GIT}")
    paper.say(f"End it:\n  {python()} -m tests.lab down --lab {lab}")


LOOK_AROUND = (
    "kubectl argo rollouts get rollout api -n production --watch",
    "tidegate app get api-prod",
    "tidegate app history api-prod",
    "kubectl get virtualservice,analysisrun,pods -n production",
    "bash",
)
LOOK_AT_GIT = "tidegate app get root --refresh"

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
