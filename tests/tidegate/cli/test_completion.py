"""TAB in a shell, and what kubectl asks for it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from shutil import which

import pytest

from tests.tidegate.cli.cluster import ROLLOUTS, Cluster, Raw, say
from tidegate.cli.completion import SHELLS, places
from tidegate.cli.grammar import parser
from tidegate.kube.errors import Unreachable

Printed = pytest.CaptureFixture[str]
COMPLETE = """
source /dev/stdin
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_kubectl_argo_rollouts
printf '%s\\n' "${COMPREPLY[@]}"
"""


def script(shell: str, capsys: Printed) -> str:
    assert say(f"completion {shell}", Cluster({})) == 0
    return capsys.readouterr().out


def in_bash(line: str, capsys: Printed) -> set[str]:
    """What bash offers for the last word of a line."""
    command = ["bash", "-c", COMPLETE, "bash", "kubectl-argo-rollouts", *line.split(" ")]
    ran = subprocess.run(command, input=script("bash", capsys), capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    return set(ran.stdout.split())


def asked(line: str, capsys: Printed) -> list[str]:
    """What kubectl is told for a line."""
    assert say(f"__complete {line}", Cluster({})) == 0
    return capsys.readouterr().out.splitlines()


LINES = [
    ("pro", {"promote"}),
    ("get ro", {"rollout"}),
    ("get ro api --wa", {"--watch"}),
    ("-n shop list rollouts --al", {"--all-namespaces"}),
    ("undo api --to", {"--to-revision"}),
    ("completion z", set()),
]


@pytest.mark.parametrize(("line", "offered"), LINES, ids=[line for line, _ in LINES])
def test_bash_offers_what_may_follow(line: str, offered: set[str], capsys: Printed) -> None:
    assert in_bash(line, capsys) == offered


@pytest.mark.parametrize(("line", "offered"), LINES, ids=[line for line, _ in LINES])
def test_kubectl_is_told_the_same(line: str, offered: set[str], capsys: Printed) -> None:
    *words, directive = asked(line, capsys)
    assert ({word.split("\t")[0] for word in words}, directive) == (offered, ":4")


def test_kubectl_is_told_every_command_with_its_help(capsys: Printed) -> None:
    assert say("__complete", Cluster({})) == 0
    assert "undo\task for the pods of an earlier revision again" in capsys.readouterr().out


def named(name: str) -> Raw:
    return {"metadata": {"name": name}}


@pytest.mark.parametrize(
    "line", ["get rollout a", "promote --full a", "set image a", "list ro a", "abort web a"]
)
def test_kubectl_is_told_the_names_of_rollouts(line: str, capsys: Printed) -> None:
    cluster = Cluster({ROLLOUTS: (named("api"), named("auth"), named("web"))})
    assert say(f"__complete {line}", cluster) == 0
    assert capsys.readouterr().out.splitlines() == ["api", "auth", ":4"]


def test_the_names_are_those_of_the_namespace_said_before(capsys: Printed) -> None:
    cluster = Cluster({ROLLOUTS.replace("production", "shop"): (named("api"),)})
    say("__complete -n shop promote a", cluster)
    assert capsys.readouterr().out.splitlines() == ["api", ":4"]


def test_a_cluster_that_does_not_answer_offers_nothing(capsys: Printed) -> None:
    cluster = Cluster({})
    cluster.refusal = Unreachable("it is gone")
    assert say("__complete promote a", cluster) == 0
    assert capsys.readouterr() == (":4\n", "")


def test_the_name_of_an_analysis_is_none_of_a_rollouts(capsys: Printed) -> None:
    cluster = Cluster({ROLLOUTS: (named("api"),)})
    say("__complete get analysis a", cluster)
    assert (cluster.requests, capsys.readouterr().out) == ([], ":4\n")


def test_only_lint_takes_files(capsys: Printed) -> None:
    assert asked("lint -f ex", capsys)[-1] == ":0"


@pytest.mark.parametrize("shell", SHELLS)
def test_every_word_of_the_grammar_is_in_every_script(shell: str, capsys: Printed) -> None:
    text = script(shell, capsys)
    words = {word.removeprefix("--") for place in places(parser()) for word in place.words}
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize("shell", SHELLS)
def test_every_script_says_how_kubectl_finds_it(shell: str, capsys: Printed) -> None:
    text = script(shell, capsys)
    assert "kubectl_complete-argo-rollouts" in text
    assert 'exec kubectl-argo-rollouts __complete "$@"' in text


@pytest.mark.parametrize("shell", SHELLS)
def test_every_script_is_read_by_its_shell(shell: str, tmp_path: Path, capsys: Printed) -> None:
    if which(shell) is None:
        pytest.skip(f"no {shell} here")
    (tmp_path / "script").write_text(script(shell, capsys))
    subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)


def test_a_shell_that_is_not_known_is_answered_with_those_that_are(capsys: Printed) -> None:
    with pytest.raises(SystemExit):
        say("completion tcsh", Cluster({}))
    assert "'bash', 'zsh', 'fish'" in capsys.readouterr().err
