"""Addresses and order: RFC 6120 sections 8.1, 10.1, 10.3; RFC 6121 section 8."""

import time

import pytest

from impulse_test.raw import body, error_condition, local


def test_an_exchange_between_two_with_a_bystander(dialogue):
    """RFC 6121 section 5.2.1."""
    dialogue("""
        Juliet is online
        Romeo is online
        Nurse is online
        Juliet sends <message to='romeo@localhost' type='chat' id='m1' xml:lang='en'>
            <body>Art thou not Romeo, and a Montague?</body><thread>e0ffe42b</thread></message>
        Romeo receives <message from='juliet@localhost/home' to='romeo@localhost' type='chat'
            id='m1' xml:lang='en'><body>Art thou not Romeo, and a Montague?</body>
            <thread>e0ffe42b</thread></message>
        Nurse receives nothing
        Romeo sends <message to='juliet@localhost/home' type='chat' id='m2'>
            <body>Neither, fair saint, if either thee dislike.</body></message>
        Juliet receives <message from='romeo@localhost/home' to='juliet@localhost/home' id='m2'
            type='chat'><body>Neither, fair saint, if either thee dislike.</body></message>
        Nurse receives nothing
    """)


@pytest.mark.parametrize("claimed", ["juliet@localhost", "juliet@localhost/home",
                                     "JULIET@localhost/home"])
def test_a_from_of_ones_own_is_replaced_by_the_full_jid(server, claimed):
    """RFC 6120 section 8.1.2.1."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet", "home")
    juliet.send(f"<message from='{claimed}' to='romeo@localhost/home' type='chat'/>")
    assert romeo.receive().get("from") == "juliet@localhost/home"


@pytest.mark.parametrize("claimed", ["nurse@localhost", "nurse@localhost/home", "localhost",
                                     "juliet@localhost/other", "juliet@elsewhere.example/home",
                                     "@", "juliet@localhost/home/x"])
@pytest.mark.parametrize("stanza", [
    "<message from='{}' to='romeo@localhost/home' type='chat'><body>lies</body></message>",
    "<presence from='{}' to='romeo@localhost/home'/>",
    "<iq from='{}' to='romeo@localhost/home' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
], ids=["message", "presence", "iq"])
def test_a_forged_from_is_invalid_from(server, claimed, stanza):
    """RFC 6120 sections 4.9.3.9 and 8.1.2.1: the stream ends, the stanza goes nowhere."""
    romeo = server.online("romeo", "home")
    nurse = server.online("nurse", "home")
    juliet = server.online("juliet", "home")
    juliet.send(stanza.format(claimed))
    juliet.expect_stream_error("invalid-from")
    nurse.expect_nothing(romeo, nurse)


def test_a_message_without_to_goes_to_ones_own_account(server):
    """RFC 6120 section 10.3.1."""
    juliet = server.online("juliet", "home")
    nurse = server.online("nurse")
    juliet.send("<message type='chat' id='self'><body>note</body></message>")
    got = juliet.receive()
    assert got.get("id") == "self"
    assert got.get("from") == juliet.jid
    juliet.expect_nothing(nurse)


def test_ones_own_other_resource_can_be_addressed(server):
    """RFC 6121 section 8.5.3.1."""
    home = server.online("juliet", "home")
    phone = server.online("juliet", "phone")
    home.receive()
    phone.drain()
    home.message("juliet@localhost/phone", "buy bread", identity="own")
    assert phone.receive().get("id") == "own"
    home.expect_nothing(home)


@pytest.mark.parametrize("to", ["@localhost", "romeo@", "romeo@localhost/", "a@b@c", "",
                                "ro meo@localhost", "romeo@local host", "x" * 1024 + "@localhost",
                                "romeo@" + "x" * 1024, "\"romeo\"@localhost",
                                "romeo&apos;@localhost"])
def test_a_malformed_address_is_jid_malformed(server, to):
    """RFC 6120 section 8.3.3.8. The stream goes on."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet")
    juliet.send(f"<message to='{to}' type='chat' id='bad'><body>x</body></message>")
    answers = juliet.drain()
    if to == "":
        assert len(answers) <= 1
    elif to == "a@b@c":
        assert [local(answer) for answer in answers] == ["message"]
    else:
        assert [error_condition(answer) for answer in answers] == [("modify", "jid-malformed")]
    juliet.expect_nothing(romeo)


