"""The client's side of SASL as a client of ours needs it: right, or wrong on purpose."""

import base64
import ctypes
import ctypes.util
import hashlib
import hmac
import os
import ssl

HASHES = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}


def b64(data):
    return base64.b64encode(data).decode("ascii")


def plain(user, password, authzid=""):
    """The initial response of PLAIN (RFC 4616)."""
    return f"{authzid}\0{user}\0{password}".encode()


def channel_binding(tls, kind):
    """The data of a channel binding for the TLS connection of the ssl module."""
    if kind == "tls-unique":
        return tls.get_channel_binding("tls-unique")
    if kind == "tls-server-end-point":
        return hashlib.sha256(tls.getpeercert(binary_form=True)).digest()
    if kind == "tls-exporter":
        return export_keying_material(tls, b"EXPORTER-Channel-Binding", 32)
    raise ValueError(kind)


def export_keying_material(tls, label, length):
    """RFC 9266: Python 3.11 does not export it, so ask the libssl that the ssl module uses."""
    library = ctypes.CDLL(ctypes.util.find_library("ssl") or "libssl.so.3")
    function = library.SSL_export_keying_material
    function.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p,
                         ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
    # struct PySSLSocket { PyObject_HEAD; PyObject *Socket; SSL *ssl; ... }
    address = id(tls._sslobj) + object.__basicsize__ + ctypes.sizeof(ctypes.c_void_p)
    handle = ctypes.c_void_p.from_address(address).value
    out = ctypes.create_string_buffer(length)
    if function(handle, out, length, label, len(label), b"", 0, 1) != 1:
        raise ssl.SSLError("no keying material")
    return out.raw


class Scram:
    """One SCRAM exchange (RFC 5802); the attributes may be bent before each step."""

    def __init__(self, mechanism, user, password, *, flag="n", binding=b"", authzid=None):
        self.hash = HASHES[mechanism.removesuffix("-PLUS")]
        self.user = user.replace("=", "=3D").replace(",", "=2C")
        self.password = password
        self.gs2 = f"{flag},{'a=' + authzid if authzid else ''},"
        self.binding = binding
        self.nonce = b64(os.urandom(18))
        self.server_signature = None

    @property
    def first_bare(self):
        return f"n={self.user},r={self.nonce}"

    def first(self):
        return (self.gs2 + self.first_bare).encode()

    def final(self, challenge):
        """The client's last message, computed from the server's first."""
        server_first = challenge.decode()
        fields = dict(field.split("=", 1) for field in server_first.split(","))
        assert fields["r"].startswith(self.nonce), "the server's nonce does not extend ours"
        assert int(fields["i"]) >= 4096, "fewer than 4096 iterations"
        salted = hashlib.pbkdf2_hmac(self.hash, self.password.encode(),
                                     base64.b64decode(fields["s"]), int(fields["i"]))
        client_key = self._hmac(salted, b"Client Key")
        stored_key = hashlib.new(self.hash, client_key).digest()
        bare = f"c={b64(self.gs2.encode() + self.binding)},r={fields['r']}"
        message = f"{self.first_bare},{server_first},{bare}".encode()
        signature = self._hmac(stored_key, message)
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        self.server_signature = self._hmac(self._hmac(salted, b"Server Key"), message)
        return f"{bare},p={b64(proof)}".encode()

    def check(self, server_final):
        assert server_final == b"v=" + b64(self.server_signature).encode(), \
            "the server does not know the password"

    def _hmac(self, key, message):
        return hmac.new(key, message, self.hash).digest()
