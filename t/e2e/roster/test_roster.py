"""Managing the roster: RFC 6121 section 2."""

import pytest

from impulse_test.dialogue import matches
from impulse_test.raw import CLIENT, ROSTER, child, error_condition, local, show


def item(jid, name=None, groups=(), subscription=None):
    attributes = f" name='{name}'" if name is not None else ""
    attributes += f" subscription='{subscription}'" if subscription else ""
    inner = "".join(f"<group>{group}</group>" for group in groups)
    return f"<item jid='{jid}'{attributes}>{inner}</item>"


def roster_set(client, inner, others=None):
    return client.iq("set", f"<query xmlns='{ROSTER}'>{inner}</query>", others=others)


def push(client):
    """The next stanza, which is a roster push: its only item."""
    stanza = client.receive()
    assert local(stanza) == "iq" and stanza.get("type") == "set", show(stanza)
    assert stanza.get("from") in (None, client.bare), "a push from nobody we know"
    assert stanza.get("to") in (None, client.jid, client.bare)
    query = child(stanza, "query", ROSTER)
    assert len(query) == 1
    client.send(f"<iq type='result' id='{stanza.get('id')}'/>")
    return query[0]


def groups(entry):
    return {group.text for group in entry}


def test_an_empty_roster_is_a_result_with_an_empty_query(server):
    """RFC 6121 section 2.1.4."""
    juliet = server.login("juliet")
    answer = juliet.iq("get", f"<query xmlns='{ROSTER}'/>")
    assert answer.get("type") == "result"
    assert len(child(answer, "query", ROSTER)) == 0


def test_an_item_is_added_answered_and_pushed_to_all_interested_resources(server):
    """RFC 6121 sections 2.1.6 and 2.3.2: the sender too; not to who never asked for the roster."""
    home, phone = server.login("juliet", "home"), server.login("juliet", "phone")
    uninterested = server.online("juliet", "third")
    nurse = server.login("nurse")
    nurse.roster()
    home.roster()
    phone.roster()
    others = []
    answer = roster_set(home, item("romeo@localhost", "Romeo", ["Friends", "Lovers"]), others)
    assert answer.get("type") == "result" and len(answer) == 0
    entry = push(home) if not others else child(others[0], "query", ROSTER)[0]
    for pushed in (entry, push(phone)):
        assert pushed.get("jid") == "romeo@localhost"
        assert pushed.get("name") == "Romeo"
        assert pushed.get("subscription") in (None, "none")
        assert pushed.get("ask") is None
        assert groups(pushed) == {"Friends", "Lovers"}
    home.expect_nothing(uninterested)
    home.expect_nothing(nurse)


def test_what_was_set_is_what_is_returned(server):
    """RFC 6121 sections 2 and 2.3: unmodified, also over a restart of the server."""
    juliet = server.login("juliet")
    wanted = {
        "romeo@localhost": ("Romeo", {"Friends"}),
        "mercutio@elsewhere.example": ("Mercutio &amp; Co &lt;x&gt; &apos;&quot;", {"A", "B"}),
        "service.example": (None, set()),
        "j\u00fcrgen@b\u00fccher.example": ("\u2665", {"Gr\u00fc\u00dfe"}),
        "room@rooms.example/nick": ("with a resource", set()),
    }
    for jid, (name, in_groups) in wanted.items():
        assert roster_set(juliet, item(jid, name, sorted(in_groups))).get("type") == "result"
    for attempt in range(2):
        got = server.login("juliet").roster()
        assert set(got) == set(wanted)
        for jid, (name, in_groups) in wanted.items():
            plain = name and (name.replace("&lt;", "<").replace("&gt;", ">").replace("&apos;", "'")
                              .replace("&quot;", '"').replace("&amp;", "&"))
            assert (got[jid].get("name") or None) == plain
            assert groups(got[jid]) == in_groups
            assert got[jid].get("subscription") == "none"
        if attempt == 0:
            juliet.close()
            server.restart()


