"""Bounds on what a stream may carry: RFC 6120 section 13.12 and the options of xmpp_listener."""

import contextlib

import pytest

from impulse_test.raw import SASL, body, local, show


def message(inner, attributes=""):
    return f"<message to='romeo@localhost/home' type='chat' {attributes}>{inner}</message>"


def nested(depth):
    return "<x>" * depth + "</x>" * depth


def many(count):
    return "<a/>" * count


def attributes(count):
    return "".join(f" a{n}='1'" for n in range(count))


@pytest.mark.parametrize("stanza", [
    f"<auth xmlns='{SASL}' mechanism='PLAIN'>{'A' * 9000}</auth>",
    f"<auth xmlns='{SASL}' mechanism='{'P' * 9000}'/>",
    f"<auth xmlns='{SASL}' mechanism='PLAIN'>{many(65)}</auth>",
    f"<auth xmlns='{SASL}' mechanism='PLAIN'{attributes(65)}/>",
    f"<{'a' * 9000}/>",
    f"<auth xmlns='{SASL}' mechanism='PLAIN'><!--{'a' * 9000}",
    f"<auth xmlns='{SASL}' mechanism='PLAIN'>{nested(129)}</auth>",
], ids=["text", "attribute", "elements", "attributes", "name", "comment", "depth"])
def test_a_stranger_may_not_send_much(server, stanza):
    """8192 bytes, 64 elements, 64 attributes and 128 levels before authentication."""
    client = server.connect().open()
    client.send(stanza)
    client.expect_stream_error("policy-violation", "restricted-xml")


@pytest.mark.parametrize("piece", ["A", "<a>", " b='1'"], ids=["text", "depth", "attributes"])
def test_a_stranger_who_never_ends_a_stanza_is_stopped(server, piece):
    """The limits hold while the stanza is still being read."""
    before = server.memory()
    client = server.connect().open()
    start = f"<auth xmlns='{SASL}'"
    client.send(start if "=" in piece else start + ">")
    pour(client, piece * 2000)
    assert server.memory() < before + (8 << 20)


def pour(client, piece):
    """Sends this over and over until the server has enough, which it may say."""
    with contextlib.suppress(OSError):
        for _ in range(2000):
            client.send(piece)
            client.transcript.clear()
    for element in client.read_all():
        assert not element.tag.endswith("}error") or local(element[0]) in (
            "policy-violation", "restricted-xml", "not-well-formed"), show(element)


def test_a_header_that_never_ends_is_stopped(server):
    """The same before there is a stream at all."""
    before = server.memory()
    for start, piece in (("<stream:stream ", "a"), ("<stream:stream to='", "x"), ("<?xml ", " "),
                         ("<!--", "x"), ("<!DOCTYPE x [", "<!ENTITY a 'b'>")):
        client = server.connect()
        client.send(start)
        pour(client, piece * 1000)
    assert server.memory() < before + (8 << 20)


@pytest.mark.parametrize("stanza", [
    message(f"<body>{'A' * 270000}</body>"),
    message("", f"id='{'A' * 270000}'"),
    message(f"<x xmlns='test'>{nested(129)}</x>"),
    message(f"<x xmlns='test'{attributes(65)}/>"),
    message("", attributes(65)),
], ids=["text", "attribute", "depth", "attributes of a child", "attributes of the stanza"])
def test_a_stanza_over_the_limits_is_a_policy_violation(server, stanza):
    """RFC 6120 section 4.9.3.14. The stanza reaches nobody and nobody else is touched."""
    romeo = server.online("romeo", "home")
    nurse = server.online("nurse")
    juliet = server.online("juliet")
    juliet.send(stanza)
    juliet.expect_stream_error("policy-violation")
    nurse.expect_nothing(romeo, nurse)


@pytest.mark.parametrize("stanza", [
    message(f"<body>{'A' * 250000}</body>"),
    message(f"<x xmlns='test'>{nested(120)}</x>"),
    message(f"<x xmlns='test'{attributes(60)}/>"),
    message(f"<x xmlns='test'>{many(10000)}</x>"),
], ids=["size", "depth", "attributes", "elements"])
def test_a_large_stanza_within_the_limits_arrives(server, stanza):
    """RFC 6120 section 13.12: the limit is not below 10000 bytes; ours is 256 KiB."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet")
    juliet.send(stanza)
    got = romeo.receive()
    assert got.get("from") == juliet.jid
    assert juliet.ping().get("type") == "result"


def test_the_limits_are_options_of_the_listener(new_server):
    """max_stanza_bytes, max_stanza_depth, max_stanza_attributes and those before login."""
    server = new_server(listener={
        "max_stanza_bytes": 20000, "max_stanza_depth": 10, "max_stanza_attributes": 8,
        "max_stanza_bytes_unauthenticated": 1500,
        "max_stanza_elements_unauthenticated": 10}).start()
    romeo = server.online("romeo", "home")
    for good, bad in ((message(f"<body>{'A' * 19000}</body>"), message("A" * 21000)),
                      (message(nested(7)), message(nested(12))),
                      (message("", attributes(3)), message("", attributes(9)))):
        juliet = server.online("juliet")
        juliet.send(good)
        assert romeo.receive().get("from") == juliet.jid
        juliet.send(bad)
        juliet.expect_stream_error("policy-violation")
    for bad in ("A" * 1600, many(11)):
        client = server.connect().open()
        client.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{bad}</auth>")
        client.expect_stream_error("policy-violation")


def test_a_session_with_large_stanzas_does_not_grow(server):
    """What a stanza took is given back."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet")
    for round_ in range(60):
        juliet.message(romeo.jid, "A" * 200000)
        assert len(body(romeo.receive())) == 200000
        if round_ == 20:
            before = server.memory()
    assert server.memory() < before + (16 << 20)
