"""Access tokens: only ours, only ES256, only while they live."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st
from jose import jwt

from wenming_api.access.tokens import ALGORITHM, ISSUER, InvalidToken, TokenIssuer, new_signing_key
from wenming_api.kit import clock
from wenming_api.kit.ids import uuid7

PEM = new_signing_key()
ISSUES = TokenIssuer(PEM)
USER, SESSION = uuid7(), uuid7()
MINUTE = timedelta(minutes=1)


def good_token():
    return ISSUES.issue(user_id=USER, session_id=SESSION, at=clock.now(), lives_for=MINUTE)


def header_of(token):
    return jwt.get_unverified_header(token)


def claims_of(token):
    return jwt.get_unverified_claims(token)


def unsigned(header, claims):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    return part(header) + b"." + part(claims)


def signed_by_us(claims):
    return jwt.encode(claims, PEM, algorithm=ALGORITHM, headers={"kid": header_of(good_token())["kid"]})


def test_a_token_says_whose_it_is():
    claims = ISSUES.verify(good_token())
    assert (claims.user_id, claims.session_id) == (USER, SESSION)
    assert header_of(good_token())["alg"] == "ES256"


def with_public_key_as_secret():
    """The classic confusion: HMAC with the public key, which everybody may know."""
    public = (
        serialization.load_pem_private_key(PEM.encode(), None)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    token = good_token()
    body = unsigned(header_of(token) | {"alg": "HS256"}, claims_of(token))
    mac = base64.urlsafe_b64encode(hmac.new(public, body, hashlib.sha256).digest()).rstrip(b"=")
    return (body + b"." + mac).decode()


def without_signature():
    token = good_token()
    return f"{unsigned(header_of(token) | {'alg': 'none'}, claims_of(token)).decode()}."


FORGED = {
    "none": without_signature,
    "hmac": with_public_key_as_secret,
    "foreign key": lambda: TokenIssuer(new_signing_key()).issue(
        user_id=USER, session_id=SESSION, at=clock.now(), lives_for=MINUTE
    ),
    "foreign key under our id": lambda: jwt.encode(
        claims_of(good_token()), new_signing_key(), algorithm=ALGORITHM, headers=header_of(good_token())
    ),
    "no key id": lambda: jwt.encode(claims_of(good_token()), PEM, algorithm=ALGORITHM),
    "expired": lambda: ISSUES.issue(user_id=USER, session_id=SESSION, at=clock.now() - 2 * MINUTE, lives_for=MINUTE),
    "no end": lambda: signed_by_us({key: v for key, v in claims_of(good_token()).items() if key != "exp"}),
    "no session": lambda: signed_by_us({key: v for key, v in claims_of(good_token()).items() if key != "sid"}),
    "no user": lambda: signed_by_us({key: v for key, v in claims_of(good_token()).items() if key != "sub"}),
    "other issuer": lambda: signed_by_us(claims_of(good_token()) | {"iss": "somebody"}),
    "no issuer": lambda: signed_by_us({key: v for key, v in claims_of(good_token()).items() if key != "iss"}),
    "user is no id": lambda: signed_by_us(claims_of(good_token()) | {"sub": "admin"}),
    "other user": lambda: (
        good_token().split(".")[0]
        + "."
        + unsigned({}, claims_of(good_token()) | {"sub": str(uuid7())}).decode().split(".")[1]
        + "."
        + good_token().split(".")[2]
    ),
    "empty": lambda: "",
    "three dots": lambda: "...",
    "header is a list": lambda: "W10.W10.W10",
}


@pytest.mark.parametrize("how", FORGED)
def test_forged_tokens_are_refused(how):
    with pytest.raises(InvalidToken):
        ISSUES.verify(FORGED[how]())


@given(st.text(max_size=60))
def test_any_text_is_refused_quietly(text):
    with pytest.raises(InvalidToken):
        ISSUES.verify(text)


@given(st.integers(0, 400), st.sampled_from("Ab9_-."))
def test_a_token_with_one_character_changed_is_refused(at, character):
    token = good_token()
    at %= len(token)
    changed = token[:at] + character + token[at + 1 :]
    last_bits_of_base64 = at in {len(token) - 1, token.index(".") - 1, token.rindex(".") - 1}
    if changed == token or last_bits_of_base64:
        return
    with pytest.raises(InvalidToken):
        ISSUES.verify(changed)


def test_the_issuer_is_named():
    assert claims_of(good_token())["iss"] == ISSUER


@pytest.mark.parametrize("how", FORGED)
async def test_forged_tokens_open_nothing(client, how):
    answer = await client.get("/me", headers={"Authorization": f"Bearer {FORGED[how]()}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
