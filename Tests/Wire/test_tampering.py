"""A log that was imported, and copies of it that somebody was at: each way is found, and named."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import lmdb
import pytest

from daemon import ANNALS, ANNALSD, ROOT, Daemon, annals
from resp import Connection
from test_conversations import GITTER

SOUND, DAMAGED, TAMPERED = 0, 7, 8
TABLES = [b"trail", b"bodies", b"meta", b"ids", b"timeline", b"counts", b"holdings"]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The folder of a stopped daemon: real conversations where they are there, a sample elsewhere; some of it purged, and signed."""
    outside = tmp_path_factory.mktemp("outside") / "checkpoints"
    daemon = Daemon(checkpoint_file=outside, cool_off_hours=0).start(purge_automatic="no")
    try:
        if GITTER.exists():
            source = GITTER
            keep = "FreeCodeCamp/portugues"
        else:
            source = tmp_path_factory.mktemp("sample") / "sample.jsonl"
            source.write_bytes(subprocess.run([ROOT / "Deploy/sample.py"], capture_output=True, check=True).stdout)
            keep = "柜台"
        annals(daemon, "import", source, "--json")
        with Connection(daemon.socket, timeout=120) as connection:
            connection.call("HELLO", 3)
            tenant = connection.call("EVENTS.READ", "FROM", 1, "COUNT", 1)[0]["tenant"].decode()
            connection.call("AUDIT.CHECKPOINT")
            connection.call("RETENTION.SET", "TENANT", tenant, "CONVERSATION", keep, "forever", "REASON", "an archive")
            plan = connection.call("PURGE.PLAN", "TENANT", tenant)
            connection.call("PURGE.RUN", plan["plan"], "CONFIRM", plan["messages"])
            # It deletes what is destroyed, and whatever is in the files then counts.
            connection.call("COMPACT", "ALL", "MINGAIN", 0)
            connection.call("AUDIT.CHECKPOINT")
        assert daemon.stop() == 0
        daemon.outside = outside
        daemon.tenant = tenant
        yield daemon
    finally:
        daemon.clean_up()


@pytest.fixture
def copy(original, tmp_path):
    shutil.copytree(original.data, tmp_path / "copy")
    return tmp_path / "copy"


def verify(folder, *words):
    done = subprocess.run([ANNALS, "audit", "verify", folder, "--json", *words], capture_output=True, text=True, timeout=300)
    assert done.returncode in (SOUND, DAMAGED, TAMPERED), done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert {SOUND: "sound", DAMAGED: "damaged", TAMPERED: "tampered"}[done.returncode] == report["verdict"]
    assert done.stderr == ""
    return done.returncode, report


def partitions(folder):
    return sorted((folder / "partitions").glob("*.mdb"))


def opened(path):
    return lmdb.open(str(path), subdir=False, max_dbs=16, lock=False, map_size=1 << 32)


def rows(path, table):
    with opened(path) as environment:
        home = environment.open_db(table, create=False)
        with environment.begin(db=home) as transaction:
            return list(transaction.cursor())


def put(path, table, *changes):
    """Each change is a key and its new value, or nothing."""
    with opened(path) as environment:
        home = environment.open_db(table, create=False)
        with environment.begin(db=home, write=True) as transaction:
            for key, value in changes:
                if value is None:
                    assert transaction.delete(key)
                else:
                    assert transaction.put(key, value)


def flipped(data, place, dice):
    return data[:place] + bytes([data[place] ^ 1 << dice.randrange(8)]) + data[place + 1:]


def test_the_log_itself_is_sound(original):
    code, report = verify(original.data, "--checkpoints", original.outside, "--bodies")
    assert report["findings"] == []
    assert code == SOUND
    assert report["bodies"] + report["purged"] == report["messages"] and report["purged"] > 0
    assert report["opened"] == report["bodies"] > 0
    assert report["checkpoints"] == report["compared"] >= 4
    text = subprocess.run([ANNALS, "audit", "verify", original.data], capture_output=True, text=True, check=True).stdout
    assert "sound" in text and f"#{report['end']}" in text


def test_a_log_that_a_daemon_has_open_is_sound(original, make_daemon, copy):
    daemon = make_daemon()
    shutil.copytree(copy, daemon.data)
    daemon.start(purge_automatic="no")
    with Connection(daemon.socket) as connection:
        connection.call("SEND", "t", "c", "ann", "*", "now")
        connection.call("AUDIT.CHECKPOINT")
        code, report = verify(daemon.data)
        assert (code, report["live"], report["findings"]) == (SOUND, True, [])
        connection.call("COMPACT", "ALL", "MINGAIN", 0)
        assert verify(daemon.data)[0] == SOUND


