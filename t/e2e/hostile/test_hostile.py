"""Peers that mean harm: rubbish, floods, silence. A bystander pings all the while."""

import random
import socket
import threading
import time

import pytest

from impulse_test import SLOWNESS, patience
from impulse_test.raw import CLIENT, SASL, STREAM, body
from impulse_test.sasl import b64, plain
from impulse_test.server import wait_until

STREAMS = 20000 if SLOWNESS == 1 else 3000
# The time within which a bystander is answered. One answer in a hundred may take longer, for the
# machine is busy with the attacker, too; but none very long.
QUICK = patience(0.1)
LONGEST = patience(1)


class Bystander(threading.Thread):
    """Pings in a thread of its own and keeps the times."""

    def __init__(self, server, interval=0.02):
        super().__init__(daemon=True)
        self.client = server.online("nurse", "bystander")
        self.interval = interval
        self.times = []
        self.failure = None
        self._end = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self.join(patience(20))
        assert self.failure is None, self.failure
        assert self.times, "no ping was answered"
        late = [t for t in self.times if t > QUICK]
        assert len(late) <= len(self.times) // 100 and max(self.times) < LONGEST, (
            f"{len(late)} of {len(self.times)} pings late, worst {max(self.times):.3f} s")

    def run(self):
        try:
            while not self._end.wait(self.interval):
                began = time.monotonic()
                assert self.client.ping().get("type") == "result"
                self.times.append(time.monotonic() - began)
                self.client.transcript.clear()
        except Exception as error:  # pylint: disable=broad-except
            self.failure = error


HEADER = (f"<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='{CLIENT}' "
          f"xmlns:stream='{STREAM}'>").encode()
PIECES = [
    HEADER, b"</stream:stream>", b"<", b">", b"&", b"&lol;", b"&#0;", b"&#x10FFFF;", b"'", b'"',
    b"\0", b"\xff\xfe", b"\xe2\x82", b"\xed\xa0\x80", b"<!--", b"-->", b"<![CDATA[", b"]]>",
    b"<?x", b"?>", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"<x>" * 200, b"</x>" * 50,
    b"<a " + b"b='" * 40, b"A" * 9000, b" " * 5000, b"<x " + b" ".join(
        b"a%d='1'" % n for n in range(100)) + b"/>",
    f"<auth xmlns='{SASL}' mechanism='PLAIN'>AGp1bGlldAB4</auth>".encode(),
    f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-1'>biwsbj1qdWxpZXQscj14</auth>".encode(),
    f"<response xmlns='{SASL}'>Yz1iaXdz</response>".encode(), f"<abort xmlns='{SASL}'/>".encode(),
    f"<auth xmlns='{SASL}' mechanism='{'P' * 500}'>!</auth>".encode(),
    b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", b"\x16\x03\x01\x02\x00\x01\x00",
    b"<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
    b"<message to='romeo@localhost'><body>x</body></message>", b"<presence/>",
    b"<stream:features/>", b"<stream:error/>", b"xmlns:stream='x'", b"<stream:stream>",
    b"GET / HTTP/1.1\r\n\r\n", b"\r\n",
]


def malformed(chance):
    """The bytes of one malformed stream."""
    parts = [HEADER] if chance.random() < 0.7 else []
    parts += chance.choices(PIECES, k=chance.randrange(1, 6))
    data = bytearray(b"".join(parts))
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(data))
        action = chance.randrange(3)
        if action == 0:
            data[at] = chance.randrange(256)
        elif action == 1:
            del data[at:at + chance.randrange(1, 20)]
        else:
            data[at:at] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 5)))
        if not data:
            data = bytearray(b"<")
    return bytes(data)


def throw(address, data, chance):
    """One connection with these bytes, ended in one of several ways."""
    with socket.create_connection(address, patience(10)) as peer:
        try:
            cut = chance.randrange(len(data) + 1)
            peer.sendall(data[:cut])
            peer.sendall(data[cut:])
            how = chance.randrange(4)
            if how == 0:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            elif how == 1:
                peer.shutdown(socket.SHUT_WR)
                peer.settimeout(patience(10))
                while peer.recv(65536):
                    pass
            elif how == 2:
                peer.settimeout(0.001)
                peer.recv(65536)
        except OSError:
            pass


