"""ejabberd from Debian's package, with its internal database and SCRAM passwords."""

from pathlib import Path

from .common import DOMAIN, PASSWORD, Server, package_version

CONFIG = """
hosts: ["{domain}"]
loglevel: error
certfiles: ["{certificate}"]
listen:
  -
    port: {port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    max_stanza_size: 262144
    backlog: 128
    starttls: true
auth_method: internal
auth_password_format: scram
acl:
  local:
    user_regexp: ""
access_rules:
  local: [{{allow: local}}]
modules:
  mod_disco: {{}}
  mod_offline: {{}}
  mod_roster: {{}}
"""

# Registers the first account, and gives the others a copy of its SCRAM keys.
CREATE_ACCOUNTS = """
Wait = fun(Again) ->
  case lists:keymember(ejabberd, 1, application:which_applications()) of
    true -> ok;
    false -> timer:sleep(100), Again(Again)
  end
end,
Wait(Wait),
Us = fun(I) -> {{<<"user", (integer_to_binary(I))/binary>>, <<"{domain}">>}} end,
ejabberd_auth:try_register(<<"user0">>, <<"{domain}">>, <<"{password}">>),
[First] = mnesia:dirty_read(passwd, Us(0)),
[mnesia:dirty_write(setelement(2, First, Us(I))) || I <- lists:seq(1, {last})],
file:write_file("{directory}/accounts-made", <<>>).
"""


class Ejabberd(Server):
    name = "ejabberd"

    def configure(self):
        names = {
            "domain": DOMAIN,
            "password": PASSWORD,
            "last": len(self.accounts) - 1,
            "directory": self.directory,
            "certificate": self.certificate,
            "port": self.port,
        }
        self.write("ejabberd.yml", CONFIG.format(**names))
        self.create_accounts = " ".join(CREATE_ACCOUNTS.format(**names).split())

    def environment(self):
        return {
            "EJABBERD_CONFIG_PATH": str(self.directory / "ejabberd.yml"),
            "EJABBERD_LOG_PATH": str(self.directory / "ejabberd.log"),
            "ERL_CRASH_DUMP": "/dev/null",
            "ERL_MAX_PORTS": "32000",
            "ERL_LIBS": str(next(Path("/usr/lib").glob("*/ejabberd-*")).parent),
        }

    def command_lines(self):
        # As ejabberdctl does it, but without distribution, and with schedulers that sleep
        # when there is nothing to do: busy waiting is no work and would count as such.
        busy_waiting = ["+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"]
        database = ["-mnesia", "dir", f'"{self.directory}/database"']
        command = ["erl", "+K", "true", "+P", "250000", *busy_waiting, "-noinput", *database]
        command += ["-s", "ejabberd"]
        if not (self.directory / "accounts-made").exists():
            command += ["-eval", self.create_accounts]
        return [command]

    def is_ready(self):
        return super().is_ready() and (self.directory / "accounts-made").exists()

    def version(self):
        return package_version("ejabberd")
