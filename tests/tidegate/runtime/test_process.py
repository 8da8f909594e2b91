"""The controller as a process of its own: it starts, says how it is, and ends when told."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import yaml

from crds.paths import get
from crds.refs import ROLLOUT, Ref
from tests.tidegate.kube.fake import FakeApi, serving
from tests.tidegate.kube.waiting import SCALE, until
from tests.tidegate.runtime.worlds import path
from tidegate.runtime.lease import LOCK_NAME
from tidegate.runtime.watches import WATCHES

LEASE = f"/apis/coordination.k8s.io/v1/namespaces/tide/leases/{LOCK_NAME}"


class Running:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said = ""

    async def read(self) -> None:
        assert self.process.stderr
        async for line in self.process.stderr:
            self.said += line.decode()

    def port(self, page: str) -> int:
        found = re.search(rf"{page}.* on port (\d+)", self.said)
        assert found, self.said
        return int(found[1])

    async def page(self, name: str) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.port(name)}{name}") as answer,
        ):
            return answer.status, await answer.text()


def kubeconfig(folder: Path, url: str) -> Path:
    file = folder / "kubeconfig"
    document = {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "x", "namespace": "tide"}}],
        "clusters": [{"name": "x", "cluster": {"server": url}}],
    }
    file.write_text(yaml.safe_dump(document))
    return file


@asynccontextmanager
async def controller(api: FakeApi, folder: Path, health: int = 0, *flags: str) -> AsyncIterator[Running]:
    async with serving(api.handle) as url:
        ports = ("--metrics-port", "0", "--healthz-port", str(health))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tidegate", "controller", *ports, *flags),
            env={"KUBECONFIG": str(kubeconfig(folder, url)), "PATH": ""},
            stderr=asyncio.subprocess.PIPE,
        )
        running = Running(process)
        reading = asyncio.create_task(running.read())
        try:
            yield running
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await reading


def leads(api: FakeApi) -> bool:
    return bool(get(api.objects.get(LEASE), "spec", "holderIdentity"))


async def test_sigterm_ends_it_well_and_soon_with_the_lease_released(tmp_path: Path) -> None:
    api = FakeApi()
    async with controller(api, tmp_path) as running:
        await until(lambda: leads(api), 30)
        running.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(3 * SCALE):
            code = await running.process.wait()
        assert code == 0, running.said
    assert not leads(api)


async def test_it_waits_for_an_api_server_to_answer_as_one(tmp_path: Path) -> None:
    api = FakeApi()
    api.strange = True
    async with controller(api, tmp_path) as running:
        await until(lambda: running.said.count("does not answer as an API server does") > len(WATCHES), 30)
        api.strange = False
        await until(lambda: leads(api), 30)
    assert "Traceback" not in running.said


async def test_it_ends_soon_also_where_nobody_answers(tmp_path: Path) -> None:
    api = FakeApi()
    api.away = True
    async with controller(api, tmp_path) as running:
        await until(lambda: "the Lease: " in running.said, 30)
        running.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(3 * SCALE):
            assert await running.process.wait() == 0, running.said


async def test_a_kubeconfig_that_cannot_be_used_ends_it_in_a_sentence(tmp_path: Path) -> None:
    file = kubeconfig(tmp_path, "http://127.0.0.1:1")
    file.write_text(file.read_text() + 'users: [{name: x, user: {token: "a\\nb"}}]\n')
    file.write_text(file.read_text().replace("cluster: x\n", "cluster: x\n    user: x\n", 1))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tidegate", "controller"),
        env={"KUBECONFIG": str(file), "PATH": ""},
        stderr=asyncio.subprocess.PIPE,
    )
    said = (await process.communicate())[1].decode()
    assert (process.returncode, said.count("\n")) == (1, 1), said
    assert "tidegate controller: the token of the kubeconfig holds a line break" in said


async def test_it_tells_probes_and_dashboards_how_it_is(tmp_path: Path) -> None:
    api = FakeApi()
    api.put(path(Ref(ROLLOUT, "shop", "api")), spec={"replicas": 3}, status={"phase": "Healthy"})
    async with controller(api, tmp_path) as running:
        rollout = path(Ref(ROLLOUT, "shop", "api"))
        await until(
            lambda: get(api.objects[rollout], "status", "conditions") and len(api.watches) == len(WATCHES), 30
        )
        assert await running.page("/healthz") == (200, "ok\n")
        assert await running.page("/readyz") == (200, "ok\n")
        code, text = await running.page("/metrics")
    assert code == 200
    assert 'rollout_info{name="api",namespace="shop",phase="InvalidSpec",strategy="canary"' in text
    assert re.search(r'controller_clientset_k8s_request_total\{kind="leases",.*verb="Create".*\} 1\.0', text)


async def test_where_milestones_alone_are_told_all_is_counted_still(tmp_path: Path) -> None:
    api = FakeApi()
    template = {
        "metadata": {"labels": {"app": "api"}},
        "spec": {"containers": [{"name": "api", "image": "a"}]},
    }
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "api"}}, "strategy": {"canary": {}}}
    api.put(path(Ref(ROLLOUT, "shop", "api")), spec={**spec, "template": template})
    async with controller(api, tmp_path, 0, "--events", "milestones") as running:
        await until(lambda: [verb for verb, at in api.requests if "/replicasets" in at][-1:] == ["PATCH"], 30)
        text = (await running.page("/metrics"))[1]
    told = {raw["reason"] for raw in api.objects.values() if raw.get("kind") == "Event"}
    assert ("RolloutUpdated" in told, "NewReplicaSetCreated" in told) == (True, False)
    assert re.search(r'rollout_events_total\{.*reason="NewReplicaSetCreated".*\} 1\.0', text)


async def test_beside_argo_rollouts_it_writes_nothing_and_says_so(tmp_path: Path) -> None:
    api = FakeApi()
    spec = {"holderIdentity": "argo-rollouts-1_uid", "leaseDurationSeconds": 3600}
    api.put(LEASE, spec=spec)
    api.put(path(Ref(ROLLOUT, "shop", "api")), spec={"replicas": 3})
    async with controller(api, tmp_path) as running:
        await until(lambda: "ControllerConflict" in running.said and len(api.watches) == len(WATCHES), 30)
        code, text = await running.page("/readyz")
        assert (code, "argo-rollouts-1_uid" in text) == (503, True)
        assert "tidegate_controller_conflict 1.0" in (await running.page("/metrics"))[1]
        told = ("POST", "/api/v1/namespaces/tide/events")
        await until(lambda: told in api.requests)
    assert [request for request in api.requests if request[0] not in ("GET", "WATCH")] == [told]


async def test_who_loses_the_lease_stands_by_and_leads_again_when_it_is_free(tmp_path: Path) -> None:
    api = FakeApi()
    async with controller(api, tmp_path) as running:
        await until(lambda: leads(api), 30)
        api.put(LEASE, spec={"holderIdentity": "tidegate-other", "leaseDurationSeconds": 2})
        await until(lambda: "tidegate-other took the Lease" in running.said, 15)
        await until(lambda: get(api.objects[LEASE], "spec", "holderIdentity") != "tidegate-other", 15)
        await until(lambda: running.said.count(" leads") == 2)
        assert running.process.returncode is None


async def test_a_port_that_is_taken_is_said_and_ends_it_with_1(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        async with controller(FakeApi(), tmp_path, taken.getsockname()[1]) as running:
            async with asyncio.timeout(30 * SCALE):
                assert await running.process.wait() == 1
    assert "choose another --metrics-port or --healthz-port" in running.said


async def test_a_standby_leads_as_soon_as_the_leader_is_told_to_end(tmp_path: Path) -> None:
    api = FakeApi()
    async with controller(api, tmp_path) as leader:
        await until(lambda: leads(api), 30)
        first = get(api.objects[LEASE], "spec", "holderIdentity")
        async with controller(api, tmp_path) as standby:
            await until(lambda: "on port" in standby.said and api.asked("GET", LEASE) >= 2, 30)
            leader.process.send_signal(signal.SIGTERM)
            await until(lambda: get(api.objects[LEASE], "spec", "holderIdentity") not in ("", first), 10)


async def test_without_a_kubeconfig_it_says_which_one_is_missing(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tidegate", "controller"),
        env={"KUBECONFIG": str(tmp_path / "absent"), "PATH": ""},
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert (process.returncode, b"absent does not exist" in said) == (1, True)


async def test_in_observe_mode_it_says_what_it_would_do_and_writes_nothing(tmp_path: Path) -> None:
    api = FakeApi()
    api.put(path(Ref(ROLLOUT, "shop", "api")), spec={"replicas": 3})
    async with controller(api, tmp_path, 0, "--observe") as running:
        await until(lambda: "would do: Record of Rollout shop/api" in running.said, 30)
        text = (await running.page("/metrics"))[1]
    assert 'tidegate_would_do_total{kind="Rollout",verb="Record"} 1.0' in text
    assert {method for method, _ in api.requests} <= {"GET", "WATCH"}
