"""Git in, on a real control plane: the brief's repository through its app-of-apps, and what commits do."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e.gitops import APPLICATIONS, PRODUCTION, SPLITS, Gitops, staged
from tests.e2e.repository import AUTOMATED, kustomization, named, settings, written
from tests.e2e.scene import HOST, path
from tests.e2e.witness import Watch
from tests.lab.load import Load
from tests.lab.waiting import until

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def gitops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gitops]:
    """The brief's repository, brought up through its app-of-apps; production synced by a person."""
    with staged(tmp_path_factory.mktemp("gitops")) as here:
        scene, repository = here.scene, here.repository
        first = repository.commit(repository.files(scene.rollout_manifest("v1")))
        here.controller()
        scene.kube.apply(repository.root())
        here.synced("root", first)
        until(lambda: here.stands("api-prod")[0] == "OutOfSync", 60, "production to be looked at")
        done = here.cli("sync", "api-prod", "--timeout", "60s")
        assert done.returncode == 0, done.stdout + done.stderr
        scene.healthy("v1")
        yield here


def test_the_briefs_repository_comes_up_and_production_waits_for_a_person(gitops: Gitops) -> None:
    listed = gitops.cli("list").stdout
    assert [line.split()[0] for line in listed.splitlines()[1:]] == [
        "argocd/api-prod",
        "argocd/api-staging",
        "argocd/root",
    ]
    waited = gitops.cli("wait", "api-staging", "--timeout", "60s")
    assert waited.returncode == 0, waited.stdout + waited.stderr
    assert "Manual" in gitops.cli("get", "api-prod").stdout
    told = [one["type"] for one in gitops.app("root")["status"]["conditions"]]
    assert told == ["AppOfAppsRecursion"]


def test_a_commit_is_live_and_what_leaves_git_leaves_the_cluster(gitops: Gitops) -> None:
    extra = written(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra"}, "data": {"a": "1"}}
    )
    names = ("rollout.yaml", "mesh.yaml", "settings.yaml")
    where = "/api/v1/namespaces/staging/configmaps/extra"
    at = gitops.repository.push(
        {
            "services/api/settings.yaml": settings(level="2"),
            "services/api/extra.yaml": extra,
            "services/api/kustomization.yaml": kustomization(*names, "extra.yaml"),
        }
    )
    gitops.synced("api-staging", at)
    assert (gitops.settings("staging"), gitops.there(where)["data"]) == ({"level": "2"}, {"a": "1"})
    at = gitops.repository.push(
        {"services/api/kustomization.yaml": kustomization(*names)}, gone=("services/api/extra.yaml",)
    )
    gitops.synced("api-staging", at)
    assert gitops.there(where) == {}
    assert gitops.settings() == {"level": "1"}, "production waits for a person"


def test_a_drift_by_hand_is_healed_where_that_is_asked(gitops: Gitops) -> None:
    for namespace in ("staging", "production"):
        where = f"/api/v1/namespaces/{namespace}/configmaps/settings"
        gitops.scene.kube.merge(where, {"data": {"level": "by hand"}})
    until(lambda: gitops.settings("staging") == {"level": "2"}, 30, "the drift in staging to be healed")
    assert gitops.settings() == {"level": "by hand"}
    shown = gitops.cli("diff", "api-prod")
    assert (shown.returncode, "-  level: by hand" in shown.stdout) == (1, True)


