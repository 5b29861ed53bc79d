"""A pair of slixmpp clients from the first contact to messages that waited."""

from impulse_test.server import wait_until


def test_from_strangers_to_friends_and_back_from_the_dead(slix, server):
    """Add each other, chat, go away, come back, read what was sent meanwhile."""
    juliet = slix("juliet", "balcony").login()
    romeo = slix("romeo", "orchard").login()

    juliet.send_presence(pto="romeo@localhost", ptype="subscribe")
    romeo.wait("presence_subscribe", lambda p: p["from"].bare == "juliet@localhost")
    romeo.send_presence(pto="juliet@localhost", ptype="subscribed")
    romeo.send_presence(pto="juliet@localhost", ptype="subscribe")
    juliet.wait("presence_subscribed")
    juliet.wait("presence_subscribe")
    juliet.send_presence(pto="romeo@localhost", ptype="subscribed")
    romeo.wait("presence_subscribed")
    juliet.wait("presence_available", lambda p: p["from"].full == "romeo@localhost/orchard")
    romeo.wait("presence_available", lambda p: p["from"].full == "juliet@localhost/balcony")
    wait_until(lambda: juliet.subscription("romeo@localhost") == "both", "both")
    wait_until(lambda: romeo.subscription("juliet@localhost") == "both", "both")

    juliet.send_message("romeo@localhost", "Wherefore art thou?")
    got = romeo.wait("message")
    assert got["body"] == "Wherefore art thou?"
    assert got["from"].full == "juliet@localhost/balcony"
    romeo.send_message("juliet@localhost/balcony", "Here.")
    assert juliet.wait("message")["body"] == "Here."

    romeo.close()
    juliet.wait("presence_unavailable", lambda p: p["from"].full == "romeo@localhost/orchard")
    for n in range(3):
        juliet.send_message("romeo@localhost", f"Good night {n}")
    wait_until(lambda: sum(r[2] == "message" for r in server.records("R")) >= 5, "5 messages")
    romeo = slix("romeo", "orchard").login()
    for n in range(3):
        got = romeo.wait("message")
        assert got["body"] == f"Good night {n}"
        assert got["delay"]["stamp"] is not None
    assert romeo.subscription("juliet@localhost") == "both"
    juliet.wait("presence_available", lambda p: p["from"].full == "romeo@localhost/orchard")

    wait_until(lambda: sum(r[2] == "message" for r in server.records("D")) >= 5, "5 deliveries")
    received = [r for r in server.records("R") if r[2] == "message"]
    assert [r[3] for r in received] == ["romeo@localhost", "juliet@localhost/balcony",
                                        *["romeo@localhost"] * 3]
    assert {r[4] for r in received} == {"juliet@localhost/balcony", "romeo@localhost/orchard"}
    assert {"subscribe", "subscribed"} <= {r[6] for r in server.records("R") if r[2] == "presence"}


def test_a_wrong_password_is_told(server, slix):
    """The client sees a failed login, not a broken connection."""
    server.users["juliet"] = "another"
    client = slix("juliet", "balcony")
    client.wait("failed_auth")
    server.write_users()
    slix("juliet", "phone").login()


def test_disco_ping_and_version_of_the_server(slix):
    """The plugins of a usual client are answered."""
    juliet = slix("juliet", "balcony").login()
    info = juliet.call(juliet.xmpp["xep_0030"].get_info, jid="localhost")
    assert "urn:xmpp:ping" in info["disco_info"]["features"]
    assert juliet.call(juliet.xmpp["xep_0199"].ping, "localhost") < 5
