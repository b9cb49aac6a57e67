"""A site is whole, says truly what it holds, and never takes the place of what pagelm did not make."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pagelm.errors import ManifestError, PartAlteredError
from pagelm_builder.errors import OutputExistsError, SiteError
from pagelm_builder.site import build_site
from pagelm_builder.site.archive import read_archive
from pagelm_builder.site.index import list_files

NODE_MODULES = Path(__file__).parents[3] / "node_modules"
MakeBundle = Callable[[str], Path]


def read_index(site: Path) -> dict[str, object]:
    index: dict[str, object] = json.loads((site / "site.json").read_text("utf-8"))
    return index


def strings_in(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings_in(item)]
    return [text for item in value for text in strings_in(item)] if isinstance(value, list) else []


def test_every_file_that_the_index_lists_has_these_bytes(built_site: Path) -> None:
    files = read_index(built_site)["files"]
    assert isinstance(files, dict)
    assert len(files) > 40
    for path, entry in files.items():
        content = (built_site / path).read_bytes()
        assert entry == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}, path


def test_every_file_is_listed_but_the_index_and_the_compressed_variants(built_site: Path) -> None:
    files = read_index(built_site)["files"]
    assert isinstance(files, dict)
    on_disk = {path for path in list_files(built_site) if not path.endswith((".br", ".gz"))}
    assert set(files) == on_disk


def test_every_path_in_the_index_is_relative_and_leads_somewhere(built_site: Path) -> None:
    index = read_index(built_site)
    paths = [
        text
        for key in ("models", "python", "onnxruntime_web")
        for text in strings_in(index[key])
        if "/" in text
    ]
    assert len(paths) > 20
    for path in paths:
        assert not path.startswith("/")
        assert (built_site / path).exists(), path


def test_the_first_bundle_is_the_default_model(built_site: Path) -> None:
    index = read_index(built_site)
    assert index["default_model"] == "tiny"
    models = index["models"]
    assert isinstance(models, list)
    assert [model["name"] for model in models] == ["tiny", "other.model"]
    assert models[0]["bytes"] == sum(
        path.stat().st_size for path in bundle_files(built_site / "models" / "tiny")
    )


def bundle_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".br", ".gz")]


def test_names_that_carry_a_hash_carry_that_of_their_content(built_site: Path) -> None:
    hashed = [path for path in list_files(built_site) if re.search(r"[./][0-9a-f]{16}[./]", path)]
    hashed = [path for path in hashed if not path.endswith((".br", ".gz"))]
    assert len(hashed) >= 11
    for path in hashed:
        digest = hashlib.sha256((built_site / path).read_bytes()).hexdigest()
        assert digest[:16] in path


def test_only_what_belongs_to_the_page_is_published(built_site: Path) -> None:
    published = list_files(built_site)
    assert {"index.html", "main.js", "widgets/chat.css", "vendor/marked.js"} <= set(published)
    assert not [
        path for path in published if path.endswith(".d.ts") or "tsconfig" in path or "/." in f"/{path}"
    ]


def test_no_source_of_python_is_shipped(built_site: Path) -> None:
    for archive in [*built_site.rglob("*.whl"), *built_site.rglob("*.zip")]:
        names = read_archive(archive.read_bytes())
        assert any(name.endswith(".pyc") for name in names)
        assert not [name for name in names if name.endswith(".py")]


def test_everything_vendored_has_its_licence(built_site: Path) -> None:
    vendored = {path.name.rpartition("-")[0] for path in (built_site / "vendor").iterdir() if path.is_dir()}
    packages = vendored | {"jinja2", "markupsafe", "pagelm", "python"}
    assert packages == {folder.name for folder in (built_site / "licenses").iterdir()}
    assert all(
        any(text.stat().st_size for text in (built_site / "licenses" / name).iterdir()) for name in packages
    )


def test_the_notice_goes_with_the_site(built_site: Path) -> None:
    notice = (built_site / "licenses" / "pagelm" / "NOTICE").read_text("utf-8")
    vendored = [
        path.name.replace("-", " ").lower() for path in (built_site / "vendor").iterdir() if path.is_dir()
    ]
    assert len(vendored) == 4
    for name_and_version in vendored:
        assert name_and_version in notice.lower().replace("onnx runtime web", "onnxruntime web")


def test_weights_are_not_compressed_but_the_interpreter_is(built_site: Path) -> None:
    variants = {path for path in list_files(built_site) if path.endswith(".br")}
    assert not [path for path in variants if "/weights/" in path]
    assert {"main.js.br", "site.json.br"} <= variants
    assert any(path.endswith("pyodide.asm.wasm.br") for path in variants)


def test_two_builds_have_the_same_bytes(built_site: Path, tmp_path: Path) -> None:
    bundles = [built_site.parent / "b", built_site.parent / "a"]
    again = build_site(tmp_path / "again", bundles, node_modules=NODE_MODULES, web=built_site.parent / "web")
    assert list_files(again) == list_files(built_site)
    for path in [*list_files(again), "site.json"]:
        assert (again / path).read_bytes() == (built_site / path).read_bytes(), path


def test_a_site_takes_the_place_of_an_older_one(make_bundle: MakeBundle, web: Path, tmp_path: Path) -> None:
    out = tmp_path / "dist"
    build_site(out, [make_bundle("old")], node_modules=NODE_MODULES, web=web)
    (out / "stale.js").write_text("", "utf-8")
    build_site(out, [make_bundle("new")], node_modules=NODE_MODULES, web=web, host_compresses=False)
    assert read_index(out)["default_model"] == "new"
    assert not (out / "stale.js").exists()
    assert not (out / "models" / "old").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundles", "dist", "web"]


def test_a_host_that_does_not_compress_gets_deflated_zips(
    built_site: Path, make_bundle: MakeBundle, web: Path, tmp_path: Path
) -> None:
    out = build_site(
        tmp_path / "dist", [make_bundle("m")], node_modules=NODE_MODULES, web=web, host_compresses=False
    )
    [deflated], [stored] = (list((site / "python").glob("*.zip")) for site in (out, built_site))
    assert deflated.stat().st_size < 0.5 * stored.stat().st_size
    assert read_archive(deflated.read_bytes()) == read_archive(stored.read_bytes())


@pytest.mark.parametrize("content", [None, "", "[]", '{"generator": "another 1.0"}', '{"generator": 3}'])
def test_a_folder_that_pagelm_did_not_make_stays(
    content: str | None, make_bundle: MakeBundle, web: Path, tmp_path: Path
) -> None:
    out = tmp_path / "dist"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work", "utf-8")
    if content is not None:
        (out / "site.json").write_text(content, "utf-8")
    with pytest.raises(OutputExistsError, match=r"dist is there and was not made by pagelm"):
        build_site(out, [make_bundle("m")], node_modules=NODE_MODULES, web=web)
    assert (out / "thesis.txt").read_text("utf-8") == "years of work"


def test_a_file_in_the_place_of_the_site_stays(make_bundle: MakeBundle, web: Path, tmp_path: Path) -> None:
    (tmp_path / "dist").write_text("a file", "utf-8")
    with pytest.raises(OutputExistsError):
        build_site(tmp_path / "dist", [make_bundle("m")], node_modules=NODE_MODULES, web=web)
    assert (tmp_path / "dist").read_text("utf-8") == "a file"


def test_a_build_that_fails_half_way_leaves_the_older_site_and_nothing_else(
    make_bundle: MakeBundle, web: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = build_site(tmp_path / "dist", [make_bundle("old")], node_modules=NODE_MODULES, web=web)
    before = (out / "site.json").read_bytes()
    monkeypatch.setenv("PATH", str(tmp_path))  # no Node
    with pytest.raises(SiteError, match="node was not found"):
        build_site(out, [make_bundle("new")], node_modules=NODE_MODULES, web=web, cache=empty_cache(tmp_path))
    assert (out / "site.json").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundles", "cache", "dist", "web"]


def empty_cache(tmp_path: Path) -> Path:
    """A cache with the downloads but without any bytecode."""
    from pagelm_builder.site.locations import default_cache_folder

    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "downloads").symlink_to(default_cache_folder() / "downloads")
    return cache


def test_a_site_without_a_model_is_refused(web: Path, tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="no bundle was given"):
        build_site(tmp_path / "dist", [], node_modules=NODE_MODULES, web=web)


def test_two_models_of_one_name_are_refused(make_bundle: MakeBundle, web: Path, tmp_path: Path) -> None:
    bundles = [make_bundle("same"), make_bundle("same")]
    with pytest.raises(SiteError, match=r"bundles/0 and .*bundles/1 both hold a model of the name 'same'"):
        build_site(tmp_path / "dist", bundles, node_modules=NODE_MODULES, web=web)


@pytest.mark.parametrize("name", ["../escape", "a/b", ".hidden", "two words"])
def test_a_name_that_is_no_folder_name_is_refused(
    name: str, make_bundle: MakeBundle, web: Path, tmp_path: Path
) -> None:
    with pytest.raises((SiteError, ManifestError), match=re.escape(repr(name))):
        build_site(tmp_path / "dist", [make_bundle(name)], node_modules=NODE_MODULES, web=web)


def test_a_folder_that_is_no_bundle_is_refused(web: Path, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"manifest\.json cannot be read.*pagelm export"):
        build_site(tmp_path / "dist", [web], node_modules=NODE_MODULES, web=web)


def test_what_lies_in_a_bundle_without_being_named_is_not_published(
    make_bundle: MakeBundle, web: Path, tmp_path: Path
) -> None:
    bundle = make_bundle("m")
    (bundle / "weights" / "notes.txt").write_text("private", "utf-8")
    out = build_site(tmp_path / "dist", [bundle], node_modules=NODE_MODULES, web=web)
    published = {path.relative_to(out / "models" / "m") for path in bundle_files(out / "models" / "m")}
    assert published == {path.relative_to(bundle) for path in bundle_files(bundle)} - {
        Path("weights/notes.txt")
    }


def test_a_bundle_with_an_altered_part_is_refused(make_bundle: MakeBundle, web: Path, tmp_path: Path) -> None:
    bundle = make_bundle("m")
    [part] = (bundle / "weights").iterdir()
    part.write_bytes(b"\xff" + part.read_bytes()[1:])
    with pytest.raises(PartAlteredError, match=part.name):
        build_site(tmp_path / "dist", [bundle], node_modules=NODE_MODULES, web=web)


@pytest.mark.parametrize("name", ["site.json", "models", "python", "licenses"])
def test_a_page_that_takes_a_name_of_the_site_is_refused(
    name: str, make_bundle: MakeBundle, web: Path, tmp_path: Path
) -> None:
    (web / name).mkdir()
    with pytest.raises(SiteError, match=f"{name} is in the way"):
        build_site(tmp_path / "dist", [make_bundle("m")], node_modules=NODE_MODULES, web=web)


def test_a_page_without_an_index_is_refused(make_bundle: MakeBundle, web: Path, tmp_path: Path) -> None:
    (web / "index.html").unlink()
    with pytest.raises(SiteError, match=r"no index\.html"):
        build_site(tmp_path / "dist", [make_bundle("m")], node_modules=NODE_MODULES, web=web)


def test_missing_npm_packages_are_named_before_anything_is_written(
    make_bundle: MakeBundle, web: Path, tmp_path: Path
) -> None:
    with pytest.raises(SiteError, match=r"npm package pyodide is not in .*npm ci"):
        build_site(tmp_path / "dist", [make_bundle("m")], node_modules=tmp_path / "none", web=web)
    assert not (tmp_path / "dist").exists()


def test_progress_ends_every_stage_it_begins(make_bundle: MakeBundle, web: Path, tmp_path: Path) -> None:
    last: dict[str, tuple[int, int]] = {}

    def note(stage: str, done: int, total: int) -> None:
        last[stage] = (done, total)

    build_site(tmp_path / "dist", [make_bundle("m")], node_modules=NODE_MODULES, web=web, progress=note)
    assert list(last) == ["npm packages", "python", "models", "compressing"]
    assert all(done == total for done, total in last.values())
