"""Presence: who sees whom when: RFC 6121 section 4."""

import pytest

from impulse_test.dialogue import matches
from impulse_test.raw import befriend, child, error_condition, local, show


def friends(server, *resources):
    """Juliet and Romeo, subscribed to each other and offline, and the sessions of Romeo asked
    for."""
    juliet, romeo = server.online("juliet", "home"), server.online("romeo", "home")
    befriend(juliet, romeo)
    juliet.close()
    romeo.close()
    clients = [server.online("romeo", resource) for resource in resources]
    for client in clients:
        client.ping("juliet@localhost", others=[])  # behind the answer to the probe
    return clients


def presences(stanzas):
    return [(stanza.get("from"), stanza.get("type")) for stanza in stanzas
            if local(stanza) == "presence"]


def test_initial_presence_is_broadcast_and_answered_by_probes(server):
    """RFC 6121 sections 4.2.2, 4.2.3 and 4.3; a bystander is neither told nor asked."""
    romeo, = friends(server, "home")
    nurse = server.online("nurse", "home")
    juliet = server.login("juliet", "balcony")
    juliet.send("<presence id='first'><show>chat</show><status>here</status><x xmlns='urn:x'/>"
                "</presence>")
    assert matches("<presence from='juliet@localhost/balcony' to='*' type='-'><show>chat</show>"
                   "<status>here</status><x xmlns='urn:x'/></presence>", romeo.receive())
    romeo.settle(juliet)
    juliet.expect_nothing(nurse)
    # again, in order to see what Juliet was sent
    juliet.close()
    assert romeo.receive().get("type") == "unavailable"
    juliet = server.login("juliet", "balcony")
    before = juliet.go_online()
    after = juliet.drain() + romeo.settle(juliet)
    got = presences(before + after)
    assert ("romeo@localhost/home", None) in got
    assert all(sender.split("/")[0] in ("romeo@localhost", "juliet@localhost")
               for sender, _ in got)


def test_ones_own_resources_see_each_other(server):
    """RFC 6121 section 4.2.2: implicitly subscribed to oneself."""
    home = server.online("juliet", "home")
    phone = server.login("juliet", "phone")
    before = phone.go_online()
    assert ("juliet@localhost/home", None) in presences(before + phone.drain())
    assert presences([home.receive()]) == [("juliet@localhost/phone", None)]
    phone.close()
    assert presences([home.receive()]) == [("juliet@localhost/phone", "unavailable")]


def test_changes_are_broadcast_without_probes(server):
    """RFC 6121 section 4.4: the whole stanza as sent, to all resources, in order."""
    home, phone = friends(server, "home", "phone")
    home.drain()
    phone.drain()
    juliet = server.online("juliet", "balcony")
    for client in (home, phone):
        assert presences([client.receive()]) == [("juliet@localhost/balcony", None)]
    juliet.drain()
    for n in range(10):
        juliet.presence(inner=f"<show>away</show><status>{n}</status>"
                              f"<c xmlns='http://jabber.org/protocol/caps' ver='{n}'/>")
    for client in (home, phone):
        for n in range(10):
            got = client.receive()
            assert child(got, "status").text == str(n)
            assert got[-1].get("ver") == str(n)
    assert presences(juliet.drain()) == [("juliet@localhost/balcony", None)] * 10


@pytest.mark.parametrize("end", ["unavailable", "close", "crash"])
def test_the_end_of_a_session_is_broadcast_once(server, end):
    """RFC 6121 sections 4.5.2 and 4.6.2: however it ends; to who got directed presence, too."""
    romeo, = friends(server, "home")
    nurse = server.online("nurse", "home")
    juliet = server.online("juliet", "balcony")
    romeo.receive()
    juliet.presence(to="nurse@localhost/home")
    assert nurse.receive().get("from") == "juliet@localhost/balcony"
    if end == "unavailable":
        juliet.send("<presence type='unavailable'><status>good night</status></presence>")
    elif end == "close":
        juliet.close()
    else:
        juliet.reset()
    for client in (romeo, nurse):
        got = client.receive()
        assert presences([got]) == [("juliet@localhost/balcony", "unavailable")]
        if end == "unavailable":
            assert child(got, "status").text == "good night"
    if end == "unavailable":
        juliet.close()
    tybalt = server.online("tybalt")
    tybalt.expect_nothing(romeo)
    tybalt.expect_nothing(nurse)


