from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import kopf
import pytest
from aiohttp import ClientError

from crds.refs import ANALYSIS_RUN, ANALYSIS_TEMPLATE, CLUSTER_ANALYSIS_TEMPLATE, ROLLOUT, Kind
from tests.tidegate.kube.fake import DISCOVERY, FakeApi, serving
from tests.tidegate.kube.waiting import answered
from tidegate.runtime.admission import Certificate, mistakes, register
from tidegate.runtime.host import settings

LABELS = {"app": "api"}
ISTIO = {"virtualService": {"name": "api"}, "destinationRule": {"name": "api"}}


def rollout(**spec: Any) -> dict[str, Any]:
    containers = [{"name": "api", "image": "api:v1"}]
    right = {
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": {"containers": containers}},
        "strategy": {"canary": {"trafficRouting": {"istio": ISTIO}}},
    }
    meta = {"name": "api", "namespace": "shop"}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": meta,
        "spec": {**right, **spec},
    }


def test_a_rollout_without_mistakes_is_not_warned_about() -> None:
    assert mistakes(ROLLOUT, rollout()) == ()


def test_every_mistake_is_named_with_its_field() -> None:
    said = mistakes(ROLLOUT, rollout(replicas=-1, minReadySeconds=-1))
    assert [text.split(":")[0] for text in said] == ["spec.replicas", "spec.minReadySeconds"]


def test_what_is_not_acted_on_yet_is_said() -> None:
    (said,) = mistakes(ROLLOUT, rollout(strategy={"blueGreen": {"activeService": "api"}}))
    assert said.startswith("spec.strategy.blueGreen")


def test_a_field_of_the_wrong_type_is_one_warning() -> None:
    (said,) = mistakes(ANALYSIS_RUN, {"metadata": {"name": "a"}, "spec": {"metrics": "none"}})
    assert said.startswith("spec.metrics")


@pytest.mark.parametrize("kind", [ANALYSIS_RUN, ANALYSIS_TEMPLATE, CLUSTER_ANALYSIS_TEMPLATE])
def test_a_condition_that_cannot_be_read_is_warned_of_where_it_stands(kind: Kind) -> None:
    metric = {"name": "m", "successCondition": "result >", "provider": {"prometheus": {"query": "up"}}}
    (said,) = mistakes(kind, {"metadata": {"name": "a"}, "spec": {"metrics": [metric]}})
    assert said.startswith("spec.metrics[0].successCondition: column 9: the end")


@asynccontextmanager
async def kopf_with_admission(url: str, port: int) -> AsyncIterator[None]:
    """kopf with our validators, over plain http where the controller would have its certificate."""
    handlers, chosen, stop = kopf.OperatorRegistry(), settings(), asyncio.Event()
    register(handlers, chosen, Certificate("", "", port))
    chosen.admission.server = kopf.WebhookServer(addr="127.0.0.1", port=port, insecure=True)

    @kopf.on.login(registry=handlers)
    async def login(**_: Any) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=url)

    running = asyncio.create_task(
        kopf.operator(registry=handlers, settings=chosen, clusterwide=True, stop_flag=stop)
    )
    try:
        yield
    finally:
        stop.set()
        await running


async def posted(url: str, body: Any) -> Any:
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
        return await answer.json()


async def test_a_review_is_admitted_with_warnings(
    monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    api, path = FakeApi(), "/apis/argoproj.io/v1alpha1"
    served = {
        "name": "rollouts",
        "singularName": "rollout",
        "kind": "Rollout",
        "namespaced": True,
        "verbs": [],
    }
    group = {
        "name": "argoproj.io",
        "versions": [{"groupVersion": "argoproj.io/v1alpha1", "version": "v1alpha1"}],
        "preferredVersion": {"groupVersion": "argoproj.io/v1alpha1", "version": "v1alpha1"},
    }
    monkeypatch.setitem(DISCOVERY, "/apis", {"kind": "APIGroupList", "groups": [group]})
    monkeypatch.setitem(DISCOVERY, path, {"kind": "APIResourceList", "resources": [served]})
    review = {
        "request": {
            "uid": "1",
            "operation": "CREATE",
            "resource": {"group": "argoproj.io", "version": "v1alpha1", "resource": "rollouts"},
            "object": rollout(replicas=-1),
            "userInfo": {"username": "someone"},
        }
    }
    async with serving(api.handle) as url, kopf_with_admission(url, unused_tcp_port):
        answer = await answered(
            lambda: posted(f"http://127.0.0.1:{unused_tcp_port}/rollouts", review), ClientError
        )
        assert answer["response"]["allowed"]
        assert answer["response"]["warnings"][0].startswith("spec.replicas")
