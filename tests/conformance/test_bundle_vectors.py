"""The 38 bundles, each named by its defect: verdict, exit, counts and every range."""

from collections import Counter

import pytest

from auditroll.event.canonical import decode_exact
from auditroll.verify import Report, verify_bundle
from tests.conformance.memory import MemoryReader
from tests.conformance.vectors import Vector, bundle_files, name_of, of_kind

BUNDLES = of_kind("bundle")


def found(findings: object) -> Counter[tuple[str, str, int, int]]:
    assert isinstance(findings, list)
    return Counter((f["verdict"], f["stream"], f["range"][0], f["range"][1]) for f in findings)


def test_there_are_38_bundles() -> None:
    assert len(BUNDLES) == 38


@pytest.mark.parametrize("vector", BUNDLES, ids=name_of)
def test_a_bundle_is_judged_as_its_defect_demands(vector: Vector) -> None:
    report: Report = verify_bundle(MemoryReader(bundle_files(vector)))
    said = decode_exact(report.as_json(), limit=2**20)
    assert said["verdict"] == vector["verdict"]
    assert said["exit"] == vector["exit"]
    assert said["counts"] == vector["counts"]
    assert found(said["findings"]) == found(vector["findings"])