def test_addresses_are_compared_after_preparation(server):
    """RFC 7622 sections 3.2 and 3.3; the resource keeps its case."""
    romeo = server.online("romeo", "Home")
    juliet = server.online("juliet")
    juliet.message("ROMEO@LocalHost/Home", "x", identity="upper")
    got = romeo.receive()
    assert got.get("id") == "upper"
    juliet.message("romeo@localhost/home", "x", "headline", "other-resource")
    assert [stanza.get("id") for stanza in juliet.settle(romeo)] == []


def test_the_domain_takes_no_message_but_says_so(server):
    """RFC 6121 section 8.4 for messages to the server itself: no answer or an error."""
    juliet = server.online("juliet")
    nurse = server.online("nurse")
    juliet.message("localhost", "hello?", identity="d1")
    answers = juliet.drain()
    assert all(error_condition(answer)[1] == "service-unavailable" for answer in answers)
    juliet.expect_nothing(nurse)


def test_a_remote_domain_that_cannot_be_reached_is_an_error(server):
    """RFC 6120 section 10.4: an error, not silence."""
    juliet = server.online("juliet")
    nurse = server.online("nurse")
    juliet.message("romeo@elsewhere.invalid", "x", identity="far")
    answer = juliet.receive()
    assert answer.get("id") == "far"
    assert error_condition(answer)[1] in ("remote-server-not-found", "remote-server-timeout",
                                          "service-unavailable", "not-allowed")
    juliet.expect_nothing(nurse)


def test_order_is_kept_between_many_pairs_under_load(new_server):
    """RFC 6120 section 10.1: each recipient sees each sender's messages in the order of sending,
    whatever loops their accounts live on."""
    people = [f"person{n}" for n in range(12)]
    server = new_server(users={name: f"{name}-secret" for name in people}).start()
    clients = {name: server.online(name, "home") for name in people}
    rounds, burst = 20, 10
    expected = {name: {other: 0 for other in people if other != name} for name in people}
    for round_ in range(rounds):
        for n, name in enumerate(people):
            batch = []
            for sequence in range(round_ * burst, (round_ + 1) * burst):
                for step in (1, 2, 5):
                    to = people[(n + step) % len(people)]
                    full = "" if sequence % 2 else "/home"
                    batch.append(f"<message to='{to}@localhost{full}' type='chat' id='{sequence}'>"
                                 f"<body>{name} {sequence}</body></message>")
            clients[name].send("".join(batch))
        for name in people:
            for _ in range(3 * burst):
                stanza = clients[name].receive()
                sender, sequence = body(stanza).split()
                assert stanza.get("from") == f"{sender}@localhost/home"
                assert int(sequence) == expected[name][sender], f"{sender} to {name}"
                expected[name][sender] += 1
    for name in people:
        assert sorted(expected[name].values())[-3:] == [rounds * burst] * 3
        clients[name].drain()


def test_message_and_presence_and_iq_keep_their_order(server):
    """RFC 6120 section 10.1, across kinds."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet", "home")
    romeo.presence(to=juliet.jid)  # without sharing his presence he gets no requests
    juliet.receive()
    to = romeo.jid
    juliet.send("".join(
        f"<message to='{to}' type='chat' id='m{n}'/><presence to='{to}' id='p{n}'/>"
        f"<iq to='{to}' type='get' id='i{n}'><x xmlns='urn:x'/></iq>" for n in range(50)))
    got = [romeo.receive().get("id") for _ in range(150)]
    assert got == [f"{kind}{n}" for n in range(50) for kind in "mpi"]


def test_a_message_is_quick(server):
    """No timer stands between a message and its reader."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet")
    times = []
    for n in range(50):
        began = time.monotonic()
        juliet.message(romeo.jid, "x", identity=f"q{n}")
        assert romeo.receive().get("id") == f"q{n}"
        times.append(time.monotonic() - began)
    assert sorted(times)[25] < 0.02
