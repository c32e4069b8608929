"""Tokens, addresses and QR codes of shares. Pure."""

import io
import secrets
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import segno

MAX_DAYS = 365
SUMMARY = 120


def new_token() -> str:
    """192 bits nobody can guess."""
    return secrets.token_urlsafe(24)


def closed_because(*, expires_at: datetime, revoked_at: datetime | None, released: bool, now: datetime) -> str | None:
    """Why a share is not shown any more, in Chinese; None while it is."""
    if revoked_at is not None:
        return "分享已撤销"
    if not released:
        return "活动已停止对外分享"
    return "分享已过期" if now >= expires_at else None


def summary(text: str) -> str:
    """The beginning of a text, for a card."""
    line = " ".join(text.split())
    return line if len(line) <= SUMMARY else f"{line[: SUMMARY - 1]}…"


def page_address(base: str, token: str) -> str:
    """Where the public reads a share."""
    return f"{base.rstrip('/')}/api/v1/shared-activities/{token}"


def weibo_address(page: str, title: str, picture: str | None = None) -> str:
    """Weibo's page for sharing an address."""
    fields: dict[str, Any] = {"url": page, "title": title} | ({"pic": picture} if picture else {})
    return f"https://service.weibo.com/share/share.php?{urlencode(fields)}"


def qr_code(address: str, *, vector: bool) -> bytes:
    """A QR code of an address, as SVG or PNG."""
    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(out, kind="svg" if vector else "png", scale=8, border=4)
    return out.getvalue()