@pytest.mark.parametrize("table", TABLES, ids=[table.decode() for table in TABLES])
def test_a_byte_flipped_in_a_table(copy, table, dice):
    """Of each partition, or of a dozen: the finding names the file, or the event."""
    some = [path for path in partitions(copy) if rows(path, table)]
    for path in dice.sample(some, min(12, len(some))):
        whole = path.read_bytes()
        key, value = dice.choice(rows(path, table))
        place = dice.randrange(len(value) or len(key))
        if value:
            put(path, table, (key, flipped(value, place, dice)))
        else:
            put(path, table, (key, None), (flipped(key, place, dice), b""))
        code, report = verify(copy, "--bodies")
        assert code != SOUND, (path.name, key.hex(), place)
        position = int.from_bytes(key) if table in (b"trail", b"bodies") else None
        assert any(
            path.name in finding["where"] or position and (finding["first"] or 0) <= position <= (finding["last"] or 0)
            for finding in report["findings"]), (path.name, key.hex(), place, report["findings"])
        path.write_bytes(whole)


def in_rows(path, data):
    """Where each row of each table is in a partition's file: its own bytes, whose change is a change of the row."""
    return [data.index(row) for table in TABLES for pair in rows(path, table) for row in pair if len(row) > 16 and row in data]


def test_a_byte_flipped_in_the_file_itself(copy, dice):
    """Found, unless it is in bytes that no row of any table is in; and nothing crashes.

    Most of a small file is in no row, so every other flip is at one.
    """
    found = 0
    for turn in range(24):
        path = dice.choice(partitions(copy))
        whole = path.read_bytes()
        before = [rows(path, table) for table in TABLES]
        place = dice.choice(in_rows(path, whole)) if turn % 2 else dice.randrange(2 * 4096, len(whole))
        path.write_bytes(flipped(whole, place, dice))
        done = subprocess.run([ANNALS, "audit", "verify", copy, "--json", "--bodies"], capture_output=True, text=True, timeout=300)
        assert done.returncode in (SOUND, DAMAGED, TAMPERED), f"{path.name} at {place}: {done.returncode} {done.stderr}"
        if done.returncode == SOUND:
            assert [rows(path, table) for table in TABLES] == before, f"{path.name} at {place} is another file, and was called sound"
        else:
            found += 1
        path.write_bytes(whole)
    assert found >= 6


def test_a_record_replaced(copy):
    path = partitions(copy)[0]
    key, record = rows(path, b"trail")[0]
    put(path, b"trail", (key, record[:-1] + bytes([record[-1] ^ 1])))
    code, report = verify(copy)
    assert code == TAMPERED
    assert report["findings"][0]["first"] <= int.from_bytes(key) <= report["findings"][0]["last"]


def test_a_record_replaced_and_hashed_again_up_the_tree(copy):
    path = partitions(copy)[0]
    key, record = rows(path, b"trail")[0]
    put(path, b"trail", (key, record[:-1] + bytes([record[-1] ^ 1])))
    (copy / "state.mdb").unlink()
    subprocess.run([ANNALSD, "rebuild", "--data", copy], capture_output=True, check=True)
    code, report = verify(copy)
    assert code == TAMPERED
    assert "was signed for" in report["findings"][0]["what"]


def test_two_records_exchanged(copy):
    path = next(path for path in partitions(copy) if len(rows(path, b"trail")) > 1)
    (first, one), (second, other) = rows(path, b"trail")[:2]
    # Each with the other's position, at byte 4, so that nothing but the tree can tell.
    put(path, b"trail", (first, other[:4] + first + other[12:]), (second, one[:4] + second + one[12:]))
    assert verify(copy)[0] == TAMPERED


def test_the_end_cut_off(original, make_daemon, copy, tmp_path):
    daemon = make_daemon(checkpoint_file=tmp_path / "kept")
    shutil.copytree(copy, daemon.data)
    daemon.start(purge_automatic="no")
    with Connection(daemon.socket) as connection:
        connection.call("SEND", "t", "c", "ann", "*", "now")
        connection.call("AUDIT.CHECKPOINT")
    assert daemon.stop() == 0
    assert verify(copy)[0] == SOUND
    code, report = verify(copy, "--checkpoints", tmp_path / "kept")
    assert code == TAMPERED
    assert "its end was cut off" in report["findings"][0]["what"]


def test_a_partition_removed(copy):
    path = partitions(copy)[3]
    path.unlink()
    code, report = verify(copy)
    assert code == DAMAGED
    assert any("nowhere" in finding["what"] and finding["first"] for finding in report["findings"])


@pytest.mark.parametrize("way", ["removed", "zeroed"])
def test_the_partition_of_the_receipts_lost_accuses_nobody(copy, way):
    """With it the receipts are gone, so of bodies that are gone nobody can tell; the file is what is to be restored."""
    path = partitions(copy)[-1]
    if way == "removed":
        path.unlink()
    else:
        with open(path, "r+b") as file:
            file.write(bytes(2 * 4096))
    code, report = verify(copy, "--bodies")
    assert code == DAMAGED, report["findings"][:3]
    assert not any("no receipt says" in finding["what"] or "says that it was destroyed" in finding["what"] for finding in report["findings"])
    assert any("was not judged" in note and "bodies" in note for note in report["notes"])


