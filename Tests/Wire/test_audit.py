"""What can be proved of a log, checked by a verifier that shares nothing with the daemon."""

import base64
import json
import shutil

import pytest

import c2sp
from daemon import annals
from resp import Connection, Refused
from test_purges import OLD, wait_for

COUNT = 700


def fill(connection, count, start=0):
    for number in range(start, start + count):
        tenant = "kept" if number % 5 < 2 else "gone"
        connection.call("SEND", tenant, f"c{number % 7}", f"s{number % 3}", f"m-{number}", f"message {number}", "AT", OLD + number)


@pytest.fixture
def log(make_daemon, tmp_path):
    """A daemon that keeps its checkpoints in a second place as well."""
    daemon = make_daemon(checkpoint_file=tmp_path / "checkpoints", cool_off_hours=0).start(purge_automatic="no")
    daemon.outside = tmp_path / "checkpoints"
    return daemon


def keys_of(connection):
    return [c2sp.parse_verifier_key(key.decode()) for key in connection.call("AUDIT.KEYS")]


def opened(note, keys):
    return c2sp.parse_checkpoint(c2sp.verify_note(note, keys))


def kept_checkpoints(path, keys):
    """Notes with an empty line behind each."""
    parts = path.read_bytes().split(b"\n\n")
    assert parts.pop() == b""
    return [opened(text + b"\n\n" + signatures + b"\n", keys) for text, signatures in zip(parts[::2], parts[1::2])]


def proof_of(connection, position, *words):
    proof = connection.call("AUDIT.PROVE", position, *words)
    c2sp.verify_inclusion(
        bytes.fromhex(proof["leaf"].decode()), proof["index"], proof["size"], [bytes.fromhex(h.decode()) for h in proof["hashes"]],
        bytes.fromhex(proof["root"].decode()))
    return proof


def check_growth(connection, earlier, later):
    answer = connection.call("AUDIT.CONSISTENCY", earlier.size, later.size)
    assert bytes.fromhex(answer["old-root"].decode()) == earlier.root
    assert bytes.fromhex(answer["new-root"].decode()) == later.root
    c2sp.verify_consistency(
        earlier.size, earlier.root, later.size, later.root, [bytes.fromhex(h.decode()) for h in answer["hashes"]])


