"""Impulse as installed under --prefix, with SQLite and accounts from a file."""

import subprocess
from pathlib import Path

from .common import DOMAIN, PASSWORD, Server

CONFIG = """
Pid_File = "{directory}/impulsed.pid"
Log_File = "{directory}/impulsed.log"
State_Directory = "{directory}"
Control_Listener {{ Listen "{directory}/control.sock" {{ File_Mode = 0660 }} }}
Datasource "impulse" {{ uri = ( "sqlite:{directory}/impulse.db" ) }}
xmpp {{}}
xmpp_listener {{
  AuthPlainParameters = [ uri = "file://{directory}/users" ]
  TLS_Certificate = "{certificate}"
  Listen "127.0.0.1:{port}" {{}}
}}
domain "#xmpp#{domain}" {{ XMPP_Role = "server" }}
alerting {{}}
scriptlet "scriptlet" {{
  script "xmpp-roster" {{ source = "msys.xmpp.roster" }}
  script "xmpp-presence" {{ source = "msys.xmpp.presence" }}
  script "xmpp-offline" {{ source = "msys.xmpp.offline" }}
  script "xmpp-disco" {{ source = "msys.xmpp.disco" }}
  script "xmpp-service" {{ source = "msys.xmpp.service" }}
}}
"""


class Impulse(Server):
    name = "impulse"
    runs_unprivileged = False

    def configure(self):
        self.write(
            "impulse.conf",
            CONFIG.format(
                directory=self.directory,
                port=self.port,
                certificate=self.certificate,
                domain=DOMAIN,
            ),
        )
        self.write("users", "".join(f"{user}:{PASSWORD}\n" for user in self.accounts))

    def program(self):
        return Path(self.options.prefix) / "sbin" / "impulsed"

    def command_lines(self):
        return [[self.program(), "--foreground", "--config", self.directory / "impulse.conf"]]

    def is_ready(self):
        return (self.directory / "control.sock").exists() and super().is_ready()

    def version(self):
        found = subprocess.run(
            [self.program(), "--version"], capture_output=True, text=True, check=False
        )
        return (found.stdout.split() or [""])[-1]
