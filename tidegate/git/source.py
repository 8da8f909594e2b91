"""What an Application's source asks of its files, as far as it is rendered here: a directory, or kustomize.

`.argocd-source.yaml` and `.argocd-source-NAME.yaml` beside the files are laid over it, as image updaters
write them. What is not rendered is refused by name; what only changes how the tool is run is told as unused.
"""

from __future__ import annotations

from typing import Any

import msgspec

from crds.errors import Invalid
from crds.patches import merged
from crds.paths import get

Raw = dict[str, Any]

NOT_RENDERED = ("helm", "plugin", "chart")
OVERLAID = ("directory", "kustomize", *NOT_RENDERED)
UNUSED = ("version", "kubeVersion", "apiVersions")


class Directory(msgspec.Struct, frozen=True, rename="camel"):
    """Globs are matched against paths below the source's own; `{a,b}` is either."""

    recurse: bool | None = None
    include: str = ""
    exclude: str = ""


class Image(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    new_name: str = ""
    new_tag: str = ""
    digest: str = ""


class Replicas(msgspec.Struct, frozen=True):
    name: str
    count: int | str


class Kustomize(msgspec.Struct, frozen=True, rename="camel"):
    name_prefix: str = ""
    name_suffix: str = ""
    namespace: str = ""
    images: tuple[Image, ...] = ()
    replicas: tuple[Replicas, ...] = ()
    common_labels: dict[str, str] = {}
    common_annotations: dict[str, str] = {}
    force_common_labels: bool = False
    force_common_annotations: bool = False
    label_without_selector: bool = False
    label_include_templates: bool = False
    components: tuple[str, ...] = ()
    ignore_missing_components: bool = False
    patches: tuple[Raw, ...] = ()
    unused: tuple[str, ...] = ()


class Source(msgspec.Struct, frozen=True):
    """`kind` is what the Application says it is, "" where its files tell."""

    path: str
    kind: str
    directory: Directory = Directory()
    kustomize: Kustomize = Kustomize()


def source_of(raw: Raw, *overlays: Raw) -> Source:
    """A `spec.source` with its overlays. Raises Invalid."""
    for overlay in overlays:
        raw = merged(raw, {key: value for key, value in overlay.items() if key in OVERLAID})
    for key in NOT_RENDERED:
        if raw.get(key):
            raise Invalid(
                f"source.{key}", "is not rendered yet; render it into plain manifests or a kustomization"
            )
    directory, kustomize = (get(raw, key, default={}) for key in ("directory", "kustomize"))
    if (
        get(directory, "jsonnet", "libs")
        or get(directory, "jsonnet", "tlas")
        or get(directory, "jsonnet", "extVars")
    ):
        raise Invalid("source.directory.jsonnet", "is not rendered yet; commit what it makes")
    kind = "Kustomize" if kustomize else "Directory" if directory else ""
    return Source(_path(raw), kind, _directory(directory), _kustomize(kustomize))


def image_of(written: str | Raw) -> Image:
    """`[old=]name[:tag|@digest]`, or the same as an object. Raises ValueError."""
    if isinstance(written, dict):
        return msgspec.convert(written, Image)
    old, equals, new = written.partition("=")
    rest, _, digest = (new if equals else old).partition("@")
    name, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        name, tag = rest, ""
    if not old or not (equals or tag or digest):
        raise ValueError(f"{written!r} is no image override; write [old=]name:tag or name@digest")
    return Image(old if equals else name, name if equals else "", tag, digest)


def _path(raw: Raw) -> str:
    path = get(raw, "path", default="")
    if not isinstance(path, str):
        raise Invalid("source.path", "must be a text")
    return path


def _directory(raw: Raw) -> Directory:
    try:
        return msgspec.convert(raw, Directory)
    except msgspec.ValidationError as problem:
        raise Invalid("source.directory", str(problem)) from None


def _kustomize(raw: Raw) -> Kustomize:
    if raw.get("commonAnnotationsEnvsubst"):
        raise Invalid("source.kustomize.commonAnnotationsEnvsubst", "is not acted on; write the values out")
    try:
        images = tuple(image_of(one) for one in raw.get("images") or ())
        unused = tuple(key for key in UNUSED if raw.get(key))
        return msgspec.structs.replace(
            msgspec.convert({k: v for k, v in raw.items() if k != "images" and v is not None}, Kustomize),
            images=images,
            unused=unused,
        )
    except (ValueError, TypeError) as problem:
        raise Invalid("source.kustomize", str(problem)) from None
