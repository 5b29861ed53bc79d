"""Logging in by each mechanism: RFC 6120 section 6, RFC 4616, RFC 5802, RFC 7677, RFC 9266."""

import ssl

import pytest

from impulse_test.raw import RawClient, SaslFailure, local

TLS_1_2 = ssl.TLSVersion.TLSv1_2
TLS_1_3 = ssl.TLSVersion.TLSv1_3


def encrypted(server, version=None):
    client = server.connect().open()
    client.starttls(version)
    return client.open()


def complete(client, user="juliet"):
    """After <success/>: a new stream, a resource, a sign of life."""
    client.open()
    assert client.bind().get("type") == "result"
    assert client.bare == f"{user}@localhost"
    assert client.ping().get("type") == "result"


@pytest.mark.parametrize("store", ["file", "account"])
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1", "SCRAM-SHA-256"])
def test_scram(new_server, mechanism, store):
    """RFC 5802: the server proves in its last message that it knows the password, too."""
    server = new_server(account_store=store == "account").start()
    client = server.connect().open()
    client.authenticate("juliet", server.users["juliet"], mechanism)
    complete(client)
    client = encrypted(server)
    client.authenticate("juliet", server.users["juliet"], mechanism)
    complete(client)


@pytest.mark.parametrize("store", ["file", "account"])
def test_plain_under_tls(new_server, store):
    """RFC 4616; RFC 6120 section 13.8."""
    server = new_server(account_store=store == "account").start()
    client = encrypted(server)
    client.authenticate("juliet", server.users["juliet"], "PLAIN")
    complete(client)


def test_plain_in_clear_is_neither_offered_nor_accepted(server):
    """RFC 6120 section 6.3.4 and 13.8.3."""
    client = server.connect().open()
    assert "PLAIN" not in client.mechanisms()
    with pytest.raises(SaslFailure) as failure:
        client.authenticate("juliet", server.users["juliet"], "PLAIN")
    assert str(failure.value) in ("invalid-mechanism", "encryption-required")


def test_plain_in_clear_when_the_administrator_says_so(new_server):
    """Allow_Plain_Without_TLS, an option of the listener."""
    server = new_server(listener={"Allow_Plain_Without_TLS": "true"}).start()
    client = server.connect().open()
    assert "PLAIN" in client.mechanisms()
    client.authenticate("juliet", server.users["juliet"], "PLAIN")
    complete(client)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"])
@pytest.mark.parametrize("version,binding", [
    (TLS_1_3, "tls-exporter"), (TLS_1_3, "tls-server-end-point"),
    (TLS_1_2, "tls-exporter"), (TLS_1_2, "tls-server-end-point"), (TLS_1_2, "tls-unique")],
    ids=["1.3 exporter", "1.3 end point", "1.2 exporter", "1.2 end point", "1.2 unique"])
def test_scram_with_channel_binding(server, mechanism, version, binding):
    """RFC 5802 section 6, RFC 5929, RFC 9266."""
    client = encrypted(server, version)
    assert mechanism in client.mechanisms()
    client.authenticate("juliet", server.users["juliet"], mechanism, binding=binding)
    complete(client)


def test_channel_binding_over_direct_tls(server):
    """RFC 9266 on a connection that never was plain."""
    client = server.connect(tls=True).open()
    client.authenticate("juliet", server.users["juliet"], "SCRAM-SHA-256-PLUS")
    complete(client)


def test_channel_binding_types_are_advertised(server):
    """XEP-0440, only on encrypted streams; tls-unique is not for TLS 1.3."""
    client = server.connect().open()
    namespace = "urn:xmpp:sasl-cb:0"
    assert client.features.find(f".//{{{namespace}}}channel-binding") is None
    client.starttls(TLS_1_3)
    client.open()
    types = {binding.get("type")
             for binding in client.features.iter(f"{{{namespace}}}channel-binding")}
    assert {"tls-exporter", "tls-server-end-point"} <= types
    assert "tls-unique" not in types


