"""Subscriptions as clients see them: RFC 6121 section 3."""

import pytest

from impulse_test.dialogue import matches
from impulse_test.raw import ROSTER, befriend, child, error_condition, local, show

APPROVED = "urn:xmpp:features:pre-approval"


def test_request_approval_and_the_presence_that_follows(dialogue):
    """RFC 6121 section 3.1, the whole of it, with pushes in their places."""
    dialogue("""
        Juliet is online
        Romeo is online
        Nurse is online
        Juliet sends <presence type='subscribe' to='romeo@localhost' id='s1'>
            <status>I saw you at the feast</status></presence>
        Juliet receives <iq type='set'><query xmlns='jabber:iq:roster'><item
            jid='romeo@localhost' subscription='none' ask='subscribe'/></query></iq>
        Romeo receives <presence type='subscribe' from='juliet@localhost' to='romeo@localhost'>
            <status>I saw you at the feast</status></presence>
        Nurse receives nothing
        Romeo sends <presence type='subscribed' to='juliet@localhost'/>
        Romeo receives <iq type='set'><query xmlns='jabber:iq:roster'><item
            jid='juliet@localhost' subscription='from' ask='-'/></query></iq>
        Juliet receives eventually <presence type='subscribed' from='romeo@localhost'
            to='juliet@localhost'/>
        Juliet receives <iq type='set'><query xmlns='jabber:iq:roster'><item
            jid='romeo@localhost' subscription='to' ask='-'/></query></iq>
        Juliet receives <presence type='-' from='romeo@localhost/home'/>
        Nurse receives nothing
    """)


def test_a_request_addressed_to_a_full_jid_is_for_the_account(server):
    """RFC 6121 sections 3.1.2 and 3.1.3."""
    romeo = server.online("romeo", "home")
    phone = server.online("romeo", "phone")
    romeo.receive()
    phone.drain()
    juliet = server.online("juliet")
    juliet.presence("subscribe", "romeo@localhost/home")
    for client in (romeo, phone):
        got = client.receive()
        assert got.get("type") == "subscribe"
        assert got.get("to") == "romeo@localhost"
        assert got.get("from") == "juliet@localhost"


def test_a_request_waits_until_it_is_answered(server):
    """RFC 6121 section 3.1.3: delivered at each login, once for each sender, with its contents."""
    juliet = server.online("juliet")
    tybalt = server.online("tybalt")
    for _ in range(3):
        juliet.presence("subscribe", "romeo@localhost", "<status>please</status>")
    tybalt.presence("subscribe", "romeo@localhost")
    juliet.ping("romeo@localhost", others=[])
    tybalt.ping("romeo@localhost", others=[])
    for _ in range(2):
        romeo = server.login("romeo", "home")
        got = [stanza for stanza in romeo.go_online() + romeo.drain()
               if stanza.get("type") == "subscribe"]
        assert sorted(stanza.get("from") for stanza in got) == ["juliet@localhost",
                                                                "tybalt@localhost"]
        assert any("please" in show(stanza) for stanza in got)
        romeo.close()
        server.restart()
    romeo = server.online("romeo", "home")
    romeo.presence("unsubscribed", "tybalt@localhost")
    romeo.drain()
    romeo.close()
    romeo = server.login("romeo", "home")
    got = [stanza.get("from") for stanza in romeo.go_online() + romeo.drain()
           if stanza.get("type") == "subscribe"]
    assert got == ["juliet@localhost"]
    assert romeo.roster() == {}, "who only asked is in the roster"


def test_a_request_to_nobody_comes_to_nothing(server):
    """RFC 6121 section 8.5.1: silence, or an error that does not tell (section 3.1.2)."""
    juliet = server.online("juliet")
    juliet.roster()
    juliet.presence("subscribe", "nobody@localhost")
    for stanza in juliet.drain():
        assert local(stanza) == "iq" or stanza.get("type") in (
            "error", "unsubscribed", "unavailable")


@pytest.mark.parametrize("kind", ["subscribe", "subscribed", "unsubscribe", "unsubscribed"])
def test_subscribing_to_oneself_changes_nothing(server, kind):
    """RFC 6121 section 3.1: one is subscribed to oneself anyway."""
    juliet = server.online("juliet", "home")
    juliet.presence(kind, "juliet@localhost")
    juliet.drain()
    assert juliet.roster().get("juliet@localhost") is None
    juliet.ping()


