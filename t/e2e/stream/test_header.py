"""The opening of a stream: RFC 6120 sections 4.3, 4.7, 4.8 and 4.9."""

import pytest

from impulse_test.raw import CLIENT, STREAM, TLS, child, show

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def test_the_answering_header_has_from_id_version_and_language(server):
    """RFC 6120 section 4.7."""
    client = server.connect().open("localhost")
    assert client.header.get("from") == "localhost"
    assert client.header.get("version") == "1.0"
    assert client.header.get("id")
    assert client.header.get(XML_LANG)


def test_each_stream_has_an_id_of_its_own(server):
    """RFC 6120 section 4.7.3: unique and not to be guessed."""
    ids = set()
    for _ in range(5):
        client = server.connect().open()
        ids.add(client.header.get("id"))
        client.starttls()
        client.open()
        ids.add(client.header.get("id"))
    assert len(ids) == 10
    assert all(len(identity) >= 16 for identity in ids)


def test_the_header_is_answered_with_to_when_the_client_said_who_it_is(server):
    """RFC 6120 section 4.7.2: only if the client sent 'from'; either is allowed before TLS."""
    client = server.connect().open("localhost", attributes="from='juliet@localhost'")
    assert client.header.get("to") in (None, "juliet@localhost")
    client = server.connect().open("localhost")
    assert client.header.get("to") is None


def test_a_higher_minor_version_is_answered_with_ours(server):
    """RFC 6120 section 4.7.5."""
    client = server.connect().open("localhost", version="1.5")
    assert client.header.get("version") == "1.0"


def test_the_domain_is_compared_without_regard_to_case(server):
    """RFC 7622 section 3.2."""
    client = server.connect().open("LOCALHOST")
    assert client.header.get("from") == "localhost"


def test_features_follow_the_header_with_starttls_and_mechanisms(server):
    """RFC 6120 sections 4.3.2, 5.3.1, 6.3.3."""
    client = server.connect().open()
    assert child(client.features, "starttls", TLS) is not None, show(client.features)
    assert "SCRAM-SHA-1" in client.mechanisms()
    assert "SCRAM-SHA-256" in client.mechanisms()


@pytest.mark.parametrize("to", ["elsewhere.example", "", "localhost.example", "juliet@localhost",
                                "host local", "\u0130.example"])
def test_an_unserved_domain_is_host_unknown_behind_a_header(server, to):
    """RFC 6120 sections 4.9.3.6 and 4.9.1.2; an address that is none may be improper."""
    client = server.connect()
    client.send(client.header_text(to))
    header = client.receive()
    assert header.tag == f"{{{STREAM}}}stream"
    client.expect_stream_error("host-unknown", "improper-addressing")


@pytest.mark.parametrize("header", [
    f"<stream:stream to='localhost' version='1.0' xmlns='{CLIENT}' xmlns:stream='http://wrong'>",
    f"<stream:stream to='localhost' version='1.0' xmlns='wrong' xmlns:stream='{STREAM}'>",
    f"<stream xmlns='{CLIENT}' to='localhost' version='1.0'>",
], ids=["stream namespace", "content namespace", "no stream namespace"])
def test_a_foreign_namespace_is_invalid_namespace(server, header):
    """RFC 6120 section 4.9.3.10."""
    client = server.connect()
    client.send(header)
    client.expect_stream_error("invalid-namespace")


def test_a_root_that_is_no_stream_is_refused(server):
    """RFC 6120 sections 4.9.3.1 and 4.9.3.2."""
    client = server.connect()
    client.send(f"<stream:flow to='localhost' version='1.0' xmlns='{CLIENT}' "
                f"xmlns:stream='{STREAM}'>")
    client.expect_stream_error("bad-format", "invalid-xml", "invalid-namespace")


def test_a_client_without_version_gets_no_features(server):
    """RFC 6120 section 4.7.5: no features for a stream of version 0.9."""
    client = server.connect().open(version="", features=False)
    assert client.header.get("version") in (None, "1.0")
    answer = client.receive_if_any(0.2)
    assert answer is None or answer.tag == f"{{{STREAM}}}error", show(answer)


def test_an_unsupported_major_version_is_refused_or_answered_with_ours(server):
    """RFC 6120 section 4.7.5: the lower of both, or unsupported-version."""
    client = server.connect().open(version="2.0", features=False)
    answer = client.receive()
    if answer.tag == f"{{{STREAM}}}error":
        assert child(answer, "unsupported-version",
                     "urn:ietf:params:xml:ns:xmpp-streams") is not None
    else:
        assert client.header.get("version") == "1.0"


def test_a_second_header_without_need_is_an_error(server):
    """RFC 6120 section 4.3.3: a new header only where the negotiation restarts the stream."""
    client = server.connect().open()
    client.send(f"<stream:stream to='localhost' version='1.0' xmlns='{CLIENT}' "
                f"xmlns:stream='{STREAM}'>")
    client.expect_stream_error("not-well-formed", "bad-format", "invalid-xml", "policy-violation",
                               "unsupported-stanza-type", "not-authorized")
