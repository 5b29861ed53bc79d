"""Where streams come from and how they end: RFC 6120 sections 3, 4.4, 4.6."""

import socket
import stat
import time

import pytest

from impulse_test import patience
from impulse_test.raw import BIND, PING, Closed, StreamEnd
from impulse_test.server import free_port


def test_the_closing_tag_is_answered_and_the_connection_ends(server):
    """RFC 6120 section 4.4."""
    for client in (server.connect().open(), server.online("juliet"),
                   server.online("romeo", starttls=True), server.online("romeo", direct_tls=True)):
        client.close()


def test_stanzas_before_the_closing_tag_are_still_processed(server):
    """RFC 6120 section 4.4: all in one write, the answer comes before the end."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet")
    juliet.send("<message to='romeo@localhost/home' type='chat' id='last'><body>x</body></message>"
                f"<iq type='get' id='p'><ping xmlns='{PING}'/></iq></stream:stream>")
    assert juliet.answer("p").get("type") == "result"
    juliet.expect_end()
    assert romeo.receive().get("id") == "last"


def test_a_half_closed_connection_is_flushed_and_closed(server):
    """RFC 6120 section 4.4: the peer's end of input without a closing tag."""
    juliet = server.online("juliet")
    juliet.send(f"<iq type='get' id='p'><ping xmlns='{PING}'/></iq>")
    juliet.socket.shutdown(socket.SHUT_WR)
    assert juliet.answer("p").get("type") == "result"
    with pytest.raises((Closed, StreamEnd)):
        juliet.receive()


def test_nothing_is_processed_after_the_closing_tag(server):
    """RFC 6120 section 4.4."""
    romeo = server.online("romeo", "home")
    nurse = server.online("nurse")
    juliet = server.online("juliet")
    juliet.send("</stream:stream><message to='romeo@localhost/home' type='chat'/>")
    juliet.expect_end()
    nurse.expect_nothing(romeo)


@pytest.mark.parametrize("stanza", [
    "<message to='romeo@localhost'><body>x</body></message>", "<presence/>",
    f"<iq type='get' id='1' to='localhost'><ping xmlns='{PING}'/></iq>",
    f"<iq type='set' id='1'><bind xmlns='{BIND}'/></iq>"])
def test_a_stanza_before_authentication_is_not_authorized(server, stanza):
    """RFC 6120 section 4.9.3.12. Nothing of it is processed."""
    romeo = server.online("romeo")
    client = server.connect().open()
    client.send(stanza)
    client.expect_stream_error("not-authorized")
    romeo.expect_nothing()


@pytest.mark.parametrize("stanza", [
    "<message to='romeo@localhost/home'><body>x</body></message>", "<presence/>",
    "<presence to='romeo@localhost/home'/>"])
def test_a_stanza_before_binding_is_not_authorized(server, stanza):
    """RFC 6120 section 7.1."""
    romeo = server.online("romeo", "home")
    client = server.connect().open()
    client.authenticate("juliet", server.users["juliet"])
    client.open()
    client.send(stanza)
    client.expect_stream_error("not-authorized")
    romeo.expect_nothing()


def test_ipv6(new_server):
    """The listener on ::1."""
    server = new_server()
    port = free_port("::1")
    server.listens.append(f'Listen "[::1]:{port}" {{}}')
    server.start()
    romeo = server.online("romeo", address=("::1", port))
    juliet = server.online("juliet")
    juliet.message(romeo.jid, "over both protocols", identity="six")
    assert romeo.receive().get("id") == "six"


def test_unix_socket(new_server):
    """A listener in the file system, with the mode that the configuration asks for."""
    server = new_server()
    server.listens.append(f'Listen "{server.unix_socket}" {{ File_Mode = 0600 }}')
    server.start()
    assert stat.S_IMODE(server.unix_socket.stat().st_mode) == 0o600
    romeo = server.online("romeo", address=server.unix_socket)
    juliet = server.online("juliet")
    juliet.message(romeo.jid, "from the network", identity="unix")
    assert romeo.receive().get("id") == "unix"
    romeo.message(juliet.jid, "from the file system", identity="tcp")
    assert juliet.receive().get("id") == "tcp"
    server.stop()
    assert not server.unix_socket.exists(), "the socket file outlives the server"
    server.start()
    server.online("romeo", address=server.unix_socket)


def test_who_does_not_authenticate_in_time_is_disconnected(new_server):
    """auth_timeout is absolute: neither talking nor TLS prolongs it; a login ends it."""
    server = new_server(listener={"auth_timeout": 1}).start()
    nurse = server.online("nurse")
    began = time.monotonic()
    strangers = {
        "silent": server.connect(),
        "opened": server.connect().open(),
        "chatty": server.connect().open(),
        "silent TLS": server.connect(("127.0.0.1", server.tls_port)),
        "encrypted": server.connect(tls=True).open(),
    }
    left = dict(strangers)
    while left:
        assert time.monotonic() < began + patience(10), f"still there: {list(left)}"
        if "chatty" in left:
            try:
                left["chatty"].send(" ")
            except OSError:
                pass
        for name, client in list(left.items()):
            try:
                while True:
                    client.receive(0.02)
            except TimeoutError:
                pass
            except StreamEnd:
                pass
            except (Closed, OSError):
                del left[name]
    assert time.monotonic() > began + 0.8
    assert nurse.ping().get("type") == "result"


def test_a_silent_session_ends_after_idle_time_and_a_busy_one_does_not(new_server):
    """idle_time; RFC 6120 section 4.6.4. A silent reader is told connection-timeout; the writer
    who sends to it all the while stays, and what was sent to the reader does not count as its
    own sign of life."""
    server = new_server(listener={"idle_time": 2}).start()
    reader = server.online("romeo", "home")
    writer = server.online("juliet")
    began = time.monotonic()
    reader.socket.setblocking(True)
    error = None
    while error is None:
        assert time.monotonic() < began + patience(15), "the silent reader was never ended"
        writer.message("romeo@localhost/home", "still there?", "headline")
        writer.drain()
        try:
            stanza = reader.receive(0.2)
        except TimeoutError:
            continue
        if stanza.tag.endswith("}error"):
            error = stanza
    assert time.monotonic() > began + 1.5
    assert error[0].tag.endswith("}connection-timeout")
    reader.expect_end()
    assert writer.ping(others=[]).get("type") == "result"


def test_a_whitespace_keepalive_counts_as_a_sign_of_life(new_server):
    """RFC 6120 section 4.6.1."""
    server = new_server(listener={"idle_time": 2}).start()
    client = server.online("juliet")
    end = time.monotonic() + 4
    while time.monotonic() < end:
        client.send(" ")
        assert client.receive_if_any(0.5) is None
    assert client.ping().get("type") == "result"


def test_a_crashed_client_goes_offline(server):
    """RFC 6121 section 4.5.3 is tested with presence; here the resource becomes free again."""
    client = server.online("juliet", "home")
    client.reset()
    again = server.online("juliet", "home")
    assert again.jid == "juliet@localhost/home"
    again.close()
