"""`tidegate demo`: play the story, then judge it; 0 only if every fact was observed."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tidegate.cli.failure import Failure
from tidegate.cli.paper import Paper
from tidegate.cli.streams import said
from tidegate.demo.cluster import Cluster
from tidegate.demo.facts import Fact, facts
from tidegate.demo.origin import Origin
from tidegate.demo.story import BROKEN, Late, Story
from tidegate.git.errors import Unrenderable
from tidegate.git.kustomize import kubectl
from tidegate.views.timeline import BAD, BOLD, GOOD

ABOUT = "Good and bad releases, from git push to every pod and back. Exit code 0 only if all went as told."
LAST_WORDS = 15
LOOK_AROUND = (
    "kubectl argo rollouts get rollout api -n production --watch",
    "tidegate app get api-prod",
    "kubectl get applications,rollouts,virtualservices -A",
)


def demo(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("tidegate demo", description=ABOUT)
    parser.add_argument("--keep", action="store_true", help="leave it running to look around, until Ctrl-C")
    keep = parser.parse_args(words).keep
    if problem := _missing():
        sys.stderr.write(f"tidegate demo: {problem}\n")
        return 2
    try:
        with tempfile.TemporaryDirectory(prefix="tidegate-demo-") as folder:
            return asyncio.run(_played(Path(folder), Paper(), keep))
    except Failure as failure:
        return said(str(failure))


def _missing() -> str:
    """What must be there and is not."""
    try:
        kubectl()
    except Unrenderable as problem:
        return str(problem)
    return "" if shutil.which("git") else "no git on the PATH; install git"


async def _played(folder: Path, paper: Paper, keep: bool) -> int:
    """What was seen is told even where the story broke off."""
    with Origin(folder) as origin:
        async with Cluster(folder, BROKEN) as cluster:
            story, late = Story(cluster, origin, paper), ""
            origin.tells(f"http://127.0.0.1:{cluster.webhook}/api/webhook")
            await cluster.start()
            try:
                await story.play()
            except Late as problem:
                late = str(problem)
            found = list(facts(story.seen, story.found, cluster.traffic.unserved, cluster.died))
            if late:
                found.append(Fact("the story came to its end", False, late))
            code = _judged(found, paper, cluster.log)
            if keep:
                await _look_around(folder, paper)
            return code


async def _look_around(folder: Path, paper: Paper) -> None:
    """Until Ctrl-C, and users go on coming."""
    paper.say("\nIt goes on until Ctrl-C. Look around:", BOLD)
    here = f"KUBECONFIG={folder / 'kubeconfig'} PATH={Path(sys.executable).parent}:$PATH"
    for words in LOOK_AROUND:
        paper.line(f"  {here} {words}")
    paper.line(f"  cd {folder / 'infrastructure'}")
    await asyncio.Event().wait()


def _judged(found: list[Fact], paper: Paper, log: Path) -> int:
    paper.say("\n── observed, through the API server and by what users were answered ──", BOLD)
    for fact in found:
        paper.say(f"  {'✓' if fact.holds else '✗'} {fact.name}", GOOD if fact.holds else BAD)
        paper.say(f"      {fact.evidence}", indent=6)
    failed = sum(not fact.holds for fact in found)
    if failed:
        last = log.read_text(errors="replace").splitlines()[-LAST_WORDS:]
        paper.say("\nThe controller's last words:\n" + "\n".join(last), BAD, 6)
    paper.say(f"\n{len(found) - failed} of {len(found)} facts observed.", BAD if failed else GOOD)
    return 1 if failed else 0
