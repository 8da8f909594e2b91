"""The brief's app-of-apps keeps its children in subfolders, which Argo CD would not read."""

from __future__ import annotations

from gitops.recursion import File, Recursion, recursion
from tests.gitops.examples import app

CHILD = ("argoproj.io", "Application")
BRIEF = (File("production/api-app.yaml", (CHILD,)), File("staging/api-app.yaml", (CHILD,)))
OURS = app()
ARGOS = app(status={"sync": {"status": "Synced"}, "history": [{"id": 0}]})


def source(**directory: bool) -> dict[str, object]:
    return {"repoURL": "https://example.com/a", "path": "apps", "directory": directory}


def test_folders_of_nothing_but_applications_are_read_and_told_of() -> None:
    found = recursion(OURS, BRIEF, plain=True)
    assert found.recurse
    assert found.condition.startswith("production, staging read too, for only Applications")
    assert "write directory: {recurse: true}" in found.condition


def test_a_folder_with_anything_else_is_not_read() -> None:
    other = File("production/deployment.yaml", (("apps", "Deployment"),))
    assert recursion(OURS, (*BRIEF, other), plain=True) == Recursion(False)


def test_parked_files_of_an_application_that_argo_cd_synced_stay_parked() -> None:
    found = recursion(ARGOS, BRIEF, plain=True)
    assert (found.recurse, "as Argo CD would not" in found.condition) == (False, True)


def test_what_the_user_writes_about_it_wins() -> None:
    assert recursion(app(source=source(recurse=True)), (), plain=True) == Recursion(True)
    assert recursion(app(source=source(recurse=False)), BRIEF, plain=True) == Recursion(False)


def test_a_false_that_was_dropped_on_its_way_still_counts() -> None:
    assert recursion(app(source=source()), BRIEF, plain=True) == Recursion(False)


def test_a_kustomization_reads_what_it_names() -> None:
    assert recursion(OURS, BRIEF, plain=False) == Recursion(False)


def test_the_controllers_default_reads_all_folders() -> None:
    assert recursion(OURS, (), plain=True, by_default=True) == Recursion(True)
    assert recursion(OURS, BRIEF, plain=True, by_default=False) == Recursion(False)


def test_an_application_we_synced_before_is_still_ours() -> None:
    ours = app(status={"sync": {"status": "Synced"}, "tidegate": {"firstSynced": "here"}})
    assert recursion(ours, BRIEF, plain=True).recurse
