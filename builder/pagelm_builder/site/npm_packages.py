"""The npm packages that the page is made of: which files of which version, and their licences.

It copies files as npm wrote them and knows nothing of what they do. Versions are pinned twice, here and in
package.json (a test holds them together): an installed pagelm has no package.json, and bytecode, module paths
and wasm file names all depend on the exact version.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pagelm_builder.errors import SiteError
from pagelm_builder.site.locations import find_checkout

LICENSE_TEXTS = Path(__file__).with_name("licenses")


@dataclass(frozen=True, slots=True)
class NpmPackage:
    """A pinned package.

    Args:
        files: What is vendored, relative to the package's folder; only the last part of the path is kept.
        licenses: Licence files relative to the package's folder. Empty when npm ships none: then
            `licenses/<name>/` here has the texts.
    """

    name: str
    version: str
    files: tuple[str, ...]
    licenses: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Where it goes in the site."""
        return f"vendor/{self.name}-{self.version}/"

    def path(self, file: str) -> str:
        """Where one of its files goes in the site."""
        if file not in {Path(known).name for known in self.files}:
            raise KeyError(file)
        return self.folder + file


PYODIDE = NpmPackage("pyodide", "314.0.7", ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm"))

# Three builds: plain WASM has all CPU kernels; JSPI is the smallest with WebGPU; asyncify is WebGPU
# without JSPI.
# The licence texts that npm does not ship are from the same version's wheel.
ONNXRUNTIME_WEB = NpmPackage(
    "onnxruntime-web",
    "1.30.0",
    (
        *("dist/ort.wasm.min.mjs", "dist/ort-wasm-simd-threaded.mjs", "dist/ort-wasm-simd-threaded.wasm"),
        *(
            "dist/ort.jspi.min.mjs",
            "dist/ort-wasm-simd-threaded.jspi.mjs",
            "dist/ort-wasm-simd-threaded.jspi.wasm",
        ),
        *("dist/ort.webgpu.min.mjs", "dist/ort-wasm-simd-threaded.asyncify.mjs"),
        "dist/ort-wasm-simd-threaded.asyncify.wasm",
    ),
)
MARKED = NpmPackage("marked", "18.2.1", ("lib/marked.esm.js",), ("LICENSE",))
DOMPURIFY = NpmPackage("dompurify", "3.4.18", ("dist/purify.es.mjs",), ("LICENSE", "LICENSE-MPL"))

PACKAGES = (PYODIDE, ONNXRUNTIME_WEB, MARKED, DOMPURIFY)

# Modules that web/ imports statically, under a name without a version.
UNVERSIONED_MODULES = {
    "vendor/marked.js": MARKED.path("marked.esm.js"),
    "vendor/dompurify.js": DOMPURIFY.path("purify.es.mjs"),
}


def npm_command() -> str:
    """The command that gets all of them: `npm ci` in a checkout, which has the lock file; else by version."""
    if find_checkout():
        return "npm ci"
    return "npm install " + " ".join(f"{package.name}@{package.version}" for package in PACKAGES)


def check_npm_packages(node_modules: Path) -> None:
    """Refuse a node_modules that lacks a package or a file, or has another version of one.

    Raises:
        SiteError: Names the package and the command that gets it.
    """
    for package in PACKAGES:
        source = node_modules / package.name
        try:
            version = json.loads((source / "package.json").read_text("utf-8"))["version"]
        except (OSError, ValueError, KeyError, TypeError):
            raise _npm_error(f"the npm package {package.name} is not in {node_modules}", package) from None
        if version != package.version:
            raise _npm_error(f"{source} is version {version}", package)
        for file in (*package.files, *package.licenses):
            if not (source / file).is_file():
                raise _npm_error(f"{source / file} is missing", package)


def _npm_error(problem: str, package: NpmPackage) -> SiteError:
    return SiteError(
        problem,
        expected=f"{package.name} {package.version}",
        remedy=f"Run `{npm_command()}`, or name the folder with --node-modules.",
    )


def vendor_npm_packages(node_modules: Path, site: Path) -> None:
    """Copy all packages and their licences into the folder of a site."""
    for package in PACKAGES:
        for file in package.files:
            _copy(node_modules / package.name / file, site / package.folder / Path(file).name)
        for text in _license_files(package, node_modules):
            _copy(text, site / "licenses" / package.name / text.name)
    for path, module in UNVERSIONED_MODULES.items():
        relative = module.removeprefix("vendor/")
        (site / path).write_text(f'export * from "./{relative}";\n{_default_export(path, relative)}', "utf-8")


def _default_export(path: str, relative: str) -> str:
    # `export *` leaves the default export out, and DOMPurify has nothing else.
    return f'export {{ default }} from "./{relative}";\n' if path == "vendor/dompurify.js" else ""


def _license_files(package: NpmPackage, node_modules: Path) -> Iterator[Path]:
    if package.licenses:
        yield from (node_modules / package.name / text for text in package.licenses)
    else:
        yield from sorted((LICENSE_TEXTS / package.name).iterdir())


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
