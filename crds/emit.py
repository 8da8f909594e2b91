"""The CRDs, generated from the types: `python -m crds.emit` writes crds/*.yaml, `--check` compares.

The types say the fields; the overlay below says what types cannot. Whatever Argo's CRDs accept is accepted:
nothing is required that Argo does not require, no value is limited, the pod template and whatever we carry
without reading keep all their fields, and so does every status.
"""

from __future__ import annotations

import json
import re
import sys
from inspect import cleandoc
from pathlib import Path
from typing import Any

from msgspec import inspect as types

from crds import refs
from crds.analysis import AnalysisRun, AnalysisTemplate, ClusterAnalysisTemplate
from crds.application import Application
from crds.appproject import AppProject
from crds.refs import Kind
from crds.rollout import Rollout
from crds.steps import WrittenStep

Schema = dict[str, Any]

FOLDER = Path(__file__).parent
KINDS: dict[Kind, type[Any]] = {
    refs.ROLLOUT: Rollout,
    refs.ANALYSIS_RUN: AnalysisRun,
    refs.ANALYSIS_TEMPLATE: AnalysisTemplate,
    refs.CLUSTER_ANALYSIS_TEMPLATE: ClusterAnalysisTemplate,
    refs.APPLICATION: Application,
    refs.APP_PROJECT: AppProject,
}
SHORT = {
    "Rollout": ["ro"],
    "AnalysisRun": ["ar"],
    "AnalysisTemplate": ["at"],
    "ClusterAnalysisTemplate": ["cat"],
    "Application": ["app", "apps"],
    "AppProject": ["appproj", "appprojs"],
}
DESCRIPTIONS = {
    "Rollout": "A workload whose new versions are let in step by step, and turned back when they are bad.",
    "AnalysisRun": "Measurements of one release, and what they say of it.",
    "AnalysisTemplate": "What to measure; AnalysisRuns are made of it.",
    "ClusterAnalysisTemplate": "What to measure, for every namespace.",
    "Application": "A path in Git, and the namespace that is to look like it.",
    "AppProject": "Which repositories, namespaces and kinds a group of Applications may use.",
}
AGE = ("Age", "date", ".metadata.creationTimestamp", "Time since it was created")
COLUMNS = {
    "Rollout": (
        ("Desired", "integer", ".spec.replicas", "Pods asked for"),
        ("Current", "integer", ".status.replicas", "Pods there are"),
        ("Up-to-date", "integer", ".status.updatedReplicas", "Pods of the newest template"),
        ("Available", "integer", ".status.availableReplicas", "Pods ready for at least minReadySeconds"),
        AGE,
    ),
    "AnalysisRun": (("Status", "string", ".status.phase", "How it stands"), AGE),
    "Application": (
        ("Sync Status", "string", ".status.sync.status", "Whether the cluster is as Git says"),
        ("Health Status", "string", ".status.health.status", "Whether its objects are well"),
        ("Revision", "string", ".status.sync.revision", "What it was compared with"),
        AGE,
    ),
}
SUBRESOURCES: dict[str, Schema] = {
    "Rollout": {
        "scale": {
            "labelSelectorPath": ".status.selector",
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.HPAReplicas",
        },
        "status": {},
    }
}
IMMUTABLE = [{"message": ".spec.selector is immutable", "rule": "self == oldSelf"}]
OPEN: Schema = {"x-kubernetes-preserve-unknown-fields": True}
ANY_OBJECT: Schema = {"type": "object", **OPEN}
ARGO_CD = {refs.APPLICATION, refs.APP_PROJECT}
UNDESCRIBED = {refs.APPLICATION}
"""Kinds whose status holds the source many times over: described, it would be most of the file."""


def crd(kind: Kind) -> Schema:
    """The CustomResourceDefinition of one of our kinds."""
    name = kind.kind
    version = {
        "name": kind.version,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [
            {"name": column, "type": of, "jsonPath": path, "description": text}
            for column, of, path, text in COLUMNS.get(name, (AGE,))
        ],
        "schema": {"openAPIV3Schema": _root(kind)},
        "subresources": SUBRESOURCES.get(name, {}),
    }
    names = {
        "kind": name,
        "listKind": f"{name}List",
        "plural": kind.plural,
        "singular": name.lower(),
        "shortNames": SHORT[name],
    }
    scope = "Cluster" if name.startswith("Cluster") else "Namespaced"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {"group": kind.group, "names": names, "scope": scope, "versions": [version]},
    }


