"""Pinned npm packages: only the pinned version is taken, with its licence."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from pagelm_builder.errors import SiteError
from pagelm_builder.site.npm_packages import (
    MARKED,
    ONNXRUNTIME_WEB,
    PACKAGES,
    UNVERSIONED_MODULES,
    check_npm_packages,
    vendor_npm_packages,
)

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def node_modules(tmp_path: Path) -> Path:
    """The pinned packages with files of one byte."""
    folder = tmp_path / "node_modules"
    for package in PACKAGES:
        for file in (*package.files, *package.licenses):
            (folder / package.name / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / package.name / file).write_bytes(b".")
        (folder / package.name / "package.json").write_text(json.dumps({"version": package.version}), "utf-8")
    return folder


def test_versions_are_those_of_package_json() -> None:
    dependencies = json.loads((REPOSITORY / "package.json").read_text("utf-8"))["dependencies"]
    assert {package.name: package.version for package in PACKAGES} == dependencies


def test_what_npm_installed_here_is_accepted() -> None:
    check_npm_packages(REPOSITORY / "node_modules")


def test_a_missing_package_is_named_with_the_command_that_helps(node_modules: Path) -> None:
    shutil.rmtree(node_modules / "marked")
    with pytest.raises(SiteError, match=r"npm package marked is not in .*npm ci"):
        check_npm_packages(node_modules)


def test_outside_a_checkout_the_remedy_names_each_package_with_its_version(
    node_modules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pagelm_builder.site.npm_packages.find_checkout", lambda: None)
    shutil.rmtree(node_modules / "marked")
    pinned = " ".join(f"{package.name}@{package.version}" for package in PACKAGES)
    with pytest.raises(SiteError, match=f"Run `npm install {re.escape(pinned)}`"):
        check_npm_packages(node_modules)


def test_another_version_is_refused(node_modules: Path) -> None:
    (node_modules / "marked" / "package.json").write_text('{"version": "1.0.0"}', "utf-8")
    with pytest.raises(SiteError, match=rf"version 1\.0\.0 \(expected marked {MARKED.version}\).*npm ci"):
        check_npm_packages(node_modules)


@pytest.mark.parametrize("content", ["", "[]", '{"name": "marked"}', "{"])
def test_a_broken_package_json_counts_as_missing(node_modules: Path, content: str) -> None:
    (node_modules / "marked" / "package.json").write_text(content, "utf-8")
    with pytest.raises(SiteError, match="npm package marked is not in"):
        check_npm_packages(node_modules)


def test_a_missing_file_is_named(node_modules: Path) -> None:
    (node_modules / ONNXRUNTIME_WEB.name / "dist" / "ort.jspi.min.mjs").unlink()
    with pytest.raises(SiteError, match=r"ort\.jspi\.min\.mjs is missing"):
        check_npm_packages(node_modules)


def test_every_package_comes_with_a_licence(node_modules: Path, tmp_path: Path) -> None:
    vendor_npm_packages(node_modules, tmp_path / "site")
    for package in PACKAGES:
        assert list((tmp_path / "site" / "licenses" / package.name).iterdir())


def test_modules_without_a_version_lead_to_files_that_are_there(node_modules: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    vendor_npm_packages(node_modules, site)
    for path in UNVERSIONED_MODULES:
        targets = re.findall(r'from "(\./[^"]+)"', (site / path).read_text("utf-8"))
        assert targets
        assert all((site / "vendor" / target).is_file() for target in targets)


def test_dompurify_keeps_its_default_export(node_modules: Path, tmp_path: Path) -> None:
    vendor_npm_packages(node_modules, tmp_path / "site")
    assert "export { default } from" in (tmp_path / "site" / "vendor" / "dompurify.js").read_text("utf-8")
