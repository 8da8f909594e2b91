"""All repositories together: shared answers, renderings kept by what they read, and workers that may die."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from tests.lab.waiting import until
from tests.tidegate.git.origin import FILE, Origin, anyone, config_map
from tidegate.git import kustomize, workers
from tidegate.git.command import Remote
from tidegate.git.errors import NoRevision, Slow, Unrenderable
from tidegate.git.heads import Named, look
from tidegate.git.mirror import Head, Mirror
from tidegate.git.render import Asked, asked
from tidegate.git.repositories import Repositories
from tidegate.git.workers import Lacking, Outcome, Workers, Wrong

pytestmark = pytest.mark.git


@pytest.fixture
async def hands() -> AsyncIterator[Workers]:
    made = Workers(2)
    yield made
    made.close()


@pytest.fixture
async def repositories(tmp_path: Path, hands: Workers) -> AsyncIterator[Repositories]:
    made = Repositories(tmp_path / "cache", hands, anyone, FILE)
    yield made
    await made.close()


async def names(repositories: Repositories, url: str, question: Asked) -> list[str]:
    head = (await repositories.heads(url, ["main"]))["main"]
    assert isinstance(head, Head)
    rendering = await repositories.rendered(url, head.commit, question)
    return [raw["metadata"]["name"] for raw in rendering.raws()]


def app(number: int) -> Asked:
    return asked({"path": f"services/{number}"})


async def test_a_commit_that_touches_one_app_renders_one(
    repositories: Repositories, hands: Workers, origin: Origin
) -> None:
    origin.commit({f"services/{i}/a.yaml": config_map(f"a{i}") for i in range(5)})
    for i in range(5):
        assert await names(repositories, origin.url, app(i)) == [f"a{i}"]
    first = hands.finished
    origin.commit({"services/3/a.yaml": config_map("new"), "README.md": "more"})
    assert [await names(repositories, origin.url, app(i)) for i in range(5)] == [
        ["a0"],
        ["a1"],
        ["a2"],
        ["new"],
        ["a4"],
    ]
    assert hands.finished - first == 1


async def test_a_change_in_a_base_renders_who_reads_it(
    repositories: Repositories, hands: Workers, origin: Origin
) -> None:
    origin.commit(
        {
            "services/1/kustomization.yaml": "resources: [../../base]\n",
            "services/2/kustomization.yaml": "resources: [a.yaml]\n",
            "services/2/a.yaml": config_map("two"),
            "base/kustomization.yaml": "resources: [a.yaml]\n",
            "base/a.yaml": config_map("one"),
        }
    )
    assert await names(repositories, origin.url, app(1)) == ["one"]
    assert await names(repositories, origin.url, app(2)) == ["two"]
    origin.commit({"base/a.yaml": config_map("other")})
    first = hands.finished
    assert await names(repositories, origin.url, app(2)) == ["two"]
    assert hands.finished == first
    assert await names(repositories, origin.url, app(1)) == ["other"]


async def test_a_revert_renders_nothing(repositories: Repositories, hands: Workers, origin: Origin) -> None:
    origin.commit({"services/1/a.yaml": config_map("good")})
    await names(repositories, origin.url, app(1))
    origin.commit({"services/1/a.yaml": config_map("bad")})
    await names(repositories, origin.url, app(1))
    origin.git("revert", "--no-edit", "HEAD")
    first = hands.finished
    assert await names(repositories, origin.url, app(1)) == ["good"]
    assert hands.finished == first


async def test_who_asks_the_same_shares_the_answer(
    repositories: Repositories, hands: Workers, origin: Origin
) -> None:
    commit = origin.commit({"services/1/kustomization.yaml": "namePrefix: x-\n"})
    await repositories.heads(origin.url, ["main"])
    wanted = {"path": "services/1", "kustomize": {"nameSuffix": "-y"}}
    both = [repositories.rendered(origin.url, commit, asked(wanted)) for _ in range(3)]
    await asyncio.gather(*both)
    assert hands.finished == 1


async def test_who_goes_away_takes_the_answer_from_no_other(
    repositories: Repositories, origin: Origin
) -> None:
    commit = origin.commit({"services/1/a.yaml": config_map("a")})
    await repositories.heads(origin.url, ["main"])
    impatient, patient = (
        asyncio.ensure_future(repositories.rendered(origin.url, commit, app(1))) for _ in range(2)
    )
    await asyncio.sleep(0)
    impatient.cancel()
    assert len((await patient).objects) == 1


async def test_what_cannot_be_rendered_is_told_with_repository_commit_and_file(
    repositories: Repositories, origin: Origin
) -> None:
    commit = origin.commit({"services/1/a.yaml": "a: ["})
    await repositories.heads(origin.url, ["main"])
    with pytest.raises(Unrenderable) as problem:
        await repositories.rendered(origin.url, commit, app(1))
    assert str(problem.value).startswith(f"{origin.url} at {commit[:10]}: services/1/a.yaml:2: is no YAML")


async def test_a_mirror_that_lost_its_objects_is_filled_again(
    repositories: Repositories, origin: Origin, tmp_path: Path
) -> None:
    commit = origin.commit({"services/1/a.yaml": config_map("a")})
    await repositories.heads(origin.url, ["main"])
    for pack in (tmp_path / "cache").glob("*.git/objects/pack/*"):
        pack.unlink()
    assert len((await repositories.rendered(origin.url, commit, app(1))).objects) == 1


async def test_a_cache_may_be_younger_than_the_commit_asked_for(
    repositories: Repositories, origin: Origin
) -> None:
    commit = origin.commit({"services/1/a.yaml": config_map("a")})
    assert len((await repositories.rendered(origin.url, commit, app(1))).objects) == 1


async def test_a_commit_that_is_nowhere_is_told(repositories: Repositories, origin: Origin) -> None:
    origin.commit()
    with pytest.raises(NoRevision, match=r"has no branch, tag or commit '0000"):
        await repositories.rendered(origin.url, "0" * 40, app(1))


async def test_what_is_asked_anew_is_rendered_though_it_is_kept_and_kept_then(
    repositories: Repositories, hands: Workers, origin: Origin
) -> None:
    commit = origin.commit({"services/1/a.yaml": config_map("a")})
    for anew, rendered in ((False, 1), (False, 1), (True, 2), (False, 2)):
        await repositories.rendered(origin.url, commit, app(1), anew)
        assert hands.finished == rendered


class Hanging:
    """Servers of these addresses do not answer before `may` is set; `asked` is what they were."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *urls: str) -> None:
        self.may = threading.Event()
        self.asked: list[tuple[str, ...]] = []

        def later(remote: Remote, revisions: Iterable[str]) -> dict[str, Named | None]:
            wanted = tuple(sorted(revisions))
            if remote.url in urls:
                self.asked.append(wanted)
                assert self.may.wait(60)
            return look(remote, wanted)

        monkeypatch.setattr("tidegate.git.mirror.look", later)