def _root(kind: Kind) -> Schema:
    root = schema(types.type_info(KINDS[kind]))
    fields = root["properties"]
    known = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
    if kind == refs.ROLLOUT:
        spec = fields["spec"]["properties"]
        spec["selector"]["x-kubernetes-validations"] = IMMUTABLE
        steps = spec["strategy"]["properties"]["canary"]["properties"]["steps"]
        steps["items"] = schema(types.type_info(WrittenStep))
    if "status" in fields:
        fields["status"] = ANY_OBJECT if kind in UNDESCRIBED else _opened(fields["status"])
    return root | {"description": DESCRIPTIONS[kind.kind], "properties": fields | known}


def schema(of: types.Type) -> Schema:
    """The structural schema of a type as msgspec sees it."""
    match of:
        case types.StructType():
            return _struct(of)
        case types.DictType(value_type=types.AnyType()):
            return ANY_OBJECT
        case types.DictType(value_type=value):
            return {"type": "object", "additionalProperties": schema(value)}
        case types.VarTupleType(item_type=item):
            return {"type": "array", "items": schema(item)}
        case types.UnionType(types=members):
            return _union([one for one in members if not isinstance(one, types.NoneType)])
        case types.DateTimeType():
            return {"type": "string", "format": "date-time"}
        case _:
            return {"type": _SCALARS[type(of)]} if type(of) in _SCALARS else OPEN


def _struct(of: types.StructType) -> Schema:
    required = [field.encode_name for field in of.fields if field.required]
    text = cleandoc(of.cls.__dict__.get("__doc__") or "")
    return {
        "type": "object",
        **({"description": re.sub(r"\s+", " ", text)} if text else {}),
        "properties": {field.encode_name: schema(field.type) for field in of.fields},
        **({"required": required} if required else {}),
    }


def _union(members: list[types.Type]) -> Schema:
    if len(members) == 1:
        return schema(members[0])
    if {type(one) for one in members} == {types.IntType, types.StrType}:
        return {"x-kubernetes-int-or-string": True}
    return OPEN


def _opened(tree: Schema) -> Schema:
    """The schema with every object in it keeping fields that it does not know."""
    opened = {
        key: _opened(value) if isinstance(value, dict) and key not in {"properties", "required"} else value
        for key, value in tree.items()
    }
    if "properties" in tree:
        opened["properties"] = {name: _opened(value) for name, value in tree["properties"].items()}
        return opened | OPEN
    return opened


_SCALARS: dict[type[types.Type], str] = {
    types.IntType: "integer",
    types.FloatType: "number",
    types.BoolType: "boolean",
    types.StrType: "string",
    types.LiteralType: "string",
}


def yaml(tree: Any, indent: str = "") -> str:
    """A tree of mappings, lists and scalars as YAML, one thing a line."""
    match tree:
        case {}:
            return "".join(f"{indent}{_key(key)}:{_below(value, indent)}" for key, value in tree.items())
        case list():
            return "".join(f"{indent}- {yaml(item, indent + '  ').lstrip()}" for item in tree)
        case _:
            return f"{indent}{_scalar(tree)}\n"


def _below(value: Any, indent: str) -> str:
    if isinstance(value, dict | list) and value:
        deeper = indent + "  " if isinstance(value, dict) else indent
        return "\n" + yaml(value, deeper)
    return f" {_scalar(value)}\n"


def _key(key: str) -> str:
    return json.dumps(key) if key in NO_TEXT else key


def _scalar(value: Any) -> str:
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z][\w./]*(?: [\w./,]+)*", value)
    return value if plain and value not in NO_TEXT else json.dumps(value, ensure_ascii=False)


NO_TEXT = {"true", "false", "null", "on", "off", "yes", "no", "y", "n"}
"""Words that some reader of YAML takes for something else."""


def files() -> dict[Path, str]:
    """What stands in crds/*.yaml and crds/gitops/*.yaml, by file."""
    head = "# Generated by python -m crds.emit; do not edit.\n"
    return {file(kind): head + yaml(crd(kind)) for kind in KINDS}


def file(kind: Kind) -> Path:
    """Argo CD's kinds lie apart, so that `kubectl apply -f crds/` replaces none of a cluster that runs it."""
    return (FOLDER / "gitops" if kind in ARGO_CD else FOLDER) / f"{kind.plural}.yaml"


def stale() -> list[str]:
    """The names of files that are not what the types say."""
    return [
        path.name for path, text in files().items() if not path.exists() or path.read_text("utf-8") != text
    ]


def main(words: list[str]) -> None:
    if words != ["--check"]:
        for path, text in files().items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
    if late := stale():
        sys.exit(f"{', '.join(late)}: not what the types say; run python -m crds.emit and commit")


if __name__ == "__main__":
    main(sys.argv[1:])
