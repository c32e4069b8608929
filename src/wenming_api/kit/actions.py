"""Allowed actions: every detail tells what its caller may do with it now, and why not the rest."""

from pydantic import Field

from wenming_api.kit.fields import Out


class AllowedAction(Out):
    """对此对象的一项操作"""

    action: str = Field(description="操作代码，与路由末段一致", examples=["publish"])
    label: str = Field(description="操作名称", examples=["发布"])
    allowed: bool
    why_not: str | None = Field(description="不可操作的原因；可操作时为 null")


def action(name: str, label: str, *checks: tuple[bool, str]) -> AllowedAction:
    """An action and the checks it depends on, in order: the first that fails is the reason shown."""
    for passed, why_not in checks:
        if not passed:
            return AllowedAction(action=name, label=label, allowed=False, why_not=why_not)
    return AllowedAction(action=name, label=label, allowed=True, why_not=None)
