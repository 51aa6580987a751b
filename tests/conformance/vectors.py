"""The language-neutral vectors, by kind."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from tests.support import ROOT

Vector = Mapping[str, Any]


@cache
def all_vectors() -> list[Vector]:
    found: list[Vector] = json.loads((ROOT / "vectors" / "vectors.json").read_bytes())["vectors"]
    return found


def of_kind(kind: str) -> list[Vector]:
    return [vector for vector in all_vectors() if vector["kind"] == kind]


def name_of(vector: Vector) -> str:
    return str(vector["name"])


def bundle_files(vector: Vector) -> dict[str, bytes]:
    """Return the files of a bundle vector: the base with its defect applied."""
    (base,) = of_kind("bundle-base")
    files = {path: octets_of(text) for path, text in base["files"].items()}
    files |= {path: octets_of(text) for path, text in vector["changed"].items()}
    return {path: data for path, data in files.items() if path not in vector["removed"]}


def octets_of(text: str) -> bytes:
    return bytes.fromhex(text[4:]) if text.startswith("hex:") else text.encode()
