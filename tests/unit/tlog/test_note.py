"""Signed notes and checkpoints: what is altered, and what is only unknown."""

import base64

import pytest

from auditroll.tlog import (
    BadNote,
    Checkpoint,
    Cosigner,
    Signer,
    Verifier,
    Witness,
    open_checkpoint,
    read_checkpoint,
)
from auditroll.tlog.note import canonical_base64, open_note, parse_note, sign_note
from tests.unit.tlog.trees import random_hash

ORIGIN = "log.example/clinic/" + "ab" * 16
SIGNER = Signer(ORIGIN, random_hash("secret"))
OTHER = Signer(ORIGIN, random_hash("another secret"))
KNOWN = Verifier(ORIGIN, SIGNER.public)
HEAD = Checkpoint(ORIGIN, 7, random_hash("root"))


def code_of(note: str, verifiers: list[Verifier] | None = None) -> str:
    with pytest.raises(BadNote) as caught:
        open_checkpoint(note, [KNOWN] if verifiers is None else verifiers, ORIGIN)
    return caught.value.code


def signed(text: str) -> str:
    return sign_note(text, [SIGNER])


def test_a_checkpoint_is_read_back() -> None:
    assert open_checkpoint(HEAD.sign([SIGNER]), [KNOWN], ORIGIN) == HEAD


def test_signatures_of_unknown_keys_are_ignored() -> None:
    assert open_checkpoint(HEAD.sign([OTHER, SIGNER]), [KNOWN], ORIGIN) == HEAD
    assert code_of(HEAD.sign([OTHER])) == "key-unknown"
    assert code_of(HEAD.sign([SIGNER]), []) == "key-unknown"
    assert read_checkpoint(HEAD.sign([OTHER]), ORIGIN) == HEAD


def test_a_known_key_whose_signature_fails_spoils_the_note() -> None:
    good = HEAD.sign([SIGNER])
    forged = good.replace("\n7\n", "\n8\n")
    assert code_of(forged) == "altered"
    both = [KNOWN, Verifier(ORIGIN, OTHER.public)]
    spoiled = good + HEAD.sign([OTHER]).splitlines()[-1][:-8] + "AAAAAAA=\n"
    assert code_of(spoiled, both) == "altered"


def test_a_signature_that_stands_twice_counts_once() -> None:
    note = HEAD.sign([SIGNER, SIGNER])
    assert open_note(note, [KNOWN])[1] == [KNOWN]


def test_a_checkpoint_of_another_origin_is_altered() -> None:
    origin = "log.example/clinic/" + "cd" * 16
    foreign = Checkpoint(origin, 7, HEAD.root)
    assert code_of(foreign.sign([SIGNER])) == "altered"
    assert code_of(foreign.sign([Signer(origin, random_hash("secret"))])) == "altered"


GOOD = HEAD.sign([SIGNER])
LAST = GOOD.splitlines()[-1]


@pytest.mark.parametrize(
    "note",
    [
        "",
        "no signature\n",
        GOOD[:-1],
        GOOD + "\n",
        GOOD + "x\n",
        GOOD.replace("—", "-"),
        GOOD.replace("\n\n", "\n"),
        GOOD.replace("\n7\n", "\n7\t\n"),
        GOOD.replace(LAST, LAST[:-1] + "\r"),
        GOOD.replace(LAST, LAST + "="),
        GOOD.replace(LAST, "—  " + LAST.split(" ")[2]),
        GOOD.replace(LAST, "— a+b " + LAST.split(" ")[2]),
        GOOD.replace(LAST, f"— {ORIGIN} AAAAAA=="),
        GOOD.replace(LAST, f"— {ORIGIN} !"),
    ],
)
def test_a_malformed_note_is_altered(note: str) -> None:
    assert code_of(note) == "altered"


ROOT = base64.b64encode(HEAD.root).decode()


@pytest.mark.parametrize(
    "body",
    [
        f"{ORIGIN}\n7\n",
        f"{ORIGIN}\n07\n{ROOT}\n",
        f"{ORIGIN}\n-7\n{ROOT}\n",
        f"{ORIGIN}\n\u0667\n{ROOT}\n",
        f"{ORIGIN}\n{2**53}\n{ROOT}\n",
        f"{ORIGIN}\n7\n{ROOT}\nextension\n",
        f"{ORIGIN}\n7\nAAAA\n",
        f"{ORIGIN}\n7\n{ROOT[:-2]}9=\n",
        f"\n7\n{ROOT}\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_altered(body: str) -> None:
    assert code_of(signed(body)) == "altered"


def test_a_note_is_bounded() -> None:
    with pytest.raises(BadNote, match="not a signed note"):
        parse_note(signed("x" * 1_000_001 + "\n"))


def test_a_text_without_its_line_end_is_not_signed() -> None:
    with pytest.raises(ValueError, match="ends in LF"):
        sign_note("text", [SIGNER])


@pytest.mark.parametrize("text", ["AB==", "AA=", "A A=", "\u00e9AA="])
def test_base64_has_one_encoding(text: str) -> None:
    with pytest.raises(BadNote):
        canonical_base64(text)


def test_a_vkey_names_its_key() -> None:
    verifier = Verifier.from_vkey(SIGNER.vkey)
    assert (verifier.name, verifier.public, verifier.vkey) == (ORIGIN, SIGNER.public, SIGNER.vkey)


@pytest.mark.parametrize(
    "vkey",
    [
        "name",
        "name+00000000",
        f"{ORIGIN}+00000000+{SIGNER.vkey.rsplit('+', 1)[1]}",
        f"{ORIGIN}+00000000+AAAA",
        SIGNER.vkey.replace(f"+{SIGNER.key_id.hex()}+", "+00000000+"),
        SIGNER.vkey.replace("+A", "+B"),
    ],
)
def test_a_wrong_vkey_is_refused(vkey: str) -> None:
    for kind in (Verifier, Witness):
        with pytest.raises(BadNote):
            kind.from_vkey(vkey)


def test_a_cosignature_binds_its_time_and_text() -> None:
    cosigner = Cosigner("witness.example", random_hash("witness"))
    witness = Witness.from_vkey(cosigner.vkey)
    signature = cosigner.cosign(HEAD.body(), 1_790_000_000)
    note = HEAD.sign([SIGNER]) + signature.line() + "\n"
    text, by = open_note(note, [witness])
    assert (text, by) == (HEAD.body(), [witness])
    assert not witness.verify(HEAD.body() + "x\n", signature.signature)
    later = (1_790_000_001).to_bytes(8, "big") + signature.signature[8:]
    assert not witness.verify(HEAD.body(), later)
    assert not witness.verify(HEAD.body(), signature.signature[8:])
    wrong_id = cosigner.vkey.replace(witness.key_id.hex(), "00000000")
    with pytest.raises(BadNote, match="not its key's"):
        Witness.from_vkey(wrong_id)
