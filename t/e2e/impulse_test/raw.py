"""A small synchronous XMPP client on a bare socket, for assertions about the protocol itself.

It sends exactly what it is told and hands over what arrives, one first-level element at a time.
"""

import base64
import contextlib
import itertools
import select
import socket
import ssl
import time
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from . import DEFAULT_PATIENCE, sasl

CLIENT = "jabber:client"
STREAM = "http://etherx.jabber.org/streams"
STREAM_ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"
STANZA_ERRORS = "urn:ietf:params:xml:ns:xmpp-stanzas"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
ROSTER = "jabber:iq:roster"
PING = "urn:xmpp:ping"
DELAY = "urn:xmpp:delay"

_ids = itertools.count(1)


def fresh_id(prefix="t"):
    return f"{prefix}{next(_ids)}"


def split_tag(element):
    """(namespace, local name) of an element."""
    tag = element.tag
    return tuple(tag[1:].split("}", 1)) if tag.startswith("{") else ("", tag)


def local(element):
    return split_tag(element)[1]


def child(element, name, namespace=CLIENT):
    return element.find(f"{{{namespace}}}{name}")


def body(message):
    """The text of a message's body, None without one."""
    return message.findtext(f"{{{CLIENT}}}body")


def show(element):
    return ET.tostring(element, encoding="unicode")


def error_condition(stanza):
    """(type, condition) of an error stanza; None if it is not one."""
    error = child(stanza, "error")
    if error is None:
        return None
    for condition in error:
        namespace, name = split_tag(condition)
        if namespace == STANZA_ERRORS and name != "text":
            return error.get("type"), name
    return error.get("type"), None


class Closed(Exception):
    """The server closed the connection."""


class StreamEnd(Exception):
    """The server closed its stream with </stream:stream>."""


class SaslFailure(Exception):
    """The server refused the login; the argument is the condition."""


