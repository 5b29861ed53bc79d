"""Requests and answers: RFC 6120 section 8.2.3, RFC 6121 section 8, and what the server offers."""

import re

import pytest

from impulse_test.raw import PING, child, error_condition, show

INFO = "http://jabber.org/protocol/disco#info"
ITEMS = "http://jabber.org/protocol/disco#items"
VERSION = "jabber:iq:version"
TIME = "urn:xmpp:time"
UNKNOWN = "<query xmlns='urn:example:unknown'/>"
REFUSED = ("cancel", "service-unavailable")


@pytest.mark.parametrize("to", [None, "localhost", "juliet@localhost"])
def test_ping(server, to):
    """XEP-0199 sections 4.1 and 4.2."""
    juliet = server.online("juliet")
    answer = juliet.ping(to)
    assert answer.get("type") == "result"
    assert len(answer) == 0
    assert answer.get("to") in (None, juliet.jid)
    assert answer.get("from") in ((to,) if to == "localhost" else (None, to, "juliet@localhost"))


def test_ping_between_clients(dialogue):
    """XEP-0199 section 4.4: delivered to a full JID; with presence shared by a directed one."""
    dialogue("""
        Juliet is online
        Romeo is online
        Nurse is online
        Romeo sends <presence to='juliet@localhost/home'/>
        Juliet receives <presence from='romeo@localhost/home'/>
        Juliet sends <iq type='get' id='p1' to='romeo@localhost/home'><ping
            xmlns='urn:xmpp:ping'/></iq>
        Romeo receives <iq type='get' id='p1' from='juliet@localhost/home'><ping
            xmlns='urn:xmpp:ping'/></iq>
        Nurse receives nothing
        Romeo sends <iq type='result' id='p1' to='juliet@localhost/home'/>
        Juliet receives <iq type='result' id='p1' from='romeo@localhost/home'/>
        Nurse receives nothing
    """)


def test_disco_info_of_the_server(server):
    """XEP-0030 section 3.1: an identity, and the features that are there."""
    juliet = server.online("juliet")
    answer = juliet.iq("get", f"<query xmlns='{INFO}'/>", "localhost")
    assert answer.get("from") == "localhost"
    query = child(answer, "query", INFO)
    identities = {(e.get("category"), e.get("type")) for e in query if e.tag.endswith("identity")}
    assert ("server", "im") in identities
    features = [e.get("var") for e in query if e.tag.endswith("feature")]
    assert {INFO, ITEMS, PING, VERSION, TIME} <= set(features)
    assert len(features) == len(set(features)), "a feature twice"


def test_disco_items_of_the_server(server):
    """XEP-0030 section 4.1: a list, even if an empty one."""
    juliet = server.online("juliet")
    answer = juliet.iq("get", f"<query xmlns='{ITEMS}'/>", "localhost")
    assert answer.get("type") == "result"
    for item in child(answer, "query", ITEMS):
        assert item.get("jid")


def test_disco_of_an_unknown_node(server):
    """XEP-0030 section 7: item-not-found; for items an empty list will do."""
    juliet = server.online("juliet")
    answer = juliet.iq("get", f"<query xmlns='{INFO}' node='urn:example:none'/>", "localhost")
    assert error_condition(answer) == ("cancel", "item-not-found")


def test_disco_info_of_an_account(server):
    """XEP-0030 section 3.1: one's own account answers; a stranger's does not give itself away."""
    server.online("romeo", "home")
    juliet = server.online("juliet")
    answer = juliet.iq("get", f"<query xmlns='{INFO}'/>", "juliet@localhost")
    assert answer.get("type") == "result"
    identities = {(e.get("category"), e.get("type")) for e in answer[0]}
    assert ("account", "registered") in identities
    there = juliet.iq("get", f"<query xmlns='{INFO}'/>", "romeo@localhost")
    not_there = juliet.iq("get", f"<query xmlns='{INFO}'/>", "nobody@localhost")
    assert error_condition(there) == error_condition(not_there) == REFUSED


def test_version(server):
    """XEP-0092."""
    juliet = server.online("juliet")
    answer = juliet.iq("get", f"<query xmlns='{VERSION}'/>", "localhost")
    query = child(answer, "query", VERSION)
    assert child(query, "name", VERSION).text == "Impulse"
    assert child(query, "version", VERSION).text


def test_time(server):
    """XEP-0202, in the format of XEP-0082."""
    juliet = server.online("juliet")
    answer = juliet.iq("get", f"<time xmlns='{TIME}'/>", "localhost")
    time = child(answer, "time", TIME)
    assert re.fullmatch(r"[+-]\d\d:\d\d|Z", child(time, "tzo", TIME).text)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", child(time, "utc", TIME).text)


