"""Fixtures of the end-to-end tests. See impulse_test/ for what they are made of."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from impulse_test.dialogue import Dialogue  # noqa: E402
from impulse_test.server import ScratchServer  # noqa: E402
from impulse_test.slix import SlixClient  # noqa: E402

# What is freed must be seen to go: AddressSanitizer would keep 256 MiB of it to find late uses.
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=4"


@pytest.fixture(scope="session")
def prefix():
    """The installation under test."""
    path = os.environ.get("IMPULSE_PREFIX")
    if not path:
        pytest.exit("IMPULSE_PREFIX is not set: it names the installation to test")
    return Path(path)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A self-signed certificate and its key in one file."""
    path = tmp_path_factory.mktemp("certificate") / "server.pem"
    key = path.with_suffix(".key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-days", "2", "-keyout", str(key), "-out", str(path)], check=True, capture_output=True)
    path.write_text(path.read_text() + key.read_text())
    return path


@pytest.fixture
def new_server(prefix, certificate, tmp_path):
    """A factory of servers that are not yet started; keywords set their attributes."""
    servers = []

    def make(**attributes):
        made = ScratchServer(prefix, tmp_path / f"server{len(servers)}", certificate)
        for name, value in attributes.items():
            assert hasattr(made, name), f"a server has no attribute {name}"
            setattr(made, name, value)
        servers.append(made)
        return made

    yield make
    failures = []
    for made in servers:
        try:
            made.close()
        except AssertionError as error:
            failures.append(str(error))
    assert not failures, "\n".join(failures)


@pytest.fixture
def server(new_server):
    """A running server with the configuration that most tests need."""
    return new_server().start()


@pytest.fixture
def dialogue(server):
    """The language of dialogue.py, spoken to a running server."""
    return Dialogue(server)


@pytest.fixture
def slix(server):
    """A factory of slixmpp sessions on the running server."""
    clients = []

    def make(user, resource):
        client = SlixClient(f"{user}@localhost/{resource}", server.users[user],
                            ("127.0.0.1", server.port))
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()
