"""Registers and the folder's lock: one root for one size, one owner for one folder."""

import threading
import time
from pathlib import Path

import pytest

from auditroll.errors import IntegrityError, PolicyError
from auditroll.seal.heads import Heads
from auditroll.seal.lock import FolderLock
from auditroll.store import DataFolder
from auditroll.tlog import Verifier, open_checkpoint

STREAM = "ab" * 16
SECRET = bytes(range(32))


@pytest.fixture
def heads(tmp_path: Path) -> Heads:
    return Heads(DataFolder(tmp_path), "test.example", SECRET)


def again(tmp_path: Path) -> Heads:
    return Heads(DataFolder(tmp_path), "test.example", SECRET)


def test_a_head_is_persisted_and_signed(tmp_path: Path, heads: Heads) -> None:
    note = heads.sign(STREAM, (5, b"r" * 32))
    origin = f"test.example/{STREAM}"
    from auditroll.tlog import Signer

    verifier = Verifier(origin, Signer(origin, SECRET).public)
    checkpoint = open_checkpoint(note, [verifier], origin)
    assert (checkpoint.size, checkpoint.root) == (5, b"r" * 32)
    assert again(tmp_path).read(STREAM) == (5, b"r" * 32)
    assert (tmp_path / "streams" / STREAM / "checkpoint").read_text(encoding="utf-8") == note


def test_the_same_head_is_signed_again_with_the_same_note(tmp_path: Path, heads: Heads) -> None:
    note = heads.sign(STREAM, (5, b"r" * 32))
    assert again(tmp_path).sign(STREAM, (5, b"r" * 32)) == note


@pytest.mark.parametrize(
    ("head", "code"), [((5, b"x" * 32), "forked"), ((4, b"r" * 32), "rolled-back")]
)
def test_no_second_root_and_no_smaller_size(
    tmp_path: Path, heads: Heads, head: tuple[int, bytes], code: str
) -> None:
    heads.sign(STREAM, (5, b"r" * 32))
    for owner in (heads, again(tmp_path)):
        with pytest.raises(IntegrityError) as refused:
            owner.sign(STREAM, head)
        assert refused.value.code == code
    assert again(tmp_path).read(STREAM) == (5, b"r" * 32)


def test_a_stream_without_a_register(heads: Heads) -> None:
    assert heads.read(STREAM) is None


def test_a_successor_waits_for_one_that_is_just_ending(tmp_path: Path) -> None:
    first = FolderLock.take(tmp_path / "lock", wait_s=0)
    threading.Thread(target=lambda: (time.sleep(0.2), first.release())).start()
    second = FolderLock.take(tmp_path / "lock", wait_s=30)
    with pytest.raises(PolicyError) as refused:
        FolderLock.take(tmp_path / "lock", wait_s=0)
    assert refused.value.code == "data-locked"
    second.release()
