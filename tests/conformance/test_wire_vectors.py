"""The published vectors of the wire: look-ups, bindings, epochs of files."""

from typing import Any

import msgspec
import pytest

from auditroll.wire import LookupKey, binding, file_epoch, lookup_of
from tests.support import ROOT

VECTORS: list[dict[str, Any]] = msgspec.json.decode(
    (ROOT / "vectors" / "vectors.json").read_bytes()
)["vectors"]


def of_kind(kind: str) -> list[Any]:
    found = [pytest.param(one, id=one["name"]) for one in VECTORS if one["kind"] == kind]
    assert found
    return found


@pytest.mark.parametrize("vector", of_kind("lookup"))
def test_lookup(vector: dict[str, str]) -> None:
    place = (vector["tenant_id"], vector["namespace"], vector["identity"])
    key = bytes.fromhex(vector["key"])
    assert lookup_of(key, *place) == vector["lookup"]
    assert LookupKey(key).lookup(*place) == vector["lookup"]


@pytest.mark.parametrize("vector", of_kind("binding"))
def test_binding(vector: dict[str, str]) -> None:
    salt = bytes.fromhex(vector["salt"])
    found = binding(salt, vector["pseudonym"], vector["namespace"], vector["identity"])
    assert found == vector["binding"]


@pytest.mark.parametrize("vector", of_kind("file-epoch"))
def test_file_epoch(vector: dict[str, Any]) -> None:
    first_line = vector["first_line"].encode()
    assert file_epoch(vector["source"], vector["ordinal"], first_line) == vector["epoch"]
