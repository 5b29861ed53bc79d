"""The subscription states of RFC 6121 Appendix A, both directions, each state and each action.

Juliet and Romeo live on the same server, so their states mirror each other: each action of
Juliet's is one cell of an outbound table for her and one of an inbound table for him.
N none, O pending out, I pending in, T to, F from, B both.
"""

import pytest

from impulse_test.raw import local, show

MIRROR = {"N": "N", "NO": "NI", "NI": "NO", "NOI": "NOI", "T": "F", "TI": "FO", "F": "T",
          "FO": "TI", "B": "B"}
# How each state is reached: who sends what.
SUBSCRIBES, APPROVES = "subscribe", "subscribed"
TO = [("juliet", SUBSCRIBES), ("romeo", APPROVES)]
FROM = [("romeo", SUBSCRIBES), ("juliet", APPROVES)]
WAY = {"N": [], "NO": [("juliet", SUBSCRIBES)], "NI": [("romeo", SUBSCRIBES)],
       "NOI": [("juliet", SUBSCRIBES), ("romeo", SUBSCRIBES)], "T": TO,
       "TI": [*TO, ("romeo", SUBSCRIBES)], "F": FROM, "FO": [*FROM, ("juliet", SUBSCRIBES)],
       "B": [*TO, *FROM]}
# Tables 2 to 5: the state of who acts, before -> after, and whether the stanza is routed.
OUTBOUND = {
    "subscribe": {"N": "NO", "NO": "NO", "NI": "NOI", "NOI": "NOI", "T": "T", "TI": "TI",
                  "F": "FO", "FO": "FO", "B": "B"},
    "unsubscribe": {"N": "N", "NO": "N", "NI": "NI", "NOI": "NI", "T": "N", "TI": "NI", "F": "F",
                    "FO": "F", "B": "F"},
    "subscribed": {"N": "N", "NO": "NO", "NI": "F", "NOI": "FO", "T": "T", "TI": "B", "F": "F",
                   "FO": "FO", "B": "B"},
    "unsubscribed": {"N": "N", "NO": "NO", "NI": "N", "NOI": "NO", "T": "T", "TI": "T", "F": "N",
                     "FO": "NO", "B": "T"},
}
NOT_ROUTED = {"subscribed": {"N", "NO", "T", "F", "FO", "B"}, "unsubscribed": {"N", "NO", "T"}}
# Tables 6 to 9: the state of the other, before -> after; no entry: no change, not delivered.
INBOUND = {
    "subscribe": {"N": "NI", "NO": "NOI", "T": "TI"},
    "unsubscribe": {"NI": "N", "NOI": "NO", "TI": "T", "F": "N", "FO": "NO", "B": "T"},
    "subscribed": {"NO": "T", "NOI": "TI", "FO": "B"},
    "unsubscribed": {"NO": "N", "NOI": "NI", "T": "N", "TI": "NI", "FO": "F", "B": "F"},
}
CASES = [pytest.param(action, state, id=f"{action}-in-{state}")
         for action, table in OUTBOUND.items() for state in table]
TYPES = ("subscribe", "subscribed", "unsubscribe", "unsubscribed")


def state_of(server, user, contact):
    """The state of a user's roster as a new session sees it: the roster, and a request that is
    delivered again when the session becomes available (RFC 6121 section 3.1.3)."""
    client = server.login(user, "observer")
    item = client.roster().get(f"{contact}@localhost")
    requests = client.go_online() + client.drain()
    pending = any(stanza.get("type") == "subscribe" and stanza.get("from") == f"{contact}@localhost"
                  for stanza in requests)
    client.close()
    subscription = "none" if item is None else item.get("subscription") or "none"
    asks = item is not None and item.get("ask") == "subscribe"
    return subscription[0].upper() + "O" * asks + "I" * pending


def act(actor, other, kind):
    """One step; returns what the other received from it."""
    actor.presence(kind, other.bare)
    seen = actor.settle(other)
    other.settle(actor)
    return seen


def prepare(server, state):
    """Juliet and Romeo, online and interested, with Juliet in this state."""
    clients = {user: server.online(user, "home") for user in ("juliet", "romeo")}
    for client in clients.values():
        client.roster()
    for who, kind in WAY[state]:
        act(clients[who], clients["romeo" if who == "juliet" else "juliet"], kind)
    return clients["juliet"], clients["romeo"]


@pytest.mark.parametrize("state", WAY)
def test_the_state_is_reached(server, state):
    """What the cases below start from, seen from both sides and after a restart."""
    prepare(server, state)
    assert state_of(server, "juliet", "romeo") == state
    assert state_of(server, "romeo", "juliet") == MIRROR[state]
    server.restart()
    assert state_of(server, "juliet", "romeo") == state
    assert state_of(server, "romeo", "juliet") == MIRROR[state]


@pytest.mark.parametrize("action,state", CASES)
def test_transition(server, action, state):
    """RFC 6121 Appendix A.2 for Juliet, A.3 for Romeo; the Nurse sees nothing of it."""
    juliet, romeo = prepare(server, state)
    nurse = server.online("nurse", "home")
    seen = act(juliet, romeo, action)
    routed = state not in NOT_ROUTED.get(action, ())
    his_before = MIRROR[state]
    delivered = routed and his_before in INBOUND[action]
    his_after = INBOUND[action][his_before] if delivered else his_before
    got = [stanza for stanza in seen
           if local(stanza) == "presence" and stanza.get("type") in TYPES]
    if delivered:
        assert [stanza.get("type") for stanza in got] == [action], [show(s) for s in seen]
        assert got[0].get("from") == "juliet@localhost", "not stamped with the bare JID"
        assert got[0].get("to") == "romeo@localhost"
    else:
        assert not got, [show(stanza) for stanza in got]
    assert state_of(server, "juliet", "romeo") == OUTBOUND[action][state]
    assert state_of(server, "romeo", "juliet") == his_after
    juliet.expect_nothing(nurse)
    romeo.expect_nothing(nurse)


@pytest.mark.parametrize("action,state", [("subscribe", "N"), ("subscribe", "F"),
                                          ("unsubscribe", "T"), ("unsubscribe", "B"),
                                          ("subscribed", "NI"), ("subscribed", "TI"),
                                          ("unsubscribed", "F"), ("unsubscribed", "B")])
def test_transition_with_the_other_away(server, action, state):
    """RFC 6121 sections 3.1.3, 3.1.6, 3.2.3, 3.3.3: states do not need anybody online."""
    juliet, romeo = prepare(server, state)
    romeo.close()
    juliet.drain()
    juliet.presence(action, "romeo@localhost")
    juliet.ping("romeo@localhost", others=[])
    assert state_of(server, "juliet", "romeo") == OUTBOUND[action][state]
    assert state_of(server, "romeo", "juliet") == INBOUND[action][MIRROR[state]]
