"""The verifier itself, without a daemon: known notes and proofs of others, a tree made by recursion, and folders that this file writes."""

import base64
import functools
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import c2sp
from c2sp import (Checkpoint, Fault, leaf_hash, node_hash, parse_checkpoint, parse_verifier_key, root_of, tile_path, verify_consistency,
                  verify_inclusion, verify_note, verify_proof_file, verify_tiles)

# golang.org/x/mod/sumdb/note: the package's example.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
PETER_LINE = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
ENOCH_LINE = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"

# c2sp.org/signed-note and c2sp.org/tlog-checkpoint: their examples.
EXAMPLE = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE_TEXT = "This is an example message.\n"
EXAMPLE_LINE = "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
EXAMPLE_CHECKPOINT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

# Go's checksum database: a record of it, and the proof that transparency-dev/incubator tests its `tlog-verify` with.
DATABASE = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
DATABASE_ORIGIN = "go.sum database tree"
DATABASE_RECORD = b"""\
github.com/transparency-dev/tessera v1.0.0 h1:4OT1V9xJLa5NnYlFWWlCdZkCm18/o12rdd+bCTje7XE=
github.com/transparency-dev/tessera v1.0.0/go.mod h1:TLvfjlkbmsmKVEJUtzO2eb9Q2IBnK3EJ0dI4G0oxEOU=
"""
DATABASE_PROOF = """\
c2sp.org/tlog-proof@v1
index 43930254
Q2cuq1e21q4UC1RQ6wtmXmCxk2q3Wqz/yFvD12P2KSM=
VdgHwjNYSv9fZVxvYzn8kySGvrjqeCnzdJqJILieWf4=
ARfBpZjsj3LSP42V4xBVdCKbHVa4WXSbuFAa0rUSCVQ=
0VYgz0Vmgz6jOM8H6edZBWHtO6+R7tPvN4EOwwRRSws=
vq+ifloynXE+ORFC1wymQT0cpNIJA1tqg2mQpA55+kc=
SCRewH6vHE1/Vwkt5yEW8xT7il0WbWltXjFIVqlGtQQ=
p//fIG8jgZie4MMwjHF7quCIJ4hErr7U4at0HV34MZQ=
D3K5YdBlxQcklrgF8vSbDyT05J5/mA9lzuhhp72uSOk=
jeYlYyH9FhYGwu+ZJmfPr8GvSNdgrydwqmJgHsygoR0=
p6RFgfGhu8Uuy0LyyZdI4MrSPOZkMe+ycwWJFfr8zTI=
AMZsxrVKBPSe8nSNVVCTyTxWns0CiNbChG/FoiSJWuM=
e+rtSmK5Pd1K5LgFwj7VSo5XJXOcq7OOcqPVZn1hqeM=
expmv1e6XiGr5NMUjMRkSZijlcBx+fZcpqQmUnawhOY=
+Wuic0YARH84k80/Q+KJIbhRCldxG8npjLFiHMLtEpo=
NOMeJqlyUxFXUKYRI/1YqAF4WJBfXJr8UM/SlWGqxgY=
Lm6+TAlLb2lvUs/3unZ2t6RSmJw8RO+WuEuUbAw3QEc=
Jhh2EDG15gDBoLmLiF88lVTgd+uvx3L0xczb8Y3kSq8=
taenaiKqtYMXS3gDzIF3q8VZzqAXqftHqL9BC39njaw=
kZNKypGwEANnt1+msLINnqrIrwX+0MGZUTTKXTfbloI=
A4NJSymjVJ5dvGPaGC3Gj04x8qVRKYfh0pP24mwd6Yk=
KQq808D9W4NUgr4ip+rF/RCyAUERYKKCwKiiAJfaFOc=
I3EVN3zM2rDjs5Q06Zr5gxhg+ksnX2h77E75uL+h3aI=
7iNSYSDhMeRkeV7r9krKbKelNPiqDCJU1i6xAn/Fbuw=
MYqdo6zSjxaAn+29EEjNRbPYm0myB3bheu+HTZIAbVY=
S7olT9TPLXk+bbawbV3sAzWMmhcpWrtjbw++9ZTiyn8=
xJ20xXM4QItt5vxFOtolZ5l18p7ej1+RimNkgWmoRFM=

go.sum database tree
58253265
lIyLAEe4zJUQAda6pFFg3yPOf7j1SgfMEDrpgoX39JU=

— sum.golang.org Az3grkvBHbFcpEFQ3BhGlktgB7pcswIW+ez91eWY6rNPtWfAey8bJO2rVoG2yO5zXvgiaikWVHqon+e14JhA+WXvpAY=
"""

