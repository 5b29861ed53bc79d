"""Input arrives as it likes: RFC 6120 section 4.4 and what parsers make of pieces."""

from impulse_test.raw import PING, STREAM, body


def test_input_byte_by_byte_is_answered(server):
    """A parser that waits for more input than a tag's end would leave this without an answer."""
    client = server.connect()
    for byte in client.header_text():
        client.send(byte)
    assert client.receive().tag == f"{{{STREAM}}}stream"
    assert client.receive().tag == f"{{{STREAM}}}features"


def test_stanzas_byte_by_byte_are_answered(server):
    """The same on a session, with a text long enough to come in many reads."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet")
    text = "Wherefore art thou Romeo? \u2665 " * 4
    for byte in (f"<message to='romeo@localhost/home' type='chat' id='slow'><body>{text}</body>"
                 "</message>").encode():
        juliet.send(bytes([byte]))
    assert body(romeo.receive()) == text
    for byte in f"<iq type='get' id='p1'><ping xmlns='{PING}'/></iq>":
        juliet.send(byte)
    assert juliet.answer("p1").get("type") == "result"


def test_a_stanza_cut_at_any_place_is_answered(server):
    """Two pieces, cut at each byte, the second only after the first was read by the server."""
    client = server.online("juliet")
    nurse = server.online("nurse")
    for cut in range(1, 60, 3):
        ping = f"<iq type='get' id='cut{cut}'><ping xmlns='{PING}' extra='aaaa'/></iq>"
        client.send(ping[:cut])
        nurse.ping()
        client.send(ping[cut:])
        assert client.answer(f"cut{cut}").get("type") == "result"


def test_many_stanzas_in_one_write_are_answered_in_order(server):
    """RFC 6120 section 10.1."""
    client = server.online("juliet")
    client.send("".join(f"<iq type='get' id='q{n}'><ping xmlns='{PING}'/></iq>"
                        for n in range(200)))
    assert [client.receive().get("id") for n in range(200)] == [f"q{n}" for n in range(200)]


def test_whitespace_between_stanzas_is_a_keepalive(server):
    """RFC 6120 section 4.6.1."""
    client = server.online("juliet")
    for space in (" ", "\n", "\r\n", "\t \n", " " * 3000):
        client.send(space)
        assert client.ping().get("type") == "result"


def test_whitespace_inside_a_stanza_is_kept(server):
    """RFC 6120 section 11.7."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet")
    juliet.send("<message to='romeo@localhost/home' type='chat'><body>  a\n b  </body></message>")
    assert body(romeo.receive()) == "  a\n b  "


def test_foreign_content_arrives_as_it_was_sent(server):
    """RFC 6120 section 8.4: extended content with prefixes, default namespaces and CDATA."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet")
    juliet.send("<message to='romeo@localhost/home' type='chat' xml:lang='it' xmlns:p='urn:p'>"
                "<body>&lt;b&gt; &amp; &quot;<![CDATA[<&]]>&#x1F339;</body>"
                "<p:outer p:a='1' b='&apos;&quot;&lt;&#10;'><inner xmlns=''/><p:inner/></p:outer>"
                "</message>")
    got = romeo.receive()
    assert got.get("{http://www.w3.org/XML/1998/namespace}lang") == "it"
    assert body(got) == "<b> & \"<&\U0001F339"
    outer = got.find("{urn:p}outer")
    assert outer.get("{urn:p}a") == "1"
    assert outer.get("b") == "'\"<\n"
    assert [inner.tag for inner in outer] == ["inner", "{urn:p}inner"]
