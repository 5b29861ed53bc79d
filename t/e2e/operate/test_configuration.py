"""The configuration file: what loads, and how what does not load is told."""

import re
import subprocess

import pytest

from impulse_test import patience
from impulse_test.server import free_port


def check(server, text=None):
    """`impulsed --check`: its status and what it wrote on standard error."""
    if text is not None:
        server.config_text = text
    server.write_config()
    server.write_users()
    result = subprocess.run(server.command("--check"), capture_output=True, text=True, check=False,
                            timeout=patience(20))
    return result.returncode, result.stderr + result.stdout


def line_of(server, text):
    """The number of the line of the configuration in which this text stands."""
    lines = server.config_file.read_text().splitlines()
    return next(n for n, line in enumerate(lines, 1) if text in line)


def test_the_usual_configuration_is_valid(new_server):
    """--check ends with 0 and opens nothing."""
    server = new_server()
    status, text = check(server)
    assert status == 0, text
    assert not server.control.exists()
    assert not (server.directory / "impulse.db").exists()


def test_the_block_of_the_manual_loads_unchanged(new_server):
    """What the original's manual shows for XMPP; only paths and ports are those of the test."""
    server = new_server(config_text="")
    server.users_file.write_text("juliet:juliet-secret\n")
    check(server, f"""
Pid_File = "{server.pid_file}"
Log_File = "{server.log_file}"
State_Directory = "{server.directory}"
Control_Listener {{ Listen "{server.control}" {{ File_Mode = 0660 }} }}
/* the part of the manual */
xmpp {{}}

XMPP_Listener {{
  AuthPlainParameters = [
    uri = "file://{server.users_file}"
  ]
  TLS_Certificate = "{server.certificate}"
  Listen "*:{server.port}" {{
    Idle_Time = 600
  }}
}}

Domain "#xmpp#localhost" {{
  XMPP_Role = "server"
}}
Domain "#xmpp#remote.example.com" {{
  XMPP_Role = "client"
}}

alerting {{}}
scriptlet "scriptlet" {{
  script "xmpp-presence" {{
    source = "msys.xmpp.presence"
  }}
}}

xmpp_logger "xmpp_logger1" {{
  LogFile = "{server.record_log}"
  log_reception = true
  log_reception_format = "%t+R+%st+%at+%af+%ai+%ay+%H"
  log_delivery = true
  log_delivery_format = "%t+D+%st+%at+%af+%ai+%ay+%H"
  heartbeat = 60
  log_heartbeat_format = "%t+M"
}}
""")
    status, text = check(server)
    assert status == 0, text
    server.users = {"juliet": "juliet-secret"}
    server.start()
    client = server.connect().open()
    client.starttls()
    client.open()
    client.authenticate("juliet", "juliet-secret", "PLAIN")
    client.open()
    assert client.bind().get("type") == "result"
    client.close()


@pytest.mark.parametrize("rewrite", [
    lambda text: re.sub(r"^(xmpp_listener|domain|scriptlet|eventloop)\b", lambda m: m[0].upper(),
                        text, flags=re.MULTILINE | re.IGNORECASE),
    lambda text: text.replace("\n", " "),
    lambda text: "# first\n" + text.replace("xmpp {}", "xmpp { } # behind\n/* { } */"),
    lambda text: text.rstrip("\n"),
    lambda text: text.replace("xmpp_listener {", "xmpp_listener = {"),
    lambda text: text.replace("Concurrency = 4", 'Concurrency = "4"'),
    lambda text: text.replace("\n", "\r\n"),
], ids=["case", "one line", "comments", "no last line end", "equals sign", "quoted number", "DOS"])
def test_other_ways_to_write_the_same(new_server, rewrite):
    """The language of the original is forgiving."""
    server = new_server()
    text = rewrite(server.config())
    status, output = check(server, text)
    assert status == 0, output


MISTAKES = [
    ("Listener_Typo {}", "Listener_Typo"),
    ("xmpp_listener { idle_tim = 5 }", "idle_tim"),
    ('xmpp_listener { idle_time = "soon" }', "idle_time"),
    ("xmpp_listener { max_stanza_bytes = 5 }", "max_stanza_bytes"),
    ('domain "#xmpp#x.example" { XMPP_Role = "banana" }', "XMPP_Role"),
    ('xmpp_listener { Listen "127.0.0.1:99999" {} }', "99999"),
    ('xmpp_listener { use_ssl = perhaps }', "use_ssl"),
]


@pytest.mark.parametrize("mistake,word", MISTAKES)
def test_a_mistake_is_told_with_file_and_line(new_server, mistake, word):
    """Exit status 1, FILE:LINE and the word that is wrong."""
    server = new_server(bottom=mistake)
    status, text = check(server)
    assert status == 1
    line = line_of(server, mistake)
    assert f"{server.config_file}:{line}" in text or f"{server.config_file} at line {line}" in text
    assert word.lower() in text.lower()


def test_all_mistakes_are_told_at_once(new_server):
    """One run of --check is enough to mend a file."""
    server = new_server(bottom="\n".join(mistake for mistake, _ in MISTAKES))
    status, text = check(server)
    assert status == 1
    for mistake, _ in MISTAKES:
        assert re.search(rf"\b{line_of(server, mistake)}\b", text), f"{mistake} is not in\n{text}"


@pytest.mark.parametrize("text", [
    "xmpp {", "}", 'x = "open', "/* open", "= 5", "xmpp { } }", "\0\1\2\3", "\xff" * 50,
    "a" * 100000, "{" * 10000, "(" * 10000, 'include "/nonexistent/file"', "[", "x = ( 1 2"],
    ids=["open scope", "closed scope", "open string", "open comment", "no name", "one too many",
         "binary", "latin", "long", "deep", "deep arrays", "missing include", "bracket", "array"])
