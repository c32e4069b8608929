"""Changes of templates (A1.1)."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from wenming_api.access.principal import Principal
from wenming_api.activities.templates.models import ActivityTemplate, ActivityTemplateVersion
from wenming_api.activities.templates.queries import keeps
from wenming_api.activities.templates.rules import BASE_TEMPLATES, TemplateField, TemplateState, template_problems
from wenming_api.activities.templates.schemas import ActivityTemplateCreate, ActivityTemplateRevise, TemplateSpec
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.fields import Transition
from wenming_api.kit.problems import (
    Conflict,
    FieldError,
    Forbidden,
    IllegalTransition,
    InvalidInput,
    NotFound,
    check_judged,
)
from wenming_api.ledgers.contents.queries import check_references
from wenming_api.ledgers.contents.schemas import Content
from wenming_api.system.audit.service import record
from wenming_api.system.dictionaries.queries import unusable_codes

CATEGORY = "activity_category"


class TemplateCodeTaken(Conflict):
    """Another template has this code."""

    code = "activity_template_code_taken"
    title = "活动模板代码已被使用"


async def check_nodes(session: WriteSession, node_ids: list[UUID], *, caller: Principal) -> list[FieldError]:
    """What is wrong with categories chosen before there is a content."""
    if not node_ids:
        return []
    if len(set(node_ids)) < len(node_ids):
        return [FieldError("/node_ids", "分类有重复")]
    _, errors = await check_references(session, Content(title="-", node_ids=node_ids), caller=caller, former=None)
    return errors


async def _checked(session: WriteSession, spec: TemplateSpec, *, caller: Principal, inside: str = "") -> dict[str, Any]:
    fields = [TemplateField(**{**each.model_dump(), "choices": tuple(each.choices)}) for each in spec.fields]
    errors = [FieldError("/fields", f"{each.key}：{each.message}") for each in template_problems(fields)]
    errors += await check_nodes(session, spec.node_ids, caller=caller)
    if errors:
        raise InvalidInput(errors=[FieldError(inside + each.pointer, each.message) for each in errors])
    return {
        "fields": [each.to_json() for each in fields],
        "evidence": spec.evidence.model_dump(),
        "node_ids": spec.node_ids,
        "guidance": spec.guidance,
    }


async def create_template(session: WriteSession, *, caller: Principal, new: ActivityTemplateCreate) -> ActivityTemplate:
    """Add a template of the caller's unit; its first version is in use at once."""
    values = await _checked(session, new, caller=caller)
    if await unusable_codes(session, [(CATEGORY, new.activity_type)]):
        raise InvalidInput(errors=[FieldError("/activity_type", "字典中没有这个活动类别，或已停用")])
    if await session.scalar(select(ActivityTemplate.id).where(ActivityTemplate.code == new.code)):
        raise TemplateCodeTaken(f"代码“{new.code}”已被其他模板使用，请换一个。")
    made = ActivityTemplate(
        code=new.code,
        name=new.name,
        activity_type=new.activity_type,
        unit_id=caller.unit_id,
        unit_path=caller.unit_path,
    )
    session.add(made)
    await session.flush()  # its version refers to it
    session.add(
        ActivityTemplateVersion(template_id=made.id, no=1, state=TemplateState.ACTIVE, made_by=caller.user_id, **values)
    )
    await session.flush()  # the answer is read from the tables
    await record(
        session,
        caller=caller,
        action="activity_templates.create",
        target=("activity_template", made.id),
        after=new.model_dump(mode="json"),
    )
    return made


async def _locked(session: WriteSession, template_id: UUID, *, caller: Principal, version: int) -> ActivityTemplate:
    found = await session.scalar(select(ActivityTemplate).where(ActivityTemplate.id == template_id).with_for_update())
    if found is None or not (found.unit_path is None or keeps(caller, found.unit_path)):
        raise NotFound
    if not keeps(caller, found.unit_path):
        raise Forbidden("模板由其他单位维护。")
    check_judged(version, found.version)
    return found


async def _retire_active(session: WriteSession, template_id: UUID) -> int | None:
    retired = await session.execute(
        update(ActivityTemplateVersion)
        .where(
            ActivityTemplateVersion.template_id == template_id, ActivityTemplateVersion.state == TemplateState.ACTIVE
        )
        .values(state=TemplateState.RETIRED)
        .returning(ActivityTemplateVersion.no)
        .execution_options(synchronize_session=False)
    )
    return retired.scalar_one_or_none()


async def revise_template(
    session: WriteSession, *, caller: Principal, template_id: UUID, revision: ActivityTemplateRevise
) -> ActivityTemplate:
    """Put a new version into use; activities planned by the former keep it."""
    found = await _locked(session, template_id, caller=caller, version=revision.version)
    values = await _checked(session, revision.spec, caller=caller, inside="/spec")
    last = await session.scalar(
        select(func.max(ActivityTemplateVersion.no)).where(ActivityTemplateVersion.template_id == found.id)
    )
    before = await _retire_active(session, found.id)
    session.add(
        ActivityTemplateVersion(
            template_id=found.id, no=(last or 0) + 1, state=TemplateState.ACTIVE, made_by=caller.user_id, **values
        )
    )
    await _touched(session, found)
    await record(
        session,
        caller=caller,
        action="activity_templates.revise",
        target=("activity_template", found.id),
        before={"no": before},
        after={"no": (last or 0) + 1},
        reason=revision.reason,
    )
    return found


async def retire_template(
    session: WriteSession, *, caller: Principal, template_id: UUID, judged: Transition
) -> ActivityTemplate:
    """Take a template out of use."""
    found = await _locked(session, template_id, caller=caller, version=judged.version)
    before = await _retire_active(session, found.id)
    if before is None:
        raise IllegalTransition("模板已停用。", allowed=["revise"])
    await _touched(session, found)
    await record(
        session,
        caller=caller,
        action="activity_templates.retire",
        target=("activity_template", found.id),
        before={"no": before},
        after={"no": None},
        reason=judged.reason,
    )
    return found


async def _touched(session: WriteSession, template: ActivityTemplate) -> None:
    template.updated_at = clock.now()
    await session.flush()  # the answer carries the new version


async def load_base_templates(session: WriteSession) -> int:
    """Add the templates delivered with the product that are not there yet, for the whole system; answers how many."""
    there = set(await session.scalars(select(ActivityTemplate.code)))
    added = [base for base in BASE_TEMPLATES if base.code not in there]
    for base in added:
        made = ActivityTemplate(code=base.code, name=base.name, activity_type=base.activity_type)
        session.add(made)
        await session.flush()  # its version refers to it
        session.add(
            ActivityTemplateVersion(
                template_id=made.id,
                no=1,
                state=TemplateState.ACTIVE,
                fields=[each.to_json() for each in base.fields],
                evidence=asdict(base.evidence),
                node_ids=[],
                guidance=base.guidance,
            )
        )
    await session.flush()  # a later query of the caller sees them
    return len(added)
