"""A release that is rejected is reverted in Git, once; what people and servers do meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crds.application_rollback import RELEASE as LETS_GO
from crds.refs import CONFIG_MAP, Ref
from tests.tidegate.git.origin import Bare
from tests.tidegate.kube.waiting import until
from tests.tidegate.runtime.releases import (
    API,
    BAD,
    FILE_OF_API,
    FINE,
    GOOD,
    RELEASE,
    ROOT,
    SERVED,
    argocd,
    config,
    good,
    parent,
    rollout,
    running,
    tagged,
)
from tidegate.views.settling import settled

pytestmark = pytest.mark.git


async def test_a_rejected_release_is_reverted_once_and_its_application_is_synced_at_the_revert(
    tmp_path: Path, bare: Bare, key: str
) -> None:
    async with running(tmp_path, bare, key) as here:
        await good(here)
        bad = here.push({RELEASE: rollout(BAD)}, "Ship v3")
        await until(lambda: here.phase() == "Recovered", 90)
        (revert,) = here.reverts()
        assert (bare.tip, here.image(), here.synced_at(revert)) == (revert, GOOD, True)
        assert sorted(here.revisions()) == ["2", "3"]
        said = bare.serve("log", "-1", "--format=%B", revert)
        assert said.startswith(f'Revert "Ship v3"\n\nThis reverts commit {bad}.')
        assert "Rollback-App: argocd/api-prod" in said
        assert "gpgsig -----BEGIN SSH SIGNATURE-----" in bare.serve("cat-file", "commit", revert)
        await until(lambda: here.read(SERVED, "status", "phase") == "Healthy", 30)
        assert here.read(SERVED, "status", "currentStepIndex") == 2
        await until(lambda: here.read(API, "status", "health", "status") == "Healthy", 30)


async def test_waiting_for_a_release_that_was_taken_back_fails_and_for_its_revert_does_not(
    tmp_path: Path, bare: Bare, key: str
) -> None:
    async with running(tmp_path, bare, key) as here:
        await good(here)
        bad = here.push({RELEASE: rollout(BAD)})
        await until(lambda: here.phase() == "Recovered", 90)
        (revert,) = here.reverts()
        await until(lambda: settled(here.read(API), revert).done, 30)
        ends = {words: settled(here.read(API), words) for words in ("", bad, revert)}
        assert [bool(one.problem) for one in ends.values()] == [True, True, False]
        fine = here.push({RELEASE: rollout(FINE)})
        await until(lambda: settled(here.read(API), fine).done, 60)
        assert [settled(here.read(API), words).problem for words in ("", fine)] == ["", ""]
        assert settled(here.read(API), bad).problem


async def test_a_manual_application_gets_the_commit_and_no_operation(
    tmp_path: Path, bare: Bare, key: str
) -> None:
    async with running(tmp_path, bare, key) as here:
        await good(here, policy={"syncOptions": ["CreateNamespace=true"]})
        bad = here.push({RELEASE: rollout(BAD)})
        await until(lambda: here.read(API, "status", "sync", "revision") == bad, 30)
        here.patch(API, {"operation": {"sync": {}}})
        await until(lambda: here.phase() == "Recovered", 90)
        (revert,) = here.reverts()
        assert (here.image(), here.synced_at(revert)) == (GOOD, True)
        assert here.read(API, "status", "operationState", "syncResult", "revision") == bad


async def test_a_tag_in_the_file_of_the_parent_is_taken_back_there_and_no_sibling_is_touched(
    tmp_path: Path, bare: Bare, key: str
) -> None:
    """As in the brief: the version lies in apps/production. What the parent declares beside it is bumped."""
    async with running(tmp_path, bare, key) as here:
        first = bare.commit(
            {
                "services/api/rollout.json": rollout("api:v0"),
                "services/api/kustomization.yaml": "resources: [rollout.json]\n",
                FILE_OF_API: tagged(bare, GOOD),
                "apps/shop.json": config("1"),
            }
        )
        here.create(parent(bare), ROOT)
        await until(lambda: here.is_good(first), 60)
        here.push({FILE_OF_API: tagged(bare, BAD)}, "Ship v3")
        await until(lambda: here.image() == BAD, 30)
        here.push({"apps/shop.json": config("2")}, "Elsewhere")
        await until(lambda: here.phase() == "Recovered", 90)
        (revert,) = here.reverts()
        assert bare.serve("show", "--name-only", "--format=", revert) == FILE_OF_API
        assert bare.serve("show", f"{revert}:apps/shop.json") == config("2")
        await until(lambda: here.synced_at(revert) and here.image() == GOOD, 30)
        assert sorted(here.revisions()) == ["2", "3"]


async def test_what_an_older_commit_declares_is_not_known_to_be_good_at_a_newer_one(
    tmp_path: Path, bare: Bare, key: str
) -> None:
    """A push is heard of by the child first, whose source is still the last commit's."""
    async with running(tmp_path, bare, key) as here:
        first = bare.commit(
            {
                "services/api/rollout.json": rollout("api:v0"),
                "services/api/kustomization.yaml": "resources: [rollout.json]\n",
                FILE_OF_API: tagged(bare, GOOD),
            }
        )
        root = parent(bare)
        by_hand = {**root, "spec": {**root["spec"], "syncPolicy": {}}, "operation": {"sync": {}}}
        here.create(by_hand, ROOT)
        await until(lambda: here.is_good(first), 60)
        bad = here.push({FILE_OF_API: tagged(bare, BAD)}, "Ship v3")
        await until(lambda: here.synced_at(bad), 30)
        assert (here.image(), here.is_good(first)) == (GOOD, True)
        here.patch(ROOT, {"operation": {"sync": {}}})
        await until(lambda: here.phase() == "Pushed", 90)
        (revert,) = here.reverts()
        assert bare.serve("show", f"{revert}:{FILE_OF_API}") == tagged(bare, GOOD)


