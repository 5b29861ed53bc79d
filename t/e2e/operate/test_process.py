"""The daemon as a process: pid file, signals, console, privileges."""

import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess

import pytest

from impulse_test import patience
from impulse_test.raw import SaslFailure, StreamEnd, local
from impulse_test.server import wait_until


def test_version(server):
    """By switch and by console."""
    assert "impulse" in server.ctl("version").lower()
    result = subprocess.run([server.command()[0], "--version"], capture_output=True, text=True,
                            check=True, timeout=patience(20))
    assert result.stdout.split()[-1] in server.ctl("version")


def test_help_and_bad_switches(new_server):
    """A switch that is none is told, with status 1."""
    program = new_server().command()[0]
    result = subprocess.run([program, "--help"], capture_output=True, text=True, check=True,
                            timeout=patience(20))
    assert "--config" in result.stdout
    result = subprocess.run([program, "--banana"], capture_output=True, text=True, check=False,
                            timeout=patience(20))
    assert result.returncode == 1
    assert "--banana" in result.stderr


def test_the_pid_file(server):
    """Holds the number of the process while it runs, and is gone afterwards."""
    assert int(server.pid_file.read_text()) == server.pid
    server.stop()
    assert not server.pid_file.exists()


def test_a_stale_pid_file_does_not_hinder(server):
    """What SIGKILL left behind."""
    server.kill()
    assert server.pid_file.exists()
    server.start()
    assert int(server.pid_file.read_text()) == server.pid


def test_a_second_server_with_the_same_pid_file_is_refused(server):
    """Two servers on one state directory would destroy each other's data."""
    result = subprocess.run(server.command("--foreground"), capture_output=True, text=True,
                            check=False, timeout=patience(20))
    assert result.returncode == 1
    assert str(server.pid) in result.stderr or "impulsed.pid" in result.stderr
    server.online("juliet").close()
    assert int(server.pid_file.read_text()) == server.pid


def test_the_background(new_server):
    """Without --foreground the command returns when the server serves."""
    server = new_server()
    server.write_config()
    server.write_users()
    result = subprocess.run(server.command(), capture_output=True, text=True, check=False,
                            timeout=patience(20))
    assert result.returncode == 0, result.stderr
    pid = int(server.pid_file.read_text())
    try:
        assert pid in map(int, filter(str.isdigit, os.listdir("/proc")))
        client = server.online("juliet")
        assert client.ping().get("type") == "result"
        server.ctl("shutdown")
        with pytest.raises(StreamEnd):
            while True:
                client.receive()
        wait_until(lambda: not server.pid_file.exists(), "the pid file to go")
    finally:
        wait_until(lambda: not os.path.exists(f"/proc/{pid}")
                   or "Z" in open(f"/proc/{pid}/stat", encoding="ascii").read().split()[2],
                   "the daemon to end")


def test_a_mistake_is_told_before_the_command_returns(new_server):
    """In the background, too: status 1 and the reason."""
    server = new_server(bottom="Banana {}")
    server.write_config()
    result = subprocess.run(server.command(), capture_output=True, text=True, check=False,
                            timeout=patience(20))
    assert result.returncode == 1
    assert "banana" in result.stderr.lower()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, "shutdown"])
def test_streams_are_told_of_the_end(server, end):
    """RFC 6120 section 4.9.3.20: system-shutdown, then the closing tag, in each state of a
    stream; the exit status is 0."""
    clients = [server.connect().open(), server.online("juliet"),
               server.online("romeo", starttls=True), server.login("nurse", direct_tls=True)]
    if end == "shutdown":
        server.ctl("shutdown")
    else:
        server.process.send_signal(end)
    for client in clients:
        while True:
            element = client.receive()
            if local(element) == "error":
                break
        assert local(element[0]) == "system-shutdown"
        client.expect_end()
    server.wait_for_exit()


def test_a_client_that_does_not_read_cannot_hold_up_the_end(server):
    """The goodbye is bounded in time."""
    romeo = server.online("romeo", "home")
    romeo.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    juliet = server.online("juliet")
    for _ in range(40):
        juliet.message(romeo.jid, "A" * 50000)
    juliet.ping()
    server.expect_log("server_stop_timeout")
    server.stop()


def test_user_commands(new_server):
    """user add, passwd, list, delete; what they did holds at once and after a restart."""
    server = new_server(account_store=True, users={"juliet": "one"}).start()
    server.online("juliet", password="one")
    assert "juliet@localhost" in server.ctl("user", "list").split()
    assert "exists" in server.ctl("user", "add", "juliet@localhost", stdin="x\n", status=1)
    server.ctl("user", "passwd", "juliet@localhost", stdin="two\n")
    server.online("juliet", password="two")
    with pytest.raises(SaslFailure):
        server.online("juliet", password="one")
    server.ctl("user", "add", "romeo@localhost", stdin="r\n")
    server.restart()
    server.online("juliet", password="two")
    server.online("romeo", password="r")
    server.ctl("user", "delete", "romeo@localhost")
    with pytest.raises(SaslFailure):
        server.online("romeo", password="r")
    assert server.ctl("user", "list").split() == ["juliet@localhost"]


