"""Where an e2e test finds its cluster: this lab, kind, or any kubeconfig, by the variable LAB.

LAB=lab (default)  inside `python -m tests.lab run -- …`
LAB=kind           `kind get kubeconfig`, and the addresses below; for those with Docker, never run by us
LAB=kubeconfig     KUBECONFIG, and the addresses below

LAB_PROMETHEUS, LAB_GATEWAY and LAB_ENVOY_ADMIN are URLs as seen from the tests (port-forwards, as a rule);
LAB_GATEWAY_OBJECT is NAMESPACE/NAME of the Istio Gateway that LAB_GATEWAY listens for.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from tests.lab.state import NoCluster, read_state


class Cluster(msgspec.Struct, frozen=True):
    """URLs without a trailing slash."""

    kubeconfig: str
    prometheus: str
    gateway: str
    gateway_object: str
    envoy_admin: str


def cluster() -> Cluster:
    """Raises `NoCluster`."""
    which = os.environ.get("LAB") or "lab"
    if which not in PLACES:
        raise NoCluster(f"LAB={which} is unknown; known: {', '.join(PLACES)}")
    return PLACES[which]()


def _lab() -> Cluster:
    state = read_state()
    return Cluster(state.kubeconfig, state.prometheus, state.gateway, state.gateway_object, state.envoy_admin)


def _kind() -> Cluster:
    ask = ["kind", "get", "kubeconfig", "--name", os.environ.get("LAB_KIND_NAME", "kind")]
    text = subprocess.run(ask, check=True, capture_output=True, text=True).stdout
    path = Path(tempfile.mkdtemp(prefix="tidegate-kind-")) / "kubeconfig"
    path.write_text(text)
    return _told(str(path))


def _kubeconfig() -> Cluster:
    return _told(_variable("KUBECONFIG"))


def _told(kubeconfig: str) -> Cluster:
    return Cluster(
        kubeconfig,
        prometheus=_variable("LAB_PROMETHEUS"),
        gateway=_variable("LAB_GATEWAY"),
        gateway_object=_variable("LAB_GATEWAY_OBJECT"),
        envoy_admin=_variable("LAB_ENVOY_ADMIN"),
    )


def _variable(name: str) -> str:
    if value := os.environ.get(name):
        return value.rstrip("/")
    raise NoCluster(f"with LAB={os.environ['LAB']} the variable {name} has to be set")


PLACES: dict[str, Callable[[], Cluster]] = {"lab": _lab, "kind": _kind, "kubeconfig": _kubeconfig}
