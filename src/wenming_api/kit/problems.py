"""Errors as RFC 9457 problem+json: a stable `code`, a Chinese `title`, and a `detail` that says what to do.

A domain declares its problems as subclasses beside the function that raises them; routers derive `responses=` from
the classes with `problems(…)`.
"""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: a JSON pointer into the request and what is wrong with it."""

    pointer: str
    message: str


class Problem(Exception):
    """An answer other than success that the caller can act on."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    title: ClassVar[str] = "请求有误"
    keeps_changes: ClassVar[bool] = False
    """Whether what the request wrote before it failed is committed (a counted failure to sign in)."""

    def __init__(self, detail: str = "", **extensions: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.extensions = extensions
        self.headers: dict[str, str] = {}

    def document(self, *, instance: str | None = None, request_id: str | None = None) -> dict[str, Any]:
        """The problem+json document."""
        body: dict[str, Any] = {
            "type": f"urn:wenming:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        if instance:
            body["instance"] = instance
        if request_id:
            body["request_id"] = request_id
        return body | self.extensions


class Unreadable(Problem):
    """The body is not what its media type says: broken JSON or encoding."""

    status = 400
    code = "unreadable"
    title = "无法读取请求"


class Unauthenticated(Problem):
    """No valid access token."""

    status = 401
    code = "unauthenticated"
    title = "未登录或登录已失效"

    def __init__(self, detail: str = "请重新登录后再试。", **extensions: Any) -> None:
        super().__init__(detail, **extensions)
        self.headers = {"WWW-Authenticate": "Bearer"}


class Forbidden(Problem):
    """Signed in, but without the permission."""

    status = 403
    code = "forbidden"
    title = "没有权限"


class NotFound(Problem):
    """There is no such thing, or it lies outside the caller's scope."""

    status = 404
    code = "not_found"
    title = "未找到"

    def __init__(self, detail: str = "对象不存在，或不在您的数据范围内。", **extensions: Any) -> None:
        super().__init__(detail, **extensions)


class Conflict(Problem):
    """The request clashes with what is already there."""

    status = 409
    code = "conflict"
    title = "与现有数据冲突"


class IllegalTransition(Conflict):
    """The state does not allow this action; `allowed` lists what it does allow."""

    code = "illegal_transition"
    title = "当前状态不允许此操作"

    def __init__(self, detail: str, *, allowed: list[str], **extensions: Any) -> None:
        super().__init__(detail, allowed=allowed, **extensions)


class VersionMoved(Conflict):
    """The version judged in a transition is no longer the current one."""

    code = "version_moved"
    title = "数据已被他人更新"

    def __init__(self, current_version: int) -> None:
        super().__init__("您看到的版本已不是最新，请刷新后再操作。", current_version=current_version)


class StaleVersion(Problem):
    """`If-Match` names a version that is not the current one."""

    status = 412
    code = "stale_version"
    title = "数据已被他人更新"

    def __init__(self, current_version: int) -> None:
        super().__init__("您编辑的版本已不是最新，请刷新并比对后重新保存。", current_version=current_version)
        self.headers = {"ETag": f'"{current_version}"'}


class VersionRequired(Problem):
    """A change without `If-Match`."""

    status = 428
    code = "version_required"
    title = "缺少 If-Match"

    def __init__(self) -> None:
        super().__init__("修改时须在 If-Match 请求头中带上所编辑的版本（详情的 ETag）。")


class InvalidInput(Problem):
    """Fields of the request are wrong; `errors` says which and why."""

    status = 422
    code = "invalid_input"
    title = "提交的内容有误"

    def __init__(
        self, detail: str = "请按提示修改后重新提交。", *, errors: list[FieldError] | None = None, **extensions: Any
    ) -> None:
        super().__init__(detail, errors=[asdict(error) for error in errors or []], **extensions)


class PayloadTooLarge(Problem):
    """The request or file is larger than allowed."""

    status = 413
    code = "payload_too_large"
    title = "内容过大"


class TooManyRequests(Problem):
    """Come back later; `retry_after` says when, in seconds."""

    status = 429
    code = "too_many_requests"
    title = "操作过于频繁"

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail, retry_after=retry_after)
        self.headers = {"Retry-After": str(retry_after)}


class Unavailable(Problem):
    """A server that this request needs is away; nothing was saved."""

    status = 503
    code = "unavailable"
    title = "服务暂不可用"

    def __init__(self, detail: str = "请稍后再试。", *, retry_after: int = 5) -> None:
        super().__init__(detail)
        self.headers = {"Retry-After": str(retry_after)}


def check_edited(version: int, current: int) -> None:
    """For PATCH, PUT, DELETE: `StaleVersion` when the edited version is not the current one."""
    if version != current:
        raise StaleVersion(current_version=current)


def check_judged(version: int, current: int) -> None:
    """For transitions: `VersionMoved` when the judged version is not the current one."""
    if version != current:
        raise VersionMoved(current_version=current)


class FieldErrorDocument(BaseModel):
    """请求中有误的一个字段"""

    pointer: str = Field(description="JSON Pointer，指向有误的字段", examples=["/name"])
    message: str = Field(description="错误说明", examples=["不能为空"])


class ProblemDocument(BaseModel):
    """出错说明（problem+json，RFC 9457）"""

    model_config = ConfigDict(extra="allow", title="Problem")

    type: str = Field(examples=["urn:wenming:problem:not_found"])
    title: str = Field(examples=["未找到"])
    status: int = Field(examples=[404], ge=400, le=599)
    code: str = Field(description="稳定的错误代码，供程序判断", examples=["not_found"])
    detail: str = Field(description="给用户看的说明：发生了什么、该怎么办")
    instance: str | None = None
    request_id: str | None = None
    errors: list[FieldErrorDocument] | None = None
    allowed: list[str] | None = Field(default=None, description="当前允许的操作")
    current_version: int | None = Field(default=None, description="当前版本")
    retry_after: int | None = Field(default=None, description="多少秒后可重试")


def problems(*kinds: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of an endpoint from the problems it may raise."""
    by_status: dict[int, list[type[Problem]]] = {}
    for kind in kinds:
        by_status.setdefault(kind.status, []).append(kind)
    return {
        status: {
            "description": "；".join(f"{kind.title}（{kind.code}）" for kind in found),
            "model": ProblemDocument,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, found in sorted(by_status.items())
    }
