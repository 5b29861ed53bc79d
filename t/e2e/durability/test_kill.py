"""What the server acknowledged survives SIGKILL: docs/design, "Storage and durability".

Each round: a change, its acknowledgement, the kill at once, a restart, the proof. Several changes
come in one round, each acknowledged before the kill, so that a few hundred acknowledgements are
followed by a kill with nothing in between.
"""

import random
import time

import pytest

from impulse_test import SLOWNESS
from impulse_test.raw import ROSTER, body, local

ROUNDS = 40 if SLOWNESS == 1 else 8


def set_item(client, jid, name):
    answer = client.iq("set", f"<query xmlns='{ROSTER}'><item jid='{jid}' name='{name}'/></query>",
                       others=[])
    assert answer.get("type") == "result"


@pytest.mark.parametrize("part", range(4))
def test_an_acknowledged_roster_set_survives(new_server, part):
    """The result of a roster set means: it is on disk (RFC 6121 section 2.3.2)."""
    server = new_server(concurrency=2)
    expected = {}
    chance = random.Random(part)
    server.start()
    juliet = server.login("juliet", "home")
    for round_ in range(ROUNDS):
        for step in range(1 + chance.randrange(3)):
            jid = f"c{chance.randrange(20)}@localhost"
            expected[jid] = f"{round_}.{step}"
            set_item(juliet, jid, expected[jid])
        server.kill()
        server.start()
        juliet = server.login("juliet", "home")
        got = {jid: item.get("name") for jid, item in juliet.roster().items()}
        for jid, name in expected.items():
            assert got.get(jid) == name, f"round {round_}: {jid} is lost"


@pytest.mark.parametrize("part", range(4))
def test_an_acknowledged_offline_message_survives(new_server, part):
    """The answer to a ping of the account behind the message means: it is on disk."""
    server = new_server(concurrency=2)
    sent = []
    server.start()
    for round_ in range(ROUNDS):
        juliet = server.login("juliet", "home")
        for step in range(1 + (round_ + part) % 3):
            sent.append(f"{part}.{round_}.{step}")
            juliet.message("romeo@localhost", sent[-1])
        juliet.ping("romeo@localhost", others=[])
        server.kill()
        server.start()
        if round_ % 5 == 4:
            romeo = server.login("romeo", "home")
            got = [body(stanza) for stanza in romeo.go_online() + romeo.drain()
                   if local(stanza) == "message"]
            assert got == sent, f"round {round_}"
            romeo.ping("romeo@localhost", others=[])
            romeo.close()
            sent = []


def test_subscriptions_survive(new_server):
    """Both sides of an approval, after the pushes that told of it."""
    server = new_server(concurrency=2)
    for n in range(6):
        server.start()
        juliet, contact = server.online("juliet", "home"), server.online("romeo", "home")
        for client in (juliet, contact):
            client.roster()
        kind = ("subscribe", "subscribed", "unsubscribe")[n % 3]
        actor, other = (contact, juliet) if kind == "subscribed" else (juliet, contact)
        actor.presence(kind, other.bare)
        actor.settle(other)
        actor.ping(other.bare, others=[])
        actor.ping(actor.bare, others=[])
        server.kill()
        server.start()
        mine = server.login("juliet").roster()["romeo@localhost"]
        assert (mine.get("subscription"), mine.get("ask")) == (
            ("none", "subscribe"), ("to", None), ("none", None))[n % 3]
        server.kill()


def test_account_changes_survive(new_server):
    """What impulsectl said was done is done."""
    server = new_server(account_store=True, users={"juliet": "juliet-secret"}, concurrency=2)
    server.start()
    for n in range(8):
        server.ctl("user", "passwd", "juliet@localhost", stdin=f"word{n}\n")
        server.ctl("user", "add", f"guest{n}@localhost", stdin="x\n")
        server.kill()
        server.start()
        server.login("juliet", password=f"word{n}").close()
        assert f"guest{n}@localhost" in server.ctl("user", "list")


def test_a_kill_under_load_leaves_a_sound_database(new_server):
    """In the middle of many writes of many sessions: it starts again, with all acknowledged."""
    server = new_server(concurrency=4)
    acknowledged = {}
    users = list(server.users)
    for round_ in range(6):
        server.start()
        clients = {user: server.login(user, "home") for user in users}
        for n in range(60):
            for user, client in clients.items():
                client.send(f"<iq type='set' id='s{round_}.{n}'><query xmlns='{ROSTER}'><item "
                            f"jid='r{round_}n{n}@localhost'/></query></iq>")
        end = time.monotonic() + 0.05 * round_ * SLOWNESS
        while time.monotonic() < end:
            for user, client in clients.items():
                stanza = client.receive_if_any(0.001)
                if stanza is not None and stanza.get("type") == "result":
                    round_of, number = stanza.get("id")[1:].split(".")
                    acknowledged.setdefault(user, set()).add(f"r{round_of}n{number}@localhost")
        server.kill()
    server.start()
    for user, jids in acknowledged.items():
        assert jids <= set(server.login(user, "home").roster())
