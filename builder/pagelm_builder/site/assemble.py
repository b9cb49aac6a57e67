"""Put a site together: the page, what it vendors, Python, bundles, the index and compressed variants.

The site is written aside and takes its name when it is whole, so that whoever serves it never sees half of
one. Its layout is specified in docs/contracts.md, "Site".
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from pagelm.bundle_files import verify_bundle_files
from pagelm_builder.errors import OutputExistsError, SiteError
from pagelm_builder.replacement import replacing
from pagelm_builder.serve.headers import CONNECT_TO_ITSELF, allow_connecting_to
from pagelm_builder.site.build_cache import BuildCache
from pagelm_builder.site.index import INDEX_FILE, list_bundle_files, list_files, make_index
from pagelm_builder.site.locations import default_cache_folder, find_web
from pagelm_builder.site.npm_packages import PYODIDE, check_npm_packages, vendor_npm_packages
from pagelm_builder.site.precompress import Compression, precompress
from pagelm_builder.site.python_files import write_python_files
from pagelm_builder.weights_address import WeightsAddress

Progress = Callable[[str, int, int], None]  # stage, steps done, steps in all

OURS = frozenset(("licenses", "models", "python", INDEX_FILE))
INDEX_PAGE = "index.html"
FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
NOT_FOR_THE_PAGE = (".*", "*.d.ts", "*.d.mts", "*.map", "*.test.js", "tsconfig*.json", "*~")


def build_site(
    out: Path,
    bundles: Sequence[Path],
    *,
    node_modules: Path,
    web: Path | None = None,
    cache: Path | None = None,
    host_compresses: bool = True,
    compression: Compression = "fast",
    weights: WeightsAddress | None = None,
    progress: Progress | None = None,
) -> Path:
    """Build a static site that runs models in the page.

    Args:
        out: Folder to write; replaced if pagelm made it.
        bundles: What `pagelm export` wrote; the first is the default model.
        node_modules: Where npm put pyodide, onnxruntime-web, marked and dompurify.
        web: The page's own modules; default: those that came with pagelm.
        cache: Folder for results that cost seconds; default: build/ of a checkout, else the user's cache.
        host_compresses: Whether the host compresses `.zip` and `.whl` or serves the variants; if not, they
            are deflated (a third more to download than compressed as a whole, but less than not at all).
        compression: How hard to compress the variants.
        weights: The address of another origin where the bundles will be; the site then has none of them.

    Returns:
        The folder.

    Raises:
        SiteError: Something that the site is made of is missing or of another version.
        OutputExistsError: `out` is there and is not a site of pagelm.
        pagelm.errors.BundleError: A bundle is not whole.
    """
    report = progress or (lambda stage, done, total: None)
    out = out.resolve()
    web = web or find_web()
    build_cache = BuildCache(cache or default_cache_folder())
    _check_output(out)
    _check_web(web)
    check_npm_packages(node_modules)
    models = _check_bundles(bundles)

    with replacing(out) as aside:
        shutil.copytree(web, aside, ignore=shutil.ignore_patterns(*NOT_FOR_THE_PAGE), dirs_exist_ok=True)
        report("npm packages", 0, 1)
        vendor_npm_packages(node_modules, aside)
        report("npm packages", 1, 1)
        report("python", 0, 1)
        python = write_python_files(
            aside, pyodide=node_modules / PYODIDE.name, cache=build_cache, stored=host_compresses
        )
        report("python", 1, 1)
        if weights is None:
            for done, (name, bundle) in enumerate(models.items()):
                report("models", done, len(models))
                _copy_bundle(bundle, aside / "models" / name)
            report("models", len(models), len(models))
        else:
            _allow_fetching_from(aside / INDEX_PAGE, weights)
        (aside / INDEX_FILE).write_bytes(make_index(aside, models, python, weights))
        precompress(
            aside,
            [*list_files(aside), INDEX_FILE],
            cache=build_cache,
            compression=compression,
            progress=lambda done, total: report("compressing", done, total),
        )
    return out


def _check_output(out: Path) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    try:
        generator = json.loads((out / INDEX_FILE).read_text("utf-8"))["generator"]
        if str(generator).startswith("pagelm "):
            return
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise OutputExistsError(
        f"{out} is there and was not made by pagelm",
        expected="no such folder, an empty one, or a site of pagelm",
        remedy="Choose another folder with --out, or remove this one yourself.",
    )


def _check_web(web: Path) -> None:
    if not (web / INDEX_PAGE).is_file():
        raise SiteError(
            f"{web} has no {INDEX_PAGE}",
            expected="the folder with the page's modules",
            remedy="Check the folder.",
        )
    for name in OURS:
        if (web / name).exists():
            raise SiteError(
                f"{web / name} is in the way", expected="no such name in web/", remedy="Give it another name."
            )


def _check_bundles(bundles: Sequence[Path]) -> dict[str, Path]:
    """Verify every bundle; returns name → folder, in the order given."""
    if not bundles:
        raise SiteError(
            "no bundle was given", expected="one or more", remedy="Make one with `pagelm export`."
        )
    models: dict[str, Path] = {}
    for bundle in bundles:
        name = verify_bundle_files(bundle).name
        if not FOLDER_NAME.fullmatch(name):
            raise SiteError(
                f"{bundle} holds a model of the name {name!r}",
                expected="letters, digits, '.', '_' and '-'",
                remedy="Export it again with another --name.",
            )
        if name in models:
            raise SiteError(
                f"{models[name]} and {bundle} both hold a model of the name {name!r}",
                expected="a name of its own for each bundle",
                remedy="Export one of them again with another --name.",
            )
        models[name] = bundle
    return models


def _copy_bundle(bundle: Path, target: Path) -> None:
    for file in list_bundle_files(bundle):
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundle / file, target / file)


def _allow_fetching_from(page: Path, weights: WeightsAddress) -> None:
    """Name the other origin in the policy that the page has of its own."""
    text = page.read_text("utf-8")
    if text.count(CONNECT_TO_ITSELF) != 1:
        raise SiteError(
            f"{page.name} has no policy to name {weights.origin} in",
            expected=f"one directive {CONNECT_TO_ITSELF}",
            remedy="Restore the Content-Security-Policy of the page.",
        )
    page.write_text(text.replace(CONNECT_TO_ITSELF, allow_connecting_to(weights.origin)), "utf-8")
