"""STARTTLS and direct TLS: RFC 6120 section 5, RFC 7590, XEP-0368."""

import ssl

import pytest

from impulse_test.raw import BIND, PING, TLS, Closed, child, local


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_starttls_and_login(server, version):
    """RFC 6120 section 5.4."""
    client = server.connect().open()
    client.starttls(version)
    client.open()
    assert child(client.features, "starttls", TLS) is None, "offered twice"
    client.authenticate("juliet", server.users["juliet"])
    client.open()
    client.bind("balcony")
    assert client.ping().get("type") == "result"
    client.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_is_refused(server, version):
    """RFC 7590 section 3: TLS 1.2 is the least."""
    client = server.connect().open()
    client.send(f"<starttls xmlns='{TLS}'/>")
    client.receive()
    with pytest.raises((ssl.SSLError, OSError)):
        client.start_tls_now(version)


def test_a_stanza_behind_starttls_is_never_processed(server):
    """RFC 6120 section 5.4.3.3: what came in clear before TLS is dropped (command injection)."""
    client = server.connect().open()
    client.send(f"<starttls xmlns='{TLS}'/>" + client.header_text()
                + "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='INJECTED'/>")
    try:
        assert local(client.receive()) == "proceed"
        client.start_tls_now()
    except (Closed, OSError, AssertionError):
        return  # refused altogether: as good
    client.open()
    client.authenticate("juliet", server.users["juliet"])
    client.open()
    assert client.bind().get("type") == "result"
    assert b"INJECTED" not in b"".join(data for side, data in client.transcript if side == "S")
    assert b"<failure" not in b"".join(data for side, data in client.transcript if side == "S")


def test_a_line_end_behind_starttls_is_nothing(server):
    """go-xmpp sends one (RFC 6120 section 4.6.1: whitespace between elements has no meaning)."""
    client = server.connect().open()
    client.send(f"<starttls xmlns='{TLS}'/>\n")
    assert local(client.receive()) == "proceed"
    client.start_tls_now()
    client.open()
    assert "SCRAM-SHA-1" in client.mechanisms()


def test_injected_bytes_do_not_reach_the_encrypted_stream(server):
    """The same with an unfinished tag that would swallow the new header."""
    client = server.connect().open()
    client.send(f"<starttls xmlns='{TLS}'/><injected a='")
    try:
        assert local(client.receive()) == "proceed"
        client.start_tls_now()
    except (Closed, OSError, AssertionError):
        return
    client.open()
    assert "SCRAM-SHA-1" in client.mechanisms()


def test_starttls_is_not_possible_twice(server):
    """RFC 6120 section 5.3.4: failure, and the stream ends; or a stream error."""
    client = server.connect().open()
    client.starttls()
    client.open()
    client.send(f"<starttls xmlns='{TLS}'/>")
    answer = client.receive()
    assert local(answer) in ("failure", "error")
    client.expect_end()


def test_starttls_after_authentication_is_refused(server):
    """RFC 6120 section 5.3.2: before SASL or never."""
    client = server.online("juliet")
    client.send(f"<starttls xmlns='{TLS}'/>")
    answer = client.receive()
    assert local(answer) in ("failure", "error")
    client.expect_end()


def test_without_a_certificate_no_starttls_is_offered(new_server):
    """RFC 6120 section 5.3: and asking for it all the same fails and ends the stream."""
    server = new_server(tls=False).start()
    client = server.connect().open()
    assert child(client.features, "starttls", TLS) is None
    client.send(f"<starttls xmlns='{TLS}'/>")
    answer = client.receive()
    assert local(answer) in ("failure", "error")
    client.expect_end()


def test_direct_tls(server):
    """XEP-0368: TLS from the first byte, no STARTTLS in it."""
    client = server.connect(tls=True).open()
    assert child(client.features, "starttls", TLS) is None
    client.authenticate("juliet", server.users["juliet"], "PLAIN")
    client.open()
    client.bind()
    assert client.ping().get("type") == "result"
    client.close()


def test_direct_tls_takes_no_plaintext(server):
    """XEP-0368."""
    client = server.connect(("127.0.0.1", server.tls_port))
    client.send(client.header_text())
    client.timeout = 5
    with pytest.raises((Closed, AssertionError, Exception)):
        client.receive()


def test_direct_tls_agrees_on_the_alpn_of_clients(server):
    """XEP-0368: ALPN xmpp-client."""
    client = server.connect(("127.0.0.1", server.tls_port))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["xmpp-client"])
    client.socket = context.wrap_socket(client.socket, server_hostname="localhost")
    assert client.socket.selected_alpn_protocol() in ("xmpp-client", None)
    client.open()


def test_a_handshake_that_never_ends_holds_up_nobody(server):
    """A silent peer in the handshake, and one that sends rubbish, beside a working session."""
    nurse = server.online("nurse")
    silent = server.connect(("127.0.0.1", server.tls_port))
    rubbish = server.connect(("127.0.0.1", server.tls_port))
    rubbish.send(b"\x16\x03\x01\x40\x00" + b"x" * 100)
    half = server.connect().open()
    half.send(f"<starttls xmlns='{TLS}'/>")
    half.receive()
    half.send(b"\x16\x03\x01\x02\x00\x01")
    for _ in range(20):
        assert nurse.ping().get("type") == "result"
    for client in (silent, rubbish, half):
        client.abort()


def test_tls_byte_by_byte(server):
    """Each record carries one byte."""
    client = server.online("juliet", starttls=True)
    for byte in f"<iq type='get' id='p1'><ping xmlns='{PING}'/></iq>":
        client.send(byte)
    assert client.answer("p1").get("type") == "result"


def test_a_large_stanza_over_tls(server):
    """More than one record in each direction."""
    romeo = server.online("romeo", direct_tls=True)
    juliet = server.online("juliet", starttls=True)
    juliet.message(romeo.jid, "A" * 200000)
    assert len(romeo.receive().findtext("{jabber:client}body")) == 200000


def test_features_after_login_offer_bind(server):
    """RFC 6120 section 7.4; XEP-0170 for the order."""
    client = server.connect().open()
    client.authenticate("juliet", server.users["juliet"])
    client.open()
    assert child(client.features, "bind", BIND) is not None
    assert client.mechanisms() == []
    assert child(client.features, "starttls", TLS) is None
