"""The second copy of the keys: kept while the daemon runs, replaced by a purge, opened where the secret is."""

import os
import shutil
import stat
import subprocess

import pytest

from daemon import ANNALSD, annals
from resp import Closed, Connection, Refused
from test_purges import fill, idle, state, wait_for
from test_start_and_stop import refused
from vault import body_keys, files_with, root_key


def escrow(*words, check=True):
    done = subprocess.run([ANNALSD, *map(str, words)], capture_output=True, text=True, timeout=60)
    assert not check or done.returncode == 0, done.stderr
    return done


@pytest.fixture
def place(tmp_path):
    """A folder for the escrow, the secret key, and the settings."""
    (tmp_path / "elsewhere").mkdir()
    secret = tmp_path / "secret"
    public = escrow("escrow-key", "--to", secret).stdout.strip()
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600 and len(public) == 64
    return tmp_path, {"escrow_file": tmp_path / "elsewhere/escrow", "escrow_public_key": public}


def lose_and_restore(daemon, folder):
    shutil.rmtree(daemon.data / "vault")
    return escrow("escrow-open", folder / "elsewhere/escrow", "--key", folder / "secret", "--to", daemon.data / "vault").stdout


def test_what_is_lost_is_restored_but_for_what_was_destroyed(make_daemon, place):
    folder, settings = place
    daemon = make_daemon(purge_automatic="no", **settings).start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        fill(connection, "old")
        connection.call("SEND", "live", "c", "ann", "m", "stays")
    assert daemon.stop() == 0
    said = lose_and_restore(daemon, folder)
    assert "2 keys" in said
    assert stat.S_IMODE((daemon.data / "vault/root.key").stat().st_mode) == 0o600
    before = folder / "before"
    shutil.copy(settings["escrow_file"], before)
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        assert connection.call("MESSAGE.HISTORY", "old", "c-3", "REASON", "audit")["message"]["body"] == b"body old c 3"
        plan = connection.call("PURGE.PLAN")
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)
        status = connection.call("PURGE.STATUS")
        assert status["escrow"] == b"kept" and status["escrow-at"] > 0 and status["escrow-reason"] is None
        assert connection.call("STATS")["escrow"] == b"kept"
        assert "escrow" in annals(daemon, "purge", "status").stdout
    assert daemon.stop() == 0
    assert "1 keys" in lose_and_restore(daemon, folder)
    # Neither the escrow nor anything else here opens without the secret, and it is not on this machine's data.
    keys, root = body_keys(daemon.data), root_key(daemon.data)
    for needle in [*keys.values(), root, root.hex().encode()]:
        assert files_with(folder / "elsewhere", needle) == []
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        assert connection.call("MESSAGE.GET", "live", "m")["body"] == b"stays"
        assert state(connection, "old", "c-3") == "purged"
    assert daemon.stop() == 0
    # That is why only the newest may be kept: the one before opens what was destroyed.
    assert before.read_bytes() != settings["escrow_file"].read_bytes()
    assert "2 keys" in escrow("escrow-open", before, "--key", folder / "secret", "--to", folder / "again").stdout


def test_nothing_is_written_over_and_another_secret_opens_nothing(make_daemon, place):
    folder, settings = place
    daemon = make_daemon(**settings).start()
    assert daemon.stop() == 0
    file, secret, vault = settings["escrow_file"], folder / "secret", daemon.data / "vault"
    content = {path: path.read_bytes() for path in vault.iterdir()}
    assert "is there already" in escrow("escrow-key", "--to", secret, check=False).stderr
    assert escrow("escrow-open", file, "--key", secret, "--to", vault, check=False).returncode == 1
    assert {path: path.read_bytes() for path in vault.iterdir()} == content
    # What fails leaves nothing behind, so that it can be tried again.
    words = ["escrow-open", file, "--key", secret, "--to", folder / "restored"]
    assert escrow(*words, "--root-key-file", folder / "nowhere/root.key", check=False).returncode == 1
    assert sorted(os.listdir(folder / "restored")) == []
    escrow(*words)
    assert sorted(os.listdir(folder / "restored")) == ["keyring", "root.key"]
    other = folder / "other"
    escrow("escrow-key", "--to", other)
    done = escrow("escrow-open", file, "--key", other, "--to", folder / "again", check=False)
    assert done.returncode == 1 and settings["escrow_public_key"] in done.stderr and not (folder / "again").exists()
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    done = escrow("escrow-open", file, "--key", secret, "--to", folder / "again", check=False)
    assert done.returncode == 1 and "damaged" in done.stderr and not (folder / "again").exists()
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("change, complaint", [
    ({"escrow_public_key": "abc"}, "64 hexadecimal digits"), ({"escrow_public_key": ""}, "belong together"),
    ({"escrow_file": ""}, "belong together"), ({"escrow_file": "/nowhere/escrow"}, "is not there"), ({"escrow_file": "in the data"}, "data folder")])
def test_settings_that_make_no_sense(make_daemon, place, change, complaint):
    folder, settings = place
    daemon = make_daemon().start()
    assert daemon.stop() == 0
    change = {name: daemon.data / "escrow" if value == "in the data" else value for name, value in change.items()}
    code, said = refused(daemon, **{**settings, **change})
    assert code == 2 and complaint in said


def test_the_public_key_may_be_in_a_file(make_daemon, place):
    folder, settings = place
    (folder / "public").write_text(settings["escrow_public_key"] + "\n")
    daemon = make_daemon(**{**settings, "escrow_public_key": folder / "public"}).start()
    assert daemon.stop() == 0
    assert "0 keys" in lose_and_restore(daemon, folder)


