"""Who gets a message: the table of RFC 6121 section 8.5.4, row by row, with a bystander.

D the addressed resource, A all available resources with a priority that is not negative, M only
the most available one, O stored for later, E service-unavailable to the sender, S silence.
"""

import pytest

from impulse_test.raw import child, error_condition

# condition: (resources of romeo with their priorities, address) -> type -> allowed outcomes
NOBODY, AWAY, NEGATIVE, ONE, MANY = "nobody", "away", "negative", "one", "many"
RESOURCES = {NOBODY: {}, AWAY: {}, NEGATIVE: {"home": -1}, ONE: {"home": 0},
             MANY: {"home": 5, "phone": 0}}
TABLE = [
    # condition, address,    normal, chat,   groupchat, headline
    (NOBODY, "bare",         "SE",   "SE",   "E",       "S"),
    (NOBODY, "full",         "SE",   "SE",   "SE",      "SE"),
    (AWAY, "bare",           "O",    "O",    "E",       "S"),
    (AWAY, "unmatched",      "SE",   "OE",   "SE",      "SE"),
    (NEGATIVE, "bare",       "O",    "O",    "E",       "S"),
    (NEGATIVE, "full",       "D",    "D",    "D",       "D"),
    (NEGATIVE, "unmatched",  "SE",   "OE",   "SE",      "SE"),
    (ONE, "bare",            "D",    "D",    "E",       "D"),
    (ONE, "full",            "D",    "D",    "D",       "D"),
    (ONE, "unmatched",       "SE",   "D",    "SE",      "SE"),
    (MANY, "bare",           "MA",   "MA",   "E",       "A"),
    (MANY, "full",           "D",    "D",    "D",       "D"),
    (MANY, "unmatched",      "SE",   "MA",   "SE",      "SE"),
]
ROWS = [pytest.param(condition, address, kind, allowed, id=f"{condition}-{address}-{kind}")
        for condition, address, *cells in TABLE
        for kind, allowed in zip(("normal", "chat", "groupchat", "headline"), cells)]
ADDRESS = {"bare": "romeo@localhost", "full": "romeo@localhost/home",
           "unmatched": "romeo@localhost/gone"}


@pytest.mark.parametrize("condition,address,kind,allowed", ROWS)
def test_delivery(server, condition, address, kind, allowed):
    """RFC 6121 section 8.5."""
    romeos = {resource: server.online("romeo", resource, priority)
              for resource, priority in RESOURCES[condition].items()}
    if len(romeos) == 2:
        romeos["home"].receive()  # presence of the phone, which came later
        romeos["phone"].drain()
    nurse = server.online("nurse")
    juliet = server.online("juliet")
    to = ADDRESS[address].replace("romeo", "nobody" if condition == NOBODY else "romeo")
    juliet.message(to, "Wherefore?", kind, "m1")

    arrived = {resource: romeo for resource, romeo in romeos.items() if got(juliet, romeo, kind)}
    juliet.expect_nothing(nurse)
    answers = [stanza for stanza in juliet.settle()]
    if answers:
        assert [error_condition(answer) for answer in answers] == [("cancel",
                                                                    "service-unavailable")]
        assert answers[0].get("from") == to
        assert answers[0].get("id") == "m1"
        assert not arrived, "delivered and refused"
        outcome = "E"
    elif "home" in arrived and len(arrived) == len(romeos):
        outcome = "AD"
    elif "home" in arrived:
        outcome = "DM"
    else:
        assert not arrived, f"only at {list(arrived)}"
        outcome = "O" if stored(server, condition) else "S"
    if allowed == "D" and condition == MANY:
        assert outcome == "DM", "delivered to another resource, too"
    assert set(outcome) & set(allowed), f"{outcome} is not among {allowed}"


def got(juliet, romeo, kind):
    """Whether the message arrived at this session of romeo's, once, and as it should be."""
    stanzas = juliet.settle(romeo)
    assert len(stanzas) <= 1, "twice"
    for stanza in stanzas:
        assert stanza.get("id") == "m1"
        assert stanza.get("from") == juliet.jid
        assert stanza.get("type", "normal") == kind
        assert child(stanza, "body").text == "Wherefore?"
    return bool(stanzas)


def stored(server, condition):
    """Whether the message comes when romeo becomes available."""
    if condition == NOBODY:
        return False
    romeo = server.login("romeo", "later")
    romeo.presence()
    stanzas = romeo.drain()
    return any(stanza.tag.endswith("message") for stanza in stanzas)


@pytest.mark.parametrize("to", ["romeo@localhost", "romeo@localhost/gone", "nobody@localhost",
                                "nobody@localhost/x", "localhost", "localhost/x"])
@pytest.mark.parametrize("online", [True, False])
def test_an_error_is_never_answered_nor_stored(server, to, online):
    """RFC 6120 section 8.3.1, RFC 6121 section 8.5."""
    if online:
        server.online("romeo", "home", -1)
    juliet = server.online("juliet")
    juliet.message(to, "no", "error", "e1", "<error type='cancel'><item-not-found "
                   "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>")
    assert juliet.drain() == []
    romeo = server.login("romeo", "later")
    romeo.presence()
    assert not [stanza for stanza in romeo.drain() if stanza.tag.endswith("message")]


def test_a_connected_resource_without_presence_is_reached_by_its_full_jid_only(server):
    """RFC 6121 sections 8.5.2.2 and 8.5.3.1."""
    romeo = server.login("romeo", "home")
    juliet = server.online("juliet")
    juliet.message("romeo@localhost/home", "x", identity="full")
    juliet.message("romeo@localhost", "x", identity="bare")
    assert [stanza.get("id") for stanza in juliet.settle(romeo)] == ["full"]


def test_a_message_without_type_is_a_normal_one(server):
    """RFC 6121 section 5.2.2."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet")
    juliet.message("romeo@localhost", "x", None, "untyped")
    got_ = romeo.receive()
    assert got_.get("id") == "untyped"
    assert got_.get("type") in (None, "normal")


def test_an_unknown_type_is_treated_as_normal(server):
    """RFC 6121 section 5.2.2."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet")
    juliet.message("romeo@localhost", "x", "banana", "odd")
    assert romeo.receive().get("id") == "odd"
