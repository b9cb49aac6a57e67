"""Python's standard library for the page: what the runtime can need, as .pyc in one zip.

The zip that Pyodide ships holds sources, some 190 of which are compiled at every start (3.6 s to the first
Python result, against 1.4 s with bytecode). What is left out, and why, is the table below and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from pagelm_builder.errors import SiteError
from pagelm_builder.site.archive import read_archive, write_archive
from pagelm_builder.site.npm_packages import npm_command

# Why → what, as paths in the shipped zip; a folder stands for all that is in it.
LEFT_OUT: Mapping[str, str] = {
    "needs a terminal or a person at one": (
        "_pyrepl cmd.py getpass.py pdb.py pydoc.py pyodide/console.py rlcompleter.py webbrowser.py"
    ),
    "reads a command line": "argparse.py fileinput.py getopt.py json/tool.py optparse.py",
    "serves tests": "doctest.py unittest",
    "measures or traces programs": "bdb.py cProfile.py profile.py pstats.py timeit.py trace.py",
    "works on sources, of which there are none": (
        "compileall.py modulefinder.py pickletools.py pyclbr.py symtable.py tabnanny.py zipapp.py"
    ),
    "opens sockets, which a page cannot": (
        "ftplib.py http/cookiejar.py http/server.py imaplib.py logging/config.py logging/handlers.py "
        "mailbox.py netrc.py poplib.py smtplib.py socketserver.py wsgiref xmlrpc"
    ),
    "starts processes or interpreters, which a page cannot": (
        "concurrent/futures/interpreter.py concurrent/futures/process.py concurrent/interpreters "
        "multiprocessing"
    ),
    "is for another operating system": "asyncio/windows_events.py asyncio/windows_utils.py",
    "wraps C libraries that the page has no use for": "ctypes sqlite3",
    "is a spare for a C module that is there": "_py_abc.py _pydatetime.py _pyio.py",
    "reads formats that no bundle has": "configparser.py plistlib.py shelve.py wave.py xml",
}
LEFT_OUT_PATHS = frozenset(path for paths in LEFT_OUT.values() for path in paths.split())

# Bundles and messages are UTF-8. The others are for zip names (cp437), URLs (idna, punycode), escapes in
# source text and the byte orders that `codecs` itself names.
KEPT_ENCODINGS = frozenset(
    (
        *("__init__", "aliases", "ascii", "charmap", "cp437", "idna", "latin_1", "punycode"),
        *("raw_unicode_escape", "undefined", "unicode_escape", "utf_16", "utf_16_be", "utf_16_le"),
        *("utf_32", "utf_32_be", "utf_32_le", "utf_8", "utf_8_sig"),
    )
)


def is_left_out(name: str) -> bool:
    """Whether a member of the shipped zip stays behind."""
    path = PurePosixPath(name)
    if path.parts[0] == "encodings":
        return path.stem not in KEPT_ENCODINGS
    return any(str(part) in LEFT_OUT_PATHS for part in (path, *path.parents))


def read_sources(pyodide: Path) -> bytes:
    """The trimmed sources as a zip archive.

    Args:
        pyodide: The npm package's folder.
    """
    shipped = pyodide / "python_stdlib.zip"
    if not shipped.is_file():
        raise SiteError(
            f"{shipped} is missing",
            expected="the npm package pyodide as npm installs it",
            remedy=f"Run `{npm_command()}`.",
        )
    members = read_archive(shipped.read_bytes())
    return write_archive({name: members[name] for name in members if not is_left_out(name)}, stored=True)
