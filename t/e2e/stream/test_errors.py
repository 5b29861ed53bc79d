"""What is no XMPP: RFC 6120 sections 4.9.3 and 11."""

import pytest

from impulse_test.raw import CLIENT, STREAM

HEADER = (f"<stream:stream to='localhost' version='1.0' xmlns='{CLIENT}' "
          f"xmlns:stream='{STREAM}'>")
RESTRICTED = {
    "comment": "<!-- a comment -->",
    "processing instruction": "<?php echo ?>",
    "document type": "<!DOCTYPE message>",
    "entity reference": "<message to='romeo@localhost'><body>&lol;</body></message>",
    "comment in a stanza": "<message to='romeo@localhost'><body>a<!-- x -->b</body></message>",
    "instruction in a stanza": "<message to='romeo@localhost'><body>a<?x y?>b</body></message>",
}
BILLION_LAUGHS = ("<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'ha'>"
                  + "".join(f"<!ENTITY {b} '{('&' + a + ';') * 10}'>"
                            for a, b in zip("abcdefgh", "bcdefghi")) + "]>")
MALFORMED = {
    "wrong end tag": "<message></presence>",
    "two equal attributes": "<message to='a' to='b'/>",
    "ampersand": "<message><body>a & b</body></message>",
    "less-than in an attribute": "<message to='<'/>",
    "undeclared prefix": "<nowhere:message/>",
    "control character": "<message><body>\x01</body></message>",
    "no such character": "<message><body>&#xFFFF;</body></message>",
    "null": b"<message>\0</message>",
    "bare text after a tag": "<message to=x/>",
    "overlong UTF-8": b"<message><body>\xc0\xaf</body></message>",
    "surrogate in UTF-8": b"<message><body>\xed\xa0\x80</body></message>",
    "cut UTF-8": b"<message><body>\xe2\x82</body></message>",
    "lead byte before a tag": b"<message><body>\xe2</body></message>",
    "latin 1": b"<message><body>\xe4</body></message>",
}
BAD_UTF8 = ("overlong UTF-8", "surrogate in UTF-8", "cut UTF-8", "lead byte before a tag",
            "latin 1")


@pytest.mark.parametrize("case", RESTRICTED)
@pytest.mark.parametrize("where", ["first", "authenticated"])
def test_restricted_xml_ends_the_stream(server, case, where):
    """RFC 6120 sections 4.9.3.18 and 11.1. An undefined entity may be called not well-formed."""
    if where == "first":
        client = server.connect().open()
    else:
        client = server.online("juliet")
    client.send(RESTRICTED[case])
    client.expect_stream_error("restricted-xml", "not-well-formed"
                               if case in ("entity reference", "document type")
                               else "restricted-xml")


def test_a_comment_in_front_of_the_header_is_restricted_xml(server):
    """RFC 6120 section 11.1."""
    client = server.connect()
    client.send("<!-- hello -->" + HEADER)
    client.expect_stream_error("restricted-xml")


def test_a_document_type_in_front_of_the_header_is_restricted_xml(server):
    """RFC 6120 section 11.1: nor is any of its entities expanded."""
    before = server.memory()
    for _ in range(20):
        client = server.connect()
        client.send(BILLION_LAUGHS)
        client.expect_stream_error("restricted-xml")
    assert server.memory() < before + (16 << 20)


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_xml_ends_the_stream(server, case):
    """RFC 6120 sections 4.9.3.13 and 11.3."""
    client = server.online("juliet")
    client.send(MALFORMED[case])
    allowed = ["not-well-formed", "bad-format", "invalid-xml"]
    if case in BAD_UTF8:
        allowed.append("unsupported-encoding")
    if case == "undeclared prefix":
        allowed.append("bad-namespace-prefix")
    client.expect_stream_error(*allowed)


@pytest.mark.parametrize("first", [
    HEADER.encode("utf-16"),
    ("<?xml version='1.0' encoding='UTF-16'?>" + HEADER).encode("utf-16"),
    ("<?xml version='1.0' encoding='ISO-8859-1'?>" + HEADER).encode(),
    ("<?xml version='1.0' encoding='utf-16'?>" + HEADER).encode(),
], ids=["UTF-16", "declared UTF-16", "declared Latin 1", "falsely declared UTF-16"])
def test_another_encoding_than_utf8_is_unsupported(server, first):
    """RFC 6120 sections 4.9.3.22 and 11.6."""
    client = server.connect()
    client.send(first)
    client.expect_stream_error("unsupported-encoding")


def test_utf8_may_be_declared_and_marked(server):
    """RFC 6120 section 11.6: UTF-8, in any case of letters."""
    for declaration in ("<?xml version='1.0' encoding='UTF-8'?>",
                        "<?xml version='1.0' encoding='utf-8'?>", "<?xml version=\"1.0\"?>", ""):
        client = server.connect()
        client.send(declaration + HEADER)
        assert client.receive().tag == f"{{{STREAM}}}stream"


@pytest.mark.parametrize("first", ["GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "\x16\x03\x01\x02",
                                   "{}", "hello there\r\n", "<html>", "<"])
def test_other_protocols_are_turned_away(server, first):
    """RFC 6120 section 4.9.3.13: and the server keeps serving."""
    client = server.connect()
    client.send(first)
    if first == "<":
        client.abort()
    else:
        client.expect_stream_error("not-well-formed", "bad-format", "invalid-xml",
                                   "invalid-namespace")
    server.online("juliet").close()


def test_text_between_stanzas_is_bad_format(server):
    """RFC 6120 section 4.9.3.1: only whitespace may stand there."""
    client = server.online("juliet")
    client.send("loose words<presence/>")
    client.expect_stream_error("bad-format", "invalid-xml", "not-well-formed")


def test_an_unknown_first_level_element_is_an_unsupported_stanza_type(server):
    """RFC 6120 section 4.9.3.24."""
    client = server.online("juliet")
    client.send("<banana/>")
    client.expect_stream_error("unsupported-stanza-type")
    client = server.online("juliet")
    client.send("<message xmlns='urn:not-ours' to='romeo@localhost'/>")
    client.expect_stream_error("unsupported-stanza-type", "invalid-namespace")


def test_an_error_of_one_stream_leaves_the_others_alone(server):
    """The bystander of all the tests above."""
    nurse = server.online("nurse")
    for text in (*RESTRICTED.values(), *MALFORMED.values()):
        client = server.connect().open()
        client.send(text)
        client.read_all()
        assert nurse.ping().get("type") == "result"