# The leaves and roots that the tests of Certificate Transparency have, from one leaf to eight, and proofs of them.
CT_LEAVES = [b"", b"\x00", b"\x10", b" !", b"01", b"@ABC", b"PQRSTUVW", b"`abcdefghijklmno"]
CT_ROOTS = [bytes.fromhex(text) for text in """
    6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125
    aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77 d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7
    4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4 76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef
    ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c 5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328
    """.split()]
# By index and size.
CT_INCLUSIONS = {
    (0, 1): "",
    (0, 8): """96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7
               5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e
               6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4""",
    (5, 8): """bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b
               ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0
               d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7""",
    (2, 3): "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    (1, 5): """6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d
               5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e
               bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b""",
}
# By both sizes.
CT_CONSISTENCIES = {
    (1, 1): "",
    (1, 8): """96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7
               5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e
               6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4""",
    (6, 8): """0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a
               ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0
               d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7""",
    (2, 5): """5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e
               bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b""",
}

ORIGIN = "example.org/log"
SEED = bytes(range(32))


def key_of(name, seed=SEED):
    """The verifier key's text."""
    typed = b"\x01" + Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    key_id = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4]
    return f"{name}+{key_id.hex()}+{base64.b64encode(typed).decode()}"


def line_of(text, name, seed=SEED):
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(text.encode())
    return f"— {name} {base64.b64encode(parse_verifier_key(key_of(name, seed)).id + signature).decode()}\n"


def checkpoint_note(size, root, origin=ORIGIN):
    text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    return (text + "\n" + line_of(text, ORIGIN)).encode()


def keys(*texts):
    return [parse_verifier_key(text) for text in texts or (key_of(ORIGIN),)]


def flipped(data, place=0, bits=1):
    return data[:place] + bytes([data[place] ^ bits]) + data[place + 1:]


class Tree:
    """The model: RFC 6962, 2.1, word for word. Slow, and plain enough to be believed."""

    def __init__(self, entries):
        self.entries = entries
        self.hash = functools.cache(self._hash)

    def _hash(self, start, end):
        if end - start < 2:
            return hashlib.sha256(b"".join(b"\x00" + entry for entry in self.entries[start:end])).digest()
        middle = start + split(end - start)
        return hashlib.sha256(b"\x01" + self.hash(start, middle) + self.hash(middle, end)).digest()

    def inclusion(self, index, start, end):
        if end - start == 1:
            return []
        middle = start + split(end - start)
        if index < middle:
            return self.inclusion(index, start, middle) + [self.hash(middle, end)]
        return self.inclusion(index, middle, end) + [self.hash(start, middle)]

    def consistency(self, size, start, end, whole=True):
        if size == end:
            return [] if whole else [self.hash(start, end)]
        middle = start + split(end - start)
        if size <= middle:
            return self.consistency(size, start, middle, whole) + [self.hash(middle, end)]
        return self.consistency(size, middle, end, False) + [self.hash(start, middle)]


def split(count):
    """The largest power of two below it."""
    return 1 << (count - 1).bit_length() - 1


# Notes and checkpoints