async def test_a_protected_branch_gets_a_branch_beside_it_and_a_merge_ends_it(
    tmp_path: Path, bare: Bare, key: str
) -> None:
    async with running(tmp_path, bare, key) as here:
        await good(here)
        bad = here.push({RELEASE: rollout(BAD)})
        bare.hook("update", 'test "$1" != refs/heads/main')
        await until(lambda: here.phase() == "Branched", 90)
        assert "open a pull request for it, and merge it" in here.said()["RevertPending"]
        assert (bare.tip, here.image()) == (bad, GOOD)
        branch = here.read(API, "status", "rollback", "branch")
        bare.serve("update-ref", "refs/heads/main", branch)
        here.heads.hurry(bare.url)
        await until(lambda: here.phase() == "Recovered", 30)


async def test_a_server_that_hangs_in_a_push_holds_up_no_look_and_so_a_retry_is_heard(
    tmp_path: Path, bare: Bare, key: str
) -> None:
    begun, lasts = tmp_path / "begun", tmp_path / "lasts"
    lasts.touch()
    async with running(tmp_path, bare, key) as here:
        await good(here)
        bad = here.push({RELEASE: rollout(BAD)})
        bare.hook("pre-receive", f"touch {begun}; while test -e {lasts}; do sleep 0.1; done")
        try:
            await until(begun.exists, 90)
            here.patch(API, {"metadata": {"annotations": {LETS_GO: bad}}})
            await until(lambda: here.phase() == "Released", 30)
        finally:
            lasts.unlink()


async def test_a_release_that_is_let_go_is_walked_again(tmp_path: Path, bare: Bare, key: str) -> None:
    """Nothing else would sync it: it was synced once, and nothing heals here."""
    once = {"automated": {}, "syncOptions": ["CreateNamespace=true"]}
    async with running(tmp_path, bare, key) as here:
        await good(here, policy=once)
        bad = here.push({RELEASE: rollout(BAD)})
        bare.hook("update", 'test "$1" != refs/heads/main')
        await until(lambda: here.phase() == "Branched" and here.image() == GOOD, 60)
        here.patch(API, {"metadata": {"annotations": {LETS_GO: bad}}})
        await until(lambda: here.phase() == "Released" and here.image() == BAD, 30)


async def test_what_the_bad_release_did_not_change_is_healed_while_it_is_quarantined(
    tmp_path: Path, bare: Bare, key: str
) -> None:
    """A pull request may wait for days."""
    settings = Ref(CONFIG_MAP, "argocd", "shop")
    async with running(tmp_path, bare, key) as here:
        bare.commit({"services/api/settings.json": config("1")})
        await good(here)
        bad = here.push({RELEASE: rollout(BAD)})
        bare.hook("update", 'test "$1" != refs/heads/main')
        await until(lambda: here.phase() == "Branched" and here.image() == GOOD, 60)
        here.patch(settings, {"data": {"level": "by hand"}})
        await until(lambda: here.read(settings, "data", "level") == "1", 30)
        assert (here.phase(), here.image(), bare.tip) == ("Branched", GOOD, bad)


async def test_the_bad_image_set_by_hand_is_undone_while_it_is_quarantined_and_walks_no_steps(
    tmp_path: Path, bare: Bare, key: str
) -> None:
    async with running(tmp_path, bare, key) as here:
        await good(here)
        here.push({RELEASE: rollout(BAD)})
        bare.hook("update", 'test "$1" != refs/heads/main')
        await until(lambda: bool(here.read(API, "status", "rollback", "restoredAt")), 60)
        await until(lambda: here.phase() == "Branched", 60)
        here.patch(SERVED, {"spec": json.loads(rollout(BAD))["spec"]})
        assert here.image() == BAD
        await until(lambda: here.image() == GOOD, 30)
        await until(lambda: here.read(SERVED, "status", "phase") == "Healthy", 30)
        assert (here.phase(), sorted(here.revisions())) == ("Branched", ["4", "5"])
        assert here.read(SERVED, "status", "currentStepIndex") == 2
        await until(lambda: "QuarantineDrift" not in here.said(), 30)


