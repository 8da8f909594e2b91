"""Where an Application's manifests come from: Argo's source with all its renderers, and the brief's images.

A kustomize image may be Argo's text, `[old=]name[:tag|@digest]`, or a mapping as in a kustomization.yaml;
`Image.text` is the text of either, which is what a status shows.
"""

from __future__ import annotations

from typing import Any

import msgspec

from crds.errors import Invalid
from crds.paths import show

IntOrString = int | str


class Image(msgspec.Struct, frozen=True, rename="camel"):
    """An image override: of `name` the new name, tag or digest."""

    name: str
    new_name: str = ""
    new_tag: str = ""
    digest: str = ""

    @property
    def text(self) -> str:
        """As Argo writes it: `old=new:tag`."""
        old = f"{self.name}=" if self.new_name else ""
        version = f"@{self.digest}" if self.digest else f":{self.new_tag}" if self.new_tag else ""
        return f"{old}{self.new_name or self.name}{version}"


class KustomizeReplicas(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    count: IntOrString


class Selector(msgspec.Struct, frozen=True, rename="camel"):
    """Which objects a kustomize patch is for."""

    group: str = ""
    version: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    label_selector: str = ""
    annotation_selector: str = ""


class KustomizePatch(msgspec.Struct, frozen=True, rename="camel"):
    path: str = ""
    patch: str = ""
    target: Selector | None = None
    options: dict[str, bool] = {}


class Kustomize(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What is laid over the kustomization at `path`; `images` as text or mappings."""

    version: str = ""
    name_prefix: str = ""
    name_suffix: str = ""
    images: tuple[str | Image, ...] = ()
    replicas: tuple[KustomizeReplicas, ...] = ()
    common_labels: dict[str, str] = {}
    common_annotations: dict[str, str] = {}
    common_annotations_envsubst: bool = False
    force_common_labels: bool = False
    force_common_annotations: bool = False
    label_without_selector: bool = False
    label_include_templates: bool = False
    namespace: str = ""
    components: tuple[str, ...] = ()
    ignore_missing_components: bool = False
    patches: tuple[KustomizePatch, ...] = ()
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()


class Jsonnet(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    ext_vars: tuple[dict[str, Any], ...] = ()
    tlas: tuple[dict[str, Any], ...] = ()
    libs: tuple[str, ...] = ()


class Directory(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Plain manifests; `include` and `exclude` are globs, `{a,b}` is either."""

    recurse: bool = False
    include: str = ""
    exclude: str = ""
    jsonnet: Jsonnet | None = None
    disable_extension_filter: bool = False


class HelmParameter(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    value: str = ""
    force_string: bool = False


class HelmFileParameter(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    path: str = ""


class Helm(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    release_name: str = ""
    value_files: tuple[str, ...] = ()
    ignore_missing_value_files: bool = False
    values: str = ""
    values_object: dict[str, Any] = {}
    parameters: tuple[HelmParameter, ...] = ()
    file_parameters: tuple[HelmFileParameter, ...] = ()
    pass_credentials: bool = False
    skip_crds: bool = False
    skip_tests: bool = False
    skip_schema_validation: bool = False
    namespace: str = ""
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    version: str = ""


class PluginParameter(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    string: str | None = None
    array: tuple[str, ...] = ()
    map: dict[str, str] = {}


class EnvEntry(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    value: str


class Plugin(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    name: str = ""
    env: tuple[EnvEntry, ...] = ()
    parameters: tuple[PluginParameter, ...] = ()


class Source(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One repository, a revision of it, and the path in it. `directory` None means: not a word about it."""

    repo_url: str = msgspec.field(name="repoURL", default="")
    path: str = ""
    target_revision: str = ""
    tag_prefix: str = ""
    chart: str = ""
    ref: str = ""
    name: str = ""
    directory: Directory | None = None
    kustomize: Kustomize | None = None
    helm: Helm | None = None
    plugin: Plugin | None = None


class SyncSource(msgspec.Struct, frozen=True, rename="camel"):
    target_branch: str = ""
    path: str = ""
    repo_url: str = msgspec.field(name="repoURL", default="")


class HydrateTo(msgspec.Struct, frozen=True, rename="camel"):
    target_branch: str = ""


class SourceHydrator(msgspec.Struct, frozen=True, rename="camel"):
    dry_source: Source = Source()
    sync_source: SyncSource = SyncSource()
    hydrate_to: HydrateTo | None = None


def image(written: str | Image, *path: str | int) -> Image:
    """The override written at `path`, in either form; Invalid where it overrides nothing."""
    one = written if isinstance(written, Image) else _from_text(written)
    if not one.name:
        raise Invalid(show(*path), f"{written!r} names no image; write name:tag, or old=new:tag")
    if not (one.new_name or one.new_tag or one.digest):
        raise Invalid(
            show(*path), f"{one.name} gets neither name, tag nor digest; add newTag, or write name:tag"
        )
    return one


def normalised(source: Source) -> Source:
    """The source with its images as text, as a status and its history show it."""
    kustomize = source.kustomize
    if kustomize is None or not kustomize.images:
        return source
    images = tuple(one.text if isinstance(one, Image) else one for one in kustomize.images)
    return msgspec.structs.replace(source, kustomize=msgspec.structs.replace(kustomize, images=images))


def image_name(text: str) -> str:
    """An image without tag and digest."""
    return _tagged(text.partition("@")[0])[0]


def _from_text(text: str) -> Image:
    old, equals, rest = text.partition("=")
    rest = rest if equals else old
    rest, _, digest = rest.partition("@")
    name, tag = _tagged(rest)
    renamed = name if equals else ""
    return Image(old if equals else name, renamed, tag, digest)


def _tagged(text: str) -> tuple[str, str]:
    """Name and tag; a colon before the last slash is a port's."""
    head, colon, tag = text.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (text, "")


def as_json(value: object) -> bytes:
    """A source, or what else a question is about, written or read: equal ones are equal bytes."""
    return msgspec.json.encode(value, order="sorted")