def test_notes_of_others_are_verified():
    assert verify_note((EXAMPLE_TEXT + "\n" + EXAMPLE_LINE).encode(), keys(EXAMPLE)) == EXAMPLE_TEXT
    both = (TEXT + "\n" + PETER_LINE + ENOCH_LINE).encode()
    for known in ([PETER], [ENOCH], [PETER, ENOCH], [EXAMPLE, PETER]):
        assert verify_note(both, keys(*known)) == TEXT
    # What this file signs with is what Go signs with.
    assert line_of(TEXT, "PeterNeumann", PETER_SEED) == PETER_LINE and key_of("PeterNeumann", PETER_SEED) == PETER


def test_a_note_is_worth_its_known_signatures():
    note = (TEXT + "\n" + PETER_LINE).encode()
    for known in ([], keys(ENOCH), keys(key_of("PeterNeumann"))):
        with pytest.raises(Fault, match="no known key"):
            verify_note(note, known)
    with pytest.raises(Fault, match="is wrong"):
        verify_note(note.replace(b"problem", b"Problem"), keys(PETER))
    # Of a known name with another id, or a known id with another name: ignored. Under both, but wrong: the note is spoilt.
    wrong = "— PeterNeumann " + base64.b64encode(parse_verifier_key(PETER).id + bytes(64)).decode() + "\n"
    assert verify_note(note + line_of("other", "PeterNeumann").encode(), keys(PETER)) == TEXT
    assert verify_note(note + wrong.replace("Peter", "Paul").encode(), keys(PETER)) == TEXT
    for known in ([PETER], [ENOCH, PETER]):
        with pytest.raises(Fault, match="is wrong"):
            verify_note(note + ENOCH_LINE.encode() + wrong.encode(), keys(*known))
    # A short signature is as wrong as one of other bytes.
    with pytest.raises(Fault, match="is wrong"):
        verify_note((TEXT + "\n— PeterNeumann x08go/Y=\n").encode(), keys(PETER))
    # Sixteen signatures are to be taken at least.
    assert verify_note((TEXT + "\n" + line_of(TEXT, "other") * 15 + PETER_LINE).encode(), keys(PETER)) == TEXT


def test_a_text_may_have_empty_lines():
    for text in ("a\n\nb\n", "a\n\n", "\n\n\n", "— a line\n\n— another\n"):
        assert verify_note((text + "\n" + line_of(text, ORIGIN)).encode(), keys()) == text


@pytest.mark.parametrize("signatures", [
    "", "\n", PETER_LINE[:-1], PETER_LINE + "\n", "\n" + PETER_LINE, PETER_LINE + "P.S.\n", PETER_LINE.replace("\n", "\r\n"),
    PETER_LINE.replace("—", "-"), PETER_LINE.replace("— ", "—"), PETER_LINE.replace(" x", "  x"), " " + PETER_LINE, "\0" + PETER_LINE,
    # Other texts for the same bytes.
    PETER_LINE.replace("JnAM", "JnAN"), PETER_LINE.replace("=", ""), PETER_LINE.replace("=", "=="), PETER_LINE.replace("=", " ="),
    # Nothing is signed, or by nobody who can have a key.
    *(PETER_LINE + line + "\n" for line in ("— other x08gow==", "— other ", "— an+other x08go/Y=", "— an\u00a0other x08go/Y=")),
])
def test_what_are_no_signatures_is_refused(signatures):
    with pytest.raises(Fault):
        verify_note((TEXT + "\n" + signatures).encode(), keys(PETER))


@pytest.mark.parametrize("text", ["a\tb\n", "a\r\n", "\0\n", "\x1f\n", "\udcff\n", "a" * 1_000_000 + "\n"], ids=range(6))
def test_a_text_that_no_note_may_have_is_refused(text):
    signed = text.encode(errors="surrogateescape")
    signature = parse_verifier_key(PETER).id + Ed25519PrivateKey.from_private_bytes(PETER_SEED).sign(signed)
    with pytest.raises(Fault, match="not UTF-8|control characters|too long"):
        verify_note(signed + b"\n" + f"— PeterNeumann {base64.b64encode(signature).decode()}\n".encode(), keys(PETER))


