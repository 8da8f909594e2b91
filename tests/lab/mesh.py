"""istiod, Envoy as its gateway, and Prometheus reading Envoy's counters."""

from __future__ import annotations

import json
import os
import socket
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from tests.lab.build import Tools
from tests.lab.parts import Part

ISTIOD = "127.0.0.1:15010"
ADMIN = "http://127.0.0.1:15000"
GATEWAY = "http://127.0.0.1:10080"
GATEWAY_OBJECT = "istio-system/lab"
PROMETHEUS = "http://127.0.0.1:9090"
NAMESPACE = "istio-system"

GATEWAY_MANIFEST: dict[str, Any] = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "lab", "namespace": NAMESPACE},
    "spec": {
        "selector": {"istio": "ingressgateway"},
        "servers": [{"port": {"number": 10080, "name": "http", "protocol": "HTTP"}, "hosts": ["*/*"]}],
    },
}

MESH_CONFIG = {
    "enableAutoMtls": False,  # else clusters wait for certificates for ever
    "accessLogFile": "",
    "trustDomain": "cluster.local",
    "ingressClass": "istio",
    "defaultConfig": {"discoveryAddress": ISTIOD},
}

ISTIOD_ENVIRONMENT = {
    "POD_NAME": "istiod-0",
    "POD_NAMESPACE": NAMESPACE,
    "CLUSTER_ID": "Kubernetes",
    "INJECTION_WEBHOOK_CONFIG_NAME": "",
    "VALIDATION_WEBHOOK_CONFIG_NAME": "",
    # Stock Envoy lacks Istio's own filters.
    "PILOT_ENABLE_METADATA_EXCHANGE": "false",
    "PILOT_ENABLE_ALPN_FILTER": "false",
    "PILOT_ENABLE_GATEWAY_API": "false",
    "PILOT_ENABLE_ANALYSIS": "false",
    "ENABLE_CA_SERVER": "false",
}


def start_istiod(tools: Tools, folder: Path) -> Part:
    (folder / "mesh.yaml").write_text(yaml.safe_dump(MESH_CONFIG))
    argv = [
        tools.istiod, "discovery",
        "--kubeconfig", str(folder / "kubeconfig"), "--meshConfig", str(folder / "mesh.yaml"),
        "--grpcAddr", ISTIOD, "--httpAddr", "127.0.0.1:15080", "--monitoringAddr", "127.0.0.1:15014",
        "--httpsAddr", "", "--secureGRPCAddr", "", "--keepaliveMaxServerConnectionAge", "24h",
    ]  # fmt: skip
    return Part("istiod", argv, folder / "logs" / "istiod.log", ISTIOD_ENVIRONMENT)


def start_envoy(tools: Tools, folder: Path) -> Part:
    (folder / "envoy.json").write_text(json.dumps(bootstrap(), indent=1))
    argv = [tools.envoy, "-c", str(folder / "envoy.json"), "--concurrency", "1", "--log-level", "warning",
            "--disable-hot-restart"]  # fmt: skip
    return Part("envoy", argv, folder / "logs" / "envoy.log")


def start_prometheus(tools: Tools, folder: Path) -> Part:
    """Scrapes every TIDEGATE_LAB_SCRAPE, a Prometheus duration (1s). Its data goes with the lab's folder."""
    scrape = os.environ.get("TIDEGATE_LAB_SCRAPE") or "1s"
    config = {
        "global": {"scrape_interval": scrape, "scrape_timeout": scrape},
        "scrape_configs": [
            {"job_name": "envoy", "metrics_path": "/stats/prometheus",
             "static_configs": [{"targets": [ADMIN.removeprefix("http://")]}]},
            {"job_name": "prometheus", "scrape_interval": "5s", "scrape_timeout": "5s",
             "static_configs": [{"targets": ["127.0.0.1:9090"]}]},
        ],
    }  # fmt: skip
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    argv = [
        tools.prometheus, f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'prometheus'}", "--web.listen-address=127.0.0.1:9090",
        "--log.level=warn", "--storage.tsdb.retention.time=2h",
    ]  # fmt: skip
    return Part("prometheus", argv, folder / "logs" / "prometheus.log")


def bootstrap() -> dict[str, Any]:
    """A gateway that takes everything from istiod over one plain gRPC stream."""
    metadata = {
        "LABELS": {"istio": "ingressgateway"},
        "NAMESPACE": NAMESPACE,
        "CLUSTER_ID": "Kubernetes",
        "INSTANCE_IPS": "127.0.0.1",
    }
    ads = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}
    xds = {"api_type": "GRPC", "transport_api_version": "V3", "set_node_on_first_message_only": True}
    return {
        "node": {"id": f"router~127.0.0.1~gw-0.{NAMESPACE}~{NAMESPACE}.svc.cluster.local", "cluster": "gw",
                 "metadata": metadata},
        "admin": {"address": _address(15000)},
        "dynamic_resources": {
            "ads_config": {**xds, "grpc_services": [{"envoy_grpc": {"cluster_name": "xds-grpc"}}]},
            "cds_config": ads, "lds_config": ads,
        },
        "static_resources": {"clusters": [_istiod_cluster()]},
        "stats_config": {"use_all_default_tags": False, "stats_tags": _STATS_TAGS},
    }  # fmt: skip


_STATS_TAGS = [
    # Stock Envoy cuts a cluster's name at its first dot. istiod ends its names with a semicolon,
    # so that all of `outbound|80|canary|api.production.svc.cluster.local` can become the label.
    {"tag_name": "envoy.cluster_name", "regex": r"^cluster\.((outbound\|[^;]+|[^.;|]+);?\.)"},
    {"tag_name": "envoy.response_code"},
    {"tag_name": "envoy.response_code_class"},
    {"tag_name": "envoy.http_conn_manager_prefix"},
    {"tag_name": "envoy.listener_address"},
]


def _istiod_cluster() -> dict[str, Any]:
    host, port = ISTIOD.split(":")
    endpoint = {"endpoint": {"address": {"socket_address": {"address": host, "port_value": int(port)}}}}
    http2 = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    return {
        "name": "xds-grpc", "type": "STATIC", "connect_timeout": "1s",
        "load_assignment": {"cluster_name": "xds-grpc", "endpoints": [{"lb_endpoints": [endpoint]}]},
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2},
    }  # fmt: skip


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def answers(url: str) -> bool:
    with urllib.request.urlopen(url, timeout=2) as answer:
        return bool(answer.status == 200)


def listens(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