def test_a_file_that_is_no_escrow_is_left_alone(make_daemon, place):
    folder, settings = place
    settings["escrow_file"].write_text("a thesis")
    code, said = refused(make_daemon(**settings))
    assert code == 1 and "is no escrow" in said and settings["escrow_file"].read_text() == "a thesis"


def test_a_purge_destroys_nothing_where_the_next_escrow_cannot_be_written(make_daemon, place):
    folder, settings = place
    daemon = make_daemon(purge_automatic="no", **settings).start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        fill(connection, "old")
        # The daemon may just be writing one of that name.
        wait_for(lambda: connection.call("PURGE.STATUS")["escrow"] == b"kept" and not (folder / "elsewhere/escrow.new").exists())
        (folder / "elsewhere/escrow.new").mkdir()
        (folder / "elsewhere/escrow.new/x").touch()
        plan = connection.call("PURGE.PLAN")
        with pytest.raises(Refused) as failed:
            connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)
        assert failed.value.code == "FAILED" and "escrow.new" in str(failed.value)
        assert connection.call("PURGE.LIST") == []
        wait_for(lambda: connection.call("PURGE.STATUS")["escrow"] == b"failed")
        assert b"escrow.new" in connection.call("PURGE.STATUS")["escrow-reason"]
        connection.call("SEND", "t", "c", "ann", "m", "goes on")
        shutil.rmtree(folder / "elsewhere/escrow.new")
        plan = connection.call("PURGE.PLAN")
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)
        wait_for(lambda: connection.call("PURGE.STATUS")["escrow"] == b"kept")
        assert state(connection, "old", "c-3") == "purged"
    assert daemon.stop() == 0
    assert "the escrow is not as it must be" in daemon.log_text()


def test_a_damaged_escrow_is_written_anew_and_a_deleted_one_keeps_purges_back(make_daemon, place):
    folder, settings = place
    file = settings["escrow_file"]
    daemon = make_daemon(purge_automatic="no", **settings).start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        fill(connection, "old")
    assert daemon.stop() == 0
    file.write_bytes(file.read_bytes()[:-40])
    daemon.start()
    assert "1 keys" in escrow("escrow-open", file, "--key", folder / "secret", "--to", folder / "again").stdout
    file.unlink()
    assert daemon.stop() == 0
    assert "was damaged" in daemon.log_text()
    assert "1 keys" in escrow("escrow-open", file, "--key", folder / "secret", "--to", folder / "once more").stdout
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        wait_for(lambda: connection.call("PURGE.STATUS")["escrow"] == b"failed")
        assert b"vault/escrowed" in connection.call("PURGE.STATUS")["escrow-reason"]
        plan = connection.call("PURGE.PLAN")
        with pytest.raises(Refused):
            connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)
    assert daemon.stop() == 0
    (daemon.data / "vault/escrowed").unlink()
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        plan = connection.call("PURGE.PLAN")
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)
        assert state(connection, "old", "c-3") == "purged"
        assert connection.call("PURGE.STATUS")["escrow"] == b"kept"


def test_nothing_is_purged_while_the_escrow_is_gone(make_daemon, place):
    folder, settings = place
    elsewhere, unmounted = folder / "elsewhere", folder / "unmounted"
    daemon = make_daemon(purge_automatic="no", **settings).start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        fill(connection, "old")
    assert daemon.stop() == 0
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        elsewhere.rename(unmounted)
        elsewhere.mkdir()
        plan = connection.call("PURGE.PLAN")
        with pytest.raises(Refused) as failed:
            connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)
        assert failed.value.code == "FAILED" and "mount" in str(failed.value)
        wait_for(lambda: connection.call("PURGE.STATUS")["escrow"] == b"failed")
        assert b"mount" in connection.call("PURGE.STATUS")["escrow-reason"]
        assert state(connection, "old", "c-3") != "purged" and os.listdir(elsewhere) == []
    assert daemon.stop() == 0
    code, said = refused(daemon, purge_automatic="no", **settings)
    assert code == 1 and "holds no escrow" in said and "vault/escrowed" in said
    elsewhere.rmdir()
    unmounted.rename(elsewhere)
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        plan = connection.call("PURGE.PLAN")
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)
        assert state(connection, "old", "c-3") == "purged"
    assert daemon.stop() == 0
    assert "0 keys" in lose_and_restore(daemon, folder)


@pytest.mark.parametrize("step", ["escrowStaged", "keyringRenamed", "rootAdopted", "keyringRemoved", "escrowOverwritten", "escrowReplaced"])
def test_killed_in_a_shred_the_next_start_leaves_the_escrow_of_its_keyring(make_daemon, place, step, monkeypatch):
    folder, settings = place
    daemon = make_daemon(purge_automatic="no", **settings)
    monkeypatch.setenv("ANNALS_FAIL_POINT", "shred-" + step)
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        fill(connection, "old")
        connection.call("SEND", "live", "c", "ann", "m", "stays")
        plan = connection.call("PURGE.PLAN")
        with pytest.raises(Closed):
            connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)
    daemon.wait_until_killed(step)
    monkeypatch.delenv("ANNALS_FAIL_POINT")
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        idle(connection)
        isGone = connection.call("PURGE.LIST")[0]["outcome"] == b"destroyed"
        assert isGone == (step != "escrowStaged")
        # Before the first client was let in.
        assert f"{1 if isGone else 2} keys" in escrow(
            "escrow-open", settings["escrow_file"], "--key", folder / "secret", "--to", folder / "again").stdout
        assert os.listdir(folder / "elsewhere") == ["escrow"]