async def test_a_server_that_hangs_delays_no_other_however_much_is_asked_of_it(
    repositories: Repositories, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, other = Hanging(monkeypatch, origin.url), Origin(tmp_path / "other")
    commits = [origin.commit() for _ in range(20)]
    fetched = other.commit()
    waiting = [asyncio.ensure_future(repositories.commit(origin.url, one)) for one in commits]
    async with asyncio.timeout(30):
        assert (await repositories.commit(other.url, fetched)).id == fetched
        assert not any(one.done() for one in waiting)
        slow.may.set()
        assert [(await one).id for one in waiting] == commits


async def test_heads_that_are_asked_for_while_a_server_answers_are_one_more_question(
    repositories: Repositories, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Hanging(monkeypatch, origin.url)
    commit = origin.commit()
    names = [f"v{number}" for number in range(12)]
    for name in names:
        origin.git("tag", name)
    async with asyncio.timeout(30):
        first = asyncio.ensure_future(repositories.heads(origin.url, ["main"]))
        while not slow.asked:  # noqa: ASYNC110  a thread tells it
            await asyncio.sleep(0.005)
        others = [asyncio.ensure_future(repositories.heads(origin.url, [name])) for name in names]
        await asyncio.sleep(0)
        slow.may.set()
        await first
        found = [await one for one in others]
    heads = [one[name] for one, name in zip(found, names, strict=True)]
    assert [one.commit for one in heads if isinstance(one, Head)] == [commit] * len(names)
    assert slow.asked == [("main",), tuple(sorted(names))]


async def test_what_a_mirror_holds_is_read_while_its_server_hangs(
    repositories: Repositories,
    origin: Origin,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hands: Workers,
) -> None:
    commit = origin.commit()
    await repositories.commit(origin.url, commit)
    slow = Hanging(monkeypatch, origin.url)
    after = Repositories(tmp_path / "cache", hands, anyone, FILE)
    looking = asyncio.ensure_future(after.heads(origin.url, ["main"]))
    async with asyncio.timeout(30):
        assert (await after.commit(origin.url, commit)).id == commit
        slow.may.set()
        await looking
    await after.close()


async def test_history_is_read(repositories: Repositories, origin: Origin) -> None:
    first, second = origin.commit(), origin.commit({"a": "1"}, "the second")
    await repositories.heads(origin.url, ["main"])
    assert (await repositories.commit(origin.url, second)).subject == "the second"
    assert [one.id for one in await repositories.between(origin.url, first, second)] == [second]
    assert await repositories.changed(origin.url, first, second) == ("a",)
    assert await repositories.contains(origin.url, second, first)
    assert list((await repositories.ids(origin.url, second, ["a", "b"])).values())[1] == ""


async def test_a_worker_that_is_killed_fails_only_its_own_rendering(
    hands: Workers, origin: Origin, tmp_path: Path
) -> None:
    here = asyncio.ensure_future(hands.render(tmp_path, "x", asked({"path": "x"})))
    await here
    place = hands._places[0]
    os.kill(place._pid, signal.SIGKILL)
    told = [await hands.render(tmp_path, "x", asked({"path": "x"})) for _ in range(3)]
    died = [one for one in told if isinstance(one, Wrong) and "died" in one.why]
    assert len(died) == 1
    assert died[0].again


async def test_a_rendering_that_takes_too_long_is_killed_and_the_next_is_not(
    tmp_path: Path, origin: Origin
) -> None:
    """A glob of a stranger's, whose matching takes longer than anyone lives."""
    commit = origin.commit({f"app/{'a' * 200}.yaml": config_map("a")})
    mirror = Mirror(tmp_path / "cache", origin.remote)
    mirror.heads(["main"])
    hands = Workers(1, seconds=1.0)
    try:
        endless = asked({"path": "app", "directory": {"exclude": "*a" * 20 + "*b"}})
        told = await hands.render(mirror.git_dir, commit, endless)
        assert told == Wrong("not rendered within 1 s; make the source smaller, or split it", slow=True)
        hands._seconds = 60.0
        assert isinstance(await hands.render(mirror.git_dir, commit, asked({"path": "app"})), Lacking)
    finally:
        hands.close()


def test_workers_end_with_who_started_them(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys; from pathlib import Path; from tidegate.git.render import asked; "
        "from tidegate.git.workers import Workers\n"
        "async def main():\n"
        "    hands = Workers(1)\n"
        "    await hands.render(Path(sys.argv[1]), 'x', asked({'path': 'x'}))\n"
        "    print(hands._places[0]._pid, flush=True)\n"
        "    await asyncio.sleep(3600)\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    (tmp_path / "main.py").write_text(script)
    words = [sys.executable, str(tmp_path / "main.py"), str(tmp_path)]
    ours = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=ours) as starter:
        assert starter.stdout is not None
        worker = int(starter.stdout.readline())
        assert _lives(worker)
        starter.kill()
    try:
        until(lambda: not _lives(worker), 30, "the worker's end")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_workers_leave_the_loop_free(hands: Workers, tmp_path: Path, origin: Origin) -> None:
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0.001)

    beating = asyncio.ensure_future(beat())
    outcome: Outcome = await hands.render(tmp_path, "x", asked({"path": "x"}))
    beating.cancel()
    assert isinstance(outcome, Wrong)
    assert beats > 3


def test_kubectl_that_never_ends_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = tmp_path / "kubectl"
    hanging.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    hanging.chmod(0o700)
    monkeypatch.setattr(kustomize, "kubectl", lambda: str(hanging))
    monkeypatch.setattr(kustomize, "BUILD_SECONDS", 0.2)
    with pytest.raises(Slow, match=r"kustomize was not done within 0\.2 s"):
        kustomize._build(tmp_path, "app", [])


def test_errors_survive_the_way_between_processes(tmp_path: Path) -> None:
    assert isinstance(workers.work(str(tmp_path), "x", asked({"path": "../x"})), Wrong)
    assert isinstance(workers.work(str(tmp_path / "none"), "x", asked({"path": "x"})), Wrong)
