"""Logins that must not succeed: RFC 6120 section 6.5."""

import base64
import time

import pytest

from impulse_test import patience
from impulse_test.raw import SASL, Closed, SaslFailure, StreamEnd, local
from impulse_test.sasl import Scram, channel_binding, plain


def encrypted(server):
    client = server.connect().open()
    client.starttls()
    return client.open()


def fails(client, *arguments, **named):
    """The condition with which this login is refused."""
    with pytest.raises(SaslFailure) as failure:
        client.authenticate(*arguments, **named)
    return str(failure.value)


def condition(answer):
    assert answer.tag == f"{{{SASL}}}failure"
    return local(answer[0])


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256",
                                       "SCRAM-SHA-256-PLUS"])
@pytest.mark.parametrize("user,password", [
    ("juliet", "wrong"), ("juliet", "juliet-secre"), ("juliet", "juliet-secret "),
    ("nobody", "juliet-secret")])
def test_wrong_password_and_unknown_user_are_not_authorized(server, mechanism, user, password):
    """RFC 6120 section 6.5.10."""
    assert fails(encrypted(server), user, password, mechanism) == "not-authorized"


@pytest.mark.parametrize("store", ["file", "account"])
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1", "SCRAM-SHA-256"])
def test_an_unknown_user_looks_like_a_known_one(new_server, store, mechanism):
    """RFC 6120 section 6.5.10: the salt is stable, of usual length, with the usual iterations."""
    server = new_server(account_store=store == "account").start()
    seen = {}
    for user in ("juliet", "nobody", "nobody", "somebody"):
        client = server.connect().open()
        answer = client.auth(mechanism, Scram(mechanism, user, "x").first())
        fields = dict(field.split("=", 1)
                      for field in base64.b64decode(answer.text).decode().split(","))
        salt = fields["s"]
        if user == "nobody" and user in seen:
            assert seen[user][0] == salt, "the salt of an unknown user changes"
        seen[user] = salt, fields["i"], list(fields)
    assert seen["nobody"][0] != seen["somebody"][0]
    assert len({len(salt) for salt, _, _ in seen.values()}) == 1
    assert len({iterations for _, iterations, _ in seen.values()}) == 1
    assert seen["juliet"][2] == seen["nobody"][2]


def test_an_unknown_user_takes_as_long_as_a_known_one(new_server):
    """The same, by time: the medians of wrong logins differ by less than half."""
    server = new_server(account_store=True).start()
    times = {"juliet": [], "nobody": []}
    for _ in range(15):
        for user, list_ in times.items():
            client = server.connect(tls=True).open()
            began = time.perf_counter()
            client.auth("PLAIN", plain(user, "wrong"))
            list_.append(time.perf_counter() - began)
            client.abort()
    known, unknown = (sorted(list_)[7] for list_ in times.values())
    assert abs(known - unknown) < max(known, unknown) / 2 + 0.001


@pytest.mark.parametrize("text", ["!!!!", "a", "YQ", "YQ=", "YQ==YQ==", "Y Q = =", "\u00e4\u00e4"])
def test_malformed_base64_is_incorrect_encoding(server, text):
    """RFC 6120 section 6.5.5."""
    client = encrypted(server)
    client.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{text}</auth>")
    assert condition(client.receive()) in ("incorrect-encoding", "malformed-request")


@pytest.mark.parametrize("data", [
    b"juliet", b"\0juliet", b"\0\0", b"\0juliet\0", b"\0\0secret", b"\0juliet\0juliet-secret\0",
    b"\0juliet\0juliet-secret\0x", b"\0\xff\xfe\0juliet-secret", b"",
    b"\0" + b"j" * 2000 + b"\0x"])
def test_malformed_plain_is_refused(server, data):
    """RFC 4616 section 2: exactly two NULs, neither part empty."""
    client = encrypted(server)
    answer = client.auth("PLAIN", data)
    assert condition(answer) in ("malformed-request", "not-authorized", "incorrect-encoding")


@pytest.mark.parametrize("first", [
    b"", b"n", b"n,,", b"n,,n=juliet", b"n,,r=abc", b"n,,r=abc,n=juliet", b"x,,n=juliet,r=abc",
    b"n,,n=,r=abc", b"n,,n=juliet,r=", b"n,,m=x,n=juliet,r=abc", b"n,,n=ju=liet,r=abc",
    b"n,b=x,n=juliet,r=abc", b"p=tls-exporter,,n=juliet,r=abc", b"n,,n=juliet,r=a\0b",
    b"n,,n=\xff\xfe,r=abc", b",,n=juliet,r=abc", b"p=,,n=juliet,r=abc"])
