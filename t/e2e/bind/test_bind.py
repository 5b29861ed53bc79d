"""Resource binding: RFC 6120 section 7."""

import pytest

from impulse_test.raw import BIND, Closed, error_condition, local, show


def authenticated(server, user="juliet"):
    client = server.connect().open()
    client.authenticate(user, server.users[user])
    return client.open()


def test_the_server_chooses_a_resource(server):
    """RFC 6120 section 7.6: unique, and not to be guessed."""
    jids = set()
    for _ in range(4):
        client = authenticated(server)
        answer = client.bind()
        assert answer.get("type") == "result"
        assert client.bare == "juliet@localhost"
        jids.add(client.jid)
    assert len(jids) == 4
    assert all(len(jid.split("/", 1)[1]) >= 8 for jid in jids)


def test_an_empty_resource_is_one_that_the_server_chooses(server):
    """RFC 6120 section 7.6.1; refusing it as bad is possible, too."""
    client = authenticated(server)
    answer = client.bind("")
    assert (answer.get("type") == "result" and client.resource) \
        or error_condition(answer) == ("modify", "bad-request")


@pytest.mark.parametrize("resource", ["balcony", "Balcony", "a b", "\u2665", "with/slash@and",
                                      "r" * 1023],
                         ids=["plain", "case", "space", "heart", "separators", "longest"])
def test_the_client_chooses_a_resource(server, resource):
    """RFC 6120 section 7.7; RFC 7622 section 3.4 for what a resource may hold."""
    client = authenticated(server)
    answer = client.bind(resource)
    assert answer.get("type") == "result", show(answer)
    assert client.jid == f"juliet@localhost/{resource}"
    assert client.ping().get("type") == "result"


@pytest.mark.parametrize("resource", ["r" * 1024, "\u0007", "a\u0001b"],
                         ids=["too long", "bell", "control"])
def test_a_bad_resource_is_refused(server, resource):
    """RFC 6120 section 7.7.2.1. A control character is no XML in the first place."""
    client = authenticated(server)
    if any(ord(letter) < 32 for letter in resource):
        client.send(f"<iq type='set' id='b'><bind xmlns='{BIND}'><resource>{resource}</resource>"
                    "</bind></iq>")
        client.expect_stream_error("not-well-formed", "bad-format", "invalid-xml")
        return
    answer = client.bind(resource)
    assert error_condition(answer) == ("modify", "bad-request")
    assert client.bind("good").get("type") == "result"


def test_a_resource_in_use_is_a_conflict_that_somebody_loses(server):
    """RFC 6120 section 7.7.2.2: another name, an error, or the end of the older session."""
    first = server.online("juliet", "home")
    nurse = server.online("nurse")
    second = authenticated(server)
    answer = second.bind("home")
    if answer.get("type") == "error":
        assert error_condition(answer) == ("modify", "conflict") \
            or error_condition(answer) == ("cancel", "conflict")
        assert first.ping().get("type") == "result"
        return
    if second.jid != "juliet@localhost/home":
        assert first.ping().get("type") == "result"
        return
    first.expect_stream_error("conflict")
    second.go_online()
    nurse.message("juliet@localhost/home", "for the new one", identity="new")
    assert second.receive().get("id") == "new"


def test_conflicts_in_a_row_leave_one_session(server):
    """The same 20 times over; in the end there is one session and it works."""
    nurse = server.online("nurse")
    last = None
    for _ in range(20):
        last = authenticated(server)
        assert last.bind("home").get("type") == "result"
    last.go_online()
    nurse.message(last.jid, "x", identity="last")
    assert last.receive().get("id") == "last"


def test_a_second_bind_on_one_stream_is_refused(server):
    """RFC 6120 section 7.7.2: one resource to a stream; an error or the end of the stream."""
    client = server.login("juliet", "home")
    client.send(f"<iq type='set' id='again'><bind xmlns='{BIND}'/></iq>")
    answer = client.receive()
    assert answer.get("type") == "error" or answer.tag.endswith("}error")


@pytest.mark.parametrize("stanza", [
    f"<iq type='get' id='b'><bind xmlns='{BIND}'/></iq>",
    f"<iq type='set'><bind xmlns='{BIND}'/></iq>",
    f"<iq type='set' id='b'><bind xmlns='{BIND}'/><bind xmlns='{BIND}'/></iq>",
])
def test_a_malformed_bind_is_refused(server, stanza):
    """RFC 6120 section 8.2.3."""
    client = authenticated(server)
    client.send(stanza)
    try:
        answer = client.receive()
    except Closed:
        return
    assert answer.tag.endswith("}error") or answer.get("type") == "error"


def test_the_session_request_of_old_clients_succeeds(server):
    """RFC 6121 section 1.4: a no-op that clients of RFC 3921 still send."""
    client = server.login("juliet", "home")
    answer = client.iq("set", "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>")
    assert answer.get("type") == "result"
    feature = client.features.find("{urn:ietf:params:xml:ns:xmpp-session}session")
    assert feature is None or local(feature[0]) == "optional"


def test_many_resources_of_one_account(server):
    """RFC 6120 section 7.5: several, each with its own stanzas; too many: resource-constraint."""
    clients = [server.login("juliet", f"r{n}") for n in range(8)]
    romeo = server.login("romeo")
    for n, client in enumerate(clients):
        romeo.message(client.jid, "x", identity=f"m{n}")
        assert client.receive().get("id") == f"m{n}"
    romeo.expect_nothing(*clients[:1])
