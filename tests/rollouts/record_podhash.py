"""Records what Go says of the cases below: `python -m tests.rollouts.record_podhash` (needs Go).

The answers are committed, so that `make check` replays them without Go.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tests.crds.examples import brief
from tests.rollouts import oracle_process
from tests.rollouts.templates import every

VECTORS = Path(__file__).parent / "podhash_vectors.jsonl"
CASES: dict[str, Any] = {
    "the brief's template": {"template": brief()["spec"]["template"]},
    "the same after one collision": {"template": brief()["spec"]["template"], "collisions": 1},
    "after none, said": {"template": brief()["spec"]["template"], "collisions": 0},
    "the brief's steps": {"steps": brief()["spec"]["strategy"]["canary"]["steps"]},
    "nothing": {"template": {}},
    "no containers, said": {"template": {"spec": {"containers": []}}},
    "a null creationTimestamp": {"template": {"metadata": {"creationTimestamp": None, "labels": {"a": "b"}}}},
    "every field": {"template": every("PodTemplateSpec", zero=False)},
    "every field at zero": {"template": every("PodTemplateSpec", zero=True)},
    "every kind of step": {"steps": [every("CanaryStep", zero=False)]},
    "every kind of step at zero": {"steps": [every("CanaryStep", zero=True)]},
    "no steps": {"steps": None},
    "an empty list of steps": {"steps": []},
    "a weight held": {"steps": [{"setWeight": 0, "duration": 300}, {"pause": {"duration": "5m"}}]},
}
WRITTEN = """
pointers to false and zero are kept:
  spec:
    securityContext: {runAsNonRoot: false, runAsUser: 0, fsGroup: 0}
    terminationGracePeriodSeconds: 0
    automountServiceAccountToken: false
    hostNetwork: false
    containers:
    - {name: a, stdin: false, securityContext: {privileged: false, capabilities: {drop: [ALL]}}}
quantities in their many forms:
  spec:
    containers:
    - name: a
      resources:
        limits: {a: "0.001", b: 1000m, c: 1024Mi, d: 1.5Gi, e: "1.500", f: "0.500", g: 0.5, h: 2, i: 1e3}
        requests: {j: 100.1Ki, k: 0.1n, l: "+5", m: "01", n: 99Ei, o: 1000E, p: 12E+3, q: 0Ki}
    volumes:
    - {name: tmp, emptyDir: {medium: Memory, sizeLimit: 2048Ki}}
    - {name: no limit, emptyDir: {}}
a quantity that is none:
  metadata: {labels: {app: malformed}}
  spec:
    containers:
    - {image: demo, name: malformed, resources: {requests: {memory: invalid}}}
a service in earnest:
  metadata:
    labels: {app: shop, "app.kubernetes.io/part-of": shop}
    annotations: {prometheus.io/scrape: "true", note: "<a & b> \\u2028 ключ"}
  spec:
    serviceAccountName: shop
    initContainers:
    - {name: migrate, image: "shop:1", command: [sh, -c, "echo \\"1 < 2\\" && true\\n"]}
    containers:
    - name: shop
      image: shop:1
      imagePullPolicy: IfNotPresent
      ports: [{name: http, containerPort: 8080, protocol: TCP}]
      env:
      - {name: EMPTY, value: ""}
      - {name: HASH, valueFrom: {fieldRef: {fieldPath: "metadata.labels['x']"}}}
      - {name: CPU, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1m}}}
      - {name: MEM, valueFrom: {resourceFieldRef: {resource: limits.memory}}}
      envFrom: [{configMapRef: {name: shop, optional: false}}]
      livenessProbe: {tcpSocket: {port: http}, periodSeconds: 5}
      readinessProbe: {httpGet: {path: /health, port: 8080, httpHeaders: [{name: A, value: b}]}}
      startupProbe: {grpc: {port: 9000}, failureThreshold: 30}
      lifecycle: {preStop: {exec: {command: [sleep, "5"]}}}
      volumeMounts: [{name: config, mountPath: /etc/shop, readOnly: true}]
    volumes:
    - {name: config, configMap: {name: shop, defaultMode: 420, items: [{key: a, path: b}]}}
    - {name: token, projected: {sources: [{serviceAccountToken: {path: token, expirationSeconds: 3600}}]}}
    affinity:
      nodeAffinity:
        requiredDuringSchedulingIgnoredDuringExecution:
          nodeSelectorTerms: [{matchExpressions: [{key: arch, operator: In, values: [amd64]}]}]
      podAntiAffinity:
        preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 100
          podAffinityTerm: {topologyKey: zone, labelSelector: {matchLabels: {app: shop}}}
    topologySpreadConstraints:
    - {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {}, minDomains: 0}
    tolerations: [{operator: Exists, tolerationSeconds: 0}]
    nodeSelector: {}
    unknownToGo: {really: true}
what is null or of a wrong type:
  metadata: {labels: {a: null, b: 3}, annotations: null}
  spec:
    containers: [null, {name: 3, args: [null, b], stdin: "yes", securityContext: {runAsUser: x}, ports: y}]
"""


def questions() -> dict[str, Any]:
    return CASES | {name: {"template": template} for name, template in yaml.safe_load(WRITTEN).items()}


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        oracle_process.running(oracle_process.build(Path(folder))) as oracle,
        VECTORS.open("w") as out,
    ):
        for name, question in questions().items():
            text, digest = oracle.ask(question)
            vector = {"name": name, "question": question, "json": text, "hash": digest}
            out.write(json.dumps(vector, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