@pytest.mark.parametrize("kind", ["subscribe", "subscribed", "unsubscribe", "unsubscribed"])
def test_a_subscription_stanza_without_to_does_no_harm(server, kind):
    """RFC 6121 section 4.7.1: there is nobody to subscribe to."""
    romeo = server.online("romeo")
    juliet = server.online("juliet")
    juliet.presence(kind)
    for stanza in juliet.drain():
        assert error_condition(stanza) is not None
    juliet.expect_nothing(romeo)


def test_cancelling_a_subscription_hides_ones_presence(server):
    """RFC 6121 section 3.2.2: unavailable first, then unsubscribed; then a push."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet", "home")
    romeo.roster()
    befriend(juliet, romeo)
    juliet.presence("unsubscribed", "romeo@localhost")
    seen = [stanza for stanza in juliet.settle(romeo)]
    kinds = [stanza.get("type") for stanza in seen if local(stanza) == "presence"]
    assert kinds == ["unavailable", "unsubscribed"]
    assert any(matches(f"<iq type='set'><query xmlns='{ROSTER}'><item jid='juliet@localhost' "
                       "subscription='from'/></query></iq>", stanza) for stanza in seen)
    juliet.presence(inner="<show>away</show>")
    juliet.expect_nothing(romeo)


def test_unsubscribing_ends_the_presence_one_gets(server):
    """RFC 6121 section 3.3."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet", "home")
    juliet.roster()
    befriend(juliet, romeo)
    juliet.drain()
    juliet.presence("unsubscribe", "romeo@localhost")
    seen = juliet.settle(romeo)
    assert [stanza.get("type") for stanza in seen if local(stanza) == "presence"] == ["unsubscribe"]
    romeo.settle(juliet)
    romeo.presence(inner="<show>away</show>")
    romeo.expect_nothing(juliet)
    assert juliet.roster()["romeo@localhost"].get("subscription") == "from"


def test_pre_approval(server):
    """RFC 6121 section 3.4, where it is advertised."""
    romeo = server.online("romeo", "home")
    assert romeo.features.find(f"{{{APPROVED}}}sub") is not None
    juliet = server.online("juliet", "home")
    romeo.roster()
    romeo.presence("subscribed", "juliet@localhost")
    romeo.expect_nothing(juliet)
    item = romeo.roster()["juliet@localhost"]
    assert item.get("approved") in ("true", "1")
    assert item.get("subscription") == "none"
    juliet.presence("subscribe", "romeo@localhost")
    seen = juliet.settle(romeo)
    assert "subscribe" not in [stanza.get("type") for stanza in seen]
    romeo.settle(juliet)
    assert juliet.roster()["romeo@localhost"].get("subscription") == "to"
    assert romeo.roster()["juliet@localhost"].get("subscription") == "from"


def test_a_pre_approval_can_be_taken_back(server):
    """RFC 6121 section 3.2.2."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet", "home")
    romeo.presence("subscribed", "juliet@localhost")
    romeo.presence("unsubscribed", "juliet@localhost")
    romeo.expect_nothing(juliet)
    romeo.drain()
    juliet.presence("subscribe", "romeo@localhost")
    seen = juliet.settle(romeo)
    assert [stanza.get("type") for stanza in seen] == ["subscribe"]


def test_pushes_reach_interested_resources_only(server):
    """RFC 6121 section 2.2: who did not ask for the roster gets requests, but no pushes."""
    home = server.online("juliet", "home")
    home.roster()
    phone = server.online("juliet", "phone")
    home.receive()
    phone.drain()
    home.presence("subscribe", "romeo@localhost")
    seen, other = home.settle(home, phone)
    assert [child(stanza, "query", ROSTER) is not None for stanza in seen] == [True]
    assert other == []


def test_a_subscription_with_a_domain(server):
    """RFC 6121 section 3.1: contacts without localpart (gateways) are contacts, too."""
    juliet = server.online("juliet")
    juliet.roster()
    juliet.presence("subscribe", "localhost")
    juliet.drain()
    assert juliet.ping().get("type") == "result"
