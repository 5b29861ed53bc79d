"""The floors: our own relay, bare and with an XML parser."""

import re

from .common import Server


class Relay(Server):
    name = "relay"
    is_relay = True
    runs_unprivileged = False
    flags = ()

    def __init__(self, scratch, certificate, accounts, options):
        self.tls = False
        self.is_sink = False
        super().__init__(scratch, certificate, accounts, options)

    def command_lines(self):
        command = [self.options.relay_program, *self.flags]
        if self.tls:
            command += ["--certificate", self.certificate]
        if self.is_sink:
            command += ["--sink"]
        return [command]

    def start(self):
        (self.directory / "output").unlink(missing_ok=True)
        super().start()

    def is_ready(self):
        # A probing connection would become somebody's partner.
        found = re.search(r"listening (\d+)", (self.directory / "output").read_text())
        if found:
            self.port = int(found.group(1))
        return bool(found)


class ParsingRelay(Relay):
    name = "parsing-relay"
    flags = ("--parse",)