@pytest.mark.parametrize("words,stdin", [
    (("user", "add"), "x\n"), (("user", "add", "@localhost"), "x\n"),
    (("user", "add", "a b@localhost"), "x\n"), (("user", "add", "paris@localhost"), ""),
    (("user", "add", "paris@localhost"), "\n"), (("user", "passwd", "nobody@localhost"), "x\n"),
    (("user", "delete", "nobody@localhost"), ""), (("user", "banana"), ""), (("banana",), ""),
    (("config",), ""), (("reopen", "windows"), "")])
def test_a_bad_command_is_refused(new_server, words, stdin):
    """Status 1 and a reason on standard error."""
    server = new_server(account_store=True).start()
    before = server.ctl("user", "list")
    server.ctl(*words, stdin=stdin, status=1)
    assert server.ctl("user", "list") == before


def test_the_password_of_an_account_is_nowhere_in_clear(new_server):
    """Neither in the database nor in a log."""
    server = new_server(account_store=True, users={"juliet": "very-secret-words"}).start()
    server.online("juliet", direct_tls=True, mechanism="PLAIN").close()
    server.stop()
    for path in server.directory.iterdir():
        if path.is_file():
            assert b"very-secret-words" not in path.read_bytes(), path


def test_sessions_are_listed(server):
    """`xmpp sessions` names each bound session."""
    juliet = server.online("juliet", "home")
    romeo = server.login("romeo", "phone", starttls=True)
    text = server.ctl("xmpp", "sessions")
    assert juliet.jid in text and romeo.jid in text
    romeo.close()
    wait_until(lambda: romeo.jid not in server.ctl("xmpp", "sessions"), "the session to go")


def test_modules_are_listed(server):
    """`module list`."""
    text = server.ctl("module", "list")
    for name in ("xmpp", "xmpp_listener", "scriptlet", "xmpp_logger"):
        assert name in text


def test_the_console_socket(server):
    """Its mode is what was asked for; without a server the error is clear."""
    assert stat.S_IMODE(server.control.stat().st_mode) == 0o660
    server.stop()
    assert "control.sock" in server.ctl("version", status=1)


def test_rubbish_on_the_console_does_no_harm(server):
    """Nobody has to speak our wire format."""
    nurse = server.online("nurse")
    for data in (b"", b"\0", b"\xff" * 10000, b"GET / HTTP/1.1\r\n\r\n", b"\x7f\xff\xff\xff"):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(server.control))
            try:
                client.sendall(data)
            except OSError:
                pass
        assert nurse.ping().get("type") == "result"
    server.ctl("version")
    server.expect_log("control_refused")


def open_to_all(prefix, directory):
    """The installation, or a copy of it where the way to it is closed (a checkout in /root)."""
    if all(parent.stat().st_mode & stat.S_IXOTH for parent in prefix.parents):
        return prefix
    copy = directory / "prefix"
    shutil.copytree(prefix, copy, symlinks=True)
    return copy


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("background", [False, True])
def test_privileges_are_dropped(new_server, background):
    """Security { user group }: after the ports are open no thread keeps any right of root, and
    accounts, logs and sockets still work."""
    server = new_server(account_store=True)
    server.top = 'Security { user = "nobody" group = "nogroup" }'
    for parent in (server.directory, *server.directory.parents):
        if str(parent) in ("/", "/tmp"):
            break
        parent.chmod(0o755)
    server.prefix = open_to_all(server.prefix, server.directory)
    server.certificate.chmod(0o600)
    if background:
        server.write_config()
        server.write_users()
        subprocess.run(server.command(), check=True, timeout=patience(20))
        pid = int(server.pid_file.read_text())
    else:
        server.start()
        pid = server.pid
    nobody = pwd.getpwnam("nobody")
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status", encoding="ascii") as status:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
        assert fields["Uid"].split() == [str(nobody.pw_uid)] * 4
        assert fields["Gid"].split() == [str(nobody.pw_gid)] * 4
        assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0
        assert fields["Groups"].split() in ([], [str(nobody.pw_gid)])
    if background:
        server.ctl("shutdown")
        wait_until(lambda: not server.pid_file.exists(), "the end")
        return
    juliet = server.online("juliet", starttls=True)
    juliet.message("romeo@localhost", "kept")
    juliet.ping("romeo@localhost", others=[])
    server.ctl("reopen", "logs")
    server.ctl("config", "reload")
    server.online("romeo", starttls=True)
    assert server.log_file.stat().st_uid == nobody.pw_uid
    server.restart()


def test_a_taken_port_is_told_and_the_others_serve(new_server):
    """An address that cannot be bound is a CRITICAL line; the rest works."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = new_server()
        server.listens.append(f'Listen "127.0.0.1:{taken.getsockname()[1]}" {{}}')
        server.expect_log("listen_failed", "CRITICAL")
        server.start()
        server.online("juliet")
        server.wait_log("listen_failed")


def test_one_loop_and_many_loops(new_server):
    """Concurrency of the event loops from one up."""
    for concurrency in (1, 2, 16):
        server = new_server(concurrency=concurrency).start()
        romeo = server.online("romeo")
        juliet = server.online("juliet")
        juliet.message(romeo.jid, "x", identity="m1")
        assert romeo.receive().get("id") == "m1"
        server.stop()