def test_a_verifier_key_is_taken_apart():
    name, key_id, public = parse_verifier_key(EXAMPLE)
    assert (name, key_id.hex()) == ("example.com/foo", "530d903a")
    assert public.hex() == "e932791ae6e7a840a46164c904786426d5e7821dd8b29a00d61cae72afdd4da4"
    # Base64 has a plus of its own.
    assert parse_verifier_key(DATABASE).name == "sum.golang.org"


@pytest.mark.parametrize("text", [
    "", "++", EXAMPLE + "\n", " " + EXAMPLE, EXAMPLE[:-4], EXAMPLE + "AAAA", EXAMPLE.replace("foo", "bar"), EXAMPLE.replace("foo", "f o"),
    EXAMPLE.replace("530d", "530e"), EXAMPLE.replace("530d", "530D"), EXAMPLE.replace("+530d903a", ""), EXAMPLE.replace("+Aek", "+Bek"),
    EXAMPLE[len("example.com/foo"):],
])
def test_what_is_no_verifier_key_is_refused(text):
    with pytest.raises(Fault):
        parse_verifier_key(text)


@pytest.mark.parametrize("typed", [b"", b"\x01", *(bytes([kind]) + bytes(count) for kind, count in ((1, 31), (1, 33), (0, 32), (4, 32)))])
def test_a_key_of_another_kind_is_refused(typed):
    key_id = hashlib.sha256(b"name\n" + typed).digest()[:4]
    with pytest.raises(Fault, match="no verifier key|not of Ed25519"):
        parse_verifier_key(f"name+{key_id.hex()}+{base64.b64encode(typed).decode()}")


def test_a_checkpoint_is_taken_apart():
    root = bytes.fromhex("0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62")
    for extensions in ("", "more\n", "more\nand more\n"):
        assert parse_checkpoint(EXAMPLE_CHECKPOINT + extensions) == Checkpoint("example.com/behind-the-sofa", 20852163, root)
    assert parse_checkpoint(EXAMPLE_CHECKPOINT.replace("20852163", "0")).size == 0


@pytest.mark.parametrize("old, new", [
    ("example.com/behind-the-sofa", ""), ("example.com/behind-the-sofa\n", ""), ("q2I=\n", "q2I="), ("q2I=\n", "q2I=\n\n"),
    ("q2I=\n", "q2I=\n\nmore\n"), ("q2I", "q2J"), ("CsUY", ""), ("CsUY", "CsUYCsUY"), ("/Xaj", "_Xaj"),
    *(("20852163", size) for size in ("", "020852163", "00", "-1", "+1", " 1", "1 ", "1_0", "1.0", "0x1", "²", "١", "1" * 20)),
])
def test_what_is_no_checkpoint_is_refused(old, new):
    assert EXAMPLE_CHECKPOINT.replace(old, new) != EXAMPLE_CHECKPOINT
    with pytest.raises(Fault):
        parse_checkpoint(EXAMPLE_CHECKPOINT.replace(old, new))


# The tree