def test_a_wrong_manifest_is_named_and_hurts_no_other_application(gitops: Gitops) -> None:
    repository, web = gitops.repository, "/api/v1/namespaces/staging/configmaps/web"
    broken = settings(level="3") + "data: [\n"
    at = repository.push(
        {
            "services/api/settings.yaml": broken,
            "services/web/web.yaml": written(named("ConfigMap", "web")),
            "apps/staging/web-app.yaml": written(repository.directory("web", "staging")),
        }
    )
    until(lambda: "settings.yaml" in gitops.said("api-staging"), 30, "the wrong manifest to be named")
    gitops.synced("web", at)
    assert gitops.there(web)
    assert gitops.settings("staging") == {"level": "2"}
    mended = repository.push({"services/api/settings.yaml": settings(level="3")})
    gitops.synced("api-staging", mended)
    assert "ComparisonError" not in gitops.said("api-staging")
    refused = written(named("ConfigMap", "No_Name"))
    gitops.repository.push({"services/api/settings.yaml": settings(level="4") + "---\n" + refused})
    until(lambda: "No_Name" in gitops.said("api-staging"), 30, "the refused object to be named")
    assert gitops.settings("staging") == {"level": "3"}, "nothing is half applied"
    gitops.synced("api-staging", gitops.repository.push({"services/api/settings.yaml": settings(level="4")}))


def test_what_kubectl_applied_beside_git_is_taken_over_and_goes(gitops: Gitops) -> None:
    before = gitops.settings("staging") or {}
    manifest = named("ConfigMap", "settings", namespace="staging") | {"data": before | {"by": "kubectl"}}
    kubectl = [gitops.scene.state.kubectl, "--kubeconfig", gitops.scene.state.kubeconfig]
    subprocess.run([*kubectl, "apply", "-f", "-"], input=written(manifest).encode(), check=True)
    until(lambda: gitops.settings("staging") == before, 30, "what Git does not declare to go")
    where = "/api/v1/namespaces/staging/configmaps/settings"
    managers = {one["manager"] for one in gitops.there(where)["metadata"]["managedFields"]}
    assert managers == {"tidegate"}


def test_in_mid_canary_sync_after_sync_touches_nothing_that_the_rollout_moves(gitops: Gitops) -> None:
    scene, repository = gitops.scene, gitops.repository
    with Load(scene.state.gateway, HOST, rate=50):
        repository.push({PRODUCTION: written(repository.production("v2", AUTOMATED))})
        scene.at_pause()
        rule, rollout = (gitops.there(one) for one in moved())
        with Watch(scene.kube, SPLITS) as seen:
            for level in ("5", "6"):
                at = repository.push({"services/api/settings.yaml": settings(level=level)})
                gitops.synced("api-prod", at)
                assert gitops.settings() == {"level": level}
            scene.kube.merge(
                "/api/v1/namespaces/production/configmaps/settings", {"data": {"level": "by hand"}}
            )
            until(lambda: gitops.settings() == {"level": "6"}, 30, "the drift to be healed in mid-canary")
            weights = {
                tuple(one["weight"] for one in saw.object["spec"]["http"][0]["route"]) for saw in seen.saw
            }
        assert weights == {(90, 10)}
        assert (scene.weights(), scene.status()["currentStepIndex"]) == ((90, 10), 1)
        assert [gitops.there(one)["spec"] for one in moved()] == [rule["spec"], rollout["spec"]]
        scene.cli("promote", "api")
        scene.healthy("v2", 90)
    waited = gitops.cli("wait", "api-prod", "--timeout", "60s")
    assert waited.returncode == 0, waited.stdout + waited.stderr
    assert len(gitops.app("api-prod")["status"]["history"]) >= 3


def moved() -> tuple[str, str]:
    return path("destinationrules", "api", group="networking.istio.io/v1"), path("rollouts", "api")


def test_an_application_that_is_deleted_takes_along_what_it_holds(gitops: Gitops) -> None:
    finalizers = {"metadata": {"finalizers": ["resources-finalizer.argocd.argoproj.io"]}}
    gitops.scene.kube.merge(f"{APPLICATIONS}/api-staging", finalizers)
    gitops.repository.push({"README.md": "staging is over\n"}, gone=("apps/staging/api-app.yaml",))
    until(lambda: not gitops.app("api-staging"), 60, "staging to be gone")
    assert gitops.settings("staging") is None
    assert gitops.there("/apis/argoproj.io/v1alpha1/namespaces/staging/rollouts/api") == {}


def test_the_rights_of_deploy_were_enough(gitops: Gitops) -> None:
    assert "forbidden" not in (gitops.scene.folder / "controller-1.log").read_text()
