"""Data scopes of roles (数据范围) and what keeps administrators apart (三员分立)."""

from enum import StrEnum


class DataScope(StrEnum):
    """Which rows the holders of a role see (M1.4)."""

    ALL = "all"
    CUSTOM = "custom"
    REGION = "region"
    UNIT_AND_BELOW = "unit_and_below"
    UNIT = "unit"
    OWN = "own"

    @property
    def label(self) -> str:
        """What an administrator calls it."""
        return {
            "all": "全部数据",
            "custom": "自定义区域",
            "region": "本区域及下级",
            "unit_and_below": "本单位及下级",
            "unit": "本单位",
            "own": "仅本人",
        }[self.value]


class Administrator(StrEnum):
    """The three separated administrators; one account holds at most one of them (M1.4)."""

    SYSTEM = "system_administrator"
    SECURITY = "security_administrator"
    AUDIT = "audit_administrator"


def separated(role_codes: set[str]) -> bool:
    """Whether at most one of the three administrator roles is among them."""
    return len(role_codes & {member.value for member in Administrator}) <= 1


def may_grant(*, granted: set[str], held: set[str]) -> bool:
    """Nobody grants a permission he does not hold (M1.4)."""
    return granted <= held
