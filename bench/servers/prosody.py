"""Prosody from Debian's package, with internal storage and hashed passwords."""

from .common import DOMAIN, Server, package_version, scram_keys

CONFIG = """
pidfile = "{directory}/prosody.pid"
data_path = "{directory}/data"
log = {{ error = "{directory}/prosody.log" }}
modules_enabled = {{ "roster", "saslauth", "tls", "disco" }}
modules_disabled = {{ "s2s" }}
authentication = "internal_hashed"
storage = "internal"
c2s_interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
c2s_require_encryption = false
ssl = {{ certificate = "{certificate}", key = "{certificate}" }}
VirtualHost "{domain}"
"""
SALT = "a-salt-for-everyone"
ITERATIONS = 10000  # Prosody's own default


class Prosody(Server):
    name = "prosody"

    def configure(self):
        self.write(
            "prosody.cfg.lua",
            CONFIG.format(
                directory=self.directory,
                port=self.port,
                certificate=self.certificate,
                domain=DOMAIN,
            ),
        )
        stored_key, server_key = scram_keys(SALT.encode(), ITERATIONS)
        account = (
            "return {\n"
            f'["salt"] = "{SALT}";\n'
            f'["iteration_count"] = {ITERATIONS};\n'
            f'["stored_key"] = "{stored_key.hex()}";\n'
            f'["server_key"] = "{server_key.hex()}";\n'
            "};\n"
        )
        for user in self.accounts:
            self.write(f"data/{DOMAIN}/accounts/{user}.dat", account)

    def command_lines(self):
        return [["prosody", "--config", self.directory / "prosody.cfg.lua", "-F"]]

    def version(self):
        return package_version("prosody")
