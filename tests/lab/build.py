"""Builds the lab's binaries once, outside the checkout, and says how far it is and how long it will take.

Each part lives in a folder named by the hash of what goes into it (go.mod, go.sum, flags), is built beside it
and renamed into place: a part is there whole or not at all, and is rebuilt only when its inputs change.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import msgspec
import yaml

from tests.lab.places import GO_MODULES, cache
from tests.lab.progress import Progress

KUBERNETES = "1.37.2"
_STAMP = "k8s.io/component-base/version.git"
_VERSION = f"-X {_STAMP}Version=v{KUBERNETES} -X {_STAMP}Major=1 -X {_STAMP}Minor=37"


class Missing(Exception):
    """The machine lacks something; the message says what to install."""


class GoPart(msgspec.Struct, frozen=True):
    """A Go module of ours and the commands built from it; `typical` seconds on two cores, no cache."""

    name: str
    commands: dict[str, str]
    typical: float
    ldflags: str = "-s -w"


GO_PARTS = (
    GoPart("etcd", {"etcd": "go.etcd.io/etcd/server/v3"}, typical=40),
    GoPart(
        "kubernetes",
        {
            "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
            "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
        },
        typical=300,
        ldflags=f"-s -w {_VERSION}",
    ),
    GoPart("istio", {"pilot-discovery": "istio.io/istio/pilot/cmd/pilot-discovery"}, typical=190),
)


class Tools(msgspec.Struct, frozen=True):
    """Paths of everything a lab runs."""

    etcd: str
    apiserver: str
    controller_manager: str
    istiod: str
    crds: str
    """JSON list of Istio's CustomResourceDefinitions."""
    prometheus: str
    envoy: str
    kubectl: str
    certificate: str
    key: str


def check_machine() -> None:
    """Raises `Missing` naming all that has to be installed, before any time is spent."""
    lacking = [*_lacking_go(), *_lacking_commands(), *_lacking_wheels()]
    if lacking:
        raise Missing("the lab cannot be built here:\n  " + "\n  ".join(lacking))


def _lacking_go() -> Iterator[str]:
    wanted = "Go 1.26 or later is needed: https://go.dev/dl, unpack it and put its bin folder on PATH"
    if not shutil.which("go"):
        yield f"no `go` on PATH. {wanted}"
        return
    said = subprocess.run(
        ["go", "env", "GOVERSION"], capture_output=True, text=True, check=False
    ).stdout.strip()
    if not recent_go(said):
        yield f"`go` is {said or 'broken'}. {wanted}"


def recent_go(said: str) -> bool:
    """Is `said`, as `go env GOVERSION` prints it, 1.26 or later?"""
    found = re.match(r"(?:go|devel go)(\d+)\.(\d+)", said)
    return found is not None and (int(found[1]), int(found[2])) >= (1, 26)


def _lacking_commands() -> Iterator[str]:
    packages = {"ip": "iproute2", "unshare": "util-linux", "nsenter": "util-linux"}
    for command, package in packages.items():
        if not shutil.which(command):
            yield f"no `{command}` on PATH: install the package {package}"
    if not shutil.which("prometheus") and not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        yield "no `prometheus` on PATH, and no apt-get to fetch it with: install Prometheus 2.42 or later"


def _lacking_wheels() -> Iterator[str]:
    if not find_spec("envoy") or not _kubectl().exists():
        yield f"no envoy or kubectl beside {sys.executable}: `make venv`, or `pip install -e '.[dev,lab]'`"


def build() -> Tools:
    """Everything built and found. Cheap when it already is. Raises `Missing`, CalledProcessError."""
    check_machine()
    steps = _steps()
    with _one_at_a_time():
        _clear_unfinished()
        progress = Progress([(name, typical) for name, typical, _, done in steps if not done])
        for name, _, make, done in steps:
            if not done:
                with progress.part(name):
                    make(progress)
        progress.end()
    return tools()


Step = tuple[str, float, Callable[[Progress], None], bool]


def _steps() -> list[Step]:
    """Name, typical seconds, how to make it, and whether it is there already; quick ones first."""
    return [
        ("certificate", 5, _make_certificate, _certificate().exists()),
        ("prometheus", 10, _fetch_prometheus, _prometheus() is not None),
        *(
            (p.name, p.typical, lambda progress, p=p: _build_go(p, progress), _home(p).exists())
            for p in GO_PARTS
        ),
    ]


def tools() -> Tools:
    """The paths, from the cache. Raises `Missing` when `build` has not run."""
    prometheus = _prometheus()
    if not all(done for *_, done in _steps()) or prometheus is None:
        raise Missing("the lab is not built yet: run `make lab`")
    etcd, kubernetes, istio = (_home(part) for part in GO_PARTS)
    return Tools(
        etcd=str(etcd / "etcd"),
        apiserver=str(kubernetes / "kube-apiserver"),
        controller_manager=str(kubernetes / "kube-controller-manager"),
        istiod=str(istio / "pilot-discovery"),
        crds=str(istio / "crds.json"),
        prometheus=str(prometheus),
        envoy=str(_envoy()),
        kubectl=str(_kubectl()),
        certificate=str(_certificate() / "cert.pem"),
        key=str(_certificate() / "key.pem"),
    )