def test_an_item_is_replaced_as_a_whole(server):
    """RFC 6121 section 2.4.1: name and groups that are left out are gone."""
    juliet = server.login("juliet")
    roster_set(juliet, item("romeo@localhost", "Romeo", ["Friends"]))
    roster_set(juliet, item("romeo@localhost", None, ["Lovers"]))
    entry = juliet.roster()["romeo@localhost"]
    assert not entry.get("name")
    assert groups(entry) == {"Lovers"}


def test_an_item_is_removed(server):
    """RFC 6121 section 2.5."""
    juliet = server.login("juliet")
    roster_set(juliet, item("romeo@localhost", "Romeo"))
    juliet.roster()
    others = []
    answer = roster_set(juliet, item("romeo@localhost", subscription="remove"), others)
    assert answer.get("type") == "result"
    entry = child(others[0], "query", ROSTER)[0] if others else push(juliet)
    assert entry.get("subscription") == "remove"
    assert entry.get("jid") == "romeo@localhost"
    assert juliet.roster() == {}


def test_removing_who_is_not_there_is_item_not_found(server):
    """RFC 6121 section 2.5.3."""
    juliet = server.login("juliet")
    answer = roster_set(juliet, item("romeo@localhost", subscription="remove"))
    assert error_condition(answer) == ("cancel", "item-not-found")


@pytest.mark.parametrize("inner,condition", [
    ("", "bad-request"),
    (item("a@localhost") + item("b@localhost"), "bad-request"),
    ("<item name='nobody'/>", "bad-request"),
    (item("a@localhost", groups=["A", "A"]), "bad-request"),
    (item("a@localhost", groups=[""]), "not-acceptable"),
    (item("a@localhost", groups=["G" * 5000]), "not-acceptable"),
    (item("a@localhost", "N" * 5000), "not-acceptable"),
    (item("@localhost"), "jid-malformed"),
    (item("a b@localhost"), "jid-malformed"),
    (item(""), "bad-request"),
], ids=["no item", "two items", "no jid", "a group twice", "an empty group", "a long group",
        "a long name", "no localpart", "a space", "an empty jid"])
def test_a_bad_set_is_refused_and_changes_nothing(server, inner, condition):
    """RFC 6121 section 2.3.3; limits on lengths are the server's."""
    juliet = server.login("juliet")
    juliet.roster()
    answer = roster_set(juliet, inner)
    allowed = {condition, "jid-malformed", "bad-request"} if "jid" in condition or inner.startswith(
        "<item jid=''") else {condition}
    assert error_condition(answer)[1] in allowed
    assert juliet.drain() == []
    assert juliet.roster() == {}


@pytest.mark.parametrize("kind", ["get", "set"])
def test_the_roster_of_somebody_else_is_out_of_reach(server, kind):
    """RFC 6121 sections 2.1.5 and 2.3.3: forbidden, or as if there were none."""
    romeo = server.login("romeo")
    roster_set(romeo, item("mercutio@localhost"))
    juliet = server.login("juliet")
    inner = item("tybalt@localhost") if kind == "set" else ""
    for to in ("romeo@localhost", romeo.jid, "nobody@localhost"):
        answer = juliet.iq(kind, f"<query xmlns='{ROSTER}'>{inner}</query>", to)
        assert error_condition(answer)[1] in ("forbidden", "service-unavailable", "not-allowed")
    assert list(romeo.roster()) == ["mercutio@localhost"]


def test_the_roster_of_ones_own_account_by_name(server):
    """RFC 6121 section 2.1.3: 'to' one's own bare JID is the same as none."""
    juliet = server.login("juliet")
    roster_set(juliet, item("romeo@localhost"))
    answer = juliet.iq("get", f"<query xmlns='{ROSTER}'/>", "juliet@localhost")
    assert [entry.get("jid") for entry in child(answer, "query", ROSTER)] == ["romeo@localhost"]


