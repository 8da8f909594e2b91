from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from tidegate.kube.config import ConfigError, Overrides, from_files, in_cluster, load


def write(file: Path, user: dict[str, Any], cluster: dict[str, Any] | None = None) -> Path:
    document = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
        "clusters": [{"name": "c", "cluster": cluster or {"server": "https://127.0.0.1:6443/"}}],
        "users": [{"name": "u", "user": user}],
    }
    file.write_text(yaml.safe_dump(document))
    return file


def plugin(folder: Path, status: dict[str, Any]) -> dict[str, Any]:
    """A credential plugin that counts its runs."""
    script = folder / "plugin"
    answer = json.dumps({"kind": "ExecCredential", "status": status})
    script.write_text(f"#!/bin/sh\necho run >> {folder}/runs\ncat <<'END'\n{answer}\nEND\n")
    script.chmod(script.stat().st_mode | stat.S_IEXEC)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(script)}}


def runs(folder: Path) -> int:
    return len((folder / "runs").read_text().splitlines())


def test_a_kubeconfig_says_where_and_who(tmp_path: Path) -> None:
    ca = base64.b64encode(b"PEM").decode()
    file = write(tmp_path / "k", {"token": "t"}, {"server": "https://h:1/", "certificate-authority-data": ca})
    got = from_files([file])
    assert (got.server, got.namespace, got.ca) == ("https://h:1", "shop", "PEM")
    assert got.credentials.renew().header == "Bearer t"


def test_files_named_in_a_kubeconfig_are_beside_it(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    assert from_files([write(tmp_path / "k", {"tokenFile": "token"})]).credentials.renew().header == (
        "Bearer from-file"
    )


def test_of_several_files_the_first_with_an_entry_wins(tmp_path: Path) -> None:
    first = write(tmp_path / "a", {"token": "first"})
    second = write(tmp_path / "b", {"token": "second"})
    both = {"KUBECONFIG": f"{tmp_path / 'absent'}:{first}:{second}"}
    assert load(environ=both).credentials.renew().header == "Bearer first"


def test_a_missing_kubeconfig_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="absent does not exist"):
        load(environ={"KUBECONFIG": str(tmp_path / "absent")})


def test_an_unknown_context_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no context named 'there'; there are: here"):
        from_files([write(tmp_path / "k", {})], "there")


def test_a_plugin_runs_once_for_as_long_as_its_token_lasts(tmp_path: Path) -> None:
    user = plugin(tmp_path, {"token": "t", "expirationTimestamp": "2099-01-01T00:00:00Z"})
    credentials = from_files([write(tmp_path / "k", user)]).credentials
    got = [(credentials.current() or credentials.renew()).header for _ in range(3)]
    assert (got, runs(tmp_path)) == (["Bearer t"] * 3, 1)


def test_a_plugin_runs_again_once_its_token_expired(tmp_path: Path) -> None:
    user = plugin(tmp_path, {"token": "t", "expirationTimestamp": "2001-01-01T00:00:00Z"})
    credentials = from_files([write(tmp_path / "k", user)]).credentials
    credentials.renew()
    assert credentials.current() is None


def test_a_missing_plugin_is_named_with_its_hint(tmp_path: Path) -> None:
    user = {"exec": {"command": str(tmp_path / "nope"), "installHint": "get it from the cloud"}}
    with pytest.raises(ConfigError, match="nope' is not installed; get it from the cloud"):
        from_files([write(tmp_path / "k", user)]).credentials.renew()


