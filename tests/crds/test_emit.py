"""The committed CRDs are what the types say, and keep what they must keep."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from crds import emit, refs
from crds.paths import get
from crds.refs import Kind
from tests.crds.examples import brief

KEEP = "x-kubernetes-preserve-unknown-fields"


def version(kind: Kind) -> dict[str, Any]:
    one: dict[str, Any] = emit.crd(kind)["spec"]["versions"][0]
    return one


def fields(kind: Kind, *path: str) -> dict[str, Any]:
    """The schema at a path of properties."""
    here: dict[str, Any] = version(kind)["schema"]["openAPIV3Schema"]
    for name in path:
        here = here["properties"][name]
    return here


def unknown(value: Any, schema: dict[str, Any], path: str = "") -> list[str]:
    """The paths that the API server would drop."""
    if isinstance(value, list):
        items = get(schema, "items", default={})
        return [lost for one in value for lost in unknown(one, items, f"{path}[]")]
    if not isinstance(value, dict) or schema == {"type": "object"}:
        return []
    found: list[str] = []
    for key, one in value.items():
        below = get(schema, "properties", key) or get(schema, "additionalProperties")
        if below:
            found += unknown(one, below, f"{path}.{key}")
        elif not get(schema, KEEP):
            found.append(f"{path}.{key}")
    return found


def test_the_committed_files_are_what_the_types_say() -> None:
    assert emit.stale() == [], "run python -m crds.emit and commit"


@pytest.mark.parametrize("path", emit.files(), ids=lambda path: path.name)
def test_a_file_is_small_enough_for_plain_apply(path: Any) -> None:
    assert len(emit.files()[path]) < 200_000


@pytest.mark.parametrize("kind", emit.KINDS)
def test_what_is_written_is_the_yaml_of_the_definition(kind: Kind) -> None:
    assert yaml.safe_load(emit.files()[emit.file(kind)]) == emit.crd(kind)


@pytest.mark.parametrize("kind", emit.KINDS)
def test_only_a_rollout_has_the_status_subresource(kind: Kind) -> None:
    assert ("status" in version(kind)["subresources"]) is (kind == refs.ROLLOUT) is kind.status


def test_the_selector_cannot_change() -> None:
    assert fields(refs.ROLLOUT, "spec", "selector")["x-kubernetes-validations"] == [
        {"message": ".spec.selector is immutable", "rule": "self == oldSelf"}
    ]


def test_nothing_of_the_briefs_rollout_is_dropped() -> None:
    assert unknown(brief(), fields(refs.ROLLOUT)) == []


def test_a_misspelled_step_is_noticed() -> None:
    raw = {"spec": {"strategy": {"canary": {"steps": [{"setWeigth": 5}]}}}}
    assert unknown(raw, fields(refs.ROLLOUT)) == [".spec.strategy.canary.steps[].setWeigth"]


@pytest.mark.parametrize("kind", [refs.ROLLOUT, refs.ANALYSIS_RUN])
def test_nothing_of_a_status_is_dropped(kind: Kind) -> None:
    status = {
        "tidegate": {"a": [{"b": 1}]},
        "fromTheFuture": {"c": 1},
        "conditions": [{"type": "A", "new": 1}],
        "metricResults": [{"name": "a", "measurements": [{"new": 1}], "new": 1}],
        "canary": {"weights": {"canary": {"new": 1}}},
    }
    assert unknown({"status": status}, fields(kind)) == []


@pytest.mark.parametrize(
    "path",
    [
        ("spec", "strategy", "canary", "maxSurge"),
        ("spec", "strategy", "canary", "maxUnavailable"),
    ],
)
def test_a_number_or_a_share_is_accepted(path: tuple[str, ...]) -> None:
    assert fields(refs.ROLLOUT, *path) == {"x-kubernetes-int-or-string": True}


def test_a_check_names_the_files_that_are_stale(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emit, "FOLDER", tmp_path)
    with pytest.raises(SystemExit, match=r"rollouts\.yaml.*run python -m crds\.emit"):
        emit.main(["--check"])
    emit.main([])
    emit.main(["--check"])


def test_argo_cds_own_kinds_are_not_applied_with_the_rest() -> None:
    apart = {path.name for path in emit.files() if path.parent != emit.FOLDER}
    assert apart == {"applications.yaml", "appprojects.yaml"}
