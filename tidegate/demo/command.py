"""`tidegate demo`: play the story, then judge it; 0 only if every fact was observed."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tidegate.cli.paper import Paper
from tidegate.demo.cluster import Cluster
from tidegate.demo.facts import Fact, facts
from tidegate.demo.origin import Origin
from tidegate.demo.story import BROKEN, Late, Story
from tidegate.views.timeline import BAD, BOLD, GOOD

LAST_WORDS = 15


def demo(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("tidegate demo", description=__doc__)
    parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="tidegate-demo-") as folder:
        return asyncio.run(_played(Path(folder), Paper()))


async def _played(folder: Path, paper: Paper) -> int:
    """What was seen is told even where the story broke off."""
    with Origin(folder) as origin:
        async with Cluster(folder, BROKEN) as cluster:
            story, late = Story(cluster, origin, paper), ""
            await cluster.start()
            origin.tell = f"http://127.0.0.1:{cluster.webhook}/api/webhook"
            try:
                await story.play()
            except Late as problem:
                late = str(problem)
            found = list(facts(story.seen, story.found, cluster.traffic.unserved, cluster.died))
            if late:
                found.append(Fact("the story came to its end", False, late))
            return _judged(found, paper, cluster.log)


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
