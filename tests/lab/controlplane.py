"""etcd, kube-apiserver and kube-controller-manager, with flags that start them in seconds."""

from __future__ import annotations

import json
import secrets
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from tests.lab.build import Tools
from tests.lab.kube import ApiError, Kube
from tests.lab.parts import Part
from tests.lab.waiting import until

APISERVER = "https://127.0.0.1:6443"
ETCD = "http://127.0.0.1:2379"
OFF = ("node-ipam-controller", "node-lifecycle-controller", "persistentvolume-attach-detach-controller")
"""Controllers that would fight the fake node, or have nothing to control here."""


def start_etcd(tools: Tools, folder: Path) -> Part:
    argv = [tools.etcd, "--data-dir", str(folder / "etcd"), "--unsafe-no-fsync", "--log-level=warn",
            "--listen-client-urls", ETCD, "--advertise-client-urls", ETCD,
            "--listen-peer-urls=http://127.0.0.1:2380"]  # fmt: skip
    return Part("etcd", argv, folder / "logs" / "etcd.log")


def start_apiserver(tools: Tools, folder: Path) -> Part:
    argv = [
        tools.apiserver,
        "--etcd-servers", ETCD,
        "--secure-port=6443", "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",
        "--cert-dir", str(folder / "apiserver"),
        "--tls-cert-file", tools.certificate, "--tls-private-key-file", tools.key,
        "--token-auth-file", str(folder / "tokens.csv"),
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-account-key-file", tools.certificate, "--service-account-signing-key-file", tools.key,
        "--service-cluster-ip-range=10.0.0.0/16",
        "--enable-priority-and-fairness=false", "--allow-privileged",
        "--watch-cache-sizes=", "--profiling=false",
    ]  # fmt: skip
    return Part("kube-apiserver", argv, folder / "logs" / "kube-apiserver.log")


def start_controller_manager(tools: Tools, folder: Path) -> Part:
    argv = [
        tools.controller_manager,
        "--kubeconfig", str(folder / "kubeconfig"), "--leader-elect=false", "--bind-address=127.0.0.1",
        "--secure-port=0", "--use-service-account-credentials=false",
        "--service-account-private-key-file", tools.key, "--root-ca-file", tools.certificate,
        "--controllers", ",".join(["*", *(f"-{name}" for name in OFF)]),
        "--kube-api-qps=300", "--kube-api-burst=600", "--profiling=false",
    ]  # fmt: skip
    return Part("kube-controller-manager", argv, folder / "logs" / "kube-controller-manager.log")


def write_credentials(tools: Tools, folder: Path) -> str:
    """Token file and kubeconfig of an administrator; returns the token."""
    token = secrets.token_hex(16)
    (folder / "tokens.csv").write_text(f'{token},lab-admin,lab-admin,"system:masters"\n')
    cluster = {"server": APISERVER, "certificate-authority": tools.certificate}
    context = {"cluster": "lab", "user": "lab-admin", "namespace": "default"}
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "lab",
        "clusters": [{"name": "lab", "cluster": cluster}],
        "users": [{"name": "lab-admin", "user": {"token": token}}],
        "contexts": [{"name": "lab", "context": context}],
    }  # fmt: skip
    (folder / "kubeconfig").write_text(yaml.safe_dump(config))
    (folder / "kubeconfig").chmod(0o600)
    return token


def etcd_answers() -> bool:
    with urllib.request.urlopen(f"{ETCD}/health", timeout=2) as answer:
        return bool(answer.status == 200)


def apiserver_answers(kube: Kube) -> bool:
    try:
        return bool(kube.get("/readyz") == "ok")
    except ApiError:
        return False


def install_crds(kube: Kube, path: str) -> None:
    """All at once, then until the API server serves every one of them."""
    crds: list[dict[str, Any]] = json.loads(Path(path).read_text())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(kube.ensure, crds))
    until(lambda: all_established(kube), 20, "Istio's CRDs to be established")


def all_established(kube: Kube) -> bool:
    listed = kube.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")["items"]
    return bool(listed) and all(_established(crd) for crd in listed)


def _established(crd: dict[str, Any]) -> bool:
    conditions = crd["status"].get("conditions") or []
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)
