"""The servers that bench/run can measure, by the names of its --servers option."""

from . import ejabberd, impulse, jabberd2, prosody, relay

BY_NAME = {
    "impulse": impulse.Impulse,
    "prosody": prosody.Prosody,
    "ejabberd": ejabberd.Ejabberd,
    "jabberd2": jabberd2.Jabberd2,
    "relay": relay.Relay,
    "parsing-relay": relay.ParsingRelay,
}