def test_after_unavailable_a_session_is_connected_still(server):
    """RFC 6121 section 4.5: it can come back, and is reached by its full JID meanwhile."""
    romeo, = friends(server, "home")
    juliet = server.online("juliet", "balcony")
    romeo.receive()
    juliet.presence("unavailable")
    romeo.receive()
    juliet.drain()
    romeo.presence(inner="<status>x</status>")
    romeo.expect_nothing(juliet)
    romeo.drain()
    juliet.go_online()
    assert presences([romeo.receive()]) == [("juliet@localhost/balcony", None)]


def test_directed_presence(server):
    """RFC 6121 section 4.6: delivered as it is, no roster needed, and nobody else is told."""
    romeo = server.online("romeo", "home")
    phone = server.online("romeo", "phone")
    romeo.receive()
    phone.drain()
    nurse = server.online("nurse")
    juliet = server.online("juliet", "balcony")
    juliet.presence(to="romeo@localhost/home", inner="<status>only you</status>")
    got = romeo.receive()
    assert (got.get("from"), got.get("to")) == ("juliet@localhost/balcony", "romeo@localhost/home")
    assert child(got, "status").text == "only you"
    juliet.expect_nothing(phone)
    juliet.expect_nothing(nurse)
    juliet.presence(inner="<show>away</show>")
    juliet.expect_nothing(romeo)
    juliet.presence("unavailable", "romeo@localhost/home")
    assert presences([romeo.receive()]) == [("juliet@localhost/balcony", "unavailable")]
    juliet.close()
    tybalt = server.online("tybalt")
    tybalt.expect_nothing(romeo)


def test_directed_presence_to_a_bare_jid_reaches_all_available_resources(server):
    """RFC 6121 section 8.5.2.1.2."""
    home, phone = server.online("romeo", "home"), server.online("romeo", "phone", -5)
    connected = server.login("romeo", "desk")
    home.receive()
    phone.drain()
    juliet = server.online("juliet", "balcony")
    juliet.presence(to="romeo@localhost")
    for client in (home, phone):
        assert presences([client.receive()]) == [("juliet@localhost/balcony", None)]
    juliet.expect_nothing(connected)


@pytest.mark.parametrize("to", ["romeo@localhost/gone", "nobody@localhost", "nobody@localhost/x"])
@pytest.mark.parametrize("kind", [None, "unavailable"])
def test_directed_presence_to_nobody_is_ignored(server, to, kind):
    """RFC 6121 sections 8.5.1, 8.5.3.2.2."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet")
    juliet.presence(kind, to)
    assert juliet.drain() == []
    juliet.expect_nothing(romeo)


def test_directed_presence_without_having_been_available(server):
    """RFC 6121 section 4.6.1: even without a presence session; its end is told (4.6.3)."""
    romeo = server.online("romeo", "home")
    juliet = server.login("juliet", "balcony")
    juliet.presence(to=romeo.jid)
    assert presences([romeo.receive()]) == [("juliet@localhost/balcony", None)]
    juliet.reset()
    assert presences([romeo.receive()]) == [("juliet@localhost/balcony", "unavailable")]


@pytest.mark.parametrize("priority,good", [("0", True), ("-128", True), ("127", True),
                                           ("128", False), ("-129", False), ("x", False),
                                           ("1.5", False)])
def test_the_range_of_priorities(server, priority, good):
    """RFC 6121 section 4.7.2.3: an integer between -128 and 127."""
    juliet = server.online("juliet", "home")
    nurse = server.online("nurse")
    juliet.presence(inner=f"<priority>{priority}</priority>", identity="prio")
    got = juliet.receive()
    if good:
        assert got.get("type") is None
        nurse.message("juliet@localhost", "x", "chat", "m")
        arrived = [stanza.get("id") for stanza in nurse.settle(juliet)]
        assert arrived == ([] if priority.startswith("-") else ["m"])
    else:
        assert error_condition(got) == ("modify", "bad-request"), show(got)


def test_the_most_available_resource_is_found_anew_at_each_change(server):
    """RFC 6121 section 8.5.2.1.1: by the last priority that each resource sent."""
    home, phone = server.online("romeo", "home", 1), server.online("romeo", "phone", 5)
    home.receive()
    phone.drain()
    nurse = server.online("nurse")
    nurse.message("romeo@localhost", "x", "chat", "to-phone")
    assert phone.receive().get("id") == "to-phone"
    nurse.settle(home)
    phone.presence(inner="<priority>-1</priority>")
    phone.drain()
    home.drain()
    nurse.message("romeo@localhost", "x", "chat", "to-home")
    assert home.receive().get("id") == "to-home"
    nurse.expect_nothing(phone)


@pytest.mark.parametrize("kind", ["banana", "available", "SUBSCRIBE"])
def test_an_unknown_type_is_a_bad_request(server, kind):
    """RFC 6121 section 4.7.1."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet")
    for to in (None, "romeo@localhost/home"):
        juliet.presence(kind, to)
        got = juliet.receive()
        assert error_condition(got) == ("modify", "bad-request")
    juliet.expect_nothing(romeo)