@pytest.mark.parametrize(("said", "header"), [({"as": "ann"}, "Bearer pods"), ({"token": "t"}, "Bearer t")])
def test_in_a_pod_who_asks_may_be_said_without_a_kubeconfig(
    said: dict[str, str], header: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in (("token", "pods"), ("namespace", "tide"), ("ca.crt", "PEM")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr("tidegate.kube.config.IN_CLUSTER", tmp_path)
    got = load(environ={"KUBERNETES_SERVICE_HOST": "h"}, said=Overrides(of_user=said, timeout=3))
    assert (got.server, got.credentials.renew().header, got.timeout) == ("https://h:443", header, 3)
    assert got.acting == ((("Impersonate-User", "ann"),) if "as" in said else ())


def test_a_service_account_token_is_read_again_after_401(tmp_path: Path) -> None:
    for name, text in (("token", "old"), ("namespace", "tide"), ("ca.crt", "PEM")):
        (tmp_path / name).write_text(text)
    got = in_cluster({"KUBERNETES_SERVICE_HOST": "::1"}, tmp_path)
    got.credentials.renew()
    (tmp_path / "token").write_text("new")
    got.credentials.forget()
    assert (got.server, got.namespace, got.credentials.renew().header) == (
        "https://[::1]:443",
        "tide",
        "Bearer new",
    )


def test_a_service_account_token_is_read_again_within_the_hour(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "token").write_text("t")
    credentials = from_files([write(tmp_path / "k", {"tokenFile": "token"})]).credentials
    monkeypatch.setattr("time.monotonic", lambda: 1000.0)
    credentials.renew()
    monkeypatch.setattr("time.monotonic", lambda: 1000.0 + 3601)
    assert credentials.current() is None


def test_plain_http_wants_no_tls(tmp_path: Path) -> None:
    assert from_files([write(tmp_path / "k", {}, {"server": "http://127.0.0.1:1"})]).tls() is None


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("contexts: 5", "k has no current-context; name one with --context; there are: none"),
        ("contexts: [5, {name: x}]\ncurrent-context: x", "no cluster named ''"),
        ("contexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x", "no cluster named 'c'"),
    ],
)
def test_a_kubeconfig_of_another_shape_is_named(written: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "k").write_text(written)
    with pytest.raises(ConfigError, match=told):
        from_files([tmp_path / "k"])


def test_a_kubeconfig_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="k: "):
        from_files([tmp_path / "k"])


@pytest.mark.parametrize("server", ["127.0.0.1:6443", "http://127.0.0.1:99999", "http://a b:1", 5])
def test_a_server_that_is_no_address_is_named(server: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no server to talk to; write one like https"):
        from_files([write(tmp_path / "k", {}, {"server": server})])


@pytest.mark.parametrize(
    ("user", "cluster"),
    [
        ({}, {"certificate-authority-data": "###"}),
        ({}, {"certificate-authority-data": "aGVsbG8="}),
        ({"client-certificate-data": "aGVsbG8=", "client-key-data": "aGVsbG8="}, {}),
    ],
)
def test_certificates_that_are_none_are_named(user: Any, cluster: Any, tmp_path: Path) -> None:
    file = write(tmp_path / "k", user, {"server": "https://127.0.0.1:1", **cluster})
    with pytest.raises(ConfigError, match="certificate"):
        from_files([file]).tls()


@pytest.mark.parametrize("status", [5, None])
def test_a_plugin_that_gives_no_credential_is_named(status: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="gave no credential"):
        from_files([write(tmp_path / "k", plugin(tmp_path, status))]).credentials.renew()


def test_a_plugin_without_a_command_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="names no command"):
        from_files([write(tmp_path / "k", {"exec": {"args": ["a"]}})]).credentials.renew()


@pytest.mark.parametrize("exec_", [{"command": "a", "args": 3}, {"command": "a", "env": [{"name": "b"}]}])
def test_a_plugin_that_is_not_understood_is_named(exec_: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"user\.exec of the kubeconfig is not understood"):
        from_files([write(tmp_path / "k", {"exec": exec_})]).credentials.renew()


@pytest.mark.parametrize("expires", ["tomorrow", "2099-01-01T00:00:00", 5])
def test_a_plugin_that_does_not_say_until_when_is_named(expires: Any, tmp_path: Path) -> None:
    user = plugin(tmp_path, {"token": "t", "expirationTimestamp": expires})
    with pytest.raises(ConfigError, match="gave no credential"):
        from_files([write(tmp_path / "k", user)]).credentials.renew()


@pytest.mark.parametrize("token", ["secret\nsecret", "secret☃"])
def test_a_token_that_no_header_can_hold_is_named_and_not_shown(token: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the token of the kubeconfig holds a line break") as raised:
        from_files([write(tmp_path / "k", {"token": token})]).credentials.renew()
    assert "secret" not in str(raised.value)
