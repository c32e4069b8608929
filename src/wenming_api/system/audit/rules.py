"""Hashing of the audit log: canonical leaves, Merkle roots, the chain of seals (N11)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

GENESIS = bytes(32)
_LEAF, _NODE = b"\x00", b"\x01"


def leaf_hash(no: int, entry: Mapping[str, Any]) -> bytes:
    """The hash of one entry under its dense number; any change to either changes it."""
    text = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(_LEAF + no.to_bytes(8, "big") + text.encode("utf-8", "surrogatepass")).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The Merkle root of a batch; an odd node is carried up unchanged."""
    if not leaves:
        return GENESIS
    level = list(leaves)
    while len(level) > 1:
        pairs = [hashlib.sha256(_NODE + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    return level[0]


def chain_head(previous: bytes, *, no: int, first: int, last: int, root: bytes) -> bytes:
    """The head after a seal: chained to the head before, so no seal can be dropped or exchanged."""
    numbers = b"".join(value.to_bytes(8, "big") for value in (no, first, last))
    return hashlib.sha256(previous + numbers + root).digest()


def changed(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, Any]:
    """Field by field what changed: `{field: [before, after]}`; unchanged fields are left out."""
    old, new = before or {}, after or {}
    return {
        key: [old.get(key), new.get(key)] for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)
    }