def test_a_malformed_scram_start_is_refused(server, first):
    """RFC 5802 section 7."""
    client = server.connect().open()
    answer = client.auth("SCRAM-SHA-1", first)
    if local(answer) == "challenge" and first == b"":
        return  # an empty initial response may mean that it comes later
    assert condition(answer) in ("malformed-request", "not-authorized", "invalid-authzid")


@pytest.mark.parametrize("change", [
    lambda text: text.replace("r=", "r=x"), lambda text: text.replace("c=biws", "c=eSws"),
    lambda text: text.replace("c=biws", "c=biw"), lambda text: text[:-4],
    lambda text: text.split(",p=")[0], lambda text: text.replace(",p=", ",p=AAAA"),
    lambda text: "", lambda text: text + ",x=y", lambda text: text.split(",", 1)[1],
], ids=["nonce", "flag", "binding", "short proof", "no proof", "long proof", "empty", "more",
        "no binding"])
def test_a_wrong_scram_end_is_refused(server, change):
    """RFC 5802 sections 5.1 and 7: each part of the last message counts."""
    client = server.connect().open()
    scram = Scram("SCRAM-SHA-1", "juliet", server.users["juliet"])
    challenge = client.auth("SCRAM-SHA-1", scram.first())
    good = scram.final(base64.b64decode(challenge.text)).decode()
    answer = client.respond(change(good).encode())
    assert condition(answer) in ("malformed-request", "not-authorized", "incorrect-encoding")


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"])
@pytest.mark.parametrize("authzid", ["romeo@localhost", "romeo", "admin@localhost",
                                     "juliet@elsewhere.example", "juliet@localhost/home"])
def test_nobody_acts_as_somebody_else(server, mechanism, authzid):
    """RFC 6120 section 6.5.6: invalid-authzid even though the password is right."""
    client = encrypted(server)
    got = fails(client, "juliet", server.users["juliet"], mechanism, authzid=authzid)
    assert got in ("invalid-authzid", "not-authorized", "malformed-request")


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-1"])
def test_ones_own_bare_jid_as_authzid_is_allowed(server, mechanism):
    """RFC 6120 section 6.3.8."""
    client = encrypted(server)
    client.authenticate("juliet", server.users["juliet"], mechanism, authzid="juliet@localhost")
    client.open()
    client.bind()
    assert client.bare == "juliet@localhost"


def test_a_downgrade_is_noticed(server):
    """RFC 5802 section 6: flag "y" says "you offered no -PLUS"; but it was offered."""
    client = encrypted(server)
    assert "SCRAM-SHA-1-PLUS" in client.mechanisms()
    assert fails(client, "juliet", server.users["juliet"], "SCRAM-SHA-1", flag="y") \
        == "not-authorized"
    client = server.connect().open()
    client.authenticate("juliet", server.users["juliet"], "SCRAM-SHA-1", flag="y")


def test_a_wrong_channel_binding_is_refused(server):
    """RFC 5802 section 6: what a man in the middle would have to send."""
    for binding, data in (("tls-exporter", b"\0" * 32), ("tls-server-end-point", b"\0" * 32),
                          ("tls-nonsense", b"x"), ("tls-exporter", b"")):
        client = encrypted(server)
        scram = Scram("SCRAM-SHA-1-PLUS", "juliet", server.users["juliet"],
                      flag=f"p={binding}", binding=data)
        answer = client.auth("SCRAM-SHA-1-PLUS", scram.first())
        if local(answer) == "challenge":
            answer = client.respond(scram.final(base64.b64decode(answer.text)))
        assert condition(answer) in ("not-authorized", "malformed-request")


def test_the_binding_of_another_connection_is_refused(server):
    """The same with data that is right for another connection."""
    other = encrypted(server)
    client = encrypted(server)
    data = channel_binding(other.socket, "tls-exporter")
    scram = Scram("SCRAM-SHA-1-PLUS", "juliet", server.users["juliet"], flag="p=tls-exporter",
                  binding=data)
    answer = client.auth("SCRAM-SHA-1-PLUS", scram.first())
    answer = client.respond(scram.final(base64.b64decode(answer.text)))
    assert condition(answer) == "not-authorized"


def test_a_proof_cannot_be_used_again(server):
    """RFC 5802 section 9: the server's part of the nonce is new each time."""
    client = server.connect().open()
    scram = Scram("SCRAM-SHA-1", "juliet", server.users["juliet"])
    first = scram.first()
    challenge = client.auth("SCRAM-SHA-1", first)
    proof = scram.final(base64.b64decode(challenge.text))
    assert local(client.respond(proof)) == "success"
    thief = server.connect().open()
    again = thief.auth("SCRAM-SHA-1", first)
    assert again.text != challenge.text
    assert condition(thief.respond(proof)) in ("not-authorized", "malformed-request")


