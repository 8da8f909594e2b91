"""What a revision declares, of directories and of kustomizations, and what is refused with file and line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from crds.errors import Invalid
from tests.tidegate.git.origin import Origin, config_map, deployment
from tidegate.git.errors import Unrenderable
from tidegate.git.mirror import Mirror
from tidegate.git.render import Rendering, asked, render
from tidegate.git.tree import Missing

pytestmark = pytest.mark.git

Raw = dict[str, Any]


class Place:
    """An origin and what is rendered of its head."""

    def __init__(self, origin: Origin, mirror: Mirror) -> None:
        self.origin = origin
        self.mirror = mirror

    def render(self, files: dict[str, str | bytes], application: str = "", **source: Any) -> Rendering:
        commit = self.origin.commit(files)
        self.mirror.heads(["main"])
        folders = str(source.pop("folders", ""))
        question = asked({"path": "app", **source}, application, folders)
        for _ in range(20):
            try:
                return render(self.mirror.git_dir, commit, question)
            except Missing as lacking:
                self.mirror.bring(lacking.blobs)
        raise AssertionError("its contents never came")

    def names(self, files: dict[str, str | bytes], **source: Any) -> list[str]:
        return [raw["metadata"]["name"] for raw in self.render(files, **source).raws()]

    def refusal(self, files: dict[str, str | bytes], **source: Any) -> str:
        with pytest.raises((Unrenderable, Invalid)) as problem:
            self.render(files, **source)
        return str(problem.value)


@pytest.fixture
def place(origin: Origin, mirror: Mirror) -> Place:
    return Place(origin, mirror)


def many(*paths: str) -> dict[str, str | bytes]:
    return {path: config_map(path.replace("/", "-").partition(".")[0]) for path in paths}


# Directories


def test_yaml_yml_and_json_of_the_folder_are_read(place: Place) -> None:
    files = many("app/b.yaml", "app/a.yml", "app/README.md", "app/deep/d.yaml", "other/o.yaml")
    files["app/c.json"] = json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "c"}})
    assert place.names(files) == ["app-a", "app-b", "c"]


def test_recurse_reads_the_folders_below(place: Place) -> None:
    files = many("app/b.yaml", "app/deep/er/d.yaml")
    assert place.names(files, directory={"recurse": True}) == ["app-b", "app-deep-er-d"]


@pytest.mark.parametrize(
    ("globs", "left"),
    [
        ({"include": "*.yml"}, ["app-c"]),
        ({"include": "{a,b}*"}, ["app-a", "app-b"]),
        ({"exclude": "deep/*"}, ["app-a", "app-b", "app-c"]),
        ({"include": "*.yaml", "exclude": "{a.yaml,deep/**}"}, ["app-b"]),
        ({"include": "[a-b].yaml"}, ["app-a", "app-b"]),
        ({"include": "?.yml"}, ["app-c"]),
    ],
)
def test_globs_choose(place: Place, globs: Raw, left: list[str]) -> None:
    files = many("app/a.yaml", "app/b.yaml", "app/c.yml", "app/deep/d.yaml")
    assert place.names(files, directory={"recurse": True, **globs}) == left


def test_several_documents_and_lists_are_objects_each_with_its_line(place: Place) -> None:
    text = config_map("a") + "---\n# nothing\n---\n" + config_map("b")
    items = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [json.loads('{"apiVersion":"v1","kind":"Pod","metadata":{"name":"c"}}')],
    }
    rendered = place.render({"app/a.yaml": text, "app/b.json": json.dumps(items)})
    assert [raw["metadata"]["name"] for raw in rendered.raws()] == ["a", "b", "c"]
    assert rendered.origins == (("app/a.yaml", 1), ("app/a.yaml", 8), ("app/b.json", 0))


def test_the_root_of_the_repository_is_a_path(place: Place) -> None:
    assert place.names(many("a.yaml"), path=".") == ["a"]


def test_an_app_of_apps_is_read_with_its_folders_when_that_is_asked(place: Place) -> None:
    child = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: api-prod}\n"
    files = {**many("app/namespaces.yaml"), "app/production/api.yaml": child}
    assert place.names(files) == ["app-namespaces"]
    rendered = place.render({}, folders="children")
    assert (len(rendered.objects), rendered.recursed) == (2, True)


def test_folders_that_hold_other_things_are_not_read_unasked(place: Place) -> None:
    child = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: api-prod}\n"
    files = {**many("app/a.yaml", "app/parked/b.yaml"), "app/production/api.yaml": child}
    assert place.names(files, folders="children") == ["app-a"]


def test_all_folders_are_read_where_that_is_asked_and_the_source_does_not_say(place: Place) -> None:
    files = many("app/a.yaml", "app/deep/b.yaml")
    assert place.names(files, folders="all") == ["app-a", "app-deep-b"]
    assert place.names({}, folders="all", directory={"recurse": False}) == ["app-a"]
    assert place.names({"app/kustomization.yaml": "resources: [a.yaml]\n"}, folders="all") == ["app-a"]


def test_a_file_that_says_so_is_skipped(place: Place) -> None:
    assert place.names({**many("app/a.yaml"), "app/b.yaml": "# +argocd:skip-file-rendering\n{{ helm }}"}) == [
        "app-a"
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [1\n", ":2: is no YAML to be read: did not find expected ',' or ']'"),
        (
            "kind: Pod\nmetadata:\n  name: a\n  name: b\n",
            ":4: is no YAML to be read: the key 'name' stands twice",
        ),
        ("kind: Pod\n", ":1: has no apiVersion; is it no manifest? exclude it"),
        ("\napiVersion: v1\nkind: Pod\n", ":2: this Pod has no metadata.name; write one"),
        ("just text\n", ":1: holds str where an object is needed"),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: [x]}\n",
            ":1: metadata.annotations of this Pod is no mapping; write key: value",
        ),
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: hunter2\n",
            ":1: stringData of this Secret is no mapping; write key: value",
        ),
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {pin: 1234}\n",
            ":1: stringData.pin of this Secret is no text; write it in quotes",
        ),
        ("a: &a [*a]\n", ":1: is no YAML to be read: an alias stands within what it names"),
        ("a: " + "[" * 5000, ":1: is no YAML to be read: nests deeper than 100 levels"),
        ("a: !!python/object:os.system x\n", ":1: is no YAML to be read: could not determine a constructor"),
        (b"a: \xff\xfe\n", ":1: is no UTF-8 text"),
        ("x: " + "y" * 5_000_000, ":1: has 4.8 MiB, more than 4 MiB; split it"),
    ],
)
def test_what_is_no_manifest_is_told_with_file_and_line(place: Place, text: str | bytes, told: str) -> None:
    refusal = place.refusal({**many("app/a.yaml"), "app/bad.yaml": text})
    assert refusal.startswith(f"app/bad.yaml{told}")


@pytest.mark.parametrize("documents", [1, 10])
def test_a_long_text_named_often_is_a_bomb_too(place: Place, documents: int) -> None:
    text = "---\n".join(
        f"a: &a {'x' * 100_000}\nb: [{'*a,' * (1000 // documents)}]\n" for _ in range(documents)
    )
    assert "it grows to more than 16 MiB, its aliases written out" in place.refusal({"app/bad.yaml": text})


def test_files_that_grow_together_are_refused(place: Place) -> None:
    bomb = config_map("a") + f"  a: &a {'x' * 100_000}\n" + "".join(f"  b{i}: *a\n" for i in range(100))
    told = place.refusal({f"app/{i}.yaml": bomb for i in range(5)})
    assert told == "app/3.yaml:1: with it the source renders to more than 32 MiB; split the source"


def test_a_yaml_bomb_is_told_with_its_line(place: Place) -> None:
    lines = ["a: &a [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]" for i in range(9)]
    assert "app/bad.yaml:7: is no YAML to be read: it grows to more than 16 MiB" in place.refusal(
        {"app/bad.yaml": "\n".join(lines)}
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            '{\n\t"a": 1,\n\t"a": 2\n}',
            "app/bad.json:3: is no JSON to be read: the key 'a' stands twice; keep one",
        ),
        ('{\n"a": }', "app/bad.json:2: is no JSON"),
        ("[" * 100_000, "app/bad.json"),
    ],
)
def test_what_is_no_json_is_told(place: Place, text: str, told: str) -> None:
    assert told in place.refusal({"app/bad.json": text})


def test_a_link_within_the_repository_is_followed(place: Place) -> None:
    place.origin.link("app/a.yaml", "../other/o.yaml")
    rendered = place.render(many("other/o.yaml"))
    assert [raw["metadata"]["name"] for raw in rendered.raws()] == ["other-o"]
    assert {"app", "other/o.yaml"} == {path for path, _ in rendered.reads}


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../etc/passwd", "../.git/../../x"])
def test_a_link_out_of_the_repository_is_refused(place: Place, target: str) -> None:
    place.origin.link("app/a.yaml", target)
    assert place.refusal({}) == "app/a.yaml: a link that leads out of the repository is not followed"


def test_links_in_a_circle_end(place: Place) -> None:
    place.origin.link("app/a.yaml", "b.yaml")
    place.origin.link("app/b.yaml", "a.yaml")
    assert "more than 8 links in a row" in place.refusal({})


@pytest.mark.parametrize("path", ["../x", "/etc", "app/../../x"])
def test_a_path_out_of_the_repository_is_refused(place: Place, path: str) -> None:
    assert (
        place.refusal(many("app/a.yaml"), path=path) == f"source.path: {path!r} leads out of the repository"
    )


def test_a_path_that_is_not_there_is_told(place: Place) -> None:
    assert (
        place.refusal(many("app/a.yaml"), path="ap")
        == "'ap' is no folder of this revision; correct the source's path"
    )


def test_a_submodule_is_not_passed_over_in_silence(place: Place) -> None:
    place.origin.commit(many("app/a.yaml"))
    place.origin.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},app/sub")
    place.origin.git("commit", "--quiet", "-m", "a submodule")
    (place.origin.folder / "app/sub").mkdir()
    told = "app/sub: a submodule, and these are not read; give it an Application of its own, or exclude it"
    assert place.refusal({}, directory={"recurse": True}) == told
    assert place.names({}) == ["app-a"]
    assert place.names({}, directory={"recurse": True, "exclude": "sub"}) == ["app-a"]
    assert place.render({}, folders="children").recursed is False


def test_jsonnet_beside_manifests_is_not_passed_over_in_silence(place: Place) -> None:
    told = "app/b.jsonnet: is not rendered yet; commit what it makes, and exclude it"
    assert place.refusal({**many("app/a.yaml"), "app/b.jsonnet": "{}", "app/c.libsonnet": "{}"}) == told
    assert place.names({}, directory={"exclude": "*.jsonnet"}) == ["app-a"]


def test_names_that_git_would_quote_are_read(place: Place) -> None:
    assert len(place.render({'app dir/ü "x"\t.yaml': config_map("a")}, path="app dir").objects) == 1


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({"helm": {"values": "x"}}, "source.helm: is not rendered yet"),
        ({"chart": "x"}, "source.chart: is not rendered yet"),
        (
            {"directory": {"jsonnet": {"tlas": [{"name": "x"}]}}},
            "source.directory.jsonnet: is not rendered yet",
        ),
        ({"directory": {"recurse": "yes"}}, "source.directory: Expected `bool | null`, got `str`"),
        ({"kustomize": {"images": ["nonsense"]}}, "source.kustomize: 'nonsense' is no image override"),
    ],
)
def test_a_source_that_is_not_rendered_is_named(place: Place, source: Raw, told: str) -> None:
    assert told in place.refusal(many("app/a.yaml"), **source)


def test_a_chart_is_not_taken_for_plain_manifests(place: Place) -> None:
    assert "holds a Helm chart" in place.refusal({**many("app/a.yaml"), "app/Chart.yaml": "name: x"})


# Kustomizations

API: dict[str, str | bytes] = {
    "app/kustomization.yaml": "resources:\n- deployment.yaml\n",
    "app/deployment.yaml": deployment("api", "myregistry.azurecr.io/api:v2.0.0"),
}


def image(rendered: Rendering) -> str:
    return str(rendered.raws()[0]["spec"]["template"]["spec"]["containers"][0]["image"])


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("myregistry.azurecr.io/api:v2.1.0", "myregistry.azurecr.io/api:v2.1.0"),
        ("myregistry.azurecr.io/api=localhost:5000/api:v3", "localhost:5000/api:v3"),
        ("myregistry.azurecr.io/api=localhost:5000/api", "localhost:5000/api:v2.0.0"),
        ("myregistry.azurecr.io/api@sha256:" + "a" * 64, "myregistry.azurecr.io/api@sha256:" + "a" * 64),
        ({"name": "myregistry.azurecr.io/api", "newTag": "v2.1.0"}, "myregistry.azurecr.io/api:v2.1.0"),
        ({"name": "myregistry.azurecr.io/api", "newName": "x/api"}, "x/api:v2.0.0"),
    ],
)  # fmt: skip
def test_an_image_is_overridden_by_a_text_or_an_object(place: Place, override: Any, expected: str) -> None:
    rendered = place.render(API, kustomize={"images": [override]})
    assert (image(rendered), rendered.unmatched) == (expected, ())


def test_an_override_that_matches_nothing_is_told(place: Place) -> None:
    rendered = place.render(API, kustomize={"images": ["myregistry/api:v2.1.0"]})
    assert rendered.unmatched == ("myregistry/api",)


def test_an_image_that_the_kustomization_renames_is_overridden_by_its_own_name(place: Place) -> None:
    files = {
        **API,
        "app/kustomization.yaml": "resources: [deployment.yaml]\n"
        "images:\n- {name: api, newName: reg/api, newTag: v1}\n",
    }
    files["app/deployment.yaml"] = deployment("api", "api")
    assert image(place.render(files, kustomize={"images": ["api:v2"]})) == "reg/api:v2"


def test_every_override_reaches_the_objects(place: Place) -> None:
    rendered = place.render(
        API,
        kustomize={
            "namePrefix": "pre-",
            "nameSuffix": "-post",
            "namespace": "staging",
            "commonLabels": {"team": "blue"},
            "commonAnnotations": {"note": "yes"},
            "replicas": [{"name": "api", "count": 7}],
            "patches": [
                {
                    "patch": '[{"op":"add","path":"/spec/paused","value":true}]',
                    "target": {"kind": "Deployment"},
                }
            ],
        },
    )
    raw = rendered.raws()[0]
    assert raw["metadata"] == {
        "name": "pre-api-post",
        "namespace": "staging",
        "labels": {"team": "blue"},
        "annotations": {"note": "yes"},
    }
    assert (raw["spec"]["replicas"], raw["spec"]["paused"]) == (7, True)
    assert raw["spec"]["selector"]["matchLabels"] == {"app": "api", "team": "blue"}


def test_labels_without_selector_leave_selectors_alone(place: Place) -> None:
    raw = place.render(
        API, kustomize={"commonLabels": {"team": "blue"}, "labelWithoutSelector": True}
    ).raws()[0]
    assert (raw["metadata"]["labels"], raw["spec"]["selector"]["matchLabels"]) == (
        {"team": "blue"},
        {"app": "api"},
    )


def test_a_label_the_kustomization_has_is_changed_only_by_force(place: Place) -> None:
    files = {**API, "app/kustomization.yaml": "resources: [deployment.yaml]\ncommonLabels: {team: red}\n"}
    labels = {"commonLabels": {"team": "blue"}}
    assert (
        "commonLabels team is in the kustomization already; set kustomize.forceCommonLabels"
        in place.refusal(files, kustomize=labels)
    )
    raw = place.render({}, kustomize={**labels, "forceCommonLabels": True}).raws()[0]
    assert raw["metadata"]["labels"] == {"team": "blue"}


def test_what_is_not_overridden_stays_as_written(place: Place) -> None:
    files = {
        **API,
        "app/kustomization.yaml": 'resources:\n- deployment.yaml\n# a note\nnamePrefix: "1e3-"\n'
        "configMapGenerator:\n- name: c\n  literals: [a=1.10]\n",
    }
    names = [raw["metadata"]["name"] for raw in place.render(files, kustomize={"nameSuffix": "-z"}).raws()]
    assert sorted(name.partition("-z")[0] for name in names) == ["1e3-api", "1e3-c"]


def test_a_base_elsewhere_in_the_repository_is_read_and_noted(place: Place) -> None:
    files: dict[str, str | bytes] = {
        "app/kustomization.yaml": "resources: [../base]\nnamespace: production\n",
        "base/kustomization.yaml": "resources: [a.yaml]\n"
        "configMapGenerator: [{name: g, files: [deep/file.txt]}]\n",
        "base/a.yaml": config_map("a"),
        "base/deep/file.txt": "hello",
        "unrelated/x.yaml": "not read",
    }
    rendered = place.render(files)
    assert [raw["metadata"]["namespace"] for raw in rendered.raws()] == ["production"] * 2
    assert [path for path, _ in rendered.reads] == ["app", "base"]


def test_a_component_of_the_application_is_added(place: Place) -> None:
    component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -c\n"
    files = {**API, "parts/c/kustomization.yaml": component}
    rendered = place.render(
        files, kustomize={"components": ["../parts/c", "../parts/none"], "ignoreMissingComponents": True}
    )
    assert rendered.raws()[0]["metadata"]["name"] == "api-c"


ELSEWHERE = "is not in this repository (bases of other repositories are not fetched"
ON_A_SERVER = "is on a server, and nothing is fetched from there"
TWICE = "app/kustomization.yaml:2: is no YAML to be read: the key 'resources' stands twice"


@pytest.mark.parametrize(
    ("kustomization", "told"),
    [
        ("resources: [missing.yaml]", "app/kustomization.yaml: 'missing.yaml' is not in this repository"),
        ("resources: [github.com/a/b//c?ref=v1]", ELSEWHERE),
        ("resources: ['https://example.com/x.yaml']", ELSEWHERE),
        ("resources: ['git@example.com:a/b']", ELSEWHERE),
        ("resources: [../../etc/passwd]", "'../../etc/passwd' leads out of the repository, where nothing is"),
        ("resources: [/etc/passwd]", "'/etc/passwd' leads out of the repository"),
        ("configMapGenerator: [{name: x, files: [/etc/hostname]}]", "kustomize: "),
        ("configMapGenerator: [{name: x, files: [../../../../../../etc/hostname]}]", "kustomize: "),
        (
            "configMapGenerator: [{name: x, files: [stolen.txt]}]",
            "leads out of the repository is not followed",
        ),
        ("configMapGenerator: [{name: x, files: ['a=http://127.0.0.1:9/x']}]", ON_A_SERVER),
        ("configMapGenerator: [{name: x, envs: ['HTTP://127.0.0.1:9/x']}]", ON_A_SERVER),
        ("patches: [{path: 'https://example.com/x'}]", ON_A_SERVER),
        ("patchesStrategicMerge: ['https://example.com/x']", ON_A_SERVER),
        ("generators: [thief.yaml]", ON_A_SERVER),
        ("generators: ['kind: ConfigMapGenerator\n\nfiles: [\"http://127.0.0.1:9/x\"]\n']", ON_A_SERVER),
        ("helmCharts: [{name: x}]", "inflates Helm charts"),
        ("resources: [deployment.yaml]\nresources: []", TWICE),
        ("nonsense: 1", 'unknown field "nonsense"'),
        ("- a", "must be one document"),
    ],
)
def test_a_kustomization_that_reads_elsewhere_or_is_broken_is_refused(
    place: Place, kustomization: str, told: str
) -> None:
    place.origin.link("app/stolen.txt", "/etc/passwd")
    thief = "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: x}\nfiles: ['http://127.0.0.1:9/x']\n"
    files = {**API, "app/thief.yaml": thief, "app/kustomization.yaml": kustomization}
    refusal = place.refusal(files)
    assert told in refusal
    assert "/tmp" not in refusal


def test_addresses_within_manifests_are_no_files(place: Place) -> None:
    monitor = (
        "apiVersion: x/v1\nkind: X\nmetadata: {name: x}\npath: https://example.com\nfiles: ['https://a']\n"
    )
    assert place.names({**API, "app/deployment.yaml": monitor}) == ["x"]


def test_no_variable_of_ours_reaches_a_generator(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "ours")
    files: dict[str, str | bytes] = {
        "app/kustomization.yaml": "configMapGenerator: [{name: x, envs: [e.env]}]\n",
        "app/e.env": "TOKEN\nHOSTNAME\nA=1\n",
    }
    assert place.render(files).raws()[0]["data"] == {"A": "1", "HOSTNAME": "", "TOKEN": ""}


def test_bases_in_a_circle_end(place: Place) -> None:
    files: dict[str, str | bytes] = {
        "app/kustomization.yaml": "resources: [../b]",
        "b/kustomization.yaml": "resources: [../app]",
    }
    assert "cycle" in place.refusal(files)


def test_overrides_need_a_kustomization(place: Place) -> None:
    assert place.refusal(many("app/a.yaml"), kustomize={"namePrefix": "x-"}) == (
        "app has no kustomization.yaml; add one that lists the manifests under resources"
    )


# Overlays beside the files


def test_what_an_image_updater_wrote_is_laid_over_the_source(place: Place) -> None:
    files: dict[str, str | bytes] = {
        **API,
        "app/.argocd-source.yaml": "repoURL: evil\n"
        "kustomize: {images: ['myregistry.azurecr.io/api:v3'], namePrefix: all-}\n",
        "app/.argocd-source-api-prod.yaml": "kustomize: {images: ['myregistry.azurecr.io/api:v4']}\n",
    }
    rendered = place.render(
        files, application="api-prod", kustomize={"images": ["myregistry.azurecr.io/api:v2"]}
    )
    assert (image(rendered), rendered.raws()[0]["metadata"]["name"]) == (
        "myregistry.azurecr.io/api:v4",
        "all-api",
    )
    assert image(place.render({}, application="other")) == "myregistry.azurecr.io/api:v3"


def test_an_overlay_that_is_broken_is_told_with_its_line(place: Place) -> None:
    assert "app/.argocd-source.yaml:1: is no YAML" in place.refusal(
        {**API, "app/.argocd-source.yaml": "a: [\n"}
    ).replace(":2:", ":1:")


# What it was made of


def test_a_directory_is_made_of_its_manifests_their_links_and_what_was_laid_over_them(place: Place) -> None:
    files = many("app/a.yaml", "app/deep/d.yaml", "shared/s.yaml")
    files |= {"app/README.md": "read me", "app/.argocd-source-api.yaml": "directory: {exclude: x.yaml}"}
    place.origin.link("app/l.yaml", "../shared/s.yaml")
    found = place.render(files, "api")
    assert found.files == ("app/.argocd-source-api.yaml", "app/a.yaml", "app/l.yaml", "shared/s.yaml")


def test_a_kustomization_is_made_of_the_files_it_and_its_bases_name(place: Place) -> None:
    overlay = {
        "resources": ["../base", "a.yaml"],
        "configMapGenerator": [{"name": "g", "files": ["key=some.txt"], "envs": ["some.env"]}],
        "patches": [{"path": "patch.yaml", "target": {"kind": "ConfigMap", "name": "app-a"}}],
    }
    files = many("app/a.yaml", "app/staging/s.yaml", "app/not.yaml", "base/b.yaml", "base/not.yaml")
    files |= {
        "app/kustomization.yaml": json.dumps(overlay),
        "app/some.txt": "text",
        "app/some.env": "a=b",
        "app/patch.yaml": "- {op: add, path: /metadata/labels, value: {x: y}}",
        "app/more.yaml": "- {op: add, path: /metadata/annotations, value: {x: y}}",
        "app/staging/kustomization.yaml": "resources: [s.yaml]",
        "base/kustomization.yaml": "resources: [b.yaml]",
    }
    more = [{"path": "more.yaml", "target": {"kind": "ConfigMap", "name": "app-a"}}]
    found = place.render(files, kustomize={"patches": more})
    own = ("a.yaml", "kustomization.yaml", "more.yaml", "patch.yaml", "some.env", "some.txt")
    assert found.files == (*(f"app/{name}" for name in own), "base/b.yaml", "base/kustomization.yaml")


def test_what_a_generator_s_own_file_names_belongs_to_it(place: Place) -> None:
    generator = {"apiVersion": "builtin", "kind": "ConfigMapGenerator", "metadata": {"name": "g"}}
    files: dict[str, str | bytes] = {
        "app/kustomization.yaml": "generators: [tools/make.yaml]",
        "app/tools/make.yaml": json.dumps({**generator, "files": ["some.txt"]}),
        "app/some.txt": "text",
        "app/other.txt": "text",
    }
    found = place.render(files)
    assert found.files == ("app/kustomization.yaml", "app/some.txt", "app/tools/make.yaml")
