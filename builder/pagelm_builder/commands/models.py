"""`pagelm models`: arguments to `pagelm.stored_models`, and what it found as lines for a terminal."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from functools import partial

from pagelm.errors import PartAlteredError
from pagelm.stored_models import (
    StoredModel,
    delete_stored_model,
    find_stored_model,
    stored_models,
    verify_stored_model,
)
from pagelm_builder.commands.subparsers import Subparsers
from pagelm_builder.inspect.lines import size
from pagelm_builder.progress_line import ProgressLine


def add_parser(commands: Subparsers) -> None:
    models = commands.add_parser(
        "models",
        help="list, verify or delete models that were downloaded",
        description="Models that were loaded by their address, and are kept on this machine.",
    )
    actions = models.add_subparsers(metavar="ACTION", help="what to do (default: list)")
    models.set_defaults(run=run_list, json=False)
    listing = actions.add_parser("list", help="name, size, last use and address of each")
    listing.add_argument("--json", action="store_true", help="print one JSON array")
    verify = actions.add_parser("verify", help="hash every file; what is altered is deleted")
    _add_names(verify)
    verify.set_defaults(run=run_verify)
    delete = actions.add_parser("delete", help="delete models, but files that others need")
    _add_names(delete)
    delete.set_defaults(run=run_delete)


def _add_names(parser: ArgumentParser) -> None:
    parser.add_argument("models", nargs="+", metavar="MODEL", help="name, address or id, as listed")


def run_list(arguments: Namespace) -> None:
    models = stored_models()
    if arguments.json:
        print(json.dumps([_to_json(model) for model in models], indent=1, ensure_ascii=False))
        return
    if not models:
        print("no models are kept")
    for model in models:
        state = "" if model.is_complete else f", incomplete: {size(model.stored_bytes)} are here"
        used = model.last_used.astimezone().strftime("%Y-%m-%d %H:%M")
        print(f"{model.folder.name[:16]}  {model.name}  {size(model.total_bytes)}{state}, used {used}")
        print(f"{'':16}  {model.address or 'address unknown'}")


def run_verify(arguments: Namespace) -> None:
    """Check models.

    Raises:
        PartAlteredError: Of one that had altered files.
        StoredModelError: No such model is kept.
    """
    for model in [find_stored_model(name) for name in arguments.models]:
        check = verify_stored_model(model, progress=partial(ProgressLine(), "bytes"))
        if check.altered:
            raise PartAlteredError(
                f"{model.name} had altered files: {', '.join(entry.file for entry in check.altered)}",
                expected="the sha256 of its manifest",
                remedy="They are deleted; load it again from its address, which fetches them alone.",
            )
        missing = f", {len(check.missing)} files are missing: the next load fetches them"
        print(f"{model.name}: {size(check.checked_bytes)} are right{missing if check.missing else ''}")


def run_delete(arguments: Namespace) -> None:
    """Delete models.

    Raises:
        StoredModelError: No such model is kept.
    """
    for name in arguments.models:
        model = find_stored_model(name)
        print(f"{model.name} is deleted: {size(delete_stored_model(model))} are free")


def _to_json(model: StoredModel) -> dict[str, object]:
    return {
        "id": model.folder.name,
        "name": model.name,
        "address": model.address,
        "folder": str(model.folder),
        "stored_bytes": model.stored_bytes,
        "total_bytes": model.total_bytes,
        "own_bytes": model.own_bytes,
        "last_used": _iso(model.last_used),
        "is_complete": model.is_complete,
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