@pytest.mark.parametrize("claimed", ["both", "from", "to", "none", "banana"])
def test_a_client_cannot_set_its_subscription(server, claimed):
    """RFC 6121 sections 2.1.2.1, 2.1.2.2, 2.1.2.5: subscription, ask and approved are ignored."""
    romeo = server.online("romeo")
    juliet = server.online("juliet")
    answer = roster_set(juliet, f"<item jid='romeo@localhost' subscription='{claimed}' "
                        "ask='subscribe' approved='true'/>")
    if answer.get("type") == "result":
        entry = juliet.roster()["romeo@localhost"]
        assert entry.get("subscription") == "none"
        assert entry.get("ask") is None
        assert entry.get("approved") in (None, "false", "0")
    else:
        assert error_condition(answer)[1] == "bad-request"
    juliet.expect_nothing(romeo)


def test_a_push_from_somebody_else_does_not_pass_for_one(server):
    """RFC 6121 section 2.1.6: to a full JID it may be relayed, but with its true sender."""
    juliet = server.online("juliet", "home")
    juliet.roster()
    tybalt = server.online("tybalt")
    tybalt.send(f"<iq type='set' id='forged' to='juliet@localhost/home'><query xmlns='{ROSTER}'>"
                f"{item('tybalt@localhost', 'Friend')}</query></iq>")
    for stanza in tybalt.settle(juliet):
        assert stanza.get("from") == tybalt.jid
    assert juliet.roster() == {}


def test_removal_ends_the_subscriptions(dialogue):
    """RFC 6121 section 2.5.2: the contact gets unsubscribe and unsubscribed."""
    dialogue("""
        Juliet is online
        Romeo is online
        Nurse is online
        Juliet sends <presence type='subscribe' to='romeo@localhost'/>
        Romeo receives <presence type='subscribe' from='juliet@localhost'/>
        Romeo sends <presence type='subscribed' to='juliet@localhost'/>
        Romeo sends <presence type='subscribe' to='juliet@localhost'/>
        Juliet receives eventually <presence type='subscribe' from='romeo@localhost'/>
        Juliet sends <presence type='subscribed' to='romeo@localhost'/>
        Romeo receives eventually <presence from='juliet@localhost/home' type='-'/>
    """)
    romeo, juliet = dialogue["Romeo"], dialogue["Juliet"]
    romeo.drain()
    juliet.drain()
    assert juliet.roster()["romeo@localhost"].get("subscription") == "both"
    roster_set(juliet, item("romeo@localhost", subscription="remove"), others=[])
    seen = juliet.settle(romeo)
    for pattern in ("<presence type='unsubscribe' from='juliet@localhost' to='romeo@localhost'/>",
                    "<presence type='unsubscribed' from='juliet@localhost' to='romeo@localhost'/>",
                    "<presence type='unavailable' from='juliet@localhost/home'/>"):
        assert any(matches(pattern, stanza) for stanza in seen), [show(s) for s in seen]
    assert romeo.roster()["juliet@localhost"].get("subscription") == "none"
    assert juliet.roster() == {}
    assert not [stanza for stanza in juliet.settle(dialogue["Nurse"])]


def test_a_roster_of_many_items(server):
    """A few thousand contacts are an everyday roster for some."""
    juliet = server.login("juliet")
    count = 1000
    for start in range(0, count, 100):
        juliet.send("".join(
            f"<iq type='set' id='s{n}'><query xmlns='{ROSTER}'>"
            + item(f"contact{n}@elsewhere.example", f"Contact {n}", [f"Group {n % 7}"])
            + "</query></iq>"
            for n in range(start, start + 100)))
        for n in range(start, start + 100):
            assert juliet.answer(f"s{n}").get("type") == "result"
    got = juliet.roster()
    assert len(got) == count
    assert got["contact77@elsewhere.example"].get("name") == "Contact 77"


