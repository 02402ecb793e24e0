"""Verifies what a transparency log shows to the world: notes, checkpoints, proofs of the tree, proof files and folders of tiles.

Written from the texts of https://c2sp.org (signed-note, tlog-checkpoint, tlog-tiles, tlog-proof) and RFC 9162. Nothing is shared with
the daemon, not even the library that checks signatures. What is wrong raises `Fault`: nobody can forget to look at an answer.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = 1
NOTE_BYTES_MAX = 1_000_000
HASH_BYTES = 32
TILE_WIDTH = 256


class Fault(Exception):
    """Why something is not to be believed."""


class VerifierKey(NamedTuple):
    name: str
    id: bytes
    public: bytes


class Checkpoint(NamedTuple):
    origin: str
    size: int
    root: bytes


def require(holds: bool, why: str) -> None:
    """Not `assert`: Python leaves that out when it is told to optimize."""
    if not holds:
        raise Fault(why)


# Notes and checkpoints


def parse_verifier_key(text: str) -> VerifierKey:
    """Of `name+id+key`, as logs publish it. The id must follow from name and key: by another no signature would ever be found."""
    match = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+(\S+)", text)
    if match is None:
        raise Fault(f"no verifier key: {text!r}")
    name, key_id, typed = match[1], bytes.fromhex(match[2]), _base64(match[3])
    require(len(typed) == 33 and typed[0] == ED25519, f"the key of {name} is not of Ed25519")
    require(hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4] == key_id, f"the key of {name} has another id")
    return VerifierKey(name, key_id, typed[1:])


def verify_note(note: bytes, keys: Iterable[VerifierKey]) -> str:
    """The text of a note that a known key has signed. Others' signatures are ignored; a wrong one of a known key spoils the note."""
    require(len(note) <= NOTE_BYTES_MAX, "the note is too long")
    whole = _utf8(note)
    require(re.search(r"[\x00-\x09\x0b-\x1f]", whole) is None, "the note has control characters")
    # The text may have empty lines of its own: the last one separates.
    text, separator, signatures = whole.rpartition("\n\n")
    text += "\n"
    require(separator != "" and signatures.endswith("\n"), "the note has no signatures, or no end")
    known = {(key.name, key.id): Ed25519PublicKey.from_public_bytes(key.public) for key in keys}
    verified = False
    for line in signatures[:-1].split("\n"):
        match = re.fullmatch(r"— ([^\s+]+) (\S+)", line)
        if match is None:
            raise Fault(f"no signature line: {line!r}")
        name, signature = match[1], _base64(match[2])
        require(len(signature) > 4, f"the signature of {name} is empty")
        if key := known.get((name, signature[:4])):
            try:
                key.verify(signature[4:], text.encode())
            except InvalidSignature:
                raise Fault(f"the signature of {name} is wrong") from None
            verified = True
    require(verified, "no known key has signed the note")
    return text


def parse_checkpoint(text: str) -> Checkpoint:
    """Of a note's text. Lines behind the third are extensions, which mean nothing here."""
    *lines, end = text.split("\n")
    require(len(lines) >= 3 and all(lines) and end == "", f"no checkpoint: {text!r}")
    return Checkpoint(lines[0], _decimal(lines[1]), _hash(lines[2]))


# The tree


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Of two whole hashes: of shorter and longer ones the same bytes could be cut together."""
    require(len(left) == len(right) == HASH_BYTES, f"a hash does not have {HASH_BYTES} bytes")
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Pairs neighbours until one is left; who has no neighbour goes up as it is. The last may be of a smaller tree than the others."""
    level = list(hashes) or [hashlib.sha256(b"").digest()]
    while len(level) > 1:
        level = [reduce(node_hash, level[at:at + 2]) for at in range(0, len(level), 2)]
    return level[0]


def verify_inclusion(leaf: bytes, index: int, size: int, hashes: Sequence[bytes], root: bytes) -> None:
    """RFC 9162, 2.1.3.2, with its names for what it counts down. `leaf` is the leaf's hash; `hashes` begin with its sibling's."""
    require(0 <= index < size, f"there is no leaf {index} of {size}")
    fn, sn, r = index, size - 1, leaf
    for p in hashes:
        require(sn > 0, "the inclusion proof is too long")
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    require(sn == 0, "the inclusion proof is too short")
    require(r == root, "the inclusion proof leads to another root")


def verify_consistency(size1: int, root1: bytes, size2: int, root2: bytes, hashes: Sequence[bytes]) -> None:
    """RFC 9162, 2.1.4.2, with its names. Of what it leaves open: every tree continues itself, and the empty one, without a proof."""
    require(0 <= size1 <= size2, f"a tree of {size2} does not continue one of {size1}")
    require(size1 > 0 or root1 == root_of([]), "the empty tree has another root")
    require(size1 < size2 or root1 == root2, "one size has two roots")
    if size1 in (0, size2):
        require(not hashes, "the consistency proof is too long")
        return
    require(len(hashes) > 0, "the consistency proof is empty")
    path = [root1, *hashes] if size1 & (size1 - 1) == 0 else list(hashes)
    fn, sn = size1 - 1, size2 - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        require(sn > 0, "the consistency proof is too long")
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    require(sn == 0, "the consistency proof is too short")
    require(fr == root1, "the consistency proof leads to another first root")
    require(sr == root2, "the consistency proof leads to another second root")


