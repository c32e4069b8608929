"""Access tokens: short-lived JWT, ES256 only, with a key id. The one module that touches python-jose."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jose import JWTError, jwt

ALGORITHM = "ES256"
ISSUER = "wenming"


class InvalidToken(Exception):
    """Not a token of ours, or no longer valid."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says: whose it is, of which session, until when."""

    user_id: UUID
    session_id: UUID
    expires_at: float


def new_signing_key() -> str:
    """A new EC P-256 private key as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


class TokenIssuer:
    """Issues and verifies access tokens with one signing key."""

    def __init__(self, pem: str) -> None:
        private = serialization.load_pem_private_key(pem.encode(), password=None)
        public = private.public_key()
        self._private = pem
        self._public = public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode()
        self._key_id = hashlib.sha256(self._public.encode()).hexdigest()[:16]

    def issue(self, *, user_id: UUID, session_id: UUID, at: datetime, lives_for: timedelta) -> str:
        """A token for one session."""
        claims = {
            "iss": ISSUER,
            "sub": str(user_id),
            "sid": str(session_id),
            "iat": int(at.timestamp()),
            "exp": int((at + lives_for).timestamp()),
        }
        token: str = jwt.encode(claims, self._private, algorithm=ALGORITHM, headers={"kid": self._key_id})
        return token

    def verify(self, token: str) -> Claims:
        """The claims of a token, or `InvalidToken`."""
        try:
            if jwt.get_unverified_header(token).get("kid") != self._key_id:
                raise InvalidToken("unknown key")
            claims = jwt.decode(
                token,
                self._public,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                options={"require_exp": True, "require_sub": True, "require_iat": True},
            )
            return Claims(UUID(claims["sub"]), UUID(claims["sid"]), float(claims["exp"]))
        except (JWTError, KeyError, ValueError, AttributeError, TypeError) as invalid:
            raise InvalidToken(str(invalid)) from invalid
