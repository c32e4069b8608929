"""Which rows a caller sees (数据范围): a type, so that no query of scoped rows can forget it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, false, or_, true


@dataclass(frozen=True, slots=True)
class Scope:
    """A union of grants over the mixin columns of `access.columns`, obtainable only from a principal or `everything`.

    `region_prefixes` and `unit_prefixes` hold paths ended by a slash: a row is inside when its path starts with one.
    """

    all_rows: bool
    user_id: UUID | None = None
    unit_path: str | None = None
    region_prefixes: tuple[str, ...] = ()
    unit_prefixes: tuple[str, ...] = ()
    unit_paths: tuple[str, ...] = ()

    @classmethod
    def everything(cls, reason: str) -> "Scope":
        """For jobs and system work; the reason is for the reader."""
        if not reason:
            raise ValueError("say why this work may see every row")
        return cls(all_rows=True)

    @classmethod
    def own(cls, user_id: UUID) -> "Scope":
        """What belongs to one user, whatever his roles let him see besides."""
        return cls(all_rows=False, user_id=user_id)

    def where(self, model: Any, *, also: Iterable[ColumnElement[bool]] = ()) -> ColumnElement[bool]:
        """The SQL condition for rows of `model`; `also` are explicit grants of the domain, OR-ed in."""
        if self.all_rows:
            return true()
        grants: list[ColumnElement[bool]] = list(also)
        if hasattr(model, "region_path"):
            grants += [model.region_path.startswith(prefix, autoescape=True) for prefix in self.region_prefixes]
        if hasattr(model, "unit_path"):
            grants += [model.unit_path.startswith(prefix, autoescape=True) for prefix in self.unit_prefixes]
            grants += [model.unit_path == path for path in self.unit_paths]
        if hasattr(model, "owner_id") and self.user_id is not None:
            grants.append(model.owner_id == self.user_id)
        return or_(*grants) if grants else false()

    def holds_region(self, region_path: str) -> bool:
        """Whether a region lies inside (for writes: may the caller put a row there?)."""
        return self.all_rows or any(region_path.startswith(prefix) for prefix in self.region_prefixes)

    def holds_unit(self, unit_path: str, region_path: str | None = None) -> bool:
        """Whether a unit lies inside, by its own path or by its region."""
        return (
            self.all_rows
            or any(unit_path.startswith(prefix) for prefix in self.unit_prefixes)
            or unit_path in self.unit_paths
            or (region_path is not None and self.holds_region(region_path))
        )