def test_the_tree_of_certificate_transparency():
    def hashes(text):
        return [bytes.fromhex(word) for word in text.split()]

    leaves = [leaf_hash(leaf) for leaf in CT_LEAVES]
    assert root_of([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert [root_of(leaves[:size]) for size in range(1, 9)] == CT_ROOTS
    for (index, size), text in CT_INCLUSIONS.items():
        assert Tree(CT_LEAVES).inclusion(index, 0, size) == hashes(text)
        verify_inclusion(leaves[index], index, size, hashes(text), CT_ROOTS[size - 1])
    for (size1, size2), text in CT_CONSISTENCIES.items():
        assert Tree(CT_LEAVES).consistency(size1, 0, size2) == hashes(text)
        verify_consistency(size1, CT_ROOTS[size1 - 1], size2, CT_ROOTS[size2 - 1], hashes(text))


SIZES = range(71)
MODEL = Tree([b"entry %d" % number for number in SIZES])
LEAVES = [leaf_hash(entry) for entry in MODEL.entries]


def tampered(hashes):
    """The same proof with each hash changed or left out, and with one more in each place."""
    for place in range(len(hashes)):
        yield hashes[:place] + [flipped(hashes[place], place)] + hashes[place + 1:]
        yield hashes[:place] + hashes[place + 1:]
        yield hashes[:place] + [hashes[place][:31]] + hashes[place + 1:]
    for place in range(len(hashes) + 1):
        yield hashes[:place] + [LEAVES[0]] + hashes[place:]


def test_roots_are_those_of_the_recursion():
    for size in SIZES:
        assert root_of(LEAVES[:size]) == MODEL.hash(0, size)


@pytest.mark.parametrize("size", SIZES)
def test_inclusion(size):
    root = MODEL.hash(0, size)
    for index in range(size):
        hashes = MODEL.inclusion(index, 0, size)
        verify_inclusion(LEAVES[index], index, size, hashes, root)
        wrong = [(LEAVES[index], index, other, root) for other in tampered(hashes)]
        wrong += [(LEAVES[index], other, hashes, root) for other in {-1, (index + 1) % size, index ^ 1, size} - {index}]
        wrong += [(flipped(LEAVES[index]), index, hashes, root), (LEAVES[index], index, hashes, flipped(root, 31))]
        for leaf, at, proof, top in wrong:
            with pytest.raises(Fault):
                verify_inclusion(leaf, at, size, proof, top)
    with pytest.raises(Fault, match="there is no leaf"):
        verify_inclusion(LEAVES[0], size, size, [], root)


@pytest.mark.parametrize("size2", SIZES)
def test_consistency(size2):
    root2 = MODEL.hash(0, size2)
    for size1 in range(size2 + 1):
        root1, hashes = MODEL.hash(0, size1), MODEL.consistency(size1, 0, size2) if size1 else []
        verify_consistency(size1, root1, size2, root2, hashes)
        wrong = [(size1, root1, size2, root2, other) for other in tampered(hashes)]
        wrong += [(size1, flipped(root1), size2, root2, hashes), (-1, root1, size2, root2, hashes)]
        # From the empty tree there is nothing to prove, so any root may follow.
        wrong += [(size1, root1, size2, flipped(root2, 31), hashes)] * (size1 > 0)
        wrong += [(size2, root2, size1, root1, hashes), (size1, root2, size2, root1, hashes)] * (size1 < size2)
        for proof in wrong:
            with pytest.raises(Fault):
                verify_consistency(*proof)


def test_a_proof_has_one_length_whatever_it_leads_to():
    """The roots are those to which the wrong proofs lead, as somebody would give them who made both."""
    a, b, c, d = LEAVES[:4]
    with pytest.raises(Fault, match="too long"):
        verify_inclusion(a, 0, 1, [b], node_hash(b, a))
    with pytest.raises(Fault, match="too short"):
        verify_inclusion(a, 0, 4, [b], node_hash(a, b))
    with pytest.raises(Fault, match="too long"):
        verify_consistency(3, node_hash(b, node_hash(a, c)), 4, node_hash(b, node_hash(a, node_hash(c, d))), [c, d, a, b])
    with pytest.raises(Fault, match="too short"):
        verify_consistency(3, c, 4, node_hash(c, d), [c, d])
    with pytest.raises(Fault, match="is empty"):
        verify_consistency(3, a, 4, a, [])
    for size1, size2 in ((2, 1), (1, 0), (-1, 0), (-1, -1), (-2, 3)):
        with pytest.raises(Fault, match="does not continue"):
            verify_consistency(size1, root_of([]), size2, root_of([]), [])


def test_hashes_of_other_lengths_are_refused():
    for left, right in ((b"", bytes(32)), (bytes(31), bytes(33)), (bytes(32), bytes(31)), (bytes(64), b"")):
        with pytest.raises(Fault):
            node_hash(left, right)


# Proof files


def test_a_proof_of_the_checksum_database_is_verified():
    checkpoint = verify_proof_file(DATABASE_PROOF.encode(), DATABASE_RECORD, DATABASE_ORIGIN, keys(DATABASE))
    assert checkpoint.size == 58253265
    for record, origin, key in ((DATABASE_RECORD[:-1], DATABASE_ORIGIN, DATABASE), (DATABASE_RECORD, "sum.golang.org", DATABASE),
                                (DATABASE_RECORD, DATABASE_ORIGIN, EXAMPLE)):
        with pytest.raises(Fault):
            verify_proof_file(DATABASE_PROOF.encode(), record, origin, keys(key))


def test_a_proof_with_one_flipped_byte_is_refused(dice):
    proof = DATABASE_PROOF.encode()
    for place in range(len(proof)):
        with pytest.raises(Fault):
            verify_proof_file(flipped(proof, place, dice.randrange(1, 256)), DATABASE_RECORD, DATABASE_ORIGIN, keys(DATABASE))


@pytest.mark.parametrize("size", [1, 2, 7, 70])
def test_proofs_of_ones_own(size):
    note = checkpoint_note(size, MODEL.hash(0, size)).decode()
    for index in range(size):
        hashes = "".join(base64.b64encode(value).decode() + "\n" for value in MODEL.inclusion(index, 0, size))
        for extra in ("", "extra bm9ib2R5J3Mgd29yZA==\n", "extra \n"):
            proof = f"c2sp.org/tlog-proof@v1\n{extra}index {index}\n{hashes}\n{note}"
            assert verify_proof_file(proof.encode(), MODEL.entries[index], ORIGIN, keys()) == Checkpoint(ORIGIN, size, MODEL.hash(0, size))
            with pytest.raises(Fault):
                verify_proof_file(proof.encode(), MODEL.entries[(index + 1) % 71], ORIGIN, keys())


@pytest.mark.parametrize("old, new", [
    ("@v1", "@v2"), ("c2sp.org/tlog-proof@v1\n", ""), ("index 0\n", ""), ("index 0", "index 00"), ("index 0", "index  0"),
    ("index 0", "index 1"), ("index 0", "index "), ("index 0", "index -0"), ("index 0", "Index 0"), ("index 0", "extra AA=\nindex 0"),
    ("index 0", "extra AAAA\nextra AAAA\nindex 0"), ("index 0", "index 0\nextra AAAA"), ("index 0\n", "index 0"), ("\n", "\r\n"),
    ("index 0\n", "index 0\n\n"), ("index 0\n", "index 0\nAAAA\n"), ("index 0\n", f"index 0\n{base64.b64encode(bytes(32)).decode()}\n"),
])
def test_what_is_no_proof_is_refused(old, new):
    proof = f"c2sp.org/tlog-proof@v1\nindex 0\n\n{checkpoint_note(1, MODEL.hash(0, 1)).decode()}"
    verify_proof_file(proof.encode(), MODEL.entries[0], ORIGIN, keys())
    assert proof.replace(old, new) != proof
    with pytest.raises(Fault):
        verify_proof_file(proof.replace(old, new).encode(), MODEL.entries[0], ORIGIN, keys())


# Tiles


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def write_tiles(folder, tree, size):
    """As the text defines them: the n-th tile of a level begins with MTH(D[n * 256 * 256**l : (n * 256 + 1) * 256**l])."""
    for first in range(0, size, 256):
        bundle = tree.entries[first:min(size, first + 256)]
        write(folder / tile_path("entries", first // 256, len(bundle)), b"".join(len(entry).to_bytes(2, "big") + entry for entry in bundle))
    level, span = 0, 1
    while size >= span:
        for first in range(0, size // span, 256):
            hashes = [tree.hash(at * span, (at + 1) * span) for at in range(first, min(size // span, first + 256))]
            write(folder / tile_path(level, first // 256, len(hashes)), b"".join(hashes))
        level, span = level + 1, span * 256
    write(folder / "checkpoint", checkpoint_note(size, tree.hash(0, size)))


def tree_of(count):
    """Entries of all lengths: none, a few bytes, as many as the prefix can tell."""
    return Tree([b"", bytes(65_535)] + [b"%d" % number * (number % 7) for number in range(2, count)])


def files_of(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 1000, 65_536])
def test_folders_are_verified(tmp_path, size):
    tree = tree_of(max(size, 2))
    write_tiles(tmp_path, tree, size)
    assert verify_tiles(tmp_path, ORIGIN, keys()) == Checkpoint(ORIGIN, size, tree.hash(0, size))
    assert list(c2sp.entries(tmp_path, size)) == tree.entries[:size]
    # Whoever wants fewer gets fewer.
    assert list(c2sp.entries(tmp_path, size // 256 * 256)) == tree.entries[:size // 256 * 256]
    for origin, known in (("example.org/other", keys()), (ORIGIN, keys(EXAMPLE)), (ORIGIN, [])):
        with pytest.raises(Fault):
            verify_tiles(tmp_path, origin, known)


def test_the_tiles_of_seventy_thousand_are_those_of_the_text(tmp_path):
    write_tiles(tmp_path, tree_of(70_000), 70_000)
    assert verify_tiles(tmp_path, ORIGIN, keys()).size == 70_000
    names = {str(path.relative_to(tmp_path)) for path in files_of(tmp_path)}
    assert names == {"checkpoint", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1", *(
        f"tile/{kind}/{name}" for kind in ("0", "entries") for name in [*(f"{index:03}" for index in range(273)), "273.p/112"])}
    for level in ("tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1", "tile/0/272", "tile/entries/272"):
        data = (tmp_path / level).read_bytes()
        (tmp_path / level).write_bytes(flipped(data, len(data) // 2))
        with pytest.raises(Fault):
            verify_tiles(tmp_path, ORIGIN, keys())
        (tmp_path / level).write_bytes(data)


def test_paths():
    assert tile_path(3, 1_234_067) == "tile/3/x001/x234/067" and tile_path("entries", 1_000, 7) == "tile/entries/x001/000.p/7"
    assert tile_path(0, 0) == "tile/0/000" and tile_path(63, 999, 255) == "tile/63/999.p/255"


@pytest.mark.parametrize("size", [1, 3, 256, 600])
def test_every_byte_of_a_folder_counts(tmp_path, dice, size):
    write_tiles(tmp_path, Tree([b"entry %d" % number for number in range(size)]), size)
    for path in files_of(tmp_path):
        data = path.read_bytes()
        changes = [flipped(data, place, dice.randrange(1, 256)) for place in dice.sample(range(len(data)), min(len(data), 60))]
        for other in (*changes, data[:-1], data + data[:1], data + data, b""):
            path.write_bytes(other)
            with pytest.raises(Fault):
                verify_tiles(tmp_path, ORIGIN, keys())
        path.unlink()
        with pytest.raises(Fault, match="cannot read"):
            verify_tiles(tmp_path, ORIGIN, keys())
        path.write_bytes(data)
    verify_tiles(tmp_path, ORIGIN, keys())


def test_a_log_that_agrees_with_itself_is_still_another(tmp_path):
    tree, other = Tree([b"entry %d" % number for number in range(300)]), Tree([b"entry %d" % (number or 1) for number in range(300)])
    write_tiles(tmp_path, other, 300)
    write(tmp_path / "checkpoint", checkpoint_note(300, tree.hash(0, 300)))
    with pytest.raises(Fault, match="another root"):
        verify_tiles(tmp_path, ORIGIN, keys())


def test_a_full_tile_takes_the_place_of_a_partial_one(tmp_path):
    tree = Tree([b"entry %d" % number for number in range(600)])
    write_tiles(tmp_path, tree, 600)
    write_tiles(tmp_path, tree, 300)
    for kind in (0, "entries"):
        (tmp_path / tile_path(kind, 1, 44)).unlink()
    assert verify_tiles(tmp_path, ORIGIN, keys()).size == 300
    assert list(c2sp.entries(tmp_path, 300)) == tree.entries[:300]
    # A longer partial one does not: what a reader may ask for follows from the checkpoint.
    (tmp_path / tile_path(1, 0, 1)).unlink()
    with pytest.raises(Fault, match="cannot read"):
        verify_tiles(tmp_path, ORIGIN, keys())
