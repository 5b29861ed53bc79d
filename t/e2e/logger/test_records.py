"""The records of xmpp_logger: time+R|D+stanza type+to+from+id+type+remote."""

import os
import re
import socket
import stat
import time

import pytest

from impulse_test import patience
from impulse_test.server import wait_until

ALL_MACROS = "%t|%st|%at|%af|%ai|%ay|%H"


def record(server, kind, identity):
    """The record of this kind of the stanza with this id."""
    def look():
        for fields in server.records(kind):
            if len(fields) == 8 and fields[5] == identity:
                return fields
        return None
    return wait_until(look, f"record {kind} of {identity}")


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def line_with(path, text):
    return wait_until(lambda: next((line for line in lines(path) if text in line), None),
                      f"a line with {text}")


def test_a_message_is_recorded_when_received_and_when_delivered(server):
    """The default format: to before from."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet", "home")
    before = int(time.time())
    juliet.message("romeo@localhost/home", "Hi", "chat", "m1")
    romeo.receive()
    received, delivered = record(server, "R", "m1"), record(server, "D", "m1")
    for fields in (received, delivered):
        assert before <= int(fields[0]) <= int(time.time()) + 1
        assert fields[2:7] == ["message", "romeo@localhost/home", "juliet@localhost/home", "m1",
                               "chat"]
    assert received[7] == "127.0.0.1:%d" % juliet.socket.getsockname()[1]
    assert delivered[7] == "127.0.0.1:%d" % romeo.socket.getsockname()[1]


def test_each_kind_of_stanza_is_recorded(server):
    """iq, presence and message; an absent attribute is an empty field."""
    romeo = server.online("romeo", "home")
    juliet = server.login("juliet", "home")
    juliet.iq("get", "<ping xmlns='urn:xmpp:ping'/>", identity="ping1")
    juliet.send("<presence id='p1'/>")
    juliet.receive()
    juliet.message(romeo.jid, "x", None, "n1")
    romeo.receive()
    assert record(server, "R", "ping1")[2:7] == ["iq", "", "juliet@localhost/home", "ping1", "get"]
    assert record(server, "D", "ping1")[6] == "result"
    assert record(server, "R", "p1")[2:7] == ["presence", "", "juliet@localhost/home", "p1", ""]
    assert record(server, "R", "n1")[6] == ""


def test_streams_and_stream_errors_are_recorded(server):
    """%st may be stream or error."""
    client = server.connect().open()
    client.send("<!-- no -->")
    client.expect_stream_error("restricted-xml")
    wait_until(lambda: any(fields[2] == "stream" for fields in server.records("R")), "the stream")
    wait_until(lambda: any(fields[2] == "error" for fields in server.records("D")), "the error")


def test_every_stanza_of_a_conversation_has_its_records(server):
    """Nothing is missing, and nothing is recorded twice."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet", "home")
    for n in range(100):
        juliet.message(romeo.jid, "x", "chat", f"c{n}")
    for n in range(100):
        romeo.receive()
    for kind in "RD":
        wait_until(lambda kind=kind: sum(fields[2] == "message" for fields in server.records(kind))
                   >= 100, f"100 records {kind}")
        got = [fields[5] for fields in server.records(kind) if fields[2] == "message"]
        assert got == [f"c{n}" for n in range(100)]


def test_heartbeat(new_server):
    """time+M, every so many seconds."""
    server = new_server(logger={"heartbeat": 1}).start()
    beats = wait_until(lambda: len(server.records("M")) >= 2 and server.records("M"), "two beats")
    assert all(len(beat) == 2 for beat in beats)
    assert int(beats[1][0]) - int(beats[0][0]) in (1, 2)


def test_custom_formats_with_all_macros(new_server):
    """Every macro of the manual, other separators, and words that are not macros."""
    server = new_server()
    server.logger.update({
        "log_reception_format": f'"IN@{ALL_MACROS}@%sr"',
        "log_delivery_format": f'"OUT@{ALL_MACROS}@%so"',
        "log_heartbeat_format": '"BEAT@%t"', "heartbeat": 1})
    server.start()
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet", "home")
    juliet.send("<message to='romeo@localhost/home' type='chat' id='m1'><body>secret words</body>"
                "</message>")
    romeo.receive()
    line = line_with(server.record_log, "|m1|chat|127.0.0.1:%d@" % juliet.socket.getsockname()[1])
    head = (r"IN@\d+\|message\|romeo@localhost/home\|juliet@localhost/home\|m1\|chat\|"
            r"127\.0\.0\.1:\d+@")
    assert re.match(head, line)
    assert "<body>secret words</body></message>" in line
    line = line_with(server.record_log, "OUT@")
    wait_until(lambda: any(re.match(head.replace("IN@", "OUT@"), line)
                           for line in lines(server.record_log)), "the delivery")
    line_with(server.record_log, "BEAT@")


def test_the_content_of_messages_can_be_hidden(new_server):
    """%so: structure and attributes stay, what people wrote does not."""
    server = new_server()
    server.logger.update({"log_reception_format": '"%t+R+%so"',
                          "log_delivery_format": '"%t+D+%so"'})
    server.start()
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet", "home")
    juliet.send("<message to='romeo@localhost/home' type='chat' id='m1'>"
                "<subject>topsecret</subject><body>topsecret &amp; more</body>"
                "<x xmlns='urn:x'>topsecret</x></message>")
    romeo.receive()
    for kind in ("+R+", "+D+"):
        line = wait_until(lambda kind=kind: next(
            (line for line in lines(server.record_log) if kind in line and "m1" in line), None),
            kind)
        assert "<body" in line and "romeo@localhost/home" in line and "urn:x" in line
        assert "secret" not in line and "more" not in line


