"""Messages for who is away: RFC 6121 section 8.5.2.2, XEP-0160, XEP-0203, XEP-0334."""

import datetime

import pytest

from impulse_test.raw import DELAY, body, child, error_condition, local, show

HINTS = "urn:xmpp:hints"
CHAT_STATES = "http://jabber.org/protocol/chatstates"


def messages(stanzas):
    return [stanza for stanza in stanzas if local(stanza) == "message"]


def arrive(server, user="romeo", resource="home", priority=None):
    """Logs in and returns the messages that come with becoming available."""
    client = server.login(user, resource)
    return client, messages(client.go_online(priority) + client.drain())


def test_a_message_waits_and_comes_with_a_delay_stamp(server):
    """XEP-0160 section 3, XEP-0203 section 2: as it was sent, with the time of its arrival."""
    before = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    juliet = server.online("juliet", "balcony")
    juliet.send("<message to='romeo@localhost' type='chat' id='m1' xml:lang='en'>"
                "<body>O Romeo</body><thread>t1</thread><x xmlns='urn:x' a='1'/></message>")
    assert juliet.drain() == []
    _, got = arrive(server)
    assert len(got) == 1
    message = got[0]
    assert message.get("from") == "juliet@localhost/balcony"
    assert message.get("to").split("/")[0] == "romeo@localhost"
    assert (message.get("id"), message.get("type")) == ("m1", "chat")
    assert message.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"
    assert body(message) == "O Romeo"
    assert child(message, "thread").text == "t1"
    assert child(message, "x", "urn:x").get("a") == "1"
    delay = child(message, "delay", DELAY)
    assert delay.get("from") in ("localhost", "romeo@localhost")
    stamp = datetime.datetime.fromisoformat(delay.get("stamp").replace("Z", "+00:00"))
    assert before <= stamp <= datetime.datetime.now(datetime.timezone.utc)
    assert delay.get("stamp").endswith("Z")


def test_messages_come_once_and_in_order(server):
    """RFC 6120 section 10.1; from many senders, over a restart of the server."""
    juliet, nurse = server.online("juliet"), server.online("nurse")
    sent = []
    for n in range(40):
        sender = (juliet, nurse)[n % 2]
        sent.append(sender.message("romeo@localhost", f"number {n}", identity=f"m{n}"))
        sender.ping("romeo@localhost", others=[])
    server.restart()
    romeo, got = arrive(server)
    assert [message.get("id") for message in got] == sent
    romeo.close()
    assert arrive(server)[1] == []


def test_live_messages_come_after_the_stored_ones(server):
    """RFC 6120 section 10.1: nothing overtakes the spool."""
    juliet = server.online("juliet")
    for n in range(50):
        juliet.message("romeo@localhost", "x", identity=f"m{n}")
    juliet.ping("romeo@localhost", others=[])
    romeo = server.login("romeo", "home")
    romeo.presence()
    for n in range(50, 100):
        juliet.message("romeo@localhost", "x", identity=f"m{n}")
    juliet.drain()
    got = messages(romeo.drain())
    while len(got) < 100:
        stanza = romeo.receive()
        if local(stanza) == "message":
            got.append(stanza)
    assert [message.get("id") for message in got] == [f"m{n}" for n in range(100)]


@pytest.mark.parametrize("kind", ["chat", "normal", None])
def test_what_is_stored(server, kind):
    """XEP-0160 section 3: chat and normal."""
    juliet = server.online("juliet")
    juliet.message("romeo@localhost", "x", kind, "m1")
    assert juliet.drain() == []
    assert [message.get("id") for message in arrive(server)[1]] == ["m1"]


@pytest.mark.parametrize("stanza", [
    "<message to='romeo@localhost' type='headline'><body>x</body></message>",
    "<message to='romeo@localhost' type='groupchat'><body>x</body></message>",
    "<message to='romeo@localhost' type='error'><body>x</body><error type='cancel'/></message>",
    "<message to='romeo@localhost' type='chat'><body>x</body>"
    f"<no-store xmlns='{HINTS}'/></message>",
    f"<message to='romeo@localhost' type='chat'><body>x</body><no-permanent-store xmlns='{HINTS}'/>"
    f"<no-store xmlns='{HINTS}'/></message>",
    f"<message to='romeo@localhost' type='chat'><composing xmlns='{CHAT_STATES}'/></message>",
    f"<message to='romeo@localhost' type='chat'><paused xmlns='{CHAT_STATES}'/>"
    "<thread>t</thread></message>",
], ids=["headline", "groupchat", "error", "no-store", "both hints", "composing", "paused"])
def test_what_is_not_stored(server, stanza):
    """XEP-0160 section 3, XEP-0334 section 4.2, XEP-0085 section 5.7 (no body: nothing to keep)."""
    juliet = server.online("juliet")
    juliet.send(stanza)
    juliet.drain()
    assert arrive(server)[1] == []