@pytest.mark.parametrize("seed", range(4))
def test_malformed_streams(server, seed):
    """Thousands from a seeded fuzzer; the same seed makes the same bytes."""
    chance = random.Random(seed)
    count = STREAMS // 4
    address = ("127.0.0.1", server.port)
    for _ in range(count // 10):
        throw(address, malformed(chance), chance)
    before = server.memory()
    with Bystander(server):
        for _ in range(count - count // 10):
            throw(address, malformed(chance), chance)
    assert server.memory() < before + (48 << 20)
    juliet = server.online("juliet", starttls=True)
    juliet.close()


def test_malformed_input_of_those_who_logged_in(server):
    """The same bytes behind a login."""
    chance = random.Random(99)
    with Bystander(server):
        for _ in range(int(300 / SLOWNESS) + 10):
            client = server.online("juliet")
            try:
                client.send(malformed(chance).removeprefix(HEADER))
            except OSError:
                pass
            client.reset()
    server.online("juliet").close()


def test_tls_rubbish(server):
    """Broken handshakes, on both kinds of ports."""
    chance = random.Random(7)
    hello = bytes.fromhex("16030102000100") + bytes(range(64))
    with Bystander(server):
        for _ in range(int(400 / SLOWNESS) + 10):
            data = bytearray(hello + chance.randbytes(chance.randrange(600)))
            data[chance.randrange(len(data))] = chance.randrange(256)
            throw(("127.0.0.1", server.tls_port), bytes(data), chance)
            throw(("127.0.0.1", server.port), HEADER
                  + b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" + bytes(data), chance)
    server.online("juliet", direct_tls=True).close()


def test_a_reader_that_does_not_read(server):
    """Its output is bounded; it is cut off, and nobody else waits for it."""
    slow = server.online("romeo", "slow")
    slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    juliet = server.online("juliet")
    tybalt = server.online("tybalt", "home")
    before = server.memory()
    with Bystander(server):
        for n in range(600):
            juliet.message(slow.jid, "A" * 50000, "headline")
            if n % 20 == 0:
                juliet.drain()
                juliet.message(tybalt.jid, "still here", "chat")
                assert body(tybalt.receive()) == "still here"
            juliet.transcript.clear()
        juliet.drain()
    assert server.memory() < before + (32 << 20)
    wait_until(lambda: slow.jid not in server.ctl("xmpp", "sessions"), "the session to be cut off")


def test_a_flood_does_not_starve_others(server):
    """One client sends as fast as it can, for a while, and reads what it gets."""
    flooder = server.online("tybalt", "flood")
    target = server.online("romeo", "home")
    stop = threading.Event()
    burst = (f"<message to='{target.jid}' type='headline'><body>{'x' * 100}</body></message>"
             * 50).encode()

    def flood():
        while not stop.is_set():
            try:
                flooder.socket.sendall(burst)
            except OSError:
                return

    def swallow():
        target.socket.settimeout(0.2)
        while not stop.is_set():
            try:
                if not target.socket.recv(1 << 20):
                    return
            except TimeoutError:
                continue
            except OSError:
                return
    threads = [threading.Thread(target=function, daemon=True) for function in (flood, swallow)]
    flooder.socket.settimeout(1)
    before = server.memory()
    for thread in threads:
        thread.start()
    try:
        with Bystander(server):
            time.sleep(min(patience(3), 10))
            juliet = server.online("juliet")
            juliet.close()
    finally:
        stop.set()
        for thread in threads:
            thread.join(5)
    assert server.memory() < before + (64 << 20)


def test_pings_of_a_flooder_who_does_not_read(server):
    """Answers are output, too: whoever asks and does not read is paused or cut off."""
    flooder = server.online("tybalt", "flood")
    flooder.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    ping = b"<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>" * 200
    before = server.memory()
    with Bystander(server):
        flooder.socket.settimeout(0.3)
        try:
            for _ in range(3000):
                flooder.socket.sendall(ping)
        except OSError:
            pass
    assert server.memory() < before + (32 << 20)


def test_many_connections(server):
    """A thousand strangers who say nothing, or hello; a login still works."""
    strangers = []
    try:
        with Bystander(server):
            for n in range(1000):
                peer = socket.create_connection(("127.0.0.1", server.port), patience(10))
                strangers.append(peer)
                if n % 2:
                    peer.sendall(HEADER)
            server.online("juliet").close()
            for peer in strangers[1::2]:
                peer.settimeout(patience(10))
                assert peer.recv(65536).startswith(b"<?xml")
    finally:
        for peer in strangers:
            peer.close()
    server.online("juliet").close()


def test_many_sessions_come_and_go(server):
    """What a session takes is given back."""
    def visit(count):
        for n in range(count):
            client = server.online("juliet")
            client.message("romeo@localhost/x", "x", "headline")
            if n % 2:
                client.close()
            else:
                client.reset()
    visit(int(60 / SLOWNESS) + 5)
    before = server.memory()
    visit(int(250 / SLOWNESS) + 5)
    assert server.memory() < before + (8 << 20)


def test_guessing_passwords_is_slow_work_for_the_guesser_only(server):
    """Wrong logins on many connections at once."""
    wrong = f"<auth xmlns='{SASL}' mechanism='PLAIN'>{b64(plain('juliet', 'x'))}</auth>"
    with Bystander(server):
        for _ in range(10):
            clients = [server.connect(tls=True).open() for _ in range(5)]
            for client in clients:
                client.send(wrong)
            for client in clients:
                client.receive()
                client.abort()