class TestVersioning:
    """RFC 6121 section 2.6."""

    @staticmethod
    def get(client, version, others=None):
        return client.iq("get", f"<query xmlns='{ROSTER}' ver='{version}'/>", others=others)

    def test_it_is_advertised(self, server):
        """RFC 6121 section 2.6.1."""
        juliet = server.login("juliet")
        assert juliet.features.find("{urn:xmpp:features:rosterver}ver") is not None

    def test_an_empty_version_gets_the_whole_roster_with_its_version(self, server):
        """RFC 6121 section 2.6.2."""
        juliet = server.login("juliet")
        roster_set(juliet, item("romeo@localhost"))
        query = child(self.get(juliet, ""), "query", ROSTER)
        assert query.get("ver")
        assert len(query) == 1

    def test_the_current_version_gets_an_empty_result(self, server):
        """RFC 6121 section 2.6.3."""
        juliet = server.login("juliet")
        roster_set(juliet, item("romeo@localhost"))
        version = child(self.get(juliet, ""), "query", ROSTER).get("ver")
        answer = self.get(juliet, version)
        assert answer.get("type") == "result" and len(answer) == 0
        server.restart()
        answer = self.get(server.login("juliet"), version)
        assert len(answer) == 0, "the version does not survive a restart"

    def test_an_old_version_gets_the_roster_or_the_changes(self, server):
        """RFC 6121 section 2.6.3: after either, the client knows the present roster."""
        juliet = server.login("juliet")
        for jid in ("romeo@localhost", "nurse@localhost"):
            roster_set(juliet, item(jid))
        version = child(self.get(juliet, ""), "query", ROSTER).get("ver")
        juliet.close()
        juliet = server.login("juliet")
        roster_set(juliet, item("romeo@localhost", "Romeo"))
        roster_set(juliet, item("nurse@localhost", subscription="remove"))
        roster_set(juliet, item("tybalt@localhost"))
        known = {"romeo@localhost": None, "nurse@localhost": None}
        again = server.login("juliet", "again")
        answer = self.get(again, version)
        query = child(answer, "query", ROSTER)
        if query is not None:
            known = {}
        entries = list(query) if query is not None else [
            child(stanza, "query", ROSTER)[0] for stanza in again.drain()]
        for entry in entries:
            if entry.get("subscription") == "remove":
                known.pop(entry.get("jid"))
            else:
                known[entry.get("jid")] = entry.get("name")
        assert known == {"romeo@localhost": "Romeo", "tybalt@localhost": None}

    @pytest.mark.parametrize("version", ["never-given", "-1", "99999999999999999999", "&lt;x&gt;",
                                         "\u2665"])
    def test_an_unknown_version_gets_the_whole_roster(self, server, version):
        """RFC 6121 section 2.6.3."""
        juliet = server.login("juliet")
        roster_set(juliet, item("romeo@localhost"))
        query = child(self.get(juliet, version), "query", ROSTER)
        assert query is not None and len(query) == 1

    def test_pushes_carry_versions_that_are_new_each_time(self, server):
        """RFC 6121 section 2.6.3."""
        juliet = server.login("juliet")
        first = child(self.get(juliet, ""), "query", ROSTER).get("ver")
        versions = [first]
        for n in range(5):
            others = []
            roster_set(juliet, item(f"c{n}@localhost"), others)
            stanza = others[0] if others else juliet.receive()
            versions.append(child(stanza, "query", ROSTER).get("ver"))
        assert None not in versions
        assert len(set(versions)) == 6
        answer = self.get(juliet, versions[-1])
        assert answer.find(f"{{{ROSTER}}}query") is None


def test_changes_by_two_resources_at_once_are_both_kept(server):
    """RFC 6121 section 2.4: pushes reach both in the same order."""
    clients = [server.login("juliet", name) for name in ("home", "phone")]
    for client in clients:
        client.roster()
    for n in range(30):
        for client in clients:
            client.send(f"<iq type='set' id='c{n}'><query xmlns='{ROSTER}'>"
                        f"{item(f'{client.resource}{n}@localhost')}</query></iq>")
    order = []
    for client in clients:
        mine = []
        while len(mine) < 60:
            stanza = client.receive()
            query = stanza.find(f"{{{ROSTER}}}query")
            if stanza.get("type") == "set" and query is not None:
                mine.append(query[0].get("jid"))
            else:
                assert stanza.tag == f"{{{CLIENT}}}iq" and stanza.get("type") == "result"
        order.append(mine)
    assert order[0] == order[1]
    assert len(server.login("juliet", "third").roster()) == 60
