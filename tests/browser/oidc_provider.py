"""A small OpenID Connect identity provider on this machine, whose users log in with one click."""

import base64
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

KEY_ID = "key-1"
CLIENT_ID = "socal"
LIFETIME = 300


@dataclass
class Provider:
    """A running provider."""

    url: str = ""
    email: str = "anna@example.org"
    """Whoever logs in next."""
    logged_in_before: float = 0
    """How many seconds ago whoever logs in next has logged in."""
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    nonces: dict[str, str] = field(default_factory=dict)
    """The nonce of each code that was not redeemed yet."""

    @property
    def metadata_address(self) -> str:
        return f"{self.url}/.well-known/openid-configuration"

    def description(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def keys(self) -> dict[str, Any]:
        numbers = self.key.public_key().public_numbers()
        public = {"n": in_base64(in_bytes(numbers.n)), "e": in_base64(in_bytes(numbers.e))}
        return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID, **public}]}

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": self.email,
            "email": self.email,
            "email_verified": True,
            "iat": now - int(self.logged_in_before),
            "exp": now + LIFETIME,
            "nonce": nonce,
        }
        parts = ({"alg": "RS256", "typ": "JWT", "kid": KEY_ID}, claims)
        signed = ".".join(in_base64(json.dumps(part).encode()) for part in parts)
        return f"{signed}.{in_base64(self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def in_bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def in_base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@contextmanager
def running_provider() -> Iterator[Provider]:
    """Run a provider until the context ends."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(address.query).items()}
            if address.path == "/.well-known/openid-configuration":
                self.answer_json(provider.description())
            elif address.path == "/jwks":
                self.answer_json(provider.keys())
            elif address.path == "/authorize" and asked["client_id"] == CLIENT_ID:
                code = secrets.token_urlsafe()
                provider.nonces[code] = asked["nonce"]
                back = f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
                page = f'<!doctype html><title>Login</title><a href="{escape(back)}">Continue as {provider.email}</a>'
                self.answer(page, "text/html")
            else:  # the icon that a browser asks for
                self.answer("", "image/x-icon")

        def do_POST(self) -> None:
            sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            nonce = provider.nonces.pop(sent["code"][0])  # a code is redeemed once
            token = {"access_token": secrets.token_urlsafe(), "token_type": "Bearer", "expires_in": LIFETIME}
            self.answer_json({**token, "id_token": provider.id_token(nonce)})

        def answer_json(self, content: object) -> None:
            self.answer(json.dumps(content), "application/json")

        def answer(self, text: str, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
