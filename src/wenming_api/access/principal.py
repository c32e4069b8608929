"""The caller of a request."""

from dataclasses import dataclass
from uuid import UUID

from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in user with what he may do and which rows he sees."""

    user_id: UUID
    username: str
    display_name: str
    unit_id: UUID
    unit_path: str
    region_path: str
    permissions: frozenset[str]
    scope: Scope
    grantable: frozenset[str] = frozenset()
    session_id: UUID | None = None
    must_change_password: bool = False

    def may(self, permission: Permission) -> bool:
        """Whether the caller holds a permission."""
        return permission.value in self.permissions

    @property
    def may_give(self) -> frozenset[str]:
        """Permissions that the caller may give to others: those he holds and those he may grant (M1.4)."""
        return self.permissions | self.grantable