def test_a_file_that_is_none_is_refused_in_clear_words(new_server, text):
    """No crash, status 1, the file is named."""
    server = new_server()
    status, output = check(server, text)
    assert status == 1, output
    assert str(server.config_file) in output


def test_a_missing_file_is_told(new_server):
    """The same without any file."""
    server = new_server()
    result = subprocess.run(server.command("--check"), capture_output=True, text=True, check=False,
                            timeout=patience(20))
    assert result.returncode == 1
    assert str(server.config_file) in result.stderr


def test_a_server_does_not_start_with_mistakes(new_server):
    """Start and check agree."""
    server = new_server(bottom="Banana {}")
    server.write_config()
    server.write_users()
    result = subprocess.run(server.command("--foreground"), capture_output=True, text=True,
                            check=False, timeout=patience(20))
    assert result.returncode == 1
    assert "banana" in result.stderr.lower()


def test_show_and_eval(server):
    """`config show` prints what is in effect, `config eval` one value with its default."""
    text = server.ctl("config", "show")
    assert "#xmpp#localhost" in text
    assert str(server.port) in text
    assert re.search(r"\b(262144|256K)\b",
                     server.ctl("config", "eval", "xmpp_listener", "max_stanza_bytes"))
    assert "60" in server.ctl("config", "eval", "XMPP_Listener", "Auth_Timeout")
    server.ctl("config", "eval", "xmpp_listener", "no_such_option", status=1)
    assert "password" not in text.lower() or "secret" not in text


def test_check_by_console(server):
    """`config check` looks at the file and changes nothing."""
    server.ctl("config", "check")
    server.bottom = "Banana {}"
    server.write_config()
    assert "banana" in server.ctl("config", "check", status=1).lower()
    server.online("juliet").close()


def test_reload_adds_and_removes_listeners_and_keeps_sessions(server):
    """An unchanged listener keeps its socket; sessions of all of them go on."""
    old = server.online("juliet")
    secure = server.online("nurse", direct_tls=True)
    port = free_port()
    server.listens.append(f'Listen "127.0.0.1:{port}" {{}}')
    server.write_config()
    server.ctl("config", "reload")
    new = server.online("romeo", address=("127.0.0.1", port))
    old.message(new.jid, "x", identity="m1")
    assert new.receive().get("id") == "m1"
    server.listens.pop()
    server.write_config()
    server.ctl("config", "reload")
    with pytest.raises(OSError):
        server.connect(("127.0.0.1", port))
    for client in (old, secure, new):
        assert client.ping().get("type") == "result"
    old.message(new.jid, "x", identity="m2")
    assert new.receive().get("id") == "m2"
    server.online("tybalt").close()


def test_reload_adds_and_removes_a_domain(server):
    """A domain that is gone is host-unknown for new streams."""
    juliet = server.online("juliet")
    server.domains.append("verona.example")
    server.write_config()
    server.ctl("config", "reload")
    client = server.connect().open("verona.example")
    assert client.header.get("from") == "verona.example"
    client.abort()
    server.domains.pop()
    server.write_config()
    server.ctl("config", "reload")
    client = server.connect()
    client.send(client.header_text("verona.example"))
    client.expect_stream_error("host-unknown", "host-gone")
    assert juliet.ping().get("type") == "result"


def test_reload_changes_limits_for_new_streams(server):
    """Options of the new generation hold for what is opened after it."""
    server.listener["max_stanza_bytes"] = 12000
    server.write_config()
    server.ctl("config", "reload")
    juliet = server.online("juliet")
    juliet.message("romeo@localhost/x", "A" * 13000)
    juliet.expect_stream_error("policy-violation")


@pytest.mark.parametrize("breakage", ["syntax", "option", "certificate", "script"])
def test_a_bad_reload_keeps_the_old_configuration(server, breakage):
    """Nothing of the new file is in effect, sessions and new streams work, the log tells."""
    juliet = server.online("juliet")
    port = free_port()
    server.listens.append(f'Listen "127.0.0.1:{port}" {{}}')
    if breakage == "syntax":
        server.bottom = "xmpp {"
    elif breakage == "option":
        server.bottom = "xmpp_listener { banana = 1 }"
    elif breakage == "certificate":
        server.listener["TLS_Certificate"] = '"/nonexistent.pem"'
    else:
        server.scripts["gone"] = "no.such.script"
    server.write_config()
    server.expect_log("reload_failed")
    text = server.ctl("config", "reload", status=1)
    assert {"option": "banana", "certificate": "/nonexistent.pem",
            "script": "no", "syntax": "impulse.conf"}[breakage] in text
    with pytest.raises(OSError):
        server.connect(("127.0.0.1", port))
    assert juliet.ping().get("type") == "result"
    romeo = server.online("romeo", starttls=True)
    romeo.close()
    server.wait_log("reload_failed")


def test_many_reloads_under_traffic(server):
    """Generations come and go; no message is lost and memory does not grow with them."""
    romeo = server.online("romeo", "home")
    juliet = server.online("juliet", "home")
    sent = 0
    for round_ in range(30):
        for _ in range(5):
            juliet.message(romeo.jid, "x", "chat", f"m{sent}")
            sent += 1
        server.ctl("config", "reload")
        if round_ == 10:
            before = server.memory()
    for n in range(sent):
        assert romeo.receive().get("id") == f"m{n}"
    assert server.memory() < before + (24 << 20)
