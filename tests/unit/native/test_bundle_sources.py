"""A model is loaded from a folder, a name or an address; downloads are checked, kept and gone on with."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pagelm import LanguageModel
from pagelm.bundle_download import download_bundle
from pagelm.errors import ManifestError, PartAlteredError, PartMissingError
from pagelm.manifest import load_manifest, verify_bundle_files
from random_bundle import export_random_bundle


class Host(SimpleHTTPRequestHandler):
    """A static host with ranges that counts what it sends, and cuts the first answers if told to."""

    sent: list[tuple[str, int]]
    cuts: dict[str, int]

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        name = self.path.lstrip("/")
        body = data[start : self.cuts.pop(name, len(data))]
        self.sent.append((name, len(body)))
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return export_random_bundle(tmp_path)


@pytest.fixture
def weights(bundle: Path) -> str:
    """The part of the weights, by its name in the bundle."""
    (part,) = (bundle / "weights").iterdir()
    return f"weights/{part.name}"


@pytest.fixture
def host(bundle: Path) -> Iterator[tuple[str, type[Host]]]:
    class Serving(Host):
        """The counts of one test."""

    Serving.sent, Serving.cuts = [], {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Serving, directory=str(bundle)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", Serving
    server.shutdown()
    server.server_close()


def test_a_name_is_looked_for_where_bundles_are(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGELM_BUNDLES", str(bundle.parent))
    model = asyncio.run(LanguageModel.load(bundle.name))
    assert model.name == "random"


def test_a_name_that_is_nowhere_says_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAGELM_BUNDLES", "/a/shelf")
    with pytest.raises(ManifestError, match=r"no bundle named qwen .*/a/shelf/qwen, build/bundles/qwen"):
        asyncio.run(LanguageModel.load("qwen"))


def test_an_address_is_downloaded_once(
    host: tuple[str, type[Host]], weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, serving = host
    monkeypatch.setenv("PAGELM_CACHE", str(tmp_path / "cache"))
    assert asyncio.run(LanguageModel.load(address)).name == "random"
    assert {name for name, _ in serving.sent} >= {"manifest.json", weights}
    serving.sent.clear()
    asyncio.run(LanguageModel.load(address))
    assert [name for name, _ in serving.sent] == ["manifest.json"]


def test_a_cut_file_goes_on_where_it_ended(
    host: tuple[str, type[Host]], weights: str, tmp_path: Path
) -> None:
    address, serving = host
    serving.cuts[weights] = 1000
    folder = download_bundle(address, tmp_path / "cache")
    verify_bundle_files(folder)
    whole = (folder / weights).stat().st_size
    assert [size for name, size in serving.sent if name == weights] == [1000, whole - 1000]


def test_a_new_version_fetches_only_what_changed(
    host: tuple[str, type[Host]], bundle: Path, tmp_path: Path
) -> None:
    address, serving = host
    first = download_bundle(address, tmp_path / "cache")
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["name"] = "renamed"
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    serving.sent.clear()
    second = download_bundle(address, tmp_path / "cache")
    assert [name for name, _ in serving.sent] == ["manifest.json"]
    assert [load_manifest(folder).name for folder in (first, second)] == ["random", "renamed"]
    verify_bundle_files(second)


def test_wrong_bytes_are_never_kept(
    host: tuple[str, type[Host]], bundle: Path, weights: str, tmp_path: Path
) -> None:
    address, _ = host
    part = bundle / weights
    data = bytearray(part.read_bytes())
    data[7] ^= 1
    part.write_bytes(bytes(data))
    with pytest.raises(PartAlteredError, match=f"{weights} arrived with a sha256"):
        download_bundle(address, tmp_path / "cache")
    assert not (tmp_path / "cache" / "bundles").exists()
    data[7] ^= 1
    part.write_bytes(bytes(data))
    verify_bundle_files(download_bundle(address, tmp_path / "cache"))


def test_a_host_without_the_file_and_no_host_are_named(
    host: tuple[str, type[Host]], bundle: Path, tmp_path: Path
) -> None:
    address, _ = host
    shutil.rmtree(bundle / "weights")
    with pytest.raises(PartMissingError, match="answers with status 404"):
        download_bundle(address, tmp_path / "cache")
    with pytest.raises(PartMissingError, match="cannot be fetched"):
        download_bundle("http://127.0.0.1:9/", tmp_path / "cache")
