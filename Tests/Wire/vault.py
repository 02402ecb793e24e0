"""Reads a vault as an attacker with everything would: the keyring's boxes, opened with the root key.

The format is that of the page DataFile; nothing here is shared with the daemon.
"""

import hashlib
import struct

from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt
from nacl.exceptions import CryptoError

MASK = 0x414B5242


def root_key(data):
    return bytes.fromhex((data / "vault/root.key").read_text().strip())


def body_keys(data, root=None, keyring=None):
    """Key id -> the key's 32 bytes. Raises `CryptoError` when the root key does not open the keyring."""
    blob = (keyring or data / "vault/keyring").read_bytes()
    root = root or root_key(data)
    assert blob[:8] == b"ANNALSKR"
    boxes = struct.unpack(">I", blob[12:16])[0]
    head = blob[:41 + blob[40]]
    keys, offset, number = {}, len(head), 0
    while offset < len(blob):
        length, check = struct.unpack(">II", blob[offset:offset + 8])
        assert length ^ MASK == check
        box = blob[offset + 8:offset + 8 + length]
        plain = crypto_aead_xchacha20poly1305_ietf_decrypt(box[24:], head + struct.pack(">Q", number), box[:24], root)
        place = 0
        while place < len(plain):
            (key_id,) = struct.unpack(">Q", plain[place:place + 8])
            keys[key_id] = plain[place + 12:place + 44]
            tenant = plain[place + 44]
            conversation = plain[place + 45 + tenant]
            place += 46 + tenant + conversation
        offset += 8 + length
        number += 1
    assert number >= boxes
    return keys


def opens(root, keyring):
    try:
        body_keys(None, root, keyring)
        return True
    except CryptoError:
        return False


def files_with(folder, needle):
    """The files below a folder in which some bytes stand, wherever: in use, in free pages, in padding."""
    return [str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file() and needle in path.read_bytes()]


def digest(data):
    return hashlib.sha256(data).hexdigest()
