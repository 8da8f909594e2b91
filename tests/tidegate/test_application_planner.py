"""An Application's plan from answers: what is asked for in which order, and what is written."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from crds.application_rollback import KnownGood
from crds.paths import get, put
from crds.refs import APPLICATION, CONFIG_MAP, NAMESPACE, Kind, Ref, Resource
from crds.times import rfc3339
from gitops.compare import Predicted, Refused
from gitops.refresh import REFRESH
from gitops.sources import Found, Lost, Manifests, Unrenderable, digest
from gitops.waiting import WAITS_FOR_HOOKS
from tests.crds.applications import merged
from tests.gitops.examples import NOW, config, noted, raw_app, thing
from tests.gitops.test_plan import mesh, rollout
from tests.properties.faults import THOROUGH
from tests.properties.halves import Look, overdone
from tidegate.planners.application import ApplicationPlanner
from tidegate.planners.application_rival import RIVAL
from tidegate.planners.needs import (
    Absent,
    Answer,
    DryRun,
    Failed,
    Head,
    Known,
    Need,
    Object,
    Outline,
    Pending,
    Refusal,
    Rendered,
    Served,
    Sourced,
    Undone,
)
from tidegate.planners.plan import Apply, Delete, MergePatch, Plan
from tidegate.planners.settings import Settings, Site

Raw = dict[str, Any]
ELDER, COMMIT, NEWER = "b" * 40, "c" * 40, "d" * 40
SETTINGS = Ref(CONFIG_MAP, "production", "settings")
KINDS = {"ConfigMap": CONFIG_MAP, "Namespace": NAMESPACE}
CLUSTER_WIDE = {"Namespace", "CustomResourceDefinition"}
ARGOCD = Site("argocd")
ID_OF_API = "root:argoproj.io/Application:argocd/api-prod"
ROOT = {"repoURL": "https://git.example.com/shop", "path": "apps", "targetRevision": "main"}
COMPLETE = {"conditions": [{"type": "Complete", "status": "True"}]}
AUTOMATED = {"automated": {"prune": True, "selfHeal": True}}


@dataclass
class Answers:
    """A cluster and a repository of a few lines, that answer needs as the runtime does."""

    app: Raw
    git: tuple[Raw, ...] = (config(level="1"),)
    elder: tuple[Raw, ...] = ()
    head: Answer = field(default_factory=lambda: Known(Found(COMMIT)))
    rendered: Answer | None = None
    objects: dict[tuple[str, str, str], Raw] = field(default_factory=dict)
    served: set[str] = field(default_factory=lambda: set(KINDS))
    dry_run: Answer | None = None
    unlisted: str = ""
    now: datetime = NOW
    site: Site = ARGOCD
    asked_again: bool = True
    asked: list[Need] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._planner = ApplicationPlanner(self.site, Settings())
        self._looks = 0
        self.has(thing("Namespace", "production", namespace=""))
        self.app["spec"]["project"] = "default"
        self.app = put(self.app, ("metadata", "resourceVersion"), "1")

    def has(self, *raws: Raw) -> Answers:
        for raw in raws:
            self.objects[raw["kind"], raw["metadata"].get("namespace", ""), raw["metadata"]["name"]] = raw
        return self

    def answer(self, need: Need) -> Answer:
        match need:
            case Head():
                return self.head
            case Rendered():
                return self.rendered or self._manifests(need.commit)
            case Served(group, version, kind) if kind in self.served:
                found = KINDS.get(kind, Kind(group, version, kind, f"{kind.lower()}s"))
                return Known(Resource(found, kind not in CLUSTER_WIDE))
            case Object(ref) if ref.kind.kind == self.unlisted:
                return Failed(f"{ref.kind.plural} is forbidden")
            case Object(ref):
                raw = self.objects.get((ref.kind.kind, ref.namespace, ref.name))
                return Known(raw) if raw else Absent()
            case Outline():
                return Known((self.app,))
            case DryRun(ref, body):
                live = self.objects.get((ref.kind.kind, ref.namespace, ref.name), {})
                return self.dry_run or Known(Predicted(merged(live, msgspec.json.decode(body))))
        return Absent()

    def _manifests(self, commit: str) -> Answer:
        declared = self.elder if commit == ELDER else self.git
        return Known(Manifests("Directory", declared, ("services/api/a.yaml",)))

    def look(self) -> Plan:
        """By a planner that remembers; one that has only just begun would plan the same, and one that has
        seen less would do no more."""
        found, known = self._look(self._planner)
        fresh = ApplicationPlanner(self.site, Settings())
        assert found == self._look(fresh)[0]
        if self.asked_again:
            self._looks += 1
            turn = None if THOROUGH else self._looks
            assert not [*overdone(fresh, Look(self.app, known, self.now), found, turn)]
        return found

    def _look(self, planner: ApplicationPlanner) -> tuple[Plan, dict[Need, Answer]]:
        known = dict[Need, Answer]()
        for _ in range(10):
            needs = planner.needs(self.app, known, self.now)
            if all(need in known for need in needs):
                break
            known |= {need: self.answer(need) for need in needs if need not in known}
        self.asked = list(needs)
        known = {need: known[need] for need in needs}
        return planner.plan(self.app, known, self.now), known

    def play(self, looks: int = 20) -> Answers:
        """Looks, each plan carried out, until one writes nothing."""
        for _ in range(looks):
            if not self.acts():
                return self
        raise AssertionError("still writing")

    def acts(self) -> bool:
        """One look, carried out; whether it wrote anything."""
        found = self.look()
        for write in found.writes:
            self._perform(write)
        return bool(found.writes)

    def _perform(self, write: Any) -> None:
        match write:
            case Apply(ref, body):
                live = self.objects.get((ref.kind.kind, ref.namespace, ref.name), {})
                self.has(put(merged(live, body), ("metadata", "uid"), f"uid-{ref.name}"))
            case Delete(ref):
                del self.objects[ref.kind.kind, ref.namespace, ref.name]
            case MergePatch(Ref(kind), body) if kind == APPLICATION:
                version = int(self.app["metadata"]["resourceVersion"])
                assert body["metadata"]["resourceVersion"] == str(version)
                self.app = put(merged(self.app, body), ("metadata", "resourceVersion"), str(version + 1))


def app(**spec: Any) -> Answers:
    return Answers(raw_app(**spec))


def said(here: Answers) -> list[str]:
    return [f"{one['type']}: {one['message']}" for one in get(here.app, "status", "conditions", default=[])]


def test_an_automated_application_comes_to_what_git_declares_and_then_writes_nothing() -> None:
    here = app(syncPolicy=AUTOMATED).play()
    assert here.objects["ConfigMap", "production", "settings"]["data"] == {"level": "1"}
    assert get(here.app, "status", "sync") | {"comparedTo": 0} == {
        "status": "Synced",
        "revision": COMMIT,
        "comparedTo": 0,
    }
    assert here.look().writes == ()


def test_one_that_is_not_automated_is_only_compared() -> None:
    here = app().play()
    assert get(here.app, "status", "sync", "status") == "OutOfSync"
    assert ("ConfigMap", "production", "settings") not in here.objects


def test_what_git_drops_is_deleted_in_the_foreground() -> None:
    here = app(syncPolicy=AUTOMATED)
    here.git = (config("other"), config(level="1"))
    here.play()
    here.git, here.head = (config("other"),), Known(Found(NEWER))
    here.play()
    assert ("ConfigMap", "production", "settings") not in here.objects
    assert get(here.app, "status", "sync", "revision") == NEWER


def test_an_object_for_which_nobody_names_a_namespace_is_told_and_not_asked_about() -> None:
    here = app(syncPolicy=AUTOMATED, destination={"server": "https://kubernetes.default.svc"})
    here.git = (thing("ConfigMap", "settings", namespace=""),)
    here.play()
    assert "no namespace is named for it" in get(here.app, "status", "operationState", "message")
    assert not any(isinstance(need, DryRun) for need in here.asked)


def test_of_one_whose_spec_can_no_more_be_read_all_is_unknown_and_a_refresh_is_answered() -> None:
    here = app(syncPolicy=AUTOMATED).play()
    here.app = merged(here.app, {"spec": {"source": {"kustomize": {"images": [5]}}}})
    here.app = put(here.app, ("metadata", "annotations"), {REFRESH: "normal"})
    here.play()
    status = here.app["status"]
    assert (status["sync"]["status"], status["health"]["status"]) == ("Unknown", "Unknown")
    assert "InvalidSpecError" in said(here)[0]
    assert not get(here.app, "metadata", "annotations", REFRESH)
    here.app = merged(here.app, {"spec": {"source": {"kustomize": None}}})
    here.play()
    assert get(here.app, "status", "sync", "status") == "Synced"


def test_a_hook_that_only_says_how_its_name_begins_runs_under_another_in_each_sync() -> None:
    here = app(syncPolicy=AUTOMATED)
    hook = noted(thing("Job", api="batch/v1"), "hook", "PreSync")
    hook["metadata"] = {"generateName": "migrate-", "annotations": hook["metadata"]["annotations"]}
    here.git, here.served = (hook, config(level="1")), {*here.served, "Job"}
    for commit in (COMMIT, NEWER):
        here.head, here.now = Known(Found(commit)), here.now + timedelta(minutes=1)
        here.git = (hook, config(level=commit))
        here.play()
        (name,) = [one for kind, _, one in here.objects if kind == "Job" and commit[:7] in one]
        assert get(here.app, "status", "operationState", "message") == f"{WAITS_FOR_HOOKS} batch/Job/{name}"
        here.has({**here.objects["Job", "production", name], "status": COMPLETE})
        here.play()
        assert get(here.app, "status", "sync", "status") == "Synced"
    assert here.objects["ConfigMap", "production", "settings"]["data"] == {"level": NEWER}


def test_nothing_is_planned_before_git_has_answered() -> None:
    here = app(syncPolicy=AUTOMATED)
    here.head = Pending()
    assert (here.look().writes, here.look().why) == ((), "waiting for Head")


def test_where_what_was_good_is_declared_again_git_is_asked_who_took_the_last_release_back() -> None:
    here = app(syncPolicy=AUTOMATED).play()
    goods = [KnownGood(COMMIT, digest(here.git)), KnownGood(NEWER, digest((config(level="2"),)))]
    status = {"tidegate": {"good": msgspec.to_builtins(goods)}, "history": [{"id": 1, "revision": NEWER}]}
    tracked = {"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": ID_OF_API}}}
    here.app = merged(merged(here.app, {"status": status}), tracked)
    here.has(raw_app(name="root", source=ROOT))
    here.head = Known(Found("e" * 40))
    here.look()
    (asked,) = (need for need in here.asked if isinstance(need, Undone))
    assert (asked.good, asked.old, asked.new) == (COMMIT, NEWER, "e" * 40)
    assert asked.application == "argocd/api-prod"
    assert asked.parent == Sourced(
        "root", ROOT["repoURL"], msgspec.json.encode(ROOT, order="sorted"), "children"
    )


def test_a_running_sync_goes_on_while_git_does_not_answer() -> None:
    here = app(syncPolicy=AUTOMATED)
    first = here.look()
    for write in first.writes:
        here._perform(write)
    assert get(here.app, "status", "operationState", "phase") == "Running"
    here.head = Pending()
    here.play()
    assert get(here.app, "status", "operationState", "phase") == "Succeeded"


def test_git_that_does_not_answer_is_said() -> None:
    here = app(syncPolicy=AUTOMATED)
    here.head = Failed("git.example.com: no answer")
    here.play()
    assert said(here) == ["ComparisonError: git.example.com: no answer"]
    assert get(here.app, "status", "sync", "status") == "Unknown"


def test_a_branch_that_vanished_and_files_that_are_no_yaml_are_said() -> None:
    here = app()
    here.head = Known(Lost("there is no branch main"))
    assert said(here.play()) == ["ComparisonError: there is no branch main"]
    here.head, here.rendered = Known(Found(COMMIT)), Known(Unrenderable("a.yaml:3: is no YAML"))
    assert said(here.play()) == ["ComparisonError: a.yaml:3: is no YAML"]


@pytest.mark.parametrize(("refresh", "anew"), [("hard", True), ("normal", False)])
def test_a_hard_refresh_asks_for_a_rendering_that_is_none_of_those_kept(refresh: str, anew: bool) -> None:
    here = app().play()
    here.app = merged(here.app, {"metadata": {"annotations": {REFRESH: refresh}}})
    here.look()
    assert [need.anew for need in here.asked if isinstance(need, Rendered)] == [anew]
    here.play()
    assert [need.anew for need in here.asked if isinstance(need, Rendered)] == [False]


def test_a_history_that_was_rewritten_is_said_with_the_commit_that_was_lost_and_holds_nothing() -> None:
    here = app(syncPolicy=AUTOMATED)
    here.head = Known(Found(COMMIT, rewritten=NEWER))
    told = "main was force-pushed: dddddddddd, which it was at, is no part of its history any more"
    assert said(here.play()) == [f"HistoryRewritten: {told}"]
    assert get(here.app, "status", "sync", "status") == "Synced"
    here.head = Known(Found(COMMIT))
    assert said(here.play()) == []


def test_without_its_namespace_an_object_is_missing_and_no_dry_run_is_asked() -> None:
    here = app()
    here.objects.clear()
    here.play()
    assert get(here.app, "status", "sync", "status") == "OutOfSync"
    assert not any(isinstance(need, DryRun) for need in here.asked)


def test_the_namespace_is_created_when_that_is_asked() -> None:
    here = app(syncPolicy=AUTOMATED | {"syncOptions": ["CreateNamespace=true"]})
    here.objects.clear()
    here.play()
    assert ("Namespace", "", "production") in here.objects
    assert get(here.app, "status", "sync", "status") == "Synced"


def test_a_definition_is_written_before_objects_of_its_kind() -> None:
    crd = thing(
        "CustomResourceDefinition",
        "shelves.shop.io",
        api="apiextensions.k8s.io/v1",
        namespace="",
        spec={"group": "shop.io", "names": {"kind": "Shelf"}, "scope": "Namespaced"},
        status={},
    )
    here = app(syncPolicy=AUTOMATED)
    here.git, here.served = (crd, thing("Shelf", "a", api="shop.io/v1")), {"CustomResourceDefinition"}
    for _ in range(3):
        for write in here.look().writes:
            here._perform(write)
    kinds = {kind for kind, _, _ in here.objects}
    assert kinds == {"Namespace", "CustomResourceDefinition"}
    here.served = here.served | {"Shelf"}
    crd_there = here.objects["CustomResourceDefinition", "", "shelves.shop.io"]
    here.has(crd_there | {"status": {"conditions": [{"type": "Established", "status": "True"}]}})
    here.play()
    assert ("Shelf", "production", "a") in here.objects


def test_a_dry_run_that_is_refused_fails_the_sync_and_nothing_is_written() -> None:
    here = app(syncPolicy=AUTOMATED)
    here.dry_run = Known(Refused("data: must be text"))
    here.play()
    assert ("ConfigMap", "production", "settings") not in here.objects
    assert "data: must be text" in get(here.app, "status", "operationState", "message")


def test_a_dry_run_on_its_way_is_no_error_and_writes_nothing() -> None:
    here = app().play()
    here.dry_run = Pending()
    assert here.look().writes == ()


def test_a_write_that_was_refused_is_known_to_the_next_look() -> None:
    here = app(syncPolicy=AUTOMATED)
    here.look()
    assert Refusal(Ref(APPLICATION, "argocd", "api-prod")) in here.asked


def test_a_refresh_is_asked_at_once_and_its_annotation_taken_away() -> None:
    here = app().play()
    here.app = put(here.app, ("metadata", "annotations"), {"argocd.argoproj.io/refresh": "hard"})
    found = here.look()
    assert any(isinstance(need, Head) and need.fresh == "hard" for need in here.asked)
    (write,) = found.writes
    assert isinstance(write, MergePatch)
    assert write.body["metadata"]["annotations"] == {"argocd.argoproj.io/refresh": None}


def test_one_that_is_skipped_or_lies_elsewhere_is_not_touched() -> None:
    here = app(syncPolicy=AUTOMATED)
    here.app = put(here.app, ("metadata", "annotations"), {"argocd.argoproj.io/skip-reconcile": "true"})
    assert here.look().writes == ()
    other = app(syncPolicy=AUTOMATED)
    other.app = put(other.app, ("metadata", "namespace"), "elsewhere")
    assert other.look().writes == ()


def written_by(here: Answers, manager: str, at: datetime) -> Plan:
    entry = {"manager": manager, "operation": "Update", "time": rfc3339(at)}
    here.app = put(here.app, ("metadata", "managedFields"), [entry])
    return here.look()


def test_an_application_that_argo_cd_works_on_is_left_alone_and_that_is_told() -> None:
    here = app(syncPolicy=AUTOMATED)
    found = written_by(here, RIVAL, NOW - timedelta(minutes=3))
    assert (found.writes, here.asked, found.wake_at) == ((), [], NOW + timedelta(minutes=2))
    assert [(one.reason, one.warning) for one in found.events] == [("ControllerConflict", True)]
    assert "Stop Argo CD" in found.events[0].message


def test_one_that_argo_cd_left_is_taken_over_and_people_are_no_rivals() -> None:
    here = app(syncPolicy=AUTOMATED)
    assert written_by(here, RIVAL, NOW - timedelta(minutes=6)).writes
    assert written_by(here, "argocd-server", NOW).writes


def test_a_spec_that_cannot_be_read_is_told_once() -> None:
    here = app()
    here.app["spec"]["destination"] = "production"
    assert "spec.destination" in said(here.play())[0]


def test_an_interval_that_is_none_is_told_and_git_is_asked_every_three_minutes() -> None:
    here = app(syncPolicy={"driftCheckInterval": "soon"}).play()
    assert "spec.syncPolicy.driftCheckInterval: 'soon' is no duration" in said(here)[0]
    (head,) = (need for need in here.asked if isinstance(need, Head))
    assert 180 <= head.every <= 216


@pytest.mark.parametrize(
    ("told", "argos", "folders"),
    [
        (None, False, "children"),
        (None, True, ""),
        (True, False, "all"),
        (True, True, "all"),
        (False, False, ""),
    ],
)
def test_folders_are_read_as_the_controller_is_told_where_the_source_does_not_say(
    told: bool | None, argos: bool, folders: str
) -> None:
    here = app()
    here.app["status"] = {"history": [{"id": 0}]} if argos else {}
    here = replace(here, site=Site("argocd", told))
    here.look()
    assert [need.folders for need in here.asked if isinstance(need, Rendered)] == [folders]


@pytest.mark.parametrize("told", [True, False, None])
def test_what_a_source_says_of_its_folders_outranks_the_controller(told: bool | None) -> None:
    here = app()
    here.app["spec"]["source"]["directory"] = {}
    here = replace(here, site=Site("argocd", told))
    here.look()
    assert [need.folders for need in here.asked if isinstance(need, Rendered)] == [""]


def test_a_project_that_cannot_be_read_is_told_on_its_applications() -> None:
    here = app()
    here.app["spec"]["project"] = "broken"
    here.has({**thing("AppProject", "broken", namespace="argocd"), "spec": {"sourceRepos": "*"}})
    assert "spec.sourceRepos" in said(here.play())[0]


def test_one_that_is_deleted_takes_along_what_it_holds_without_asking_git() -> None:
    here = app(syncPolicy=AUTOMATED).play()
    here.app = put(here.app, ("metadata", "finalizers"), ["resources-finalizer.argocd.argoproj.io"])
    here.app = put(here.app, ("metadata", "deletionTimestamp"), "2026-03-15T10:30:00Z")
    here.head = Failed("no answer")
    here.play()
    assert ("ConfigMap", "production", "settings") not in here.objects
    assert here.app["metadata"]["finalizers"] == []
    assert not any(isinstance(need, Head) for need in here.asked)


def test_one_that_is_deleted_stays_while_what_it_holds_may_not_be_listed() -> None:
    here = app(syncPolicy=AUTOMATED).play()
    here.app = put(here.app, ("metadata", "finalizers"), ["resources-finalizer.argocd.argoproj.io"])
    here.app = put(here.app, ("metadata", "deletionTimestamp"), "2026-03-15T10:30:00Z")
    here.unlisted = "ConfigMap"
    here.play()
    assert here.app["metadata"]["finalizers"]
    why = "cannot see ConfigMap production/settings: configmaps is forbidden"
    assert said(here) == [f"DeletionError: {why}"]
    here.unlisted = ""
    here.play()
    assert ("ConfigMap", "production", "settings") not in here.objects
    assert here.app["metadata"]["finalizers"] == []


def test_what_may_not_be_listed_starts_no_sync_that_would_fail_for_good() -> None:
    here = app(syncPolicy=AUTOMATED)
    here.unlisted = "ConfigMap"
    here.play()
    assert get(here.app, "status", "operationState") is None
    assert said(here) == ["ComparisonError: ConfigMap production/settings: configmaps is forbidden"]
    here.unlisted = ""
    assert get(here.play().app, "status", "sync", "status") == "Synced"


def test_a_namespace_that_may_not_be_listed_starts_no_sync_that_would_fail_for_good() -> None:
    here = app(syncPolicy=AUTOMATED)
    here.unlisted = "Namespace"
    here.play()
    assert get(here.app, "status", "operationState") is None
    assert said(here) == ["ComparisonError: ConfigMap production/settings: namespaces is forbidden"]
    here.unlisted = ""
    assert get(here.play().app, "status", "sync", "status") == "Synced"


def test_a_project_that_may_not_be_listed_permits_nothing() -> None:
    """`default` may have been written to permit less than all, and nobody can tell."""
    here = app(syncPolicy=AUTOMATED)
    here.unlisted = "AppProject"
    here.play()
    assert ("ConfigMap", "production", "settings") not in here.objects
    assert said(here) == ["InvalidSpecError: AppProject argocd/default: appprojects is forbidden"]
    here.unlisted = ""
    assert get(here.play().app, "status", "sync", "status") == "Synced"


def test_an_error_stays_said_while_it_is_asked_again() -> None:
    here = app(syncPolicy={"automated": {}}).play()
    here.dry_run = Known(Refused("admission webhook denied"))
    here.git, here.head = (config(level="2"),), Known(Found(NEWER))
    error = ["ComparisonError: ConfigMap production/settings: admission webhook denied"]
    assert said(here.play()) == error
    here.git, here.head = (config(level="3"),), Known(Found("e" * 40))
    here.dry_run = Pending()
    assert said(here.play()) == error
    here.dry_run = None
    assert said(here.play()) == []


def test_git_is_asked_every_few_minutes_at_a_time_of_its_own() -> None:
    one, other = app(), Answers(raw_app(name="web-prod"))
    one.look(), other.look()
    every = [need.every for here in (one, other) for need in here.asked if isinstance(need, Head)]
    assert len(set(every)) == 2
    assert all(180 <= seconds <= 216 for seconds in every)
    one.now += timedelta(hours=1)
    one.look()
    assert every[0] in [need.every for need in one.asked if isinstance(need, Head)]


def test_in_mid_canary_weights_are_neither_drift_nor_overwritten_sync_after_sync() -> None:
    here = app(syncPolicy=AUTOMATED)
    here.git = (rollout(), mesh(100, 0), config(level="1"))
    here.served = {*KINDS, "Rollout", "VirtualService"}
    here.play()
    split = ("VirtualService", "production", "api")
    here.has(merged(here.objects[split], mesh(90, 10)))
    for level in ("2", "3"):
        here.now += timedelta(minutes=10)
        assert here.look().writes == ()
        here.git, here.head = (rollout(), mesh(100, 0), config(level=level)), Known(Found(level * 40))
        here.play()
        assert here.objects["ConfigMap", "production", "settings"]["data"] == {"level": level}
        assert here.objects[split]["spec"] == mesh(90, 10)["spec"]


def test_an_object_of_another_application_is_left_alone() -> None:
    here = app(syncPolicy=AUTOMATED)
    theirs = put(
        config(level="9"),
        ("metadata", "annotations"),
        {"argocd.argoproj.io/tracking-id": "web:/ConfigMap:production/settings"},
    )
    here.has(theirs)
    web = raw_app(name="web")
    here.answer = _with(here, web)  # type: ignore[method-assign]
    here.play()
    assert here.objects["ConfigMap", "production", "settings"] == theirs
    assert any("belongs to Application web" in one for one in said(here))


@pytest.mark.parametrize("head", [Known(Found(NEWER)), Pending(), Failed("no answer")])
def test_what_another_on_the_branch_may_want_is_not_deleted_before_it_has_looked(head: Answer) -> None:
    """Where Git is at, who goes on with an operation need not have heard."""
    here = app(syncPolicy=AUTOMATED)
    here.git = (config("other"), config(level="1"))
    here.play()
    web = raw_app(name="web", status={"sync": {"status": "Synced", "revision": COMMIT}})
    here.answer = _with(here, web)  # type: ignore[method-assign]
    here.git, here.head = (config("other"),), Known(Found(NEWER))
    here.acts()
    assert get(here.app, "status", "operationState", "phase") == "Running"
    here.head = head
    assert here.play().look().why.endswith("waiting for a look of Application web")
    assert ("ConfigMap", "production", "settings") in here.objects
    here.now += timedelta(seconds=5)
    here.play()
    assert ("ConfigMap", "production", "settings") not in here.objects


def _with(here: Answers, other: Raw) -> Any:
    plain = here.answer
    return lambda need: Known((here.app, other)) if isinstance(need, Outline) else plain(need)
