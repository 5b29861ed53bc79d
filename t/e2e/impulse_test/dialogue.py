"""A tiny language for cases that read like the examples of a specification.

    Juliet sends <message to='romeo@localhost' type='chat'><body>Wherefore?</body></message>
    Romeo receives <message from='juliet@localhost/balcony'><body>Wherefore?</body></message>
    Nurse receives nothing

Lines:
    NAME is connected                     logs in, no presence
    NAME is online [with priority N]      logs in, roster got, initial presence sent
    NAME sends XML
    NAME receives XML                     the next stanza matches
    NAME receives eventually XML          a later stanza matches, others before it are dropped
    NAME receives all of XML XML ...      the next stanzas match, in any order
    NAME receives nothing                 nothing came from what the last sender did
    NAME leaves                           closes the stream

NAME is a user with the resource "home", or USER/RESOURCE. A pattern matches a stanza when each of
its attributes, its text and its children are found in the stanza; the attribute value '*' stands
for anything and '-' for "not there". A line that does not begin with a name and a verb belongs to
the line before it.
"""

import re
import xml.etree.ElementTree as ET

from .raw import CLIENT, show

_LINE = re.compile(r"^(?P<name>[A-Z][\w/.-]*) (?P<verb>is|sends|receives|leaves)\b *(?P<rest>.*)$",
                   re.DOTALL)


def parse(text, namespace=CLIENT):
    """The elements of a text of several elements."""
    return list(ET.fromstring(f"<x xmlns='{namespace}'>{text}</x>"))


def mismatch(pattern, element):
    """None when `element` matches, otherwise what is different."""
    if pattern.tag != element.tag:
        return f"<{element.tag}> instead of <{pattern.tag}>"
    for key, value in pattern.attrib.items():
        got = element.get(key)
        if value == "-" and got is None or value == "*" and got is not None:
            continue
        if got != value:
            return f"{key}={got!r} instead of {value!r}"
    text = (pattern.text or "").strip()
    if text and text != "*" and (element.text or "").strip() != text:
        return f"text {element.text!r} instead of {text!r}"
    left = list(element)
    for wanted in pattern:
        for candidate in left:
            if mismatch(wanted, candidate) is None:
                left.remove(candidate)
                break
        else:
            return f"no {show(wanted)}"
    return None


def matches(pattern, element):
    """Whether `element` matches the pattern given as text or element."""
    if isinstance(pattern, str):
        pattern = parse(pattern)[0]
    return mismatch(pattern, element) is None


def statements(script):
    """The lines of a script as (name, verb, rest), continuation lines joined."""
    joined = []
    for line in script.strip().splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if _LINE.match(line):
            joined.append(line)
        else:
            joined[-1] += "\n" + line
    for line in joined:
        match = _LINE.match(line)
        yield match["name"], match["verb"], match["rest"].strip()


class Dialogue:
    """Runs scripts against one server; sessions live from script to script."""

    def __init__(self, server):
        self.server = server
        self.sessions = {}
        self.last_sender = None

    def __call__(self, script):
        for name, verb, rest in statements(script):
            try:
                getattr(self, f"_{verb}")(name, rest)
            except (AssertionError, TimeoutError) as error:
                raise AssertionError(f"at: {name} {verb} {rest}\n{error}") from error
        return self

    def __getitem__(self, name):
        return self.sessions[name]

    def _is(self, name, rest):
        user, _, resource = name.partition("/")
        client = self.server.login(user.lower(), resource or "home")
        self.sessions[name] = client
        match = re.fullmatch(r"online(?: with priority (-?\d+))?", rest)
        if match:
            client.roster()
            client.go_online(match[1])
        else:
            assert rest == "connected", f"unknown state {rest!r}"

    def _sends(self, name, rest):
        self.last_sender = self.sessions[name]
        self.last_sender.send(rest)

    def _receives(self, name, rest):
        client = self.sessions[name]
        if rest == "nothing":
            self.last_sender.expect_nothing(client)
        elif rest.startswith("eventually "):
            pattern = parse(rest.removeprefix("eventually "))[0]
            while mismatch(pattern, client.receive()) is not None:
                pass
        elif rest.startswith("all of "):
            wanted = parse(rest.removeprefix("all of "))
            while wanted:
                stanza = client.receive()
                found = next((p for p in wanted if mismatch(p, stanza) is None), None)
                assert found is not None, f"unexpected {show(stanza)}"
                wanted.remove(found)
        else:
            for pattern in parse(rest):
                stanza = client.receive()
                problem = mismatch(pattern, stanza)
                assert problem is None, f"{problem}\nin {show(stanza)}"

    def _leaves(self, name, _rest):
        self.sessions.pop(name).close()
