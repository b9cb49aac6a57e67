"""A site whose weights are on another origin: what is in it, what its policy names, what is to be copied."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pagelm_builder.errors import SiteError
from pagelm_builder.serve.headers import content_security_policy
from pagelm_builder.site import build_site
from pagelm_builder.site.index import list_files
from pagelm_builder.site.upload import describe_upload
from pagelm_builder.weights_address import parse_weights_address

NODE_MODULES = Path(__file__).parents[3] / "node_modules"
WEIGHTS = parse_weights_address("https://weights.example.org/models/")
MakeBundle = Callable[[str], Path]


@pytest.fixture
def strict_web(web: Path) -> Path:
    """The small page with the policy of the real one."""
    policy = content_security_policy(None)
    page = web / "index.html"
    page.write_text(f'<meta http-equiv="Content-Security-Policy" content="{policy}">', "utf-8")
    return web


def test_the_site_has_no_models_and_names_the_other_origin_and_nothing_more(
    make_bundle: MakeBundle, strict_web: Path, tmp_path: Path
) -> None:
    bundle = make_bundle("tiny")
    out = build_site(tmp_path / "dist", [bundle], node_modules=NODE_MODULES, web=strict_web, weights=WEIGHTS)
    assert not [path for path in list_files(out) if path.startswith("models/")]
    index = json.loads((out / "site.json").read_text("utf-8"))
    [model] = index["models"]
    assert model["path"] == "https://weights.example.org/models/tiny/"
    assert model["manifest"] == "https://weights.example.org/models/tiny/manifest.json"
    assert model["bytes"] == sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file())
    assert index["weights_origin"] == "https://weights.example.org"
    policy = content_security_policy(None).replace(
        "connect-src 'self'", "connect-src 'self' https://weights.example.org"
    )
    assert index["headers"]["content-security-policy"] == policy
    assert f'content="{policy}"' in (out / "index.html").read_text("utf-8")


def test_a_page_without_a_policy_to_name_it_in_is_refused(
    make_bundle: MakeBundle, web: Path, tmp_path: Path
) -> None:
    with pytest.raises(SiteError, match="no policy to name"):
        build_site(tmp_path / "dist", [make_bundle("m")], node_modules=NODE_MODULES, web=web, weights=WEIGHTS)


def test_what_is_to_be_copied_is_listed(make_bundle: MakeBundle) -> None:
    bundle = make_bundle("tiny")
    text = "\n".join(describe_upload([bundle], WEIGHTS))
    assert (
        f"{bundle} to https://weights.example.org/models/tiny/: manifest.json, graphs/ (1 file), "
        "tokenizer/ (2 files), weights/ (1 file); 0.0 MB"
    ) in text
    assert "Access-Control-Allow-Origin" in text