@pytest.mark.parametrize("stanza", [
    f"<message to='romeo@localhost' type='chat'><store xmlns='{HINTS}'/>"
    "<encrypted xmlns='eu.siacs.conversations.axolotl'/></message>",
    "<message to='romeo@localhost' type='chat'><received xmlns='urn:xmpp:receipts' id='x'/>"
    f"<store xmlns='{HINTS}'/></message>",
    f"<message to='romeo@localhost' type='chat'><body>x</body><active xmlns='{CHAT_STATES}'/>"
    "</message>",
], ids=["store hint", "receipt with hint", "body with state"])
def test_what_is_stored_although_unusual(server, stanza):
    """XEP-0334 section 4.4, XEP-0085."""
    juliet = server.online("juliet")
    juliet.send(stanza)
    assert juliet.drain() == []
    assert len(arrive(server)[1]) == 1


def test_a_negative_priority_does_not_fetch_the_messages(server):
    """RFC 6121 section 8.5.2.2.1, XEP-0160 section 3: they wait for one that is not negative."""
    juliet = server.online("juliet")
    juliet.message("romeo@localhost", "x", identity="m1")
    juliet.ping("romeo@localhost", others=[])
    romeo, got = arrive(server, priority=-1)
    assert got == []
    juliet.message("romeo@localhost", "x", identity="m2")
    juliet.ping("romeo@localhost", others=[])
    assert messages(romeo.drain()) == []
    romeo.presence(inner="<priority>0</priority>")
    assert [message.get("id") for message in messages(romeo.drain())] == ["m1", "m2"]


def test_without_presence_the_messages_wait(server):
    """XEP-0160 section 2: binding is not enough."""
    juliet = server.online("juliet")
    juliet.message("romeo@localhost", "x", identity="m1")
    juliet.ping("romeo@localhost", others=[])
    romeo = server.login("romeo", "home")
    assert romeo.drain() == []
    romeo.close()
    assert len(arrive(server)[1]) == 1


def test_only_one_of_two_resources_gets_them(server):
    """XEP-0160 section 3: the first that becomes available, and none again after."""
    juliet = server.online("juliet")
    juliet.message("romeo@localhost", "x", identity="m1")
    juliet.ping("romeo@localhost", others=[])
    home, first = arrive(server, resource="home")
    phone, second = arrive(server, resource="phone")
    assert (len(first), len(second)) == (1, 0)
    phone.presence("unavailable")
    phone.drain()
    phone.presence()
    assert messages(phone.drain()) == []


def test_a_message_for_nobody_is_not_stored(server):
    """RFC 6121 section 8.5.1."""
    juliet = server.online("juliet")
    juliet.message("paris@localhost", "x", identity="m1")
    juliet.ping("paris@localhost", others=[])
    server.users["paris"] = "paris-secret"
    server.write_users()
    assert arrive(server, "paris")[1] == []


def test_large_and_odd_contents_come_back_as_they_were(server):
    """What was stored is what is delivered."""
    juliet = server.online("juliet")
    texts = ["A" * 200000, "<&>'\"", "\U0001f339 \u202e", "line\nline\ttab", "]]>"]
    for text in texts:
        juliet.message("romeo@localhost", text)
    juliet.ping("romeo@localhost", others=[])
    _, got = arrive(server)
    assert [body(message) for message in got] == texts


def test_the_spool_of_an_account_is_bounded(server):
    """A stranger cannot fill the disk: past a limit the sender is told so. Nothing that was
    accepted is lost."""
    juliet = server.online("juliet")
    accepted = 0
    refused = None
    for burst in range(60):
        for n in range(100):
            juliet.message("romeo@localhost", "A" * 100, identity=f"m{burst * 100 + n}")
        answers = []
        juliet.ping("romeo@localhost", others=answers)
        accepted += 100 - len(answers)
        if answers:
            refused = answers[0]
            break
    if refused is None:
        pytest.skip("6000 messages are accepted")
    assert error_condition(refused)[1] in ("service-unavailable", "resource-constraint",
                                           "policy-violation"), show(refused)
    _, got = arrive(server)
    assert [message.get("id") for message in got] == [f"m{n}" for n in range(accepted)]
