"""jabberd2 from Debian's package: router, session manager and c2s, with SQLite."""

import gzip
import re
import sqlite3
import time
from pathlib import Path

from .common import DOMAIN, PASSWORD, Server, accepts, free_port, package_version

PACKAGED = Path("/etc/jabberd2")
SCHEMA = Path("/usr/share/doc/jabberd2/db-setup.sqlite.gz")


class Jabberd2(Server):
    name = "jabberd2"

    def configure(self):
        self.router_port = free_port()
        self.create_database()
        common = [
            (r"<port>5347</port>", f"<port>{self.router_port}</port>"),
            (r"<ip>0\.0\.0\.0</ip>", "<ip>127.0.0.1</ip>"),
            (r"/var/lib/jabberd2", str(self.directory)),
            (r"/var/log/jabberd2", str(self.directory)),
            (r"/var/run/jabberd2", str(self.directory)),
            (r"/etc/jabberd2", str(self.directory)),
            (r"localhost\.localdomain", DOMAIN),
            (r"<max_fds>\d+</max_fds>", "<max_fds>16384</max_fds>"),
            (r"<stanzas>\d+</stanzas>", "<stanzas>0</stanzas>"),
            (r"<stanzasize>\d+</stanzasize>", "<stanzasize>262144</stanzasize>"),
        ]
        identity = (
            r"<id register-enable='mu'>[^<]*</id>",
            f"<id pemfile='{self.certificate}'>{DOMAIN}</id>",
        )
        port = (r"<port>5222</port>", f"<port>{self.port}</port>")
        self.adapt("router.xml", common)
        self.adapt("router-users.xml", [])
        self.adapt("router-filter.xml", [])
        self.adapt("sm.xml", common)
        self.adapt("c2s.xml", [identity, port, *common])

    def adapt(self, name, replacements):
        """Copies a packaged configuration file, without its comments, with `replacements`."""
        text = re.sub(r"<!--.*?-->", "", (PACKAGED / name).read_text(), flags=re.DOTALL)
        for pattern, value in replacements:
            text = re.sub(pattern, value, text)
        self.write(name, text)

    def create_database(self):
        if not SCHEMA.exists():
            raise RuntimeError(f"{SCHEMA} is missing: does dpkg leave out documentation here?")
        database = sqlite3.connect(self.directory / "sqlite.db")
        database.executescript(gzip.decompress(SCHEMA.read_bytes()).decode())
        database.executemany(
            "INSERT INTO authreg (username, realm, password) VALUES (?, ?, ?)",
            [(user, DOMAIN, PASSWORD) for user in self.accounts],
        )
        database.executemany(
            'INSERT INTO active ("collection-owner", time) VALUES (?, ?)',
            [(f"{user}@{DOMAIN}", int(time.time())) for user in self.accounts],
        )
        database.commit()
        database.close()

    def start(self):
        super().start()
        time.sleep(2)  # the session manager may still be about to join the router

    def command_lines(self):
        for part in ["router", "sm", "c2s"]:
            yield [f"/usr/sbin/jabberd2-{part}", "-c", self.directory / f"{part}.xml"]
            while part == "router" and not accepts(self.router_port):
                time.sleep(0.1)

    def version(self):
        return package_version("jabberd2")
