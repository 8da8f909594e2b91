"""Words that people know from Argo Rollouts and that are not here: each is answered with another way."""

from __future__ import annotations

import pytest

from tests.tidegate.cli.cluster import API, Cluster, say
from tests.tidegate.views.worlds import rollout
from tidegate.cli.main import run

Printed = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("words", "way"),
    [
        ("get experiment e", "kubectl get experiments"),
        ("list exp", "kubectl get experiments"),
        ("retry experiment e", "leave them to Argo Rollouts"),
        ("terminate experiment e", "leave them to Argo Rollouts"),
        ("-n shop create -f run.yaml", "kubectl create -f FILE"),
        ("create analysisrun --from analysistemplate/t", "kubectl create -f FILE"),
        ("delete rollout api", "kubectl delete rollout NAME"),
        ("dashboard -p 3100", "get rollout NAME --watch"),
        ("notifications template get", "kubectl get events"),
        ("app rollback api-prod 3", "git revert COMMIT"),
        ("app set api-prod --revision main", "kubectl edit application NAME"),
        ("app terminate-op api-prod", '"phase":"Terminating"'),
        ("app delete api-prod", "kubectl delete application NAME"),
    ],
)
def test_a_command_that_is_not_here_says_what_to_do_instead(words: str, way: str, capsys: Printed) -> None:
    cluster = Cluster({})
    assert say(words, cluster) == 1
    assert (cluster.requests, way in capsys.readouterr().err) == ([], True)


def test_a_rollout_may_be_called_like_an_absent_command() -> None:
    cluster = Cluster({API: rollout()})
    assert say("abort dashboard", cluster) == 1
    assert cluster.requests


@pytest.mark.parametrize(("words", "usage"), [("help", "COMMAND"), ("help promote", "--full")])
def test_help_is_a_word_too(words: str, usage: str, capsys: Printed) -> None:
    with pytest.raises(SystemExit) as ended:
        say(words, Cluster({}))
    assert ended.value.code == 0
    assert usage in capsys.readouterr().out


def test_help_is_told_in_the_name_that_it_was_called_by(capsys: Printed) -> None:
    with pytest.raises(SystemExit):
        run(["app", "-h"], program="tidegate")
    assert capsys.readouterr().out.startswith("usage: tidegate app ")


def test_who_says_nothing_is_told_everything(capsys: Printed) -> None:
    with pytest.raises(SystemExit):
        say("", Cluster({}))
    assert "let it go on" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["abort deployment/api", "get rollout api/status", "promote api --full -c"])
def test_a_name_that_is_none_and_words_that_exclude_each_other_are_refused(words: str) -> None:
    cluster = Cluster({API: rollout()})
    try:
        code = say(words, cluster)
    except SystemExit as ended:
        code = int(str(ended.code))
    assert (code > 0, cluster.patches()) == (True, [])