def client_context(version=None):
    """A TLS context that accepts the scratch certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


class RawClient:
    """One connection."""

    def __init__(self, address, *, tls=False, domain="localhost"):
        self.domain = domain
        self.jid = None
        self.header = None
        self.features = None
        self.transcript = []
        self.timeout = DEFAULT_PATIENCE
        self.ended = False
        if isinstance(address, tuple):
            self.socket = socket.create_connection(address[:2], self.timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(self.timeout)
            self.socket.connect(str(address))
        if tls:
            self.start_tls_now()
        self._new_parser()

    # Bytes

    def send(self, data):
        """Sends text or bytes as they are."""
        data = data.encode() if isinstance(data, str) else data
        self.transcript.append(("C", data))
        self.socket.settimeout(self.timeout)
        self.socket.sendall(data)

    def _read(self, deadline):
        """Reads once and feeds the parser; raises Closed at the end of the connection."""
        if not self._has_pending():
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not select.select([self.socket], [], [], remaining)[0]:
                raise TimeoutError(f"nothing arrived\n{self.history()}")
        self.socket.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            data = self.socket.recv(65536)
        except (ConnectionError, ssl.SSLError) as error:
            raise Closed(str(error)) from None
        if not data:
            raise Closed(f"end of connection\n{self.history()}")
        self.transcript.append(("S", data))
        self._feed(data)

    def _has_pending(self):
        return isinstance(self.socket, ssl.SSLSocket) and self.socket.pending()

    def history(self):
        """The last part of what went over the wire, for messages of failed assertions."""
        return "\n".join(f"{side}: {data[:600].decode(errors='replace')}"
                         for side, data in self.transcript[-12:])

    # Elements

    def _new_parser(self):
        self._parser = ET.XMLPullParser(events=("start", "end"))
        self._unfed = b""
        self._depth = 0
        self._ready = []
        self._root = None

    def _feed(self, data):
        # expat may put off a token that came in pieces until much more arrived, so it is given
        # whole tags only.
        data = self._unfed + data
        end = data.rfind(b">") + 1
        self._unfed = data[end:]
        if not end:
            return
        self._parser.feed(data[:end])
        for event, element in self._parser.read_events():
            if event == "start":
                self._depth += 1
                if self._depth == 1:
                    self._root = element
                    self._ready.append(element)
            else:
                self._depth -= 1
                if self._depth == 1:
                    self._ready.append(element)
                    self._root.remove(element)
                elif self._depth == 0:
                    self._ready.append(None)

    def receive(self, timeout=None):
        """The next first-level element; the stream header counts as one."""
        deadline = time.monotonic() + (timeout if timeout is not None else self.timeout)
        while not self._ready:
            self._read(deadline)
        element = self._ready.pop(0)
        if element is None:
            self.ended = True
            raise StreamEnd(self.history())
        return element

    def receive_if_any(self, timeout):
        """As receive, but None when nothing came in time. For asserting silence."""
        with contextlib.suppress(TimeoutError):
            return self.receive(timeout)
        return None

    def read_all(self):
        """Everything until the connection is closed, as elements."""
        elements = []
        while True:
            try:
                elements.append(self.receive())
            except StreamEnd:
                continue
            except Closed:
                return elements

    # Streams

    def open(self, to=None, version="1.0", attributes="", features=True):
        """Opens a stream and reads the answering header, and the features that follow it."""
        to = self.domain if to is None else to
        self._new_parser()
        self.send(self.header_text(to, version, attributes))
        self.header = self.receive()
        assert self.header.tag == f"{{{STREAM}}}stream", self.header.tag
        if features:
            self.features = self.receive()
            assert self.features.tag == f"{{{STREAM}}}features", show(self.features)
        return self

    @staticmethod
    def header_text(to="localhost", version="1.0", attributes=""):
        return ("<?xml version='1.0'?><stream:stream"
                + (f" to={quoteattr(to)}" if to else "")
                + (f" version='{version}'" if version else "")
                + f" xmlns='{CLIENT}' xmlns:stream='{STREAM}' {attributes}>")

    def close(self):
        """Closes the stream and waits for the server to close its own, and the connection."""
        self.send("</stream:stream>")
        self.expect_end()

    def expect_end(self):
        """Requires the closing tag and then the end of the connection."""
        if not self.ended:
            try:
                while True:
                    self.receive()
            except StreamEnd:
                pass
        self.expect_closed()

    def expect_closed(self):
        """Requires the end of the connection, with nothing before it."""
        deadline = time.monotonic() + self.timeout
        assert not self._ready, show(self._ready[0])
        try:
            while True:
                self._read(deadline)
                assert not self._ready, show(self._ready[0])
        except Closed:
            self.abort()

    def expect_stream_error(self, *conditions):
        """Requires a stream error with one of these conditions, then the end; returns it."""
        error = self.receive()
        while error.tag == f"{{{STREAM}}}stream":
            error = self.receive()
        assert error.tag == f"{{{STREAM}}}error", show(error)
        namespace, condition = split_tag(error[0])
        assert namespace == STREAM_ERRORS, show(error)
        assert condition in conditions, f"{condition} instead of {conditions}\n{self.history()}"
        self.expect_end()
        return error

    def abort(self):
        """Closes the socket without a word."""
        with contextlib.suppress(OSError):
            self.socket.close()

    def reset(self):
        """Closes the socket with a TCP reset, as a crashed peer would."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.abort()

    # TLS

    def start_tls_now(self, version=None):
        """Runs the TLS handshake on the connection as it is."""
        self.socket.settimeout(self.timeout)
        self.socket = client_context(version).wrap_socket(self.socket, server_hostname=self.domain)
        self._new_parser()

    def starttls(self, version=None):
        """Negotiates TLS on the open stream; the new stream is still to be opened."""
        assert child(self.features, "starttls", TLS) is not None, show(self.features)
        self.send(f"<starttls xmlns='{TLS}'/>")
        proceed = self.receive()
        assert proceed.tag == f"{{{TLS}}}proceed", show(proceed)
        self.start_tls_now(version)

    # SASL

    def mechanisms(self):
        """The mechanisms that the server offers on this stream."""
        offer = child(self.features, "mechanisms", SASL)
        return [] if offer is None else [mechanism.text for mechanism in offer
                                         if local(mechanism) == "mechanism"]

    def auth(self, mechanism, data=None):
        """Sends <auth/>; returns the element that answers."""
        text = "" if data is None else (sasl.b64(data) or "=")
        self.send(f"<auth xmlns='{SASL}' mechanism='{mechanism}'>{text}</auth>")
        return self.receive()

    def respond(self, data):
        """Sends <response/>; returns the element that answers."""
        self.send(f"<response xmlns='{SASL}'>{sasl.b64(data)}</response>")
        return self.receive()

    def authenticate(self, user, password, mechanism="SCRAM-SHA-1", *, binding=None, flag=None,
                     authzid=None):
        """Logs in; raises SaslFailure when refused. The new stream is still to be opened."""
        if mechanism == "PLAIN":
            answer = self.auth("PLAIN", sasl.plain(user, password, authzid or ""))
            self._succeeded(answer)
            return
        plus = mechanism.endswith("-PLUS")
        if plus:
            binding = binding or "tls-exporter"
            flag = flag or f"p={binding}"
        data = sasl.channel_binding(self.socket, binding) if plus else b""
        scram = sasl.Scram(mechanism, user, password, flag=flag or "n", binding=data,
                           authzid=authzid)
        answer = self.auth(mechanism, scram.first())
        self._succeeded(answer, "challenge")
        answer = self.respond(scram.final(base64.b64decode(answer.text)))
        if local(answer) == "challenge":
            scram.check(base64.b64decode(answer.text))
            answer = self.respond(b"")
            self._succeeded(answer)
        else:
            self._succeeded(answer)
            scram.check(base64.b64decode(answer.text))

    def _succeeded(self, answer, name="success"):
        if local(answer) == "failure":
            raise SaslFailure(local(answer[0]))
        assert answer.tag == f"{{{SASL}}}{name}", show(answer)

    # Sessions

    def bind(self, resource=None):
        """Binds a resource; returns the answer."""
        inner = f"<resource>{escape(resource)}</resource>" if resource is not None else ""
        answer = self.iq("set", f"<bind xmlns='{BIND}'>{inner}</bind>")
        if answer.get("type") == "result":
            self.jid = answer.findtext(f"{{{BIND}}}bind/{{{BIND}}}jid")
        return answer

    def login(self, user, password, resource=None, *, domain="localhost", mechanism="SCRAM-SHA-1",
              starttls=False, binding=None):
        """The whole way from a connection to a bound resource."""
        self.domain = domain
        self.open()
        if starttls:
            self.starttls()
            self.open()
        self.authenticate(user, password, mechanism, binding=binding)
        self.open()
        answer = self.bind(resource)
        assert self.jid is not None, show(answer)
        return self

    @property
    def bare(self):
        return self.jid.split("/")[0]

    @property
    def resource(self):
        return self.jid.split("/", 1)[1]

    def iq(self, kind, payload, to=None, identity=None, others=None):
        """Sends an IQ and returns its answer; what else arrives goes to `others`, if given.

        Without `others` anything else that arrives first is a failure.
        """
        identity = identity or fresh_id("iq")
        self.send(f"<iq type='{kind}' id='{identity}'"
                  + (f" to={quoteattr(to)}" if to else "") + f">{payload}</iq>")
        return self.answer(identity, others)

    def answer(self, identity, others=None):
        """Waits for the answer to an IQ that was sent before."""
        while True:
            stanza = self.receive()
            if local(stanza) == "iq" and stanza.get("id") == identity \
                    and stanza.get("type") in ("result", "error"):
                return stanza
            assert others is not None, f"before the answer: {show(stanza)}"
            others.append(stanza)

    def message(self, to, text, kind="chat", identity=None, extra=""):
        """Sends a message; returns its id."""
        identity = identity or fresh_id("m")
        attribute = f" type='{kind}'" if kind else ""
        inner = f"<body>{escape(text)}</body>" if text is not None else ""
        self.send(f"<message to={quoteattr(to)} id='{identity}'{attribute}>"
                  f"{inner}{extra}</message>")
        return identity

    def presence(self, kind=None, to=None, inner="", identity=None):
        """Sends a presence stanza."""
        self.send("<presence" + (f" type='{kind}'" if kind else "")
                  + (f" to={quoteattr(to)}" if to else "")
                  + (f" id='{identity}'" if identity else "") + f">{inner}</presence>")

    def go_online(self, priority=None):
        """Initial presence; what arrives before our own presence comes back is returned."""
        inner = f"<priority>{priority}</priority>" if priority is not None else ""
        self.presence(inner=inner)
        others = []
        while True:
            stanza = self.receive()
            if local(stanza) == "presence" and stanza.get("from") == self.jid \
                    and stanza.get("type") is None:
                return others
            others.append(stanza)

    def roster(self):
        """Requests the roster (which makes the session an interested one): {jid: item}."""
        answer = self.iq("get", f"<query xmlns='{ROSTER}'/>", others=[])
        assert answer.get("type") == "result", show(answer)
        return {item.get("jid"): item for item in answer[0]}

    def ping(self, to=None, others=None):
        """Asks the server for a sign of life: all before it was handled for this stream."""
        return self.iq("get", f"<ping xmlns='{PING}'/>", to, others=others)

    # Silence

    def drain(self):
        """What has arrived up to the answer to a ping of our own account."""
        others = []
        self.ping(others=others)
        return others

    def settle(self, *witnesses):
        """What arrived at each witness from all that this client did before.

        The order of stanzas between two JIDs is kept (RFC 6120 section 10.1), so a marker sent
        last arrives last: what a witness has not received by then, it was not sent.
        """
        seen = []
        for witness in witnesses or (self,):
            marker = fresh_id("marker")
            self.message(witness.jid, None, "headline", marker, "<marker xmlns='test'/>")
            mine = []
            while True:
                stanza = witness.receive()
                if local(stanza) == "message" and stanza.get("id") == marker:
                    break
                mine.append(stanza)
            seen.append(mine)
        return seen if len(witnesses) > 1 else seen[0]

    def expect_nothing(self, *witnesses):
        """Requires that nothing of what this client did reached the witnesses."""
        for witness in witnesses or (self,):
            arrived = self.settle(witness)
            assert not arrived, f"{witness.jid} received {[show(stanza) for stanza in arrived]}"


def receive_where(client, condition, timeout=None):
    """The next stanza for which `condition` holds; others are dropped."""
    deadline = time.monotonic() + (timeout or client.timeout)
    while True:
        stanza = client.receive(max(0.01, deadline - time.monotonic()))
        if condition(stanza):
            return stanza


def befriend(one, other):
    """Both subscribe to each other; what that sends is dropped."""
    for a, b in ((one, other), (other, one)):
        a.presence("subscribe", b.bare)
        a.settle(b)
        b.presence("subscribed", a.bare)
        b.settle(a)
        a.settle(b)
