"""A server of our own for one test: own directory, own ports, nothing left behind."""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from . import patience
from .raw import RawClient

USERS = ("juliet", "romeo", "nurse", "mercutio", "benvolio", "tybalt")
SCRIPTS = {
    "xmpp-roster": "msys.xmpp.roster",
    "xmpp-presence": "msys.xmpp.presence",
    "xmpp-offline": "msys.xmpp.offline",
    "xmpp-disco": "msys.xmpp.disco",
    "xmpp-service": "msys.xmpp.service",
}
SANITIZER_REPORT = re.compile(
    r"ERROR: (Address|Leak|Memory)Sanitizer|WARNING: ThreadSanitizer|: runtime error: ")
LOG_LINE = re.compile(r"^(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (?P<level>[A-Z]+) "
                      r"(?P<source>\S+) (?P<what>\S+)(?P<fields>.*)$")
LOUD = ("WARNING", "ERROR", "CRITICAL")
# What a crowded machine brings about, whatever the server does.
TOLERATED = ("loop_turn_slow",)


def password_of(user):
    """The password that every test account has."""
    return f"{user}-secret"


def free_port(address="127.0.0.1"):
    """A port nobody listens on, below the range from which outgoing connections get theirs."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for _ in range(1000):
        port = random.SystemRandom().randrange(10240, 32000)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port on {address}")


def wait_until(condition, what, timeout=10, interval=0.01):
    """Polls for what cannot be awaited (files, other processes); returns the true value."""
    deadline = time.monotonic() + patience(timeout)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience(timeout):g} s in vain for: {what}")
        time.sleep(interval)


class ScratchServer:
    """One impulsed with its configuration, its log and its accounts.

    The attributes describe the configuration and may be changed before `start` (or, for tests of
    reloading, afterwards followed by `write_config`).
    """

    def __init__(self, prefix, directory, certificate):
        self.prefix = Path(prefix)
        self.directory = Path(directory)
        self.port = free_port()
        self.tls_port = free_port()
        self.users = {user: password_of(user) for user in USERS}
        self.account_store = False     # True: accounts in the database, made with impulsectl
        self.concurrency = 4
        self.tls = True
        self.listener = {}             # options of xmpp_listener
        self.listens = []              # further lines inside xmpp_listener
        self.domains = ["localhost"]
        self.scripts = dict(SCRIPTS)
        self.scriptlet = {}            # options of the scriptlet stanza
        self.logger = {}               # options of xmpp_logger
        self.top = ""                  # further text at the top of the file
        self.bottom = ""               # and at its end
        self.config_text = None        # the whole file, instead of all above
        self.process = None
        self.launcher = []             # words in front of the command line
        self.expected_log = []
        self.clients = []
        self.accounts_made = False
        self._stderr = None
        self._log_seen = 0
        self._lock = threading.Lock()
        self.directory.mkdir(parents=True, exist_ok=True)
        shutil.copy(certificate, self.certificate)

    # Files

    @property
    def config_file(self):
        return self.directory / "impulse.conf"

    @property
    def log_file(self):
        return self.directory / "impulsed.log"

    @property
    def pid_file(self):
        return self.directory / "impulsed.pid"

    @property
    def control(self):
        return self.directory / "control.sock"

    @property
    def unix_socket(self):
        return self.directory / "xmpp.sock"

    @property
    def certificate(self):
        return self.directory / "server.pem"

    @property
    def users_file(self):
        return self.directory / "users"

    @property
    def record_log(self):
        return self.directory / "xmpplog.ec"

    @property
    def script_directory(self):
        return self.directory / "scripts"

    # Configuration

    def config(self):
        """The text of the configuration file."""
        if self.config_text is not None:
            return self.config_text
        d = self.directory
        store = "account://impulse" if self.account_store else f"file://{self.users_file}"
        listener = [f'AuthPlainParameters = [ uri = "{store}" ]']
        if self.tls:
            listener.append(f'TLS_Certificate = "{self.certificate}"')
        listener += [f"{key} = {value}" for key, value in self.listener.items()]
        listener.append(f'Listen "127.0.0.1:{self.port}" {{}}')
        if self.tls:
            listener.append(f'Listen "127.0.0.1:{self.tls_port}" {{ use_ssl = true }}')
        listener += self.listens
        scriptlet = [f"{key} = {value}" for key, value in self.scriptlet.items()]
        scriptlet += [f'script "{name}" {{ source = "{source}" }}'
                      for name, source in self.scripts.items()]
        logger = {"LogFile": f'"{self.record_log}"', **self.logger}
        return "\n".join([
            self.top,
            f'Pid_File = "{self.pid_file}"',
            f'Log_File = "{self.log_file}"',
            f'State_Directory = "{d}"',
            f'EventLoop "default" {{ Concurrency = {self.concurrency} }}',
            f'Control_Listener {{ Listen "{self.control}" {{ File_Mode = 0660 }} }}',
            f'Datasource "impulse" {{ uri = ( "sqlite:{d}/impulse.db" ) }}',
            "xmpp {}",
            "xmpp_listener {", *[f"  {line}" for line in listener], "}",
            *[f'domain "#xmpp#{domain}" {{ XMPP_Role = "server" }}' for domain in self.domains],
            "alerting {}",
            'scriptlet "scriptlet" {', *[f"  {line}" for line in scriptlet], "}",
            'xmpp_logger "xmpp_logger1" {',
            *[f"  {key} = {value}" for key, value in logger.items()], "}",
            self.bottom, ""])

    def write_config(self):
        self.config_file.write_text(self.config(), encoding="utf-8")

    def write_users(self):
        """Writes the password file; the server sees the change without a restart."""
        if self.account_store:
            return
        scratch = self.users_file.with_suffix(".new")
        scratch.write_text("".join(f"{user}:{password}\n" for user, password in self.users.items()),
                           encoding="utf-8")
        scratch.rename(self.users_file)

    def script(self, name, text, source=None):
        """Adds a scriptlet of the test's own, found beside the configuration."""
        source = source or name.replace("-", "_")
        path = self.script_directory / (source.replace(".", "/") + ".lua")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        self.scripts[name] = source

    # Life and death

    def command(self, *arguments):
        return [*self.launcher, str(self.prefix / "sbin" / "impulsed"),
                "--config", str(self.config_file), *arguments]

    def start(self):
        """Starts the server and returns when it answers on its ports."""
        self.write_config()
        self.write_users()
        with open(self.directory / "stderr", "ab") as stderr:
            self.process = subprocess.Popen(self.command("--foreground"), stdin=subprocess.DEVNULL,
                                            stdout=stderr, stderr=stderr, cwd="/")
        wait_until(self._ready, "the server to answer", 20)
        if self.account_store and not self.accounts_made:
            for user, password in self.users.items():
                self.ctl("user", "add", f"{user}@{self.domains[0]}", stdin=password + "\n")
            self.accounts_made = True
        return self

    def _ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with status {self.process.returncode}\n"
                                 f"{self.stderr()}\n{self.log_text()}")
        try:
            for address in [("127.0.0.1", self.port)] if self.config_text is None else []:
                socket.create_connection(address, 1).close()
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self.control))
        except OSError:
            return False
        return True

    def stop(self):
        """Ends the server as an operator would and requires that it leaves in good order."""
        if self.process is None or self.process.returncode is not None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.wait_for_exit()

    def wait_for_exit(self, status=0):
        """Waits for the end of the server; its exit status is to be `status`."""
        try:
            got = self.process.wait(patience(8))
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.process.wait()
            raise AssertionError(f"the server did not end\n{self.log_text()}") from None
        assert got == status, f"exit status {got}\n{self.stderr()}\n{self.log_text()}"

    def kill(self):
        """Pulls the plug: SIGKILL."""
        self.process.kill()
        self.process.wait()

    def restart(self):
        """Stops and starts again; the connections of the clients are gone first."""
        for client in self.clients:
            client.abort()
        self.stop()
        return self.start()

    @property
    def pid(self):
        return self.process.pid

    def check(self):
        """Requires that nothing was logged or reported that the test did not declare."""
        report = self.stderr()
        assert not SANITIZER_REPORT.search(report), report
        unexpected = [line for line in self.log_lines(LOUD)
                      if line["what"] not in TOLERATED
                      and not any(expected(line) for expected in self.expected_log)]
        assert not unexpected, "undeclared log lines:\n" + "\n".join(
            line.group(0) for line in unexpected)

    def close(self):
        """The end of a test: clients away, server stopped, everything checked."""
        for client in self.clients:
            client.abort()
        try:
            self.stop()
        finally:
            if self.process is not None and self.process.poll() is None:
                self.process.kill()
                self.process.wait()
        self.check()

    # The log

    def stderr(self):
        path = self.directory / "stderr"
        return path.read_text(errors="replace") if path.exists() else ""

    def log_text(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def log_lines(self, levels=None):
        """The lines of the host log as matches of LOG_LINE, only those of `levels` if given."""
        lines = []
        for line in self.log_text().splitlines():
            match = LOG_LINE.match(line)
            if match is None and levels is None:
                continue
            if match is None:
                raise AssertionError(f"not a log line: {line!r}")
            if levels is None or match["level"] in levels:
                lines.append(match)
        return lines

    def expect_log(self, what, level=None):
        """Declares that a line with this word may be loud."""
        self.expected_log.append(
            lambda line: line["what"] == what and level in (None, line["level"]))

    def wait_log(self, what, text=""):
        """Waits for a line with the word `what` whose fields contain `text`; returns it."""
        def look():
            for line in self.log_lines():
                if line["what"] == what and text in line["fields"]:
                    return line
            return None
        return wait_until(look, f"log line {what} {text}")

    def records(self, kind=None):
        """The records of xmpp_logger, split at '+'; only those of a kind (R, D, M) if given."""
        if not self.record_log.exists():
            return []
        lines = self.record_log.read_text().splitlines()
        records = [line.split("+") for line in lines]
        return [record for record in records if kind is None or record[1] == kind]

    # Clients and the console

    def ctl(self, *words, stdin=None, status=0):
        """Runs impulsectl; returns what it wrote on standard output (on failure: error)."""
        result = subprocess.run(
            [str(self.prefix / "bin" / "impulsectl"), "--socket", str(self.control), *words],
            input=stdin if stdin is not None else "", capture_output=True, text=True,
            timeout=patience(20), check=False)
        assert result.returncode == status, (
            f"impulsectl {' '.join(words)}: status {result.returncode}\n"
            f"{result.stdout}{result.stderr}")
        if status:
            assert result.stderr.strip(), "a failure without an error text"
            return result.stderr
        return result.stdout

    def connect(self, address=None, tls=False):
        """A connection without a stream."""
        if address is None:
            address = ("127.0.0.1", self.tls_port if tls else self.port)
        client = RawClient(address, tls=tls)
        with self._lock:
            self.clients.append(client)
        return client

    def login(self, user, resource=None, password=None, **how):
        """A connection that is logged in as `user` and has a resource bound, yet no presence."""
        client = self.connect(how.pop("address", None), how.pop("direct_tls", False))
        client.login(user, password or self.users.get(user) or password_of(user), resource,
                     domain=how.pop("domain", self.domains[0]), **how)
        return client

    def online(self, user, resource=None, priority=None, **how):
        """A client that also sent initial presence and has seen its own presence come back."""
        client = self.login(user, resource, **how)
        client.go_online(priority)
        return client

    def memory(self):
        """Resident bytes of the server."""
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
