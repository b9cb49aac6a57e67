"""A site's version changes with every file, and its service worker carries it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pagelm_builder.errors import SiteError
from pagelm_builder.serve.headers import content_security_policy, security_headers
from pagelm_builder.site import build_site
from pagelm_builder.site.version import stamp_service_worker

REPOSITORY = Path(__file__).parents[3]
MakeBundle = Callable[[str], Path]


def version_of(site: Path) -> str:
    version: str = json.loads((site / "site.json").read_text("utf-8"))["version"]
    return version


@pytest.mark.parametrize("changed", ["main.js", "service-worker.js", "widgets/chat.css"])
def test_any_changed_file_is_another_version(
    changed: str, make_bundle: MakeBundle, web: Path, tmp_path: Path
) -> None:
    bundle = make_bundle("m")

    def build(name: str) -> Path:
        return build_site(tmp_path / name, [bundle], node_modules=REPOSITORY / "node_modules", web=web)

    first, same = build("first"), build("same")
    with (web / changed).open("a", encoding="utf-8") as file:
        file.write("/* changed */\n")
    other = build("other")
    assert version_of(first) == version_of(same) != version_of(other)
    workers = [(site / "service-worker.js").read_bytes() for site in (first, same, other)]
    assert workers[0] == workers[1] != workers[2]


def test_the_service_worker_and_the_index_have_the_same_version(built_site: Path) -> None:
    worker = (built_site / "service-worker.js").read_text("utf-8")
    assert f'const SITE_VERSION = "{version_of(built_site)}";' in worker


def test_the_page_s_own_service_worker_has_a_place_for_the_version(tmp_path: Path) -> None:
    worker = tmp_path / "service-worker.js"
    worker.write_text((REPOSITORY / "web" / worker.name).read_text("utf-8"), "utf-8")
    stamp_service_worker(tmp_path, "0123456789abcdef")
    assert 'const SITE_VERSION = "0123456789abcdef";' in worker.read_text("utf-8")


def test_a_service_worker_without_a_place_for_the_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "service-worker.js").write_text("", "utf-8")
    with pytest.raises(SiteError, match="no place for the site's version"):
        stamp_service_worker(tmp_path, "0123456789abcdef")


def test_the_index_says_which_headers_the_service_worker_supplies(built_site: Path) -> None:
    assert json.loads((built_site / "site.json").read_text("utf-8"))["headers"] == security_headers(None)


def test_the_page_has_the_policy_of_the_server_where_a_host_sends_none() -> None:
    in_header = content_security_policy(None)
    in_meta = in_header.removesuffix("; frame-ancestors 'self'")  # which only a header may have
    assert in_meta != in_header
    assert f'content="{in_meta}"' in (REPOSITORY / "web" / "index.html").read_text("utf-8")