def test_what_the_verifier_may_not_do_is_no_finding(copy):
    """A limit of the process, or a right that it lacks, is told, and nothing is said of the log."""
    few = subprocess.run(["prlimit", "--nofile=64:64", ANNALS, "audit", "verify", copy], capture_output=True, text=True)
    assert few.returncode == 5 and "open files" in few.stderr
    small = subprocess.run(["prlimit", f"--as={1 << 36}", ANNALS, "audit", "verify", copy], capture_output=True, text=True)
    assert small.returncode == 5 and "address space" in small.stderr
    assert verify(copy)[0] == SOUND


def test_a_file_that_the_verifier_may_not_read_is_no_finding(copy):
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    if os.geteuid() != 0 or subprocess.run([*nobody, ANNALS, "--version"], capture_output=True).returncode:
        pytest.skip("needs root, and a program that everybody may run")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        foreign = shutil.copytree(copy, pathlib.Path(folder) / "copy")
        subprocess.run(["chmod", "-R", "a+rX", foreign], check=True)
        path = partitions(foreign)[0]
        path.chmod(0)
        done = subprocess.run([*nobody, ANNALS, "audit", "verify", foreign], capture_output=True, text=True)
        assert done.returncode == 5 and path.name in done.stderr, done


def test_a_partition_exchanged_with_an_older_copy(original, make_daemon, copy, tmp_path):
    daemon = make_daemon()
    shutil.copytree(copy, daemon.data)
    daemon.start(purge_automatic="no")
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        at = connection.call("EVENTS.READ", "FROM", 1, "COUNT", 1)[0]["at"]
        connection.call("SEND", original.tenant, "c", "ann", "another", "of that day", "AT", at)
        connection.call("AUDIT.CHECKPOINT")
    assert daemon.stop() == 0
    assert verify(daemon.data)[0] == SOUND
    name = time.strftime("%Y-%m-%d.mdb", time.gmtime(at / 1000))
    shutil.copy(copy / "partitions" / name, daemon.data / "partitions" / name)
    code, report = verify(daemon.data)
    assert code != SOUND
    assert any("nowhere" in finding["what"] for finding in report["findings"])


def test_a_receipt_removed(copy):
    path = partitions(copy)[-1]
    receipts = [(key, record) for key, record in rows(path, b"trail") if record[1] == rows_kind(path)]
    assert receipts
    put(path, b"trail", *[(key, None) for key, _ in receipts])
    code, report = verify(copy)
    assert code == TAMPERED
    assert any("no receipt says" in finding["what"] for finding in report["findings"])


def rows_kind(path):
    """The kind's number of a receipt: that of the last event of the log but for none behind it."""
    return rows(path, b"trail")[-1][1][1]


def test_a_checkpoint_forged(copy):
    file = copy / "audit/checkpoints"
    notes = file.read_bytes()
    text, _, rest = notes.partition(b"\n\n")
    origin, size, root = text.split(b"\n")
    forged = b"\n".join([origin, size, root[:5] + (b"A" if root[5:6] != b"A" else b"B") + root[6:]])
    file.write_bytes(forged + b"\n\n" + rest)
    code, report = verify(copy)
    assert code == TAMPERED
    assert report["findings"][0]["where"].endswith("audit/checkpoints")


def test_a_checkpoint_taken_out_is_told_where_it_is_kept_elsewhere(original, copy):
    file = copy / "audit/checkpoints"
    kept = original.outside.read_bytes()
    notes = file.read_bytes()
    first = notes.index(b"\n\n") + 2
    end = notes.index(b"\n", first) + 1
    second = notes[end:].lstrip(b"\n")
    assert second and kept.count(b"\n\n") >= 2
    file.write_bytes(second)
    code, report = verify(copy, "--checkpoints", original.outside)
    assert code == SOUND
    assert any("lacks 1 of the checkpoints that were kept elsewhere" in note for note in report["notes"]), report["notes"]


def test_a_body_exchanged_with_another(copy):
    path = next(path for path in reversed(partitions(copy)) if len(rows(path, b"bodies")) > 1)
    (first, one), (second, other) = rows(path, b"bodies")[:2]
    put(path, b"bodies", (first, other), (second, one))
    code, report = verify(copy, "--bodies")
    assert code == TAMPERED
    # Neighbours share a finding.
    found = [(finding["first"], finding["last"]) for finding in report["findings"] if finding["first"]]
    for key in (first, second):
        assert any(start <= int.from_bytes(key) <= end for start, end in found), found


def test_a_root_key_that_is_wrong_is_told_and_is_no_finding(copy):
    key = copy / "vault/root.key"
    key.chmod(0o600)
    key.write_text("ab" * 32 + "\n")
    done = subprocess.run([ANNALS, "audit", "verify", copy, "--bodies"], capture_output=True, text=True)
    assert done.returncode == 5
    assert "root key" in done.stderr
    assert verify(copy)[0] == SOUND


def test_what_is_no_archive_is_told(tmp_path):
    done = subprocess.run([ANNALS, "audit", "verify", tmp_path], capture_output=True, text=True)
    assert (done.returncode, "is no archive" in done.stderr) == (5, True)
    environment = {key: value for key, value in os.environ.items() if key != "ANNALS_DATA"}
    done = subprocess.run([ANNALS, "audit", "verify"], capture_output=True, text=True, env=environment)
    assert done.returncode == 2
