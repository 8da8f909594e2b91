from datetime import timedelta

import pytest

from tests.tidegate.sandbox.worlds import REPLICA_SETS, Clock, create, get, merge, replica_set
from tidegate.kube.http import Request
from tidegate.sandbox.checker import impossible
from tidegate.sandbox.objects import at
from tidegate.sandbox.players import Garbage, Pods, ReplicaSets, is_ready
from tidegate.sandbox.resources import PODS
from tidegate.sandbox.store import Store


class Cluster:
    def __init__(self) -> None:
        self.clock = Clock()
        self.store = Store(self.clock)
        self.players = (Garbage(self.store), ReplicaSets(self.store), Pods(self.store, timedelta(seconds=2)))

    def after(self, seconds: float) -> None:
        now = self.clock.advance(seconds)
        for player in (*self.players, self.players[1]):
            player.tick(now)
        assert impossible(self.store, now) == []

    def counts(self, name: str) -> tuple[int, int, int]:
        status = get(self.store, f"{REPLICA_SETS}/{name}")["status"]
        return status["replicas"], status.get("readyReplicas", 0), status.get("availableReplicas", 0)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def test_pods_start_after_their_delay(cluster: Cluster) -> None:
    create(cluster.store, REPLICA_SETS, replica_set("v1", 3))
    cluster.after(0)
    early = cluster.counts("v1")
    cluster.after(2)
    assert (early, cluster.counts("v1")) == ((3, 0, 0), (3, 3, 3))


def test_ready_pods_are_available_after_min_ready_seconds(cluster: Cluster) -> None:
    create(cluster.store, REPLICA_SETS, replica_set("v1", 2, minReadySeconds=10))
    cluster.after(0)
    cluster.after(2)
    early = cluster.counts("v1")
    cluster.after(10)
    assert (early, cluster.counts("v1")) == ((2, 2, 0), (2, 2, 2))


def test_the_observed_generation_follows_the_spec(cluster: Cluster) -> None:
    create(cluster.store, REPLICA_SETS, replica_set("v1", 2))
    merge(cluster.store, f"{REPLICA_SETS}/v1", {"spec": {"replicas": 1}})
    cluster.after(0)
    assert get(cluster.store, f"{REPLICA_SETS}/v1")["status"]["observedGeneration"] == 2


def test_unready_pods_are_deleted_first(cluster: Cluster) -> None:
    create(cluster.store, REPLICA_SETS, replica_set("v1", 2))
    cluster.after(0)
    cluster.after(2)
    merge(cluster.store, f"{REPLICA_SETS}/v1", {"spec": {"replicas": 3}})
    cluster.after(0)
    merge(cluster.store, f"{REPLICA_SETS}/v1", {"spec": {"replicas": 2}})
    cluster.after(0)
    assert all(is_ready(pod) for pod in cluster.store.every(PODS))


def test_a_lost_pod_is_replaced(cluster: Cluster) -> None:
    create(cluster.store, REPLICA_SETS, replica_set("v1", 2))
    cluster.after(0)
    cluster.after(2)
    cluster.store.remove(PODS, cluster.store.every(PODS)[0])
    cluster.after(0)
    assert cluster.counts("v1") == (2, 1, 1)


@pytest.mark.parametrize(
    ("image", "reason"),
    [("registry/api:crash", "CrashLoopBackOff"), ("nowhere.invalid/api:v1", "ImagePullBackOff")],
)
def test_images_that_never_start_say_why(cluster: Cluster, image: str, reason: str) -> None:
    create(cluster.store, REPLICA_SETS, replica_set("v1", 1, image=image))
    cluster.after(0)
    cluster.after(60)
    pods = get(cluster.store, "/api/v1/namespaces/production/pods", labelSelector="hash=v1")["items"]
    waiting = [at(pod, "status", "containerStatuses", 0, "state", "waiting", "reason") for pod in pods]
    assert (waiting, cluster.counts("v1")) == ([reason], (1, 0, 0))


def test_crashing_containers_are_restarted_ever_more_rarely(cluster: Cluster) -> None:
    create(cluster.store, REPLICA_SETS, replica_set("v1", 1, image="registry/api:crash"))
    restarts = []
    for seconds in (1, 10, 20, 280, 305):
        cluster.after(seconds)
        pod = cluster.store.every(PODS)[0]
        restarts.append(pod["status"]["containerStatuses"][0]["restartCount"])
    assert restarts == [1, 2, 3, 6, 7]


def test_what_a_deleted_owner_owned_goes_too(cluster: Cluster) -> None:
    create(cluster.store, REPLICA_SETS, replica_set("v1", 2))
    cluster.after(0)
    cluster.store.handle(Request("DELETE", f"{REPLICA_SETS}/v1"))
    cluster.after(0)
    assert list(cluster.store.every(PODS)) == []


def test_what_is_deleted_in_the_foreground_goes_behind_what_it_owned(cluster: Cluster) -> None:
    create(cluster.store, REPLICA_SETS, replica_set("v1", 2))
    cluster.after(0)
    before = cluster.store.version
    cluster.store.handle(Request("DELETE", f"{REPLICA_SETS}/v1", body={"propagationPolicy": "Foreground"}))
    cluster.after(0)
    gone = [one.resource.kind for one in cluster.store.since(before) if one.after is None]
    assert gone == ["Pod", "Pod", "ReplicaSet"]