def test_plus_mechanisms_are_not_offered_in_clear(server):
    """RFC 5802 section 6: there is no channel to bind to."""
    client = server.connect().open()
    assert not [name for name in client.mechanisms() if name.endswith("-PLUS")]
    answer = client.auth("SCRAM-SHA-1-PLUS", b"p=tls-exporter,,n=juliet,r=abc")
    assert local(answer) == "failure"


def test_the_server_prefers_strong_mechanisms(server):
    """RFC 6120 section 6.3.3: in the order of the server's preference."""
    mechanisms = encrypted(server).mechanisms()
    assert mechanisms.index("SCRAM-SHA-256-PLUS") < mechanisms.index("SCRAM-SHA-256")
    assert mechanisms.index("SCRAM-SHA-256") < mechanisms.index("SCRAM-SHA-1")
    assert mechanisms[-1] == "PLAIN"
    assert "ANONYMOUS" not in mechanisms


def test_a_mechanism_in_small_letters_or_unknown_is_invalid(server):
    """RFC 6120 section 6.5.7."""
    client = server.connect().open()
    for name in ("ANONYMOUS", "EXTERNAL", "NONE", ""):
        answer = client.auth(name, b"x")
        assert local(answer) == "failure"
        assert local(answer[0]) == "invalid-mechanism"
        client = server.connect().open()


@pytest.mark.parametrize("user,password", [
    ("j\u00fcrgen", "p\u00e4ssw\u00f6rd"), ("quiet", "with space"), ("odd", "a,b=c:d%\\'\"<&>"),
    ("long", "x" * 500), ("emoji", "\U0001f339\U0001f339")],
    ids=["umlauts", "space", "punctuation", "long", "emoji"])
@pytest.mark.parametrize("store", ["file", "account"])
def test_unusual_passwords(new_server, user, password, store):
    """RFC 4013 and RFC 8265 leave these as they are."""
    server = new_server(account_store=store == "account", users={user: password}).start()
    for mechanism in ("PLAIN", "SCRAM-SHA-256"):
        client = encrypted(server)
        client.authenticate(user, password, mechanism)
        complete(client, user)


def test_a_password_is_prepared_before_it_is_compared(new_server):
    """RFC 5802 section 5.1, RFC 8265 section 4.2: decomposed and composed letters are equal."""
    server = new_server(account_store=True, users={"amelie": "Am\u00e9lie"}).start()
    client = encrypted(server)
    client.authenticate("amelie", "Ame\u0301lie", "PLAIN")
    complete(client, "amelie")


def test_the_localpart_is_prepared(server):
    """RFC 7622 section 3.3: case does not matter, the server says who the user is."""
    client = encrypted(server)
    client.authenticate("JULIET", server.users["juliet"], "PLAIN")
    complete(client)


def test_login_on_the_unix_socket(new_server):
    """The same mechanisms as everywhere."""
    server = new_server()
    server.listens.append(f'Listen "{server.unix_socket}" {{ File_Mode = 0600 }}')
    server.start()
    client = RawClient(server.unix_socket).open()
    client.authenticate("juliet", server.users["juliet"])
    complete(client)
    client.close()


def test_a_changed_password_file_counts_at_once(server):
    """The file:// store is read anew when it changed: new users, new passwords, users gone."""
    client = server.connect().open()
    with pytest.raises(SaslFailure):
        client.authenticate("paris", "paris-secret")
    server.users["paris"] = "paris-secret"
    server.users["juliet"] = "another"
    del server.users["tybalt"]
    server.write_users()
    server.online("paris")
    server.online("juliet", password="another")
    for user, password in (("juliet", "juliet-secret"), ("tybalt", "tybalt-secret")):
        with pytest.raises(SaslFailure):
            server.connect().open().authenticate(user, password)


def test_a_password_file_with_comments_and_dos_lines(new_server):
    """What editors make of it."""
    server = new_server()
    server.start()
    server.users_file.write_bytes(b"# comment\r\n\r\njuliet:one\r\n#romeo:no\nromeo:t:wo\n"
                                  b"nurse:three")
    server.online("juliet", password="one")
    server.online("romeo", password="t:wo")
    server.online("nurse", password="three")