def _home(part: GoPart) -> Path:
    inputs = [(GO_MODULES / part.name / name).read_bytes() for name in ("go.mod", "go.sum")]
    inputs.append(repr((part.ldflags, sorted(part.commands.items()))).encode())
    key = hashlib.sha256(b"\0".join(inputs)).hexdigest()[:12]
    return cache() / f"{part.name}-{key}"


def _certificate() -> Path:
    return cache() / "certificate"


def _envoy() -> Path:
    found = find_spec("envoy")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "_bin" / "envoy"


def _kubectl() -> Path:
    return Path(sys.executable).parent / "kubectl"


def _prometheus() -> Path | None:
    installed, fetched = shutil.which("prometheus"), cache() / "prometheus" / "usr" / "bin" / "prometheus"
    return Path(installed) if installed else fetched if fetched.exists() else None


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two builds at once would only slow each other down: the second waits and finds all done."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("lab: another build is running, waiting for it", flush=True)
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _clear_unfinished() -> None:
    """What a build that was killed left half made."""
    for each in cache().glob("making-*"):
        shutil.rmtree(each, ignore_errors=True)


@contextmanager
def _whole(home: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `home` only if filling it went well."""
    with tempfile.TemporaryDirectory(dir=cache(), prefix="making-") as making:
        made = Path(making) / "made"
        made.mkdir()
        yield made
        if not home.exists():
            made.rename(home)


def _build_go(part: GoPart, progress: Progress) -> None:
    if _home(part).exists():
        return
    with _whole(_home(part)) as made:
        for name, package in part.commands.items():
            _go_build(part, package, made / name, progress)
        if part.name == "istio":
            (made / "crds.json").write_text(json.dumps(_istio_crds()))


def _go_build(part: GoPart, package: str, to: Path, progress: Progress) -> None:
    """`go build -v` names each package when it is compiled: that is the progress."""
    where, environment = GO_MODULES / part.name, {**os.environ, "GOFLAGS": "-buildvcs=false"}
    stale = ["go", "list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", package]
    listed = subprocess.run(stale, cwd=where, env=environment, capture_output=True, text=True, check=True)
    progress.expect(len(listed.stdout.split()))
    command = ["go", "build", "-v", "-o", str(to), "-ldflags", part.ldflags, package]
    with subprocess.Popen(command, cwd=where, env=environment, stderr=subprocess.PIPE, text=True) as going:
        assert going.stderr is not None
        said = [line for line in going.stderr if not progress.compiled(line)]
    if going.returncode:
        raise subprocess.CalledProcessError(going.returncode, command, stderr="".join(said))


def _istio_crds() -> list[object]:
    found = subprocess.run(
        ["go", "list", "-m", "-f", "{{.Dir}}", "istio.io/istio"],
        cwd=GO_MODULES / "istio", capture_output=True, text=True, check=True,
    )  # fmt: skip
    text = (Path(found.stdout.strip()) / "manifests/charts/base/files/crd-all.gen.yaml").read_text()
    return [crd for crd in yaml.load_all(text, yaml.CSafeLoader) if crd]


def _make_certificate(progress: Progress) -> None:
    """One throw-away key pair serves the API server's TLS and signs its ServiceAccount tokens."""
    root = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip()
    hosts = "127.0.0.1,localhost,kubernetes.default.svc"
    make = [
        "go",
        "run",
        f"{root}/src/crypto/tls/generate_cert.go",
        "--ca",
        "--host",
        hosts,
        "--duration",
        "87600h",
    ]
    with _whole(_certificate()) as made:
        subprocess.run(make, cwd=made, check=True, capture_output=True)
        (made / "key.pem").chmod(0o600)


def _fetch_prometheus(progress: Progress) -> None:
    """Debian's package, unpacked and not installed: its service is never started and root is not needed."""
    with _whole(cache() / "prometheus") as made, tempfile.TemporaryDirectory() as there:
        fetch = ["apt-get", "download", "prometheus"]
        if subprocess.run(fetch, cwd=there, capture_output=True, check=False).returncode and os.getuid() == 0:
            subprocess.run(["apt-get", "update", "-q"], capture_output=True, check=True)
        if not list(Path(there).glob("*.deb")):
            subprocess.run(fetch, cwd=there, capture_output=True, check=True)
        (package,) = Path(there).glob("prometheus_*.deb")
        subprocess.run(["dpkg-deb", "-x", str(package), str(made)], check=True)
        _prune(made)


def _prune(made: Path) -> None:
    """Only the server is wanted, not its tool and assets."""
    for unwanted in ("usr/share", "usr/bin/promtool", "etc", "lib", "var"):
        shutil.rmtree(made / unwanted, ignore_errors=True)
    (made / "usr/bin/promtool").unlink(missing_ok=True)
