"""Tokens of one-time links: what is kept of them, and what shows that an answer was sent with one (C3.7). Pure."""

import hashlib
import hmac
from uuid import UUID

TOKEN_BYTES = 24
"""192 random bits: a token cannot be guessed, so its hash needs no salt."""


def token_hash(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


def receipt_of(token: str, answer_id: UUID, fingerprint: str) -> bytes:
    """Proof, for who holds the token, that this very answer spent it; without the token it leads to no answer."""
    return hmac.digest(token.encode(), answer_id.bytes + fingerprint.encode(), "sha256")


def print_of(key: bytes, kind: str, value: str) -> bytes:
    """The print of a device or an address: keyed for one questionnaire, so that it means nothing anywhere else."""
    return hmac.digest(key, f"{kind}|{value}".encode(), "sha256")