def test_proofs_outlive_a_purge_of_most_of_the_log(log, dice):
    with Connection(log.socket) as connection:
        connection.call("HELLO", 3)
        connection.call("RETENTION.SET", "TENANT", "kept", "forever", "REASON", "law", "AT", OLD)
        keys = keys_of(connection)
        proofs, sizes = [], []
        for batch in range(7):
            fill(connection, COUNT // 7, batch * COUNT // 7)
            checkpoint = connection.call("AUDIT.CHECKPOINT")
            head = opened(checkpoint["checkpoint"], keys)
            assert (head.size, head.root.hex()) == (checkpoint["size"], checkpoint["root"].decode())
            sizes.append(head)
            for _ in range(20):
                proofs.append(proof_of(connection, dice.randint(1, head.size)))
        plan = connection.call("PURGE.PLAN", "TENANT", "gone")
        assert plan["messages"] == COUNT * 3 // 5
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", plan["messages"])
        wait_for(lambda: connection.call("PURGE.STATUS")["state"] == b"idle")
        connection.call("COMPACT", "ALL", "MINGAIN", 0)
        # Each proof from before, as it was given, and as it is given now.
        for proof in proofs:
            head = c2sp.verify_proof_file(proof["proof"], proof["record"], sizes[0].origin, keys)
            assert head.size == proof["size"]
            again = proof_of(connection, proof["position"], "SIZE", proof["size"])
            assert (again["proof"], again["record"]) == (proof["proof"], proof["record"])
        # The purge itself was signed, without being asked for.
        kept = kept_checkpoints(log.outside, keys)
        wait_for(lambda: kept_checkpoints(log.outside, keys)[-1].size > sizes[-1].size)
        kept = kept_checkpoints(log.outside, keys)
        # Besides them one of the start, if the daemon came to look when there was an event already.
        assert [head for head in kept if 1 < head.size <= sizes[-1].size] == sizes
        for earlier, later in zip(kept, kept[1:]):
            check_growth(connection, earlier, later)
            check_growth(connection, earlier, kept[-1])
        with pytest.raises(c2sp.Fault):
            c2sp.verify_proof_file(proofs[0]["proof"], proofs[0]["record"] + b"x", sizes[0].origin, keys)


def test_proofs_of_any_size_and_place(log, dice):
    with Connection(log.socket) as connection:
        connection.call("HELLO", 3)
        fill(connection, 300)
        for _ in range(60):
            size = dice.randint(1, 300)
            position = dice.randint(1, size)
            proof = proof_of(connection, position, "SIZE", size)
            # Whole only with a checkpoint, and of a few sizes there is one.
            assert proof["size"] == size and (proof["proof"] is None or b"\n%d\n" % size in proof["proof"])
            assert c2sp.leaf_hash(proof["record"]) == bytes.fromhex(proof["leaf"].decode())
        heads = [c2sp.Checkpoint("", 0, c2sp.root_of([]))]
        for size in sorted(dice.sample(range(1, 301), 12)):
            answer = connection.call("AUDIT.CONSISTENCY", 0, size)
            heads.append(c2sp.Checkpoint("", size, bytes.fromhex(answer["new-root"].decode())))
        for earlier, later in zip(heads, heads[1:]):
            check_growth(connection, earlier, later)


def test_a_restart_and_a_kill_sign_on_where_they_were(log):
    heads = []
    for round_ in range(4):
        with Connection(log.socket) as connection:
            connection.call("HELLO", 3)
            fill(connection, 70, round_ * 70)
            keys = keys_of(connection)
            heads.append(opened(connection.call("AUDIT.CHECKPOINT")["checkpoint"], keys))
        if round_ % 2:
            log.kill()
        else:
            assert log.stop() == 0
        log.start(purge_automatic="no")
    with Connection(log.socket) as connection:
        connection.call("HELLO", 3)
        for earlier, later in zip(heads, heads[1:]):
            check_growth(connection, earlier, later)
        assert kept_checkpoints(log.outside, keys) == kept_checkpoints(log.data / "audit/checkpoints", keys)


def test_what_makes_no_sense_is_refused(log):
    with Connection(log.socket) as connection:
        connection.call("HELLO", 3)
        assert connection.call("AUDIT.CHECKPOINT")["size"] == 0
        fill(connection, 3)
        for words, sentence in [
            (("AUDIT.PROVE", 0), "BADARG position must be"), (("AUDIT.PROVE", 4), "BADARG 4 is beyond the log's end, 3"),
            (("AUDIT.PROVE", 2, "SIZE", 1), "BADARG SIZE must be at least the position"), (("AUDIT.PROVE", 2, "SIZE", 9), "BADARG 9 is"),
            (("AUDIT.PROVE", 2, "SIZES", 3), "BADARG AUDIT.PROVE needs"), (("AUDIT.CONSISTENCY", 2, 1), "BADARG the old size, 2"),
            (("AUDIT.CONSISTENCY", 2, 4), "BADARG 4 is beyond"), (("AUDIT.CONSISTENCY", "x"), "BADARG old must be"),
        ]:
            with pytest.raises(Refused, match=sentence):
                connection.call(*words)


def test_it_is_for_auditors_and_the_keys_are_for_everybody(make_daemon):
    daemon = make_daemon().start(auditors="12345")
    with Connection(daemon.socket) as connection:
        assert len(connection.call("AUDIT.KEYS")) == 1
        for words in [("AUDIT.CHECKPOINT",), ("AUDIT.PROVE", 1), ("AUDIT.CONSISTENCY", 0)]:
            with pytest.raises(Refused, match="^DENIED"):
                connection.call(*words)


def test_tiles_are_read_by_another_verifier_and_grow(log, tmp_path):
    tiles = tmp_path / "tiles"
    with Connection(log.socket) as connection:
        connection.call("HELLO", 3)
        keys = keys_of(connection)
        written = []
        for start, count in [(0, 300), (300, 1), (301, 811)]:
            fill(connection, count, start)
            head = opened(connection.call("AUDIT.CHECKPOINT")["checkpoint"], keys)
            summary = json.loads(annals(log, "audit", "tiles", tiles, "--data", log.data, "--json").stdout)
            assert (summary["size"], summary["left-out"]) == (head.size, 0)
            assert c2sp.verify_tiles(tiles, head.origin, keys) == head
            written.append(summary["tiles"] + summary["bundles"])
        # The second time, only what is at the edge.
        assert written[1] < written[0]
        entries = list(c2sp.entries(tiles, head.size))
        for position in (1, 256, 257, 700, head.size):
            assert connection.call("AUDIT.PROVE", position)["record"] == entries[position - 1]


@pytest.fixture
def tiled(log, tmp_path):
    """Its tiles, and the key to check them."""
    tiles = tmp_path / "tiles"
    with Connection(log.socket) as connection:
        connection.call("HELLO", 3)
        fill(connection, 600)
        connection.call("AUDIT.CHECKPOINT")
        log.keys = keys_of(connection)
    log.tiles = tiles
    log.write_tiles = lambda *words, data=log.data: annals(log, "audit", "tiles", tiles, "--data", data, *words, check=False)
    assert log.write_tiles().returncode == 0
    log.first = {path: path.read_bytes() for path in tiles.rglob("*") if path.is_file()}
    return log


def refused(done, *sentences):
    assert done.returncode == 5 and all(sentence in done.stderr for sentence in sentences), done.stderr


def test_tiles_that_were_overwritten_are_written_anew_and_named(tiled):
    places = ["tile/0/001", "tile/entries/000", "tile/1/000.p/2"]
    for place in places:
        path = tiled.tiles / place
        path.write_bytes(bytes(path.stat().st_size))
    assert json.loads(tiled.write_tiles("--json").stdout)["replaced"] == ["tile/entries/000", "tile/0/001", "tile/1/000.p/2"]
    assert {path: path.read_bytes() for path in tiled.first} == tiled.first
    summary = json.loads(tiled.write_tiles("--json").stdout)
    assert (summary["tiles"], summary["bundles"], summary["replaced"]) == (0, 0, [])
    (tiled.tiles / "tile/0/001").write_bytes(b"")
    assert "tile/0/001, which held something else" in " ".join(tiled.write_tiles().stdout.split())


def test_tiles_of_another_log_are_refused_and_left_as_they_are(tiled, make_daemon):
    other = make_daemon(cool_off_hours=0).start(purge_automatic="no")
    with Connection(other.socket) as connection:
        fill(connection, 700)
        connection.call("AUDIT.CHECKPOINT")
    own, foreign = (json.loads((daemon.data / "annals.json").read_text())["origin"] for daemon in (tiled, other))
    refused(tiled.write_tiles(data=other.data), str(tiled.tiles / "checkpoint"), own, foreign)
    assert {path: path.read_bytes() for path in tiled.tiles.rglob("*") if path.is_file()} == tiled.first
    # Without the checkpoint nobody knows whose they are.
    (tiled.tiles / "checkpoint").unlink()
    refused(tiled.write_tiles(data=other.data), "tile/0/000", foreign)
    assert json.loads(tiled.write_tiles("--json").stdout)["tiles"] == 0
    assert {path: path.read_bytes() for path in tiled.first} == tiled.first


def test_tiles_of_another_history_are_refused_and_left_as_they_are(tiled, tmp_path):
    """The folder was rolled back, and went on otherwise."""
    assert tiled.stop() == 0
    shutil.copytree(tiled.data, tmp_path / "older")
    tiled.start(purge_automatic="no")
    with Connection(tiled.socket) as connection:
        fill(connection, 1, 600)
        connection.call("AUDIT.CHECKPOINT")
    assert tiled.write_tiles().returncode == 0
    newer = {path: path.read_bytes() for path in tiled.tiles.rglob("*") if path.is_file()}
    refused(tiled.write_tiles(data=tmp_path / "older"), "is of 601 events", "of 600 only")
    assert tiled.stop() == 0
    shutil.rmtree(tiled.data)
    shutil.move(tmp_path / "older", tiled.data)
    tiled.outside.unlink()
    tiled.start(purge_automatic="no")
    with Connection(tiled.socket) as connection:
        fill(connection, 300, 2000)
        connection.call("AUDIT.CHECKPOINT")
    refused(tiled.write_tiles(), "another root at 601", str(tiled.data))
    assert {path: path.read_bytes() for path in tiled.tiles.rglob("*") if path.is_file()} == newer


def test_a_checkpoint_that_the_log_did_not_sign_is_not_published(tiled):
    with Connection(tiled.socket) as connection:
        fill(connection, 1, 600)
        connection.call("AUDIT.CHECKPOINT")
    kept = tiled.data / "audit" / "checkpoints"
    lines = kept.read_bytes().split(b"\n")
    signature = base64.b64decode(lines[-3].split(b" ")[2])
    lines[-3] = b" ".join(lines[-3].split(b" ")[:2] + [base64.b64encode(signature[:-1] + bytes([signature[-1] ^ 1]))])
    kept.write_bytes(b"\n".join(lines))
    refused(tiled.write_tiles(), str(kept), "signature")
    assert {path: path.read_bytes() for path in tiled.tiles.rglob("*") if path.is_file()} == tiled.first


def test_tiles_need_a_folder(tiled):
    empty = annals(tiled, "audit", "tiles", "", "--data", tiled.data, check=False)
    assert (empty.returncode, "an empty name is none" in empty.stderr) == (2, True)


def test_the_command_line_proves(log, tmp_path):
    with Connection(log.socket) as connection:
        fill(connection, 10)
    key = c2sp.parse_verifier_key(annals(log, "audit", "keys").stdout.strip())
    note = annals(log, "audit", "checkpoint").stdout.encode()
    head = opened(note, [key])
    assert head.size == 10
    proof, record = tmp_path / "proof", tmp_path / "record"
    annals(log, "audit", "prove", 7, "--to", proof, "--record", record)
    assert c2sp.verify_proof_file(proof.read_bytes(), record.read_bytes(), head.origin, [key]) == head
    assert annals(log, "audit", "prove", 7).stdout.encode() == proof.read_bytes()
    assert annals(log, "audit", "consistency", 4).stdout.count("hash ") == 2
    beyond = annals(log, "audit", "prove", 99, check=False)
    assert (beyond.returncode, "beyond the log's end" in beyond.stderr) == (1, True)


def test_the_life_of_a_message_is_proved_event_by_event_also_after_its_content_is_gone(log, tmp_path):
    with Connection(log.socket) as connection:
        connection.call("HELLO", 3)
        fill(connection, 10)
        connection.call("LOCALDELETE", "kept", "c0", "ben", "ID", "m-0")
        connection.call("HOLD.PLACE", "h", "TENANT", "kept", "MATTER", "7", "REASON", "court")
        connection.call("HOLD.RELEASE", "h", "REASON", "settled")
        plan = connection.call("PURGE.PLAN", "TENANT", "kept")
        receipt = connection.call("PURGE.RUN", plan["plan"], "CONFIRM", plan["messages"])
        [key] = keys_of(connection)
    words = ["history", "kept", "m-0", "--reason", "an audit", "--proofs", tmp_path / "proofs"]
    history = json.loads(annals(log, *words, "--json").stdout)
    assert history["message"]["body"] is None
    kinds = {event["position"]: event["kind"] for event in history["events"]}
    assert {"send", "local-delete", "hold-place", "hold-release", "purge-intent", "purge"} <= set(kinds.values())
    assert kinds[receipt] == "purge"
    for position in kinds:
        proof, record = (tmp_path / "proofs" / f"{position}.{end}" for end in ("proof", "record"))
        assert c2sp.verify_proof_file(proof.read_bytes(), record.read_bytes(), key.name, [key]).size >= position


def test_proofs_of_no_message_make_no_folder(log, tmp_path):
    done = annals(log, "history", "kept", "m-0", "--reason", "an audit", "--proofs", tmp_path / "proofs", check=False)
    assert (done.returncode, (tmp_path / "proofs").exists()) == (1, False)


def test_a_new_key_signs_on(log):
    with Connection(log.socket) as connection:
        connection.call("HELLO", 3)
        fill(connection, 3)
        old = connection.call("AUDIT.CHECKPOINT")["checkpoint"]
    assert log.stop() == 0
    key = log.run("rotate-signing-key").strip()
    log.start(purge_automatic="no")
    with Connection(log.socket) as connection:
        connection.call("HELLO", 3)
        assert connection.call("AUDIT.KEYS")[-1].decode() == key
        keys = keys_of(connection)
        fill(connection, 1, 3)
        assert opened(connection.call("AUDIT.CHECKPOINT")["checkpoint"], keys[1:]).size == 4
        assert opened(old, keys[:1]).size == 3


def test_the_status_tells_of_a_file_that_cannot_be_written(make_daemon, tmp_path):
    daemon = make_daemon(checkpoint_file=tmp_path / "checkpoints").start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        fill(connection, 1)
        (tmp_path / "checkpoints").unlink(missing_ok=True)
        (tmp_path / "checkpoints").mkdir()
        fill(connection, 1, 1)
        with pytest.raises(Refused, match="^FAILED no checkpoint can be signed"):
            connection.call("AUDIT.CHECKPOINT")
        assert b"checkpoints: is no regular file" in connection.call("STATS")["checkpoint-error"]
        assert "is no regular file" in daemon.log_text()
        (tmp_path / "checkpoints").rmdir()
        assert connection.call("AUDIT.CHECKPOINT")["size"] == 2
        assert connection.call("STATS")["checkpoint-error"] is None


@pytest.mark.parametrize("place, sentence", [("data/checkpoints", "in the data folder"), ("nowhere/checkpoints", "is not there")])
def test_a_place_for_checkpoints_that_is_none_is_refused(make_daemon, place, sentence):
    daemon = make_daemon()
    daemon.data.mkdir()
    with pytest.raises(AssertionError, match=sentence):
        daemon.start(checkpoint_file=daemon.folder / place)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_into_the_data_folder_is_no_place_for_checkpoints(make_daemon, is_there):
    daemon = make_daemon()
    daemon.data.mkdir()
    if is_there:
        daemon.start()
        assert daemon.stop() == 0
        (daemon.data / "kept").touch()
    (daemon.folder / "one").symlink_to("two")
    (daemon.folder / "two").symlink_to(daemon.data / "kept")
    with pytest.raises(AssertionError, match="in the data folder"):
        daemon.start(checkpoint_file=daemon.folder / "one")
