"""Which address is meant, and which Secret is for it."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from crds.addresses import hidden
from crds.errors import Invalid
from crds.repositories import same
from tidegate.git.access import WRITE, Access, access_to, hosts_of, meant
from tidegate.git.address import read

Raw = dict[str, Any]
URL = "https://git.example.com/org/infrastructure"


def secret(name: str, kind: str = "repository", **data: str) -> Raw:
    return {
        "metadata": {"namespace": "argocd", "name": name, "labels": {"argocd.argoproj.io/secret-type": kind}},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }


def entered(*secrets: Raw, url: str = URL) -> Access:
    return access_to(read(url), secrets)


@pytest.mark.parametrize(
    "spelling", [URL, URL + ".git", URL + "/", URL.replace("org", "Org"), URL.replace("//", "//ada@")]
)
def test_a_repository_is_known_in_its_spellings(spelling: str) -> None:
    assert entered(secret("one", url=spelling, username="ada", password="x")).password == "x"


def test_scp_and_ssh_are_one() -> None:
    assert same("git@git.example.com:org/infrastructure.git", "ssh://git@git.example.com/org/infrastructure")


def test_the_longest_template_is_for_a_repository_without_credentials() -> None:
    short = secret("short", "repo-creds", url="https://git.example.com", username="a", password="short")
    long = secret("long", "repo-creds", url="https://git.example.com/org", username="a", password="long")
    assert entered(short, long, secret("own", url=URL)).password == "long"


def test_a_template_is_not_for_a_host_that_only_begins_alike() -> None:
    template = secret("one", "repo-creds", url="https://git.example.com", password="x")
    assert entered(template, url="https://git.example.com.evil.org/org/infrastructure").password == ""


def test_own_credentials_come_before_a_template() -> None:
    template = secret("one", "repo-creds", url="https://git.example.com", username="a", password="theirs")
    assert entered(template, secret("own", url=URL, username="b", password="own")).password == "own"


def test_write_credentials_are_not_read() -> None:
    assert entered(secret("one", "repository-write", url=URL, username="a", password="x")) == Access()


def test_a_way_to_sign_in_that_is_not_known_is_named() -> None:
    with pytest.raises(Invalid, match=r"Secret argocd/app.data.githubAppID: is not known here; sign in by"):
        entered(secret("app", url=URL, githubAppID="7"))


def test_a_secret_that_is_no_base64_is_named() -> None:
    broken = secret("one", url=URL)
    broken["data"]["password"] = "%%%"
    with pytest.raises(Invalid, match=r"Secret argocd/one.data.password: is no base64"):
        entered(broken)


def test_a_certificate_is_trusted_for_its_host() -> None:
    hosts = hosts_of(None, {"data": {"git.example.com": "PEM", "other": "no"}})
    assert access_to(read(URL.replace(".com/", ".com:8443/")), [], hosts).ca == "PEM"


@pytest.mark.parametrize(
    "url",
    ["ext::sh -c id", "--upload-pack=id", "file:///etc", "/etc", "git://host/x", "", "fd::17/foo", "a\nb"],
)
def test_what_only_the_controller_may_read_is_no_address(url: str) -> None:
    with pytest.raises(Invalid, match="repoURL"):
        read(url)


def test_a_password_is_never_part_of_a_refusal() -> None:
    with pytest.raises(Invalid) as problem:
        read("git://ada:hidden@host/x")
    assert "hidden" not in str(problem.value)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("ssh://git:hidden@host:2222/org/x", "ssh://git@host:2222/org/x"),
        ("ssh://git@host:2222/org/x", "ssh://git@host:2222/org/x"),
        ("ssh://host/org/x", "ssh://host/org/x"),
        ("ssh://git:p@hidden@host/org/x", "ssh://git@host/org/x"),
        ("https://ada:p@hidden@host/x", "https://host/x"),
        ("git@host:org/x", "git@host:org/x"),
    ],
)
def test_a_password_in_an_address_is_neither_shown_nor_an_argument(written: str, shown: str) -> None:
    assert hidden(written) == shown
    assert "hidden" not in read(written).url


def test_who_reads_and_who_writes_are_never_shown_each_others_credentials() -> None:
    both = [secret("r", url=URL, password="read"), secret("w", "repository-write", url=URL, password="write")]
    assert access_to(read(URL), both).password == "read"
    assert access_to(read(URL), both, to=WRITE).password == "write"
    assert access_to(read(URL), both[:1], to=WRITE).password == ""


def test_it_is_known_whether_anything_is_for_writing() -> None:
    template = secret("w", "repo-write-creds", url="https://git.example.com/org", password="write")
    assert meant(read(URL), [template], WRITE)
    assert not meant(read(URL), [secret("r", url=URL)], WRITE)
    assert not meant(read("https://git.example.com/other/x"), [template], WRITE)
