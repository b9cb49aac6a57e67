"""Whose pages may fetch the models of a site, and which other origin the site's own page may fetch from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pagelm_builder.errors import ServeError
from pagelm_builder.serve import create_app

from .conftest import HASHED

PAGE = "https://example.org"


@pytest.mark.parametrize(("allowed", "answered"), [(PAGE, PAGE), ("*", "*")])
def test_models_are_given_to_the_origin_that_is_allowed(site: Path, allowed: str, answered: str) -> None:
    browser = TestClient(create_app(site, allowed_origin=allowed), base_url="http://localhost")
    for path, status in ((HASHED, 200), ("models/pico/none.bin", 404)):
        answer = browser.get(f"/{path}", headers={"origin": PAGE})
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == answered
        assert "Content-Range" in answer.headers["access-control-expose-headers"]
    preflight = {"origin": PAGE, "access-control-request-method": "GET"}
    answer = browser.options(f"/{HASHED}", headers={**preflight, "access-control-request-headers": "range"})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == answered


def test_nothing_else_is_given_to_others(site: Path) -> None:
    browser = TestClient(create_app(site, allowed_origin="*"), base_url="http://localhost")
    for path in ("main.js", "", "modelsx"):
        assert "access-control-allow-origin" not in browser.get(f"/{path}", headers={"origin": PAGE}).headers


def test_another_origin_than_the_allowed_one_gets_no_word(site: Path) -> None:
    for app in (create_app(site), create_app(site, allowed_origin="https://other.example")):
        answer = TestClient(app, base_url="http://localhost").get(f"/{HASHED}", headers={"origin": PAGE})
        assert answer.status_code == 200
        assert "access-control-allow-origin" not in answer.headers


def test_a_site_with_weights_elsewhere_is_served_with_the_policy_for_them(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("", "utf-8")
    (tmp_path / "site.json").write_text(json.dumps({"weights_origin": "https://w.example.org"}), "utf-8")
    policy = (
        TestClient(create_app(tmp_path), base_url="http://localhost")
        .get("/")
        .headers["content-security-policy"]
    )
    assert "; connect-src 'self' https://w.example.org; " in policy


def test_a_weights_origin_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("", "utf-8")
    (tmp_path / "site.json").write_text(json.dumps({"weights_origin": "*; script-src *"}), "utf-8")
    with pytest.raises(ServeError, match=r"site\.json has weights_origin"):
        create_app(tmp_path)