def test_abort_and_then_a_login(server):
    """RFC 6120 sections 6.4.4 and 6.5.1: aborted, the stream stays for another try."""
    client = server.connect().open()
    answer = client.auth("SCRAM-SHA-1", Scram("SCRAM-SHA-1", "juliet", "x").first())
    assert local(answer) == "challenge"
    client.send(f"<abort xmlns='{SASL}'/>")
    assert condition(client.receive()) == "aborted"
    client.authenticate("juliet", server.users["juliet"])
    client.open()


def test_a_login_after_a_failed_one(server):
    """RFC 6120 section 6.4.5: a reasonable number of retries, at least two."""
    client = server.connect().open()
    assert fails(client, "juliet", "wrong") == "not-authorized"
    assert fails(client, "nobody", "wrong") == "not-authorized"
    client.authenticate("juliet", server.users["juliet"])
    client.open()
    assert client.bind().get("type") == "result"
    assert client.bare == "juliet@localhost"


def test_too_many_failures_end_the_stream(server):
    """RFC 6120 section 6.4.5: two to five tries, then the stream is closed."""
    nurse = server.online("nurse")
    client = server.connect().open()
    failures = 0
    with pytest.raises((Closed, StreamEnd)):
        while failures < 20:
            answer = client.auth("SCRAM-SHA-1", b"n,,n=juliet,r=abc")
            if local(answer) == "challenge":
                answer = client.respond(b"c=biws,r=wrong,p=AAAA")
            if answer.tag.endswith("}error"):
                assert local(answer[0]) == "policy-violation"
            else:
                failures += 1
    assert 2 <= failures <= 10
    assert nurse.ping().get("type") == "result"


def test_a_response_without_auth_is_refused(server):
    """RFC 6120 section 6: nothing happens out of order."""
    for element in (f"<response xmlns='{SASL}'>YQ==</response>", f"<abort xmlns='{SASL}'/>",
                    f"<success xmlns='{SASL}'/>", f"<challenge xmlns='{SASL}'/>"):
        client = server.connect().open()
        client.send(element)
        try:
            assert local(client.receive()) in ("failure", "error")
        except (Closed, StreamEnd):
            pass
        client.abort()


def test_a_second_auth_in_the_middle_of_the_first_starts_over_or_fails(server):
    """RFC 6120 section 6: whose session it becomes is who proved it last."""
    client = server.connect().open()
    client.auth("SCRAM-SHA-1", Scram("SCRAM-SHA-1", "romeo", "x").first())
    try:
        client.authenticate("juliet", server.users["juliet"])
    except (SaslFailure, AssertionError, Closed, StreamEnd):
        return
    client.open()
    client.bind()
    assert client.bare == "juliet@localhost"


def test_authentication_happens_once(server):
    """RFC 6120 section 6.4.6: a stream that is authenticated offers and takes no SASL."""
    client = server.connect().open()
    client.authenticate("juliet", server.users["juliet"])
    client.open()
    answer = client.auth("SCRAM-SHA-1", Scram("SCRAM-SHA-1", "romeo", "x").first())
    assert local(answer) in ("failure", "error")


def test_the_restarted_stream_stays_with_its_domain(new_server):
    """A login at one domain is none at another (CVE-2018-10847 of another server)."""
    server = new_server(domains=["localhost", "other.example"]).start()
    client = server.connect().open("localhost")
    client.authenticate("juliet", server.users["juliet"])
    client.send(client.header_text("other.example"))
    client._new_parser()
    client.receive()
    client.expect_stream_error("host-unknown", "not-authorized", "policy-violation",
                               "invalid-from", "conflict", "improper-addressing")


def test_many_wrong_logins_hold_up_nobody(server):
    """Hashing passwords is work for other threads than those that carry stanzas."""
    nurse = server.online("nurse")
    strangers = [server.connect(tls=True).open() for _ in range(10)]
    for client in strangers:
        client.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>"
                    f"{base64.b64encode(plain('juliet', 'wrong')).decode()}</auth>")
    worst = 0
    for _ in range(20):
        began = time.monotonic()
        nurse.ping()
        worst = max(worst, time.monotonic() - began)
    assert worst < patience(0.5)
    for client in strangers:
        assert condition(client.receive()) == "not-authorized"
