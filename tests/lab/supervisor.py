"""Process 1 of a lab: brings the parts up in the namespace it was born in, runs the guest, ends it all.

The kernel ends every process of a pid namespace with its process 1, so a lab cannot leave one behind. The
other way round, the lab's owner holds the write end of a pipe: when the owner dies, even by SIGKILL, we read
the end of it and stop.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from tests.lab import controlplane, mesh, places
from tests.lab.build import Tools, tools
from tests.lab.kube import ApiError, Kube
from tests.lab.parts import Failed, Part
from tests.lab.places import CHECKOUT
from tests.lab.state import State, write_state
from tests.lab.waiting import Late, deadline

GUEST_GRACE = 20.0
"""Seconds a guest has between SIGTERM and SIGKILL."""


class Orders(msgspec.Struct, frozen=True):
    """What the owner wants; handed over as the file `orders.json` of the lab's folder."""

    command: list[str]
    """The guest; empty for a lab that stays until it is told to go."""
    keep: bool
    """Leave the folder, with all logs, behind."""
    cwd: str
    env: dict[str, str]
    terminal: bool
    """The guest shares a terminal with us: Ctrl-C reaches it without our help."""


class Stop(Exception):
    """A signal, or the end of the owner."""


class Supervisor:
    def __init__(self, folder: Path, orders: Orders) -> None:
        self.folder, self.orders, self.tools = folder, orders, tools()
        self.parts: dict[str, Part] = {}
        self.guest: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """The guest's exit code; 70 when the lab did not come up, 143 when stopped before the guest ran."""
        try:
            state = self.bring_up()
            return self.host(state) if self.orders.command else self.stay()
        except Stop:
            return 143
        except (Failed, Late, ApiError, OSError) as problem:
            print(f"lab: {problem}", file=sys.stderr, flush=True)
            return 70
        finally:
            self.tear_down()

    # -- up

    def bring_up(self) -> State:
        """In the order of need, with whatever can be at the same time at the same time."""
        began = time.monotonic()
        namespace_network()
        token = controlplane.write_credentials(self.tools, self.folder)
        with Kube(controlplane.APISERVER, self.tools.certificate, token) as kube:
            self.bring_parts_up(kube)
        state = write_state(self.state(token))
        (self.folder / "ready").touch()
        took = time.monotonic() - began
        print(f"lab: up in {took:.1f} s; logs in {state.logs}", file=sys.stderr, flush=True)
        return state

    def bring_parts_up(self, kube: Kube) -> None:
        self.add(controlplane.start_etcd).ready(controlplane.etcd_answers, 20)
        apiserver = self.add(controlplane.start_apiserver)
        self.add(mesh.start_prometheus)
        apiserver.ready(lambda: controlplane.apiserver_answers(kube), 40)
        self.add(controlplane.start_controller_manager)
        self.add(start_node)
        self.bring_mesh_up(kube)
        self.ready_node(kube)
        self.parts["prometheus"].ready(lambda: mesh.answers(f"{mesh.PROMETHEUS}/-/ready"), 30)

    def bring_mesh_up(self, kube: Kube) -> None:
        for name in (mesh.NAMESPACE, "production"):
            kube.ensure({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        controlplane.install_crds(kube, self.tools.crds)
        kube.apply(mesh.GATEWAY_MANIFEST)
        self.add(mesh.start_istiod).ready(lambda: mesh.answers("http://127.0.0.1:15080/ready"), 40)
        self.add(mesh.start_envoy).ready(lambda: mesh.listens(10080), 30)

    def ready_node(self, kube: Kube) -> None:
        self.parts["node"].ready(lambda: node_is_ready(kube), 20)
        accounts = "/api/v1/namespaces/production/serviceaccounts"
        self.parts["kube-controller-manager"].ready(lambda: kube.get(accounts)["items"], 30)

    def add(self, start: Callable[[Tools, Path], Part]) -> Part:
        part = start(self.tools, self.folder)
        self.parts[part.name] = part
        return part

    def state(self, token: str) -> State:
        return State(
            folder=str(self.folder),
            logs=str(self.folder / "logs"),
            kubeconfig=str(self.folder / "kubeconfig"),
            apiserver=controlplane.APISERVER,
            token=token,
            ca=self.tools.certificate,
            prometheus=mesh.PROMETHEUS,
            gateway=mesh.GATEWAY,
            gateway_object=mesh.GATEWAY_OBJECT,
            envoy_admin=mesh.ADMIN,
            istiod=mesh.ISTIOD,
            kubectl=self.tools.kubectl,
            netns=f"/proc/{outside_pid(self.folder)}/ns/net",
            parts={name: part.state() for name, part in self.parts.items()},
        )

    # -- running

    def host(self, state: State) -> int:
        """Run the guest to its end. Reaps whatever orphans it leaves, as process 1 has to."""
        environment = {**self.orders.env, **guest_environment(state)}
        try:
            self.guest = subprocess.Popen(self.orders.command, cwd=self.orders.cwd, env=environment)
        except OSError as error:
            print(f"lab: cannot run {self.orders.command[0]}: {error.strerror}", file=sys.stderr, flush=True)
            return 127
        signal.signal(signal.SIGTERM, self.dismiss)
        signal.signal(signal.SIGINT, self.interrupt)
        while self.guest.poll() is None:
            self.reap_one()
        return exit_code(self.guest.returncode)

    def stay(self) -> int:
        """Until somebody says stop."""
        while True:
            self.reap_one()

    def reap_one(self) -> None:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        if ended is None:
            return
        ours = {part.process.pid: part.process for part in self.parts.values()}
        if self.guest:
            ours[self.guest.pid] = self.guest
        if ended.si_pid in ours:
            ours.pop(ended.si_pid).poll()
            self.tell(ended.si_pid)
        else:
            os.waitpid(ended.si_pid, 0)

    def tell(self, pid: int) -> None:
        """A part that ends while the lab is up is worth a line in the lab's own log."""
        for part in self.parts.values():
            if part.process.pid == pid:
                line = f"{part.name} (pid {pid}) ended with {part.process.returncode}\n"
                with (self.folder / "logs" / "lab.log").open("a") as log:
                    log.write(line)

    def interrupt(self, *_: object) -> None:
        if not self.orders.terminal:
            self.signal_guest(signal.SIGINT)

    def dismiss(self, *_: object) -> None:
        self.signal_guest(signal.SIGTERM)
        threading.Timer(deadline(GUEST_GRACE), self.signal_guest, (signal.SIGKILL,)).start()

    def signal_guest(self, number: int) -> None:
        """Not by `Popen.send_signal`, which would reap the guest behind the back of `reap_one`."""
        if self.guest and self.guest.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.guest.pid, number)

    # -- down

    def tear_down(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for name in ("kube-apiserver", *self.parts):
            if part := self.parts.get(name):
                part.kill()
        if not self.orders.keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def start_node(tools: Tools, folder: Path) -> Part:
    argv = [sys.executable, "-m", "tests.lab.node", str(folder)]
    return Part(
        "node", argv, folder / "logs" / "node.log", {"PYTHONPATH": str(CHECKOUT), "LAB_CA": tools.certificate}
    )


def node_is_ready(kube: Kube) -> bool:
    nodes = kube.get("/api/v1/nodes")["items"]
    return any(each["type"] == "Ready" for node in nodes for each in node["status"].get("conditions") or [])


def namespace_network() -> None:
    """Makes every pod address local."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "route", "add", "local", "10.244.0.0/16", "dev", "lo"], check=True)


def guest_environment(state: State) -> dict[str, str]:
    path = f"{Path(state.kubectl).parent}:{os.environ.get('PATH', os.defpath)}"
    return {
        "KUBECONFIG": state.kubeconfig,
        "TIDEGATE_LAB": f"{state.folder}/state.json",
        "KUBECTL": state.kubectl,
        "PATH": path,
    }


def outside_pid(folder: Path) -> str:
    return (folder / "supervisor.pid").read_text()


def exit_code(returned: int) -> int:
    """As a shell says it: 128 and the signal's number for a command that was killed."""
    return returned if returned >= 0 else 128 - returned


def stop_with_owner(pipe: int) -> None:
    """Blocks until the owner closes its end, then asks this process to stop."""
    os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def stop(*_: object) -> None:
    raise Stop


def main() -> None:
    folder, pipe = Path(sys.argv[1]), int(sys.argv[2])
    orders = msgspec.json.decode((folder / "orders.json").read_bytes(), type=Orders)
    held = places.lock(folder)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGHUP, stop)
    if pipe >= 0:
        threading.Thread(target=stop_with_owner, args=(pipe,), daemon=True).start()
    code = Supervisor(folder, orders).run()
    os.close(held)
    sys.stdout.flush()
    os._exit(code)  # a timer that still waits to kill the guest is no reason to stay


if __name__ == "__main__":
    main()