# Files


def verify_proof_file(proof: bytes, record: bytes, origin: str, keys: Iterable[VerifierKey]) -> Checkpoint:
    """The checkpoint of a tlog-proof, if it is of this log and its tree has the record. Extra data is no one's word: its form is all."""
    head, _, note = proof.partition(b"\n\n")
    first, *lines = _utf8(head).split("\n")
    require(first == "c2sp.org/tlog-proof@v1", f"no proof of a known version: {first!r}")
    if lines and lines[0].startswith("extra "):
        _base64(lines.pop(0).removeprefix("extra "))
    require(bool(lines) and lines[0].startswith("index "), "the proof has no index")
    index, hashes = _decimal(lines[0].removeprefix("index ")), [_hash(line) for line in lines[1:]]
    checkpoint = _verify_checkpoint(note, origin, keys)
    verify_inclusion(leaf_hash(record), index, checkpoint.size, hashes, checkpoint.root)
    return checkpoint


def verify_tiles(folder: Path, origin: str, keys: Iterable[VerifierKey]) -> Checkpoint:
    """The checkpoint of a folder, if all that it needs is there and right: every bundle, every tile of every level, and the root."""
    checkpoint = _verify_checkpoint(_read(folder / "checkpoint"), origin, keys)
    due = [leaf_hash(entry) for entry in entries(folder, checkpoint.size)]
    rest: list[bytes] = []
    level = 0
    while due:
        for place, (hash_, found) in enumerate(zip(due, _tile_hashes(folder, level, len(due)), strict=True)):
            require(hash_ == found, f"level {level} has another hash at {place}")
        full = len(due) - len(due) % TILE_WIDTH
        # What is in no full tile is the tree's right edge: the partial tile, and behind it what the levels below left over.
        edge = due[full:] + rest
        rest = [root_of(edge)] if edge else []
        due, level = [root_of(due[at:at + TILE_WIDTH]) for at in range(0, full, TILE_WIDTH)], level + 1
    require(root_of(rest) == checkpoint.root, "the checkpoint has another root than the tiles")
    return checkpoint


def entries(folder: Path, size: int) -> Iterator[bytes]:
    """The first `size` entries, in order, out of their bundles. Each bundle is looked through before anything of it is given."""
    for data, held, width in _tiles(folder, "entries", size):
        bundle, offset = [], 0
        for _ in range(held):
            start = offset + 2
            offset = start + int.from_bytes(data[offset:start], "big")
            bundle.append(data[start:offset])
        require(offset == len(data), f"a bundle does not have {held} entries")
        yield from bundle[:width]


def tile_path(kind: int | str, index: int, width: int = TILE_WIDTH) -> str:
    """Where a tile lies; `kind` is its level, or "entries". Digits go by three, so that no folder becomes too large."""
    name = f"{index % 1000:03}"
    while index := index // 1000:
        name = f"x{index % 1000:03}/{name}"
    return f"tile/{kind}/{name}" + (f".p/{width}" if width < TILE_WIDTH else "")


def _verify_checkpoint(note: bytes, origin: str, keys: Iterable[VerifierKey]) -> Checkpoint:
    checkpoint = parse_checkpoint(verify_note(note, keys))
    require(checkpoint.origin == origin, f"the checkpoint is of {checkpoint.origin!r}")
    return checkpoint


def _tile_hashes(folder: Path, level: int, count: int) -> Iterator[bytes]:
    for data, held, width in _tiles(folder, level, count):
        require(len(data) == held * HASH_BYTES, f"a tile of level {level} does not have {held} hashes")
        yield from (data[at:at + HASH_BYTES] for at in range(0, width * HASH_BYTES, HASH_BYTES))


def _tiles(folder: Path, kind: int | str, count: int) -> Iterator[tuple[bytes, int, int]]:
    """The tiles of so many: bytes, how many are in them, how many of those count. A full one may have taken a partial one's place."""
    for first in range(0, count, TILE_WIDTH):
        index, width = first // TILE_WIDTH, min(TILE_WIDTH, count - first)
        held = width if (folder / tile_path(kind, index, width)).exists() else TILE_WIDTH
        yield _read(folder / tile_path(kind, index, held)), held, width


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Fault(f"cannot read {path}: {error.strerror}") from None


# Texts


def _utf8(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Fault("not UTF-8") from None


def _base64(text: str) -> bytes:
    """Of the one text that these bytes have: Python's decoder takes others, too."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Fault(f"not base64: {text!r}") from None
    require(base64.b64encode(data).decode() == text, f"not base64 as it is written: {text!r}")
    return data


def _hash(text: str) -> bytes:
    data = _base64(text)
    require(len(data) == HASH_BYTES, f"a hash does not have {HASH_BYTES} bytes: {text!r}")
    return data


def _decimal(text: str) -> int:
    """Of ASCII digits without a zero in front: `int` takes signs, spaces, underscores and the digits of every script."""
    require(re.fullmatch(r"0|[1-9][0-9]{0,18}", text) is not None, f"no number: {text!r}")
    return int(text)
