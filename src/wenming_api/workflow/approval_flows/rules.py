"""Flows (审批流程): steps by place and level, and how they become the steps of one approval (M2.9)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, Final
from uuid import UUID

from wenming_api.system.regions.rules import RegionLevel

MAX_STEPS: Final = 10
"""Most steps of a flow."""


class ApprovalKind(StrEnum):
    """What is approved. A sub-system that wants its own adds it here."""

    ACTIVITY = "activity"
    EXTENSION = "extension"
    RECORD = "record"
    SUBMISSION = "submission"
    TITLE = "title"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {
            "activity": "活动方案",
            "extension": "延期申请",
            "record": "台账",
            "submission": "报送",
            "title": "称号申报",
        }[self.value]


class Place(StrEnum):
    """Whose people decide at a step, seen from the unit whose matter it is."""

    OWN = "own"
    MANAGING = "managing"
    RECEIVER = "receiver"
    COMMUNITY = "community"
    STREET = "street"
    COUNTY = "county"
    CITY = "city"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {
            "own": "本单位",
            "managing": "管理单位",
            "receiver": "接收单位",
            "community": "社区（村）",
            "street": "镇（街道）文明办",
            "county": "县（区）文明办",
            "city": "市文明办",
        }[self.value]

    @property
    def level(self) -> RegionLevel | None:
        """The level of region whose civility office it is; None for a place that is no office."""
        try:
            return RegionLevel(self.value)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Level:
    """An approval level (审核级别) and the permission that its deciders hold."""

    code: str
    name: str
    rank: int
    permission: str


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a flow; `working_days` None is without a deadline."""

    name: str
    level_code: str
    permission: str
    place: Place
    working_days: int | None


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow as configured, or as delivered with the product (no id)."""

    id: UUID | None
    kind: str
    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Office:
    """A unit whose people decide."""

    unit_id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step of one approval: the place has become a unit."""

    name: str
    unit_id: UUID
    unit_name: str
    permission: str
    working_days: int | None

    def to_json(self) -> dict[str, Any]:
        """As kept with the approval."""
        return {
            "name": self.name,
            "unit_id": str(self.unit_id),
            "unit_name": self.unit_name,
            "permission": self.permission,
            "working_days": self.working_days,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "PlannedStep":
        """As kept with the approval."""
        return cls(**{**kept, "unit_id": UUID(kept["unit_id"])})


class Unmanned(Exception):
    """No unit stands at the place of a step."""

    def __init__(self, step: Step) -> None:
        super().__init__(step.name)
        self.step = step

    @property
    def explanation(self) -> str:
        """What a user is told."""
        return f"“{self.step.name}”环节没有对应的{self.step.place.label}，请联系管理员调整审批流程或单位设置。"


def plan(steps: Sequence[Step], at: Mapping[Place, Office | None]) -> tuple[PlannedStep, ...]:
    """The steps of one approval. `at` holds what stands at each place that exists for the unit; None: nobody does.

    A place that does not exist for the unit (a street has no community above it) is skipped. A unit that would decide
    twice running with the same permission decides once, at the later step.

    Raises:
        Unmanned: the place exists, but nobody stands there; or no step is left.
    """
    planned: list[PlannedStep] = []
    for step in steps:
        if step.place not in at:
            continue
        office = at[step.place]
        if office is None:
            raise Unmanned(step)
        if planned and (planned[-1].unit_id, planned[-1].permission) == (office.unit_id, step.permission):
            planned.pop()
        planned.append(PlannedStep(step.name, office.unit_id, office.name, step.permission, step.working_days))
    if not planned:
        raise Unmanned(steps[-1])
    return tuple(planned)


def prefixes(path: str) -> list[str]:
    """A path and those above it: `1/15/` has `1/` and `1/15/`."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:count]) + "/" for count in range(1, len(parts) + 1)]


@cache
def _base() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("data/flows.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def base_levels() -> list[Level]:
    """The approval levels delivered with the product, lowest first."""
    return [Level(**row) for row in _base()["levels"]]


def base_flows() -> list[Flow]:
    """The flows delivered with the product: one for each kind, for the whole system."""
    permissions = {level.code: level.permission for level in base_levels()}
    return [
        Flow(
            id=None,
            kind=flow["kind"],
            name=flow["name"],
            steps=tuple(
                Step(
                    name=step["name"],
                    level_code=step["level_code"],
                    permission=permissions[step["level_code"]],
                    place=Place(step["place"]),
                    working_days=step["working_days"],
                )
                for step in flow["steps"]
            ),
        )
        for flow in _base()["flows"]
    ]


@cache
def base_flow(kind: str) -> Flow:
    """The flow of a kind delivered with the product. Raises ValueError for a kind that is not in `ApprovalKind`."""
    wanted = ApprovalKind(kind)
    return next(flow for flow in base_flows() if flow.kind == wanted)