@pytest.mark.parametrize("kind", ["get", "set"])
@pytest.mark.parametrize("to", [None, "localhost", "localhost/x", "juliet@localhost",
                                "romeo@localhost", "romeo@localhost/gone", "nobody@localhost",
                                "nobody@localhost/x", "juliet@localhost/gone"])
def test_an_unknown_request_is_service_unavailable(server, kind, to):
    """RFC 6120 section 8.4, RFC 6121 sections 8.5.1, 8.5.2.1.3 and 8.5.3.2.3."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet", "home")
    answer = juliet.iq(kind, UNKNOWN, to)
    assert error_condition(answer) == REFUSED
    assert answer.get("from") == to or to in (None, "juliet@localhost")
    juliet.expect_nothing(romeo)


@pytest.mark.parametrize("to", ["romeo@localhost", "nobody@localhost"])
def test_a_request_to_a_bare_jid_is_answered_by_the_server_and_not_delivered(server, to):
    """RFC 6121 section 8.5.2.1.3."""
    romeo = server.online("romeo", "home")
    nurse = server.online("nurse")
    juliet = server.online("juliet")
    answer = juliet.ping(to)
    assert answer.get("type") == "result" or error_condition(answer) == REFUSED
    assert answer.get("from") == to
    juliet.expect_nothing(romeo)
    juliet.expect_nothing(nurse)


@pytest.mark.parametrize("kind", ["result", "error"])
@pytest.mark.parametrize("to", [None, "localhost", "juliet@localhost", "romeo@localhost",
                                "romeo@localhost/gone", "nobody@localhost"])
def test_an_answer_is_never_answered(server, kind, to):
    """RFC 6120 section 8.2.3: a result or error that nobody waits for is dropped."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet")
    juliet.send(f"<iq type='{kind}' id='stray'" + (f" to='{to}'" if to else "") + "/>")
    assert juliet.drain() == []
    juliet.expect_nothing(romeo)


@pytest.mark.parametrize("kind", ["result", "error"])
def test_an_answer_to_a_full_jid_is_delivered(server, kind):
    """RFC 6121 section 8.5.3.1."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet")
    error = ("<error type='cancel'><item-not-found "
             "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>" if kind == "error" else "")
    juliet.send(f"<iq type='{kind}' id='late' to='{romeo.jid}'>{error}</iq>")
    got = romeo.receive()
    assert (got.get("id"), got.get("type")) == ("late", kind)
    assert got.get("from") == juliet.jid


@pytest.mark.parametrize("stanza", [
    f"<iq type='get'>{UNKNOWN}</iq>",
    f"<iq id='x1'>{UNKNOWN}</iq>",
    f"<iq type='banana' id='x1'>{UNKNOWN}</iq>",
    f"<iq type='GET' id='x1'>{UNKNOWN}</iq>",
    "<iq type='get' id='x1'/>",
    "<iq type='set' id='x1'>text</iq>",
    f"<iq type='get' id='x1'>{UNKNOWN}{UNKNOWN}</iq>",
], ids=["no id", "no type", "unknown type", "type in capitals", "no payload", "text only",
        "two payloads"])
@pytest.mark.parametrize("to", ["", " to='localhost'", " to='romeo@localhost/home'"])
def test_a_malformed_request_is_a_bad_request(server, stanza, to):
    """RFC 6120 section 8.2.3."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet")
    juliet.send(stanza.replace("<iq", "<iq" + to))
    answer = juliet.receive()
    assert error_condition(answer) == ("modify", "bad-request"), show(answer)
    assert answer.get("id") in ("x1", None, "")
    juliet.expect_nothing(romeo)


def test_a_request_to_a_stranger_does_not_reveal_presence(server):
    """RFC 6120 section 13.10.2, RFC 6121 section 8.5.3.1: who shares no presence gets the same
    answer whether the resource is there or not."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet")
    answers = [juliet.ping(to) for to in ("romeo@localhost/home", "romeo@localhost/gone",
                                          "nobody@localhost/home")]
    assert [error_condition(answer) for answer in answers] == [REFUSED] * 3
    juliet.expect_nothing(romeo)


def test_every_request_of_many_is_answered_once(server):
    """RFC 6120 section 8.2.3."""
    juliet = server.online("juliet")
    juliet.send("".join(f"<iq type='get' id='n{n}' to='localhost'>{UNKNOWN}</iq>"
                        if n % 2 else f"<iq type='get' id='n{n}'><ping xmlns='{PING}'/></iq>"
                        for n in range(100)))
    got = sorted(juliet.receive().get("id") for _ in range(100))
    assert got == sorted(f"n{n}" for n in range(100))
    assert juliet.drain() == []