@pytest.mark.parametrize("text", ["line one\nline two", "a\r\nb", "tab\there", "1+D+forged\n2+R+x"])
def test_a_record_is_one_line(new_server, text):
    """Whatever a stanza holds: nobody writes records of their own into the log."""
    server = new_server()
    server.logger["log_reception_format"] = '"%t+R+%st+%ai+%sr"'
    server.start()
    juliet = server.online("juliet", "home")
    count = len(lines(server.record_log))
    juliet.message("romeo@localhost/home", text, "headline", "m1")
    juliet.ping(others=[])
    line_with(server.record_log, "+message+m1+")
    for line in lines(server.record_log)[count:]:
        assert re.match(r"\d+\+[RDM](\+|$)", line), line


def test_an_attribute_cannot_forge_a_record(server):
    """A line end in an id, which XML allows as a character reference."""
    juliet = server.online("juliet", "home")
    juliet.send("<iq type='get' id='a&#10;1+D+message+x'><ping xmlns='urn:xmpp:ping'/></iq>")
    assert juliet.receive().get("id") == "a\n1+D+message+x"
    juliet.ping()
    wait_until(lambda: len(server.records("R")) > 2, "records")
    assert all(line[0].isdigit() and len(line.split("+")[0]) >= 10
               for line in lines(server.record_log))


@pytest.mark.parametrize("option,kind", [("log_reception", "R"), ("log_delivery", "D")])
def test_a_kind_of_record_can_be_switched_off(new_server, option, kind):
    """log_reception and log_delivery."""
    server = new_server()
    server.logger[option] = "false"
    server.start()
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet", "home")
    juliet.message(romeo.jid, "x", identity="m1")
    romeo.receive()
    record(server, "D" if kind == "R" else "R", "m1")
    assert server.records(kind) == []


def test_two_loggers_with_formats_of_their_own(new_server):
    """Any number of instances."""
    server = new_server()
    second = server.directory / "second.ec"
    server.bottom = (f'xmpp_logger "second" {{ LogFile = "{second}" log_delivery = false '
                     'log_reception_format = "%st:%ai" LogMode = 0600 }')
    server.start()
    juliet = server.online("juliet", "home")
    juliet.message("romeo@localhost/x", "x", "headline", "m1")
    juliet.drain()
    line_with(second, "message:m1")
    record(server, "R", "m1")
    assert stat.S_IMODE(second.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.record_log.stat().st_mode) == 0o644


@pytest.mark.parametrize("how", ["command", "signal"])
def test_reopening_after_a_rotation_loses_nothing(server, how):
    """Lines go to the moved file until `reopen logs` or SIGHUP, then to a new one."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet", "home")
    moved, moved_log = server.record_log.with_suffix(".1"), server.log_file.with_suffix(".1")

    def say(n):
        juliet.message(romeo.jid, "x", "chat", f"m{n}")
        romeo.receive()
    for n in range(10):
        say(n)
    server.record_log.rename(moved)
    server.log_file.rename(moved_log)
    for n in range(10, 20):
        say(n)
    assert not server.record_log.exists()
    if how == "command":
        server.ctl("reopen", "logs")
    else:
        server.process.send_signal(1)
    wait_until(server.record_log.exists, "the new file")
    wait_until(server.log_file.exists, "the new host log")
    for n in range(20, 30):
        say(n)
    wait_until(lambda: sum("+m29+" in line for line in lines(server.record_log)) == 2, "the last")
    both = lines(moved) + lines(server.record_log)
    for kind in "RD":
        got = [line.split("+")[5] for line in both
               if line.split("+")[1] == kind and "+message+" in line]
        assert got == [f"m{n}" for n in range(30)]
    assert not [line for line in lines(server.record_log) if "+m9+" in line]


def test_a_log_that_nobody_reads_stalls_no_session(new_server):
    """Writing happens elsewhere: a pipe without a reader's hurry is a slow disk."""
    server = new_server()
    pipe = server.directory / "pipe.ec"
    os.mkfifo(pipe)
    server.logger["LogFile"] = f'"{pipe}"'
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        server.start()
        romeo = server.online("romeo", "home")
        juliet = server.online("juliet", "home")
        worst = 0
        for n in range(1500):  # more than a pipe holds
            began = time.monotonic()
            juliet.message(romeo.jid, "x" * 200, "chat", f"m{n}")
            assert romeo.receive().get("id") == f"m{n}"
            worst = max(worst, time.monotonic() - began)
        assert worst < patience(0.5)
        os.set_blocking(reader, True)
        text = b""
        while b"+m1499+" not in text:
            text = text[-1000:] + os.read(reader, 65536)
    finally:
        os.close(reader)


def test_the_remote_end_of_a_unix_socket_is_recorded_without_harm(new_server):
    """%H for a peer without an address."""
    server = new_server()
    server.listens.append(f'Listen "{server.unix_socket}" {{ File_Mode = 0600 }}')
    server.start()
    juliet = server.login("juliet", "home", address=server.unix_socket)
    juliet.iq("get", "<ping xmlns='urn:xmpp:ping'/>", identity="u1")
    assert record(server, "R", "u1")
    assert isinstance(juliet.socket, socket.socket)


def test_the_log_file_that_cannot_be_opened_is_an_error_at_start(new_server):
    """Clear words instead of a log that is not there."""
    server = new_server()
    server.logger["LogFile"] = f'"{server.directory}/missing/xmpplog.ec"'
    with pytest.raises(AssertionError) as failure:
        server.start()
    server.process = None
    assert "missing/xmpplog.ec" in str(failure.value)
    server.expected_log.append(lambda line: True)
