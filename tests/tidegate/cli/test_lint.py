"""`lint`: files in, problems out, and an exit code that a pipeline can use."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.test_examples import EXAMPLES
from tests.tidegate.cli.cluster import Cluster, say

Printed = pytest.CaptureFixture[str]
ROLLOUT = next(path for path in EXAMPLES if path.name == "rollout.yaml").read_text()


def lint(text: str, folder: Path) -> int:
    (folder / "it.yaml").write_text(text)
    return say(f"lint -f {folder / 'it.yaml'}", Cluster({}))


def test_a_file_in_order_says_what_was_looked_at(tmp_path: Path, capsys: Printed) -> None:
    assert lint(ROLLOUT, tmp_path) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'it.yaml'}: no problems in 1 Rollout\n"


def test_each_problem_is_a_line_with_file_object_field_and_fix(tmp_path: Path, capsys: Printed) -> None:
    assert lint(ROLLOUT.replace("replicas: 10", "relpicas: -1"), tmp_path) == 1
    printed = capsys.readouterr()
    assert printed.out == (
        f"{tmp_path / 'it.yaml'}: Rollout api: spec.relpicas: is not known here; did you mean replicas?\n"
    )
    assert printed.err == "Error: 1 problem to mend before this is applied\n"


def test_every_document_is_looked_at(tmp_path: Path, capsys: Printed) -> None:
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: api, nonsense: yes}\n"
    wrong = ROLLOUT.replace("replicas: 10", "replicas: -1").replace("name: api\n", "name: web\n", 1)
    assert lint(f"{service}---\n{ROLLOUT}---\n{wrong}", tmp_path) == 1
    assert capsys.readouterr().out.endswith("Rollout web: spec.replicas: -1 is below 0; write 0 or more\n")


def test_the_items_of_a_list_are_looked_at(tmp_path: Path, capsys: Printed) -> None:
    items = "".join(f"    {line}\n" for line in ROLLOUT.replace("replicas: 10", "replicas: -1").splitlines())
    assert lint(f"apiVersion: v1\nkind: List\nitems:\n  -\n{items}", tmp_path) == 1
    assert "Rollout api: spec.replicas: -1 is below 0" in capsys.readouterr().out


def test_a_dash_means_standard_input(capsys: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(ROLLOUT))
    assert say("lint -f -", Cluster({})) == 0
    assert capsys.readouterr().out == "-: no problems in 1 Rollout\n"


def test_several_files_are_counted_together(tmp_path: Path, capsys: Printed) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(ROLLOUT.replace("replicas: 10", "replicas: -1"))
    assert say(f"lint -f {tmp_path / 'a'} --filename {tmp_path / 'b'}", Cluster({})) == 1
    assert "2 problems to mend" in capsys.readouterr().err


def test_what_is_passed_over_is_noted_and_no_problem(
    tmp_path: Path, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate.views.lint.ignored", lambda _rollout: ("spec.minReadySeconds",))
    assert lint(ROLLOUT, tmp_path) == 0
    assert "Rollout api: (note) spec.minReadySeconds: is not acted on yet" in capsys.readouterr().out


def test_a_key_that_stands_twice_is_named_with_its_line(tmp_path: Path, capsys: Printed) -> None:
    assert lint(ROLLOUT.replace("  replicas: 10\n", "  replicas: 10\n  replicas: 2\n"), tmp_path) == 1
    told = capsys.readouterr().err
    assert "the key 'replicas' stands twice; keep one" in told
    assert ", line 7, column 3" in told


def test_a_merge_that_is_overridden_is_no_key_twice(tmp_path: Path) -> None:
    text = "a: &a {x: 1}\nb: &b {<<: *a, x: 2}\nc: {<<: [*a, *b], x: 3}\n"
    assert lint(text, tmp_path) == 0


def test_what_is_no_yaml_is_named_with_its_line(tmp_path: Path, capsys: Printed) -> None:
    assert lint("a: b: c\n", tmp_path) == 1
    assert "it.yaml is no YAML: mapping values are not allowed in this context" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: Printed) -> None:
    assert say(f"lint -f {tmp_path / 'nowhere'}", Cluster({})) == 1
    assert "nowhere cannot be read: No such file or directory" in capsys.readouterr().err


def test_a_label_that_looks_like_a_date_is_text(tmp_path: Path) -> None:
    assert (
        lint(ROLLOUT.replace("metadata:\n", "metadata:\n  annotations: {since: 2026-01-01}\n", 1), tmp_path)
        == 0
    )


def test_a_cluster_is_not_asked(tmp_path: Path) -> None:
    cluster = Cluster({})
    (tmp_path / "it.yaml").write_text(ROLLOUT)
    say(f"lint -f {tmp_path / 'it.yaml'}", cluster)
    assert cluster.requests == []


def test_nothing_of_ours_is_said_to_be_nothing(tmp_path: Path, capsys: Printed) -> None:
    assert lint("kind: Service\n", tmp_path) == 0
    assert capsys.readouterr().out.endswith("it.yaml: nothing of argoproj.io to look at\n")


def test_a_metric_that_is_named_twice_is_a_problem(tmp_path: Path, capsys: Printed) -> None:
    metric = "{name: up, provider: {prometheus: {query: up}}}"
    kind = "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisRun\nmetadata: {name: r}\n"
    assert lint(f"{kind}spec: {{metrics: [{metric}, {metric}]}}\n", tmp_path) == 1
    assert "spec.metrics[1].name: 'up' is there already; name each metric once" in capsys.readouterr().out


def test_a_list_without_items_is_nothing_of_ours(tmp_path: Path, capsys: Printed) -> None:
    assert lint("kind: List\nitems: 5\n", tmp_path) == 0
    assert "nothing of argoproj.io" in capsys.readouterr().out
