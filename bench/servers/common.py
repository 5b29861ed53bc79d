"""What all servers under test share: a scratch directory, processes, and an orderly end."""

import hashlib
import hmac
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

DOMAIN = "localhost"
PASSWORD = "secret"
START_SECONDS = 60
STOP_SECONDS = 15


class Server:
    """One server: `start()` and `stop()` may be repeated, its accounts stay.

    A subclass says how to configure it (`configure`) and what to run (`command_lines`).
    """

    name = "server"
    is_relay = False
    runs_unprivileged = True  # for the servers that refuse to run as root

    def __init__(self, scratch, certificate, accounts, options):
        self.directory = Path(scratch) / self.name
        self.directory.mkdir(mode=0o755)
        self.accounts = [f"user{i}" for i in range(accounts)]
        self.options = options
        self.port = free_port()
        self.certificate = self.directory / "server.pem"
        shutil.copy(certificate, self.certificate)
        self.processes = []
        self.configure()
        if self.has_other_user():
            for path in [self.directory, *self.directory.rglob("*")]:
                shutil.chown(path, "nobody", "nogroup")

    def configure(self):
        """Writes the configuration and the accounts into `self.directory`."""

    def command_lines(self):
        """The commands whose processes, with their children, are the server."""
        raise NotImplementedError

    def is_ready(self):
        return accepts(self.port)

    def version(self):
        return ""

    def environment(self):
        return {}

    def has_other_user(self):
        return self.runs_unprivileged and os.geteuid() == 0

    def start(self):
        who = {}
        if self.has_other_user():
            who = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}
        with open(self.directory / "output", "ab") as output:
            for command in self.command_lines():
                self.processes.append(
                    subprocess.Popen(
                        [str(word) for word in command],
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=output,
                        cwd=self.directory,
                        env={**os.environ, "HOME": str(self.directory), **self.environment()},
                        **who,
                    )
                )
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self.has_ended():
                raise RuntimeError(f"{self.name} ended at its start:\n{self.last_words()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not become ready:\n{self.last_words()}")
            time.sleep(0.1)

    def has_ended(self):
        return any(process.poll() is not None for process in self.processes)

    def pids(self):
        return [process.pid for process in self.processes]

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []

    def last_words(self):
        words = ""
        for path in [self.directory / "output", *self.directory.glob("*.log")]:
            if path.exists():
                words += "".join(path.read_text(errors="replace").splitlines(True)[-5:])
        return words

    def write(self, name, text):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


def free_port():
    """A port nobody listens on, below the range from which outgoing connections get theirs."""
    for _ in range(1000):
        port = random.randrange(10240, 32000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port")


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def package_version(package):
    """The upstream version of an installed Debian package."""
    found = subprocess.run(
        ["dpkg-query", "-W", "-f", "${source:Upstream-Version}", package],
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip()


def scram_keys(salt, iterations):
    """StoredKey and ServerKey of SCRAM-SHA-1 for PASSWORD."""
    salted = hashlib.pbkdf2_hmac("sha1", PASSWORD.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha1")
    return hashlib.sha1(client_key).digest(), hmac.digest(salted, b"Server Key", "sha1")