class TestProbes:
    """RFC 6121 section 4.3."""

    def test_a_friend_is_answered_with_the_last_presence_of_each_resource(self, server):
        """Section 4.3.2, with the stanza as it was sent and its id (4.3.2.1)."""
        home, phone = friends(server, "home", "phone")
        home.presence(inner="<show>dnd</show>", identity="p-home")
        phone.presence(inner="<show>xa</show>", identity="p-phone")
        home.drain()
        phone.drain()
        juliet = server.online("juliet", "balcony")
        home.settle(juliet)
        phone.settle(juliet)
        juliet.presence("probe", "romeo@localhost")
        got = {stanza.get("from"): stanza for stanza in (juliet.receive(), juliet.receive())}
        assert child(got["romeo@localhost/home"], "show").text == "dnd"
        assert child(got["romeo@localhost/phone"], "show").text == "xa"
        assert got["romeo@localhost/home"].get("id") in (None, "p-home")

    def test_a_probe_is_not_delivered(self, server):
        """Section 4.3.2: the server answers it."""
        romeo, = friends(server, "home")
        juliet = server.online("juliet", "balcony")
        romeo.receive()
        juliet.presence("probe", "romeo@localhost")
        juliet.expect_nothing(romeo)

    def test_a_stranger_learns_nothing(self, server):
        """Section 4.3.2: unsubscribed or nothing, the same whether the account exists."""
        server.online("romeo", "home")
        nurse = server.online("nurse")
        answers = {}
        for to in ("romeo@localhost", "romeo@localhost/home", "nobody@localhost"):
            nurse.presence("probe", to)
            answers[to] = [stanza.get("type") for stanza in nurse.drain()]
            assert answers[to] in ([], ["unsubscribed"], ["error"])
        assert answers["romeo@localhost"] == answers["nobody@localhost"]

    def test_an_absent_friend_is_unavailable_or_silent(self, server):
        """Section 4.3.2."""
        friends(server)
        juliet = server.online("juliet", "balcony")
        juliet.drain()
        juliet.presence("probe", "romeo@localhost")
        for stanza in juliet.drain():
            assert stanza.get("type") == "unavailable"


def test_presence_to_many_friends(new_server):
    """RFC 6121 section 4.4.2: each friend once, in order, wherever their account lives."""
    people = [f"friend{n}" for n in range(12)]
    server = new_server(users={name: f"{name}-secret" for name in ("juliet", *people)}).start()
    juliet = server.online("juliet", "home", password="juliet-secret")
    clients = [server.online(name, "home") for name in people]
    for client in clients:
        client.presence("subscribe", "juliet@localhost")
        client.settle(juliet)
        juliet.presence("subscribed", client.bare)
        juliet.settle(client)
    for n in range(20):
        juliet.presence(inner=f"<status>{n}</status>")
    for client in clients:
        got = juliet.settle(client)
        assert [child(stanza, "status").text for stanza in got] == [str(n) for n in range(20)]
