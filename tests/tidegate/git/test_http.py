"""A mirror over smart HTTP with credentials: what the server is shown, and what nobody else is."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.lab.waiting import deadline, until
from tests.tidegate.git.origin import Origin, Server, config_map
from tidegate.git import command, tree
from tidegate.git.access import Access
from tidegate.git.address import read as address
from tidegate.git.command import Job, Remote, ask
from tidegate.git.errors import Denied, GitError, Unreachable
from tidegate.git.mirror import Head, Mirror

pytestmark = pytest.mark.git

SECRET = 'pass:w/o%rd \'and "quotes"'
ADA = Access(username="ada", password=SECRET)


@pytest.fixture
def commit(origin: Origin) -> str:
    return origin.commit({"a.yaml": config_map("a")})


@pytest.fixture
def server(tmp_path: Path, origin: Origin, commit: str) -> Iterator[Server]:
    with Server(tmp_path, "ada", SECRET) as running:
        yield running


def mirror_of(folder: Path, server: Server, access: Access) -> Mirror:
    return Mirror(folder / "cache", server.remote("origin/.git", access))


def test_who_has_the_password_reads(tmp_path: Path, server: Server, commit: str) -> None:
    mirror = mirror_of(tmp_path, server, ADA)
    assert mirror.heads(["main"]) == {"main": Head("main", "refs/heads/main", commit)}
    there = tree.Tree(mirror.git_dir, commit)
    with pytest.raises(tree.Missing) as lacking:
        there.contents(there.below(""))
    mirror.bring(lacking.value.blobs)
    assert list(there.contents(there.below("")).values()) == [config_map("a").encode()]


def test_many_contents_come_by_one_fetch(tmp_path: Path, origin: Origin, server: Server) -> None:
    commit = origin.commit({f"{i}.yaml": config_map(str(i)) for i in range(200)})
    mirror = mirror_of(tmp_path, server, ADA)
    mirror.heads(["main"])
    there = tree.Tree(mirror.git_dir, commit)
    with pytest.raises(tree.Missing) as lacking:
        there.contents(there.below(""))
    server.asked.clear()
    mirror.bring(lacking.value.blobs)
    assert [asked.split()[0] for asked in server.asked] == ["GET", "POST"]
    assert len(there.contents(there.below(""))) == 201


def test_a_look_at_an_unmoved_head_is_one_exchange(tmp_path: Path, server: Server) -> None:
    mirror = mirror_of(tmp_path, server, ADA)
    mirror.heads(["main", "HEAD"])
    server.asked.clear()
    mirror.heads(["main", "HEAD"])
    assert [asked.split()[0] for asked in server.asked] == ["GET", "POST"]


@pytest.mark.parametrize("access", [Access(), Access(username="ada", password="wrong")])
def test_who_has_not_is_told_which_secret_is_wanted(tmp_path: Path, server: Server, access: Access) -> None:
    with pytest.raises(
        Denied, match=r"origin/\.git refuses us: .*argocd.argoproj.io/secret-type: repository"
    ) as problem:
        mirror_of(tmp_path, server, access).heads(["main"])
    assert "wrong" not in str(problem.value)


def test_a_bearer_token_reads(tmp_path: Path, origin: Origin, commit: str) -> None:
    with Server(tmp_path, bearer="sesame") as server:
        mirror = mirror_of(tmp_path, server, Access(bearer="sesame"))
        assert [head.revision for head in mirror.heads(["main"]).values()] == ["main"]


def test_no_password_stands_in_the_mirror_or_among_arguments(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments: list[str] = []
    run = subprocess.Popen

    def watched(words: list[str], **more: Any) -> subprocess.Popen[bytes]:
        arguments.extend(words)
        return run(words, **more)

    monkeypatch.setattr("subprocess.Popen", watched)
    mirror = mirror_of(tmp_path, server, ADA)
    mirror.heads(["main"])
    written = b"".join(path.read_bytes() for path in mirror.git_dir.rglob("*") if path.is_file())
    assert arguments
    assert SECRET not in " ".join(arguments)
    assert SECRET.encode() not in written
    assert SECRET not in repr(mirror.remote)


def test_a_password_in_the_address_is_not_shown(tmp_path: Path, server: Server, commit: str) -> None:
    url = server.url.replace("//", "//ada:pass%3Aw%2Fo%25rd%20%27and%20%22quotes%22@")
    from tidegate.git.access import access_to
    from tidegate.git.address import read

    where = read(f"{url}/origin/.git")
    remote = command.Remote(where, access_to(where, []))
    assert Mirror(tmp_path / "cache", remote).heads(["main"])["main"].revision == "main"
    assert (SECRET in where.url, "pass" in repr(remote)) == (False, False)


@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize("access", [ADA, Access(bearer=SECRET)])
def test_a_redirect_to_another_host_is_shown_nothing(
    tmp_path: Path, server: Server, access: Access, asks: bool
) -> None:
    """Whether that host asks for a password, or plays the repository."""
    shown: list[str | None] = []

    def catch(handler: BaseHTTPRequestHandler) -> bool:
        shown.append(handler.headers.get("Authorization"))
        return asks and refused(handler, 401, "WWW-Authenticate", 'Basic realm="caught"')

    with Server(tmp_path) as stranger:
        stranger.refuse = catch
        server.refuse = lambda handler: refused(handler, 302, "Location", stranger.url + handler.path)
        with contextlib.suppress(GitError):
            mirror_of(tmp_path, server, access).heads(["main"])
    assert set(shown) <= {None}


def test_a_token_that_is_sent_elsewhere_asks_for_the_right_address(tmp_path: Path, server: Server) -> None:
    server.refuse = lambda handler: refused(handler, 301, "Location", server.url + "/moved" + handler.path)
    with pytest.raises(Denied, match="sends us elsewhere, where credentials are not shown"):
        mirror_of(tmp_path, server, Access(bearer="x")).heads(["main"])


def refused(handler: BaseHTTPRequestHandler, status: int, header: str, value: str) -> bool:
    handler.send_response(status)
    handler.send_header(header, value)
    handler.send_header("Content-Length", "0")
    handler.end_headers()
    return True


def test_a_server_that_hangs_is_left_at_the_deadline_with_all_that_was_started(
    tmp_path: Path, server: Server
) -> None:
    let_go = threading.Event()
    server.refuse = lambda _: let_go.wait(60)
    try:
        with pytest.raises(Unreachable, match=r"no answer within 0\.3 s"):
            ask(server.remote("origin/.git", ADA), Job(("ls-remote", "origin"), 0.3))
        until(lambda: not [line for line in _commands() if server.url in line], 10, "the end of its commands")
    finally:
        let_go.set()


def test_a_server_that_is_not_there_is_told_in_the_same_words_however_long_that_took() -> None:
    with pytest.raises(Unreachable) as told:
        ask(Remote(address("http://127.0.0.1:9/x")), Job(("ls-remote", "origin")))
    assert not re.search(r"\d ms", str(told.value))


def test_a_server_that_fails_is_asked_again_later(tmp_path: Path, server: Server) -> None:
    def broken(handler: BaseHTTPRequestHandler) -> bool:
        handler.send_error(503)
        return True

    server.refuse = broken
    with pytest.raises(Unreachable, match="503"):
        mirror_of(tmp_path, server, ADA).heads(["main"])


def test_a_server_that_dies_in_mid_answer_leaves_a_usable_mirror(
    tmp_path: Path, server: Server, commit: str
) -> None:
    def dying(handler: BaseHTTPRequestHandler) -> bool:
        if handler.command == "POST" and len(posts := [a for a in server.asked if a.startswith("POST")]) == 1:
            server.asked.append(f"POST {len(posts)}")
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-result\r\n")
            handler.wfile.write(b"Content-Length: 5000\r\n\r\n000dpackfile\n")
            return True
        return False

    server.refuse = dying
    mirror = mirror_of(tmp_path, server, ADA)
    with pytest.raises(GitError):
        mirror.heads(["main"])
    assert mirror.heads(["main"])["main"] == Head("main", "refs/heads/main", commit)


def test_who_is_killed_in_mid_fetch_leaves_a_usable_mirror(
    tmp_path: Path, server: Server, commit: str
) -> None:
    fetching, let_go = threading.Event(), threading.Event()

    def hold(handler: BaseHTTPRequestHandler) -> bool:
        if handler.command == "POST" and any(asked.startswith("POST") for asked in server.asked):
            fetching.set()
            let_go.wait(60)
        return False

    server.refuse = hold
    script = (
        "import sys; from pathlib import Path; from tidegate.git.access import Access; "
        "from tidegate.git.address import read; from tidegate.git.command import Remote; "
        "from tidegate.git.mirror import Mirror\n"
        "access = Access(username='ada', password=sys.argv[3])\n"
        "Mirror(Path(sys.argv[1]), Remote(read(sys.argv[2]), access)).heads(['main'])"
    )
    words = [sys.executable, "-c", script, str(tmp_path / "cache"), f"{server.url}/origin/.git", SECRET]
    with subprocess.Popen(words) as other:
        assert fetching.wait(deadline(60))
        other.kill()
    let_go.set()
    assert mirror_of(tmp_path, server, ADA).heads(["main"])["main"] == Head("main", "refs/heads/main", commit)


def _commands() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.stat().st_uid == os.getuid():
                yield path.read_bytes().decode(errors="replace")
        except OSError:
            continue
