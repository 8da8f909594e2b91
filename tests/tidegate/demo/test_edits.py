"""The demo's repository is the brief's, but for edits that are told."""

from __future__ import annotations

import pytest
import yaml

from tests.test_examples import ROOT as HERE
from tidegate.demo.edits import BRIEF, PRODUCTION, ROLLOUT, STAGING, Edit, brief, edited, edits, told

URL = "http://127.0.0.1:1/infrastructure.git"


@pytest.mark.parametrize("name", BRIEF)
def test_it_begins_with_the_brief_to_the_letter(name: str) -> None:
    assert brief()[name] == (HERE.parent / "shared" / "brief" / name).read_text()


def test_every_edit_is_told_with_its_reason() -> None:
    lines = "\n".join(told(edits(URL)))
    assert all(edit.why in lines and edit.file in lines for edit in edits(URL))
    assert f"{ROLLOUT}: duration: 5m → duration: 10s" in lines


def test_the_rollback_fragment_is_merged_into_production() -> None:
    made = yaml.safe_load(edited(brief(), edits(URL))[PRODUCTION])["spec"]
    fragment = yaml.safe_load((HERE.parent / "shared/brief/fragments/rollback.yaml").read_text())["spec"]
    signing = {"git": {"signing": {"secretRef": {"name": "revert-key"}}}}
    assert made["rollback"] == fragment["rollback"] | signing
    assert made["syncPolicy"] == {
        **fragment["syncPolicy"],
        "syncOptions": ["CreateNamespace=true"],
    }


def test_without_anything_to_sign_with_reverts_are_not_signed_and_that_is_told() -> None:
    made = yaml.safe_load(edited(brief(), edits(URL, signs=False))[PRODUCTION])["spec"]
    assert made["rollback"]["git"] == {"signing": {"type": "none"}}
    assert "a revert is signed, not here: there is no ssh-keygen" in "\n".join(told(edits(URL, signs=False)))


def test_staging_is_at_home_in_its_own_namespace() -> None:
    made = yaml.safe_load(edited(brief(), edits(URL))[STAGING])["spec"]
    assert made["source"]["kustomize"]["namespace"] == made["destination"]["namespace"] == "staging"


def test_every_file_of_the_repository_is_yaml() -> None:
    made = edited(brief(), edits(URL))
    assert all(list(yaml.safe_load_all(text)) for text in made.values())


@pytest.mark.parametrize(
    "edit",
    [Edit("why", ROLLOUT, "nowhere", "x"), Edit("why", "new.yaml", "old", "x"), Edit("w", ROLLOUT, "", "")],
)
def test_an_edit_that_fits_nothing_is_a_mistake(edit: Edit) -> None:
    with pytest.raises(ValueError, match=edit.file):
        edited(brief(), (edit,))
