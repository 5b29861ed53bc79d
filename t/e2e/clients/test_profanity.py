"""Profanity, a client for terminals, in a pseudo-terminal: as its user would type."""

import os
import re
import shutil
import time

import pytest

from impulse_test import DEFAULT_PATIENCE

pexpect = pytest.importorskip("pexpect")
pytestmark = pytest.mark.skipif(shutil.which("profanity") is None, reason="no profanity installed")

ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>78])")


class Profanity:
    """One Profanity with a home directory of its own."""

    def __init__(self, home):
        home.mkdir()
        environment = {"HOME": str(home), "TERM": "xterm-256color", "LANG": "C.UTF-8",
                       "PATH": os.environ["PATH"], "XDG_CONFIG_HOME": str(home / "config"),
                       "XDG_DATA_HOME": str(home / "data")}
        self.child = pexpect.spawn("profanity", env=environment, dimensions=(40, 160),
                                   encoding="utf-8", codec_errors="replace", cwd=str(home),
                                   timeout=DEFAULT_PATIENCE)
        self.screen = ""
        self.expect("Profanity")

    def expect(self, text):
        """Waits until this text was drawn; spaces do not count, for cursors jump over them."""
        wanted = re.sub(r"\s", "", text)
        deadline = time.monotonic() + DEFAULT_PATIENCE
        while wanted not in re.sub(r"\s", "", self.screen):
            assert time.monotonic() < deadline, f"{text!r} did not appear in\n{self.screen[-3000:]}"
            try:
                self.screen += ESCAPES.sub("", self.child.read_nonblocking(65536, 0.2))
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                raise AssertionError(f"Profanity ended:\n{self.screen[-3000:]}") from None

    def type(self, line):
        self.screen = ""
        self.child.send(line + "\r")

    def close(self):
        self.child.close(force=True)


@pytest.fixture
def profanity(tmp_path):
    client = Profanity(tmp_path / "profanity")
    yield client
    client.close()


def test_login_contact_and_messages(server, slix, profanity):
    """Logs in over TLS with a self-signed certificate, adds a contact, talks, leaves."""
    romeo = slix("romeo", "orchard").login()
    profanity.type(f"/connect juliet@localhost server 127.0.0.1 port {server.port} tls trust")
    profanity.expect("password")
    profanity.type(server.users["juliet"])
    profanity.expect("logged in successfully")

    profanity.type("/sub request romeo@localhost")
    request = romeo.wait("presence_subscribe")
    assert request["from"].bare == "juliet@localhost"
    romeo.send_presence(pto="juliet@localhost", ptype="subscribed")
    romeo.send_presence(pto="juliet@localhost", ptype="subscribe")
    profanity.expect("romeo@localhost")
    profanity.type("/sub allow romeo@localhost")
    romeo.wait("presence_subscribed")
    presence = romeo.wait("presence_available", lambda p: p["from"].bare == "juliet@localhost")

    profanity.type("/msg romeo@localhost Wherefore art thou?")
    got = romeo.wait("message", lambda m: m["body"])
    assert got["body"] == "Wherefore art thou?"
    assert got["from"].full == presence["from"].full
    romeo.send_message(presence["from"].full, "Under thy balcony.")
    profanity.expect("Under thy balcony.")

    profanity.type("/disconnect")
    romeo.wait("presence_unavailable", lambda p: p["from"].full == presence["from"].full)
    romeo.send_message("juliet@localhost", "Parting is such sweet sorrow.")
    profanity.type(f"/connect juliet@localhost server 127.0.0.1 port {server.port} tls trust")
    profanity.expect("password")
    profanity.type(server.users["juliet"])
    profanity.expect("chat message: romeo@localhost")
    profanity.type("/win romeo@localhost")
    profanity.expect("Parting is such sweet sorrow.")
