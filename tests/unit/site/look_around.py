"""Runs in Pyodide, started by start_python.mjs: import all there is, say what came of it as JSON."""

import importlib
import importlib.metadata
import json
import pkgutil
import sys
import zipfile

import jinja2.ext
import jinja2.sandbox
import markupsafe

import pagelm

NEEDS_NATIVE = {
    "pagelm._backend_native",
    "pagelm._native_key_values",
    "pagelm._native_outputs",
    "pagelm._native_weights",
}
NEVER_IMPORTED = {"antigravity", "this"}  # they open a browser and print a poem


def standard_library():
    archive = next(path for path in sys.path if path.endswith(".zip"))
    for name in zipfile.ZipFile(archive).namelist():
        module = name.removesuffix(".pyc").removesuffix("/__init__").replace("/", ".")
        if name.endswith(".pyc") and not module.endswith("__main__") and module not in NEVER_IMPORTED:
            yield module


def failures(modules):
    failed = {}
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            failed[module] = str(error)
    return failed


runtime = [f"pagelm.{module.name}" for module in pkgutil.iter_modules(pagelm.__path__)]
library = sorted(standard_library())

json.dumps(
    {
        "python": sys.version.split()[0],
        "runtime": runtime,
        "library_modules": len(library),
        "failures": failures([*library, *(name for name in runtime if name not in NEEDS_NATIVE)]),
        "versions": {name: importlib.metadata.version(name) for name in ("pagelm", "jinja2", "markupsafe")},
        "origins": {module.__name__: module.__file__ for module in (pagelm, jinja2, markupsafe)},
        "rendered": jinja2.sandbox.ImmutableSandboxedEnvironment().from_string("{{ x | e }}").render(x="<b>"),
    }
)
