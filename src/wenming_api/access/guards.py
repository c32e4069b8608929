"""Who may, in the signature of an endpoint: `caller: Annotated[Principal, Depends(may(Permission.SITES_READ))]`.

Every route names a permission, `signed_in`, or is marked `public`; a test walks all routes and fails on any other.
"""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.problems import Forbidden, Unauthenticated

E = TypeVar("E", bound=Callable[..., Any])


class PasswordChangeRequired(Forbidden):
    """The password was set by somebody else: the user changes it before anything else (N2)."""

    code = "password_change_required"
    title = "须先修改密码"


def _principal(request: Request) -> Principal:
    principal: Principal | None = getattr(request.state, "principal", None)
    if principal is None:
        failure: Exception | None = getattr(request.state, "not_identified", None)
        raise failure or Unauthenticated()
    return principal


class _May:
    """The dependency behind `may`; keeps the permission readable for the tests and the contract."""

    def __init__(self, *permissions: Permission) -> None:
        self.permissions = permissions

    async def __call__(self, request: Request) -> Principal:
        principal = _principal(request)
        if principal.must_change_password:
            raise PasswordChangeRequired("这是初始或重置后的密码，请先在“修改密码”中换成自己的密码。")
        if not any(permission.value in principal.permissions for permission in self.permissions):
            wanted = "、".join(permission.label for permission in self.permissions)
            raise Forbidden(f"此操作需要“{wanted}”权限，请联系管理员。", permission=self.permissions[0].value)
        return principal


def may(*permissions: Permission) -> _May:
    """A dependency that lets callers in who hold one of the permissions (default deny, N1)."""
    return _May(*permissions)


async def _signed_in(request: Request) -> Principal:
    return _principal(request)


SignedIn = Annotated[Principal, Depends(_signed_in)]
"""Any signed-in user, for what concerns only himself."""


def public(endpoint: E) -> E:
    """Mark an endpoint that answers without signing in."""
    endpoint.public = True  # type: ignore[attr-defined]
    return endpoint
