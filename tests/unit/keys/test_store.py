"""Keys: wrapped at rest, destroyed for good."""

from pathlib import Path

import pytest

from auditroll.errors import IntegrityError, PolicyError
from auditroll.keys import KeyStore


def test_a_key_comes_back(tmp_path: Path) -> None:
    key = KeyStore(tmp_path).create("segment")
    assert len(key.octets) == 32
    assert key.id.startswith("segment-")
    assert KeyStore(tmp_path).get(key.id) == key.octets
    assert KeyStore(tmp_path).ids("segment") == [key.id]
    assert KeyStore(tmp_path).ids("journal") == []


def test_no_file_holds_a_key_in_the_clear(tmp_path: Path) -> None:
    key = KeyStore(tmp_path).create("segment")
    for path in tmp_path.iterdir():
        assert key.octets not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0


def test_there_is_one_signing_key(tmp_path: Path) -> None:
    key = KeyStore(tmp_path).single("signing")
    assert KeyStore(tmp_path).single("signing") == key


@pytest.mark.parametrize("key_id", ["segment-0", "../master", "master", "/etc/passwd", ""])
def test_a_key_that_is_not_here(tmp_path: Path, key_id: str) -> None:
    with pytest.raises(KeyError):
        KeyStore(tmp_path).get(key_id)


class TestDestroying:
    def test_a_destroyed_key_is_gone(self, tmp_path: Path) -> None:
        store = KeyStore(tmp_path)
        key = store.create("segment")
        store.destroy(key.id)
        store.destroy(key.id)
        assert store.destroyed() == {key.id}
        for fresh in (store, KeyStore(tmp_path)):
            with pytest.raises(KeyError):
                fresh.get(key.id)

    def test_another_process_may_remove_the_file_first(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = KeyStore(tmp_path)
        key = store.create("segment")
        replace = store._disk.replace

        def replace_and_be_overtaken(path: Path, data: bytes) -> None:
            replace(path, data)
            KeyStore(tmp_path)

        monkeypatch.setattr(store._disk, "replace", replace_and_be_overtaken)
        store.destroy(key.id)
        assert store.ids("segment") == []

    def test_a_restored_file_does_not_bring_it_back(self, tmp_path: Path) -> None:
        store = KeyStore(tmp_path)
        key = store.create("segment")
        path = tmp_path / f"{key.id}.key"
        wrapped = path.read_bytes()
        store.destroy(key.id)
        path.write_bytes(wrapped)
        with pytest.raises(KeyError):
            store.get(key.id)
        with pytest.raises(KeyError):
            KeyStore(tmp_path).get(key.id)
        assert not path.exists()

    def test_one_does_not_take_another_along(self, tmp_path: Path) -> None:
        store = KeyStore(tmp_path)
        keys = [store.create("segment") for _ in range(3)]
        store.destroy(keys[1].id)
        store.destroy(keys[2].id)
        again = KeyStore(tmp_path)
        assert again.get(keys[0].id) == keys[0].octets
        assert again.destroyed() == {keys[1].id, keys[2].id}


class TestRefusals:
    def test_a_master_key_that_others_can_read(self, tmp_path: Path) -> None:
        KeyStore(tmp_path)
        (tmp_path / "master.key").chmod(0o644)
        with pytest.raises(PolicyError) as refused:
            KeyStore(tmp_path)
        assert refused.value.code == "unsafe-keys"

    def test_a_lost_master_key_is_not_made_anew(self, tmp_path: Path) -> None:
        KeyStore(tmp_path).create("segment")
        (tmp_path / "master.key").unlink()
        with pytest.raises(IntegrityError) as refused:
            KeyStore(tmp_path)
        assert refused.value.code == "key-unknown"

    def test_a_master_key_of_another_length(self, tmp_path: Path) -> None:
        KeyStore(tmp_path)
        (tmp_path / "master.key").write_bytes(b"short")
        with pytest.raises(IntegrityError) as refused:
            KeyStore(tmp_path)
        assert refused.value.code == "key-damaged"

    @pytest.mark.parametrize("octets", [b"", bytes(40), b"x" * 39])
    def test_a_damaged_key(self, tmp_path: Path, octets: bytes) -> None:
        key = KeyStore(tmp_path).create("segment")
        (tmp_path / f"{key.id}.key").write_bytes(octets)
        with pytest.raises(IntegrityError) as refused:
            KeyStore(tmp_path).get(key.id)
        assert refused.value.code == "key-damaged"