async def test_without_self_heal_the_bad_image_set_by_hand_is_told_and_goes_back_once_it_is_rejected_again(
    tmp_path: Path, bare: Bare, key: str
) -> None:
    once = {"automated": {}, "syncOptions": ["CreateNamespace=true"]}
    async with running(tmp_path, bare, key) as here:
        await good(here, policy=once)
        here.push({RELEASE: rollout(BAD)})
        bare.hook("update", 'test "$1" != refs/heads/main')
        await until(lambda: bool(here.read(API, "status", "rollback", "restoredAt")), 60)
        here.patch(SERVED, {"spec": json.loads(rollout(BAD))["spec"]})
        await until(lambda: "automated.selfHeal is off" in here.said().get("QuarantineDrift", ""), 30)
        await until(lambda: here.image() == GOOD and "QuarantineDrift" not in here.said(), 60)
        await until(lambda: here.phase() == "Branched", 60)


async def test_a_key_that_is_missing_is_named_beforehand_and_the_revert_comes_once_it_is_there(
    tmp_path: Path, bare: Bare, key: str
) -> None:
    async with running(tmp_path, bare, "") as here:
        await good(here)
        await until(lambda: "Secret argocd/key has no" in here.said().get("RevertNotReady", ""), 30)
        bad = here.push({RELEASE: rollout(BAD)})
        await until(lambda: "git.signing.secretRef" in here.said().get("RevertPending", ""), 60)
        await until(lambda: here.image() == GOOD, 30)
        assert bare.tip == bad
        here.key = key
        await until(lambda: here.phase() == "Recovered", 60)


async def test_a_hotfix_that_races_is_walked_and_not_reverted(tmp_path: Path, bare: Bare, key: str) -> None:
    async with running(tmp_path, bare, key) as here:
        await good(here)
        bare.hook("pre-receive", "sleep 1")
        here.push({RELEASE: rollout(BAD)})
        await until(lambda: here.phase() == "Quarantined", 60)
        fixed = here.push({RELEASE: rollout(FINE)}, "Fix forward")
        await until(lambda: here.phase() in {"Superseded", "Recovered"}, 60)
        await until(lambda: here.synced_at(bare.tip), 60)
        assert len(here.reverts()) <= 1
        if not here.reverts():
            assert (here.image(), bare.tip) == (FINE, fixed)


@pytest.mark.parametrize("phase", ["Quarantined", "Committed", "Pushed"])
async def test_whoever_dies_once_a_phase_is_recorded_one_revert_is_there_in_the_end(
    tmp_path: Path, bare: Bare, key: str, phase: str
) -> None:
    cluster = argocd()
    async with running(tmp_path, bare, key, cluster) as here:
        await good(here)
        here.push({RELEASE: rollout(BAD)})
        await until(lambda: here.phase() == phase, 60)
    async with running(tmp_path / "another", bare, key, cluster) as here:
        await until(lambda: here.phase() == "Recovered", 60)
        assert len(here.reverts()) == 1
        assert (bare.tip, here.image()) == (here.reverts()[0], GOOD)


async def test_a_good_release_that_a_person_reverts_is_back_without_its_steps(
    tmp_path: Path, bare: Bare, key: str
) -> None:
    async with running(tmp_path, bare, key) as here:
        await good(here)
        here.push({RELEASE: rollout(FINE)}, "Ship v2")
        await until(lambda: here.is_good(bare.tip), 60)
        assert here.told("SkipSteps") == []
        bare.revert()
        here.heads.hurry(bare.url)
        await until(lambda: here.image() == GOOD and here.told("SkipSteps"), 60)
        await until(lambda: here.read(SERVED, "status", "phase") == "Healthy", 60)
        assert len(here.told("SkipSteps")) == 1
        assert (here.phase(), here.reverts()) == ("", [])
        await until(lambda: here.is_good(bare.tip) and here.synced_at(bare.tip), 30)


async def test_what_a_person_reverts_is_live_within_30_s_without_a_webhook(
    tmp_path: Path, bare: Bare, key: str
) -> None:
    async with running(tmp_path, bare, key) as here:
        await good(here)
        here.push({RELEASE: rollout(FINE)}, "Ship v2")
        await until(lambda: here.is_good(bare.tip), 60)
        bare.revert()
        await until(lambda: here.image() == GOOD, 30)


async def test_a_plain_commit_of_what_was_good_walks_its_steps(tmp_path: Path, bare: Bare, key: str) -> None:
    async with running(tmp_path, bare, key) as here:
        await good(here)
        for image in (FINE, GOOD):
            made = here.push({RELEASE: rollout(image)}, "Ship another")
            await until(lambda made=made: here.is_good(made), 60)  # type: ignore[misc]
        assert here.told("SkipSteps") == []
