"""A client of slixmpp in a thread of its own, for tests that are written step by step."""

import asyncio
import queue
import ssl
import threading

import slixmpp

from . import DEFAULT_PATIENCE


class SlixClient:
    """One slixmpp session. Events become entries of queues that a test can wait for."""

    EVENTS = ("message", "presence_subscribe", "presence_subscribed", "presence_available",
              "presence_unavailable", "roster_update", "session_start", "failed_auth",
              "disconnected")

    def __init__(self, jid, password, address, plugins=("xep_0030", "xep_0199", "xep_0203")):
        self.jid = jid
        self.events = {name: queue.Queue() for name in self.EVENTS}
        self._address = address
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(jid, password, plugins),
                                        daemon=True)
        self._thread.start()
        self._started.wait(DEFAULT_PATIENCE)

    def _run(self, jid, password, plugins):
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.xmpp = slixmpp.ClientXMPP(jid, password)
        self.xmpp.loop = self.loop
        self.xmpp.auto_authorize = None
        self.xmpp.auto_subscribe = False
        self.xmpp.ssl_context.check_hostname = False
        self.xmpp.ssl_context.verify_mode = ssl.CERT_NONE
        for plugin in plugins:
            self.xmpp.register_plugin(plugin)
        for name, events in self.events.items():
            self.xmpp.add_event_handler(name, events.put)
        self.xmpp.connect(self._address)
        self._started.set()
        self.loop.run_forever()
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self.loop.close()

    def call(self, function, *arguments, **named):
        """Runs a function (or coroutine function) in the client's loop; returns its result."""
        async def run():
            result = function(*arguments, **named)
            if asyncio.isfuture(result) or asyncio.iscoroutine(result):
                result = await result
            return result
        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(DEFAULT_PATIENCE)

    def wait(self, event, condition=lambda data: True):
        """The next event of this name for which the condition holds."""
        while True:
            try:
                data = self.events[event].get(timeout=DEFAULT_PATIENCE)
            except queue.Empty:
                raise AssertionError(f"{self.jid}: no event {event}") from None
            if condition(data):
                return data

    def login(self):
        """Waits for the session, gets the roster and sends initial presence."""
        self.wait("session_start")
        self.call(self.xmpp.get_roster)
        self.call(self.xmpp.send_presence)
        return self

    def send_message(self, to, text):
        self.call(self.xmpp.send_message, to, text, mtype="chat")

    def send_presence(self, **named):
        self.call(self.xmpp.send_presence, **named)

    def subscription(self, contact):
        """The state of a contact in the roster as this client knows it."""
        return self.call(lambda: self.xmpp.client_roster[contact]["subscription"])

    def close(self):
        """Leaves in good order and ends the thread."""
        if not self._thread.is_alive():
            return

        async def leave():
            await self.xmpp.disconnect()
        try:
            asyncio.run_coroutine_threadsafe(leave(), self.loop).result(DEFAULT_PATIENCE)
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(DEFAULT_PATIENCE)
