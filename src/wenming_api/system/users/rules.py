"""Passwords: what is strong enough, and how they are kept (N2). Argon2id."""

import re
import secrets
import string

from passlib.hash import argon2

MIN_LENGTH = 10
MAX_LENGTH = 128
_CLASSES = (r"[a-z]", r"[A-Z]", r"\d", r"[^A-Za-z0-9]")
_COMMON = {"password", "12345678", "qwertyui", "wenming", "admin123", "abc12345", "iloveyou", "88888888"}

hasher = argon2.using(type="ID", memory_cost=19 * 1024, time_cost=2, parallelism=1)


def weaknesses(password: str, *, username: str = "") -> list[str]:
    """Why a password is not strong enough, in Chinese; empty when it is."""
    found = []
    if len(password) < MIN_LENGTH:
        found.append(f"至少 {MIN_LENGTH} 个字符")
    if len(password) > MAX_LENGTH:
        found.append(f"不超过 {MAX_LENGTH} 个字符")
    if sum(bool(re.search(pattern, password)) for pattern in _CLASSES) < 3:
        found.append("须包含大写字母、小写字母、数字、符号中的至少三类")
    lowered = password.lower()
    if username and username.lower() in lowered:
        found.append("不能包含用户名")
    if common := sorted(word for word in _COMMON if word in lowered):
        found.append(f"不能包含常见密码 {'、'.join(common)}")
    if len(set(password)) < 5:
        found.append("重复字符过多")
    return found


def hash_password(password: str) -> str:
    """The Argon2id hash to store. Takes tens of milliseconds: call it off the event loop."""
    hashed: str = hasher.hash(password)
    return hashed


def verify_password(password: str, hashed: str) -> bool:
    """Whether the password is the one hashed. As slow as hashing."""
    try:
        return bool(hasher.verify(password, hashed))
    except (ValueError, TypeError):
        return False


def generate_password() -> str:
    """A random password that is strong by construction (16 characters)."""
    alphabet = string.ascii_letters + string.digits
    while True:
        body = "".join(secrets.choice(alphabet) for _ in range(14))
        candidate = f"{body[:5]}-{body[5:10]}-{body[10:]}"
        if not weaknesses(candidate):
            return candidate


USERNAME_PATTERN = r"^[a-z0-9][a-z0-9._\-]{2,63}$"
"""Names of accounts: 3 to 64 small letters, digits, dots, hyphens, underscores."""


def is_username(name: str) -> bool:
    """Whether `name` can be an account's name."""
    return re.fullmatch(USERNAME_PATTERN, name) is not None
