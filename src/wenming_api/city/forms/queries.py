"""Reads of forms: the standards of an assessment that are judged at sites of one type."""

from collections import OrderedDict
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from pydantic import TypeAdapter
from sqlalchemy import Uuid, bindparam, exists, func, or_, select
from sqlalchemy.dialects.postgresql import array

from wenming_api.city.assessments.models import Assessment, AssessmentMethod, AssessmentStandard
from wenming_api.city.forms.rules import Form, FormItem
from wenming_api.city.forms.schemas import FormLine
from wenming_api.city.schemes.rules import MethodSource
from wenming_api.city.standards.models import Indicator, Standard, StandardSiteType
from wenming_api.city.standards.rules import rule_from_json
from wenming_api.kit.kept import Kept, Source, equals

_LINES = TypeAdapter(list[FormLine])
_KEPT = 2_000
"""Forms a process remembers: an assessment has one per site type."""


@dataclass(frozen=True, slots=True)
class SiteForm:
    """A form for judging (`items`) and for showing (`written`)."""

    items: Form
    written: orjson.Fragment
    """The JSON of a list of `FormLine`."""


_forms: OrderedDict[tuple[UUID, str], SiteForm] = OrderedDict()


async def site_form(source: Source, *, assessment_id: UUID, site_type_code: str) -> SiteForm:
    """The standards to judge at sites of this type, in printed order.

    They are those chosen for the assessment, of a field method, that apply to the type or to every type. Remembered
    in the process: sheets exist only in an assessment that is published, whose standards never change again.
    """
    key = (assessment_id, site_type_code)
    known = _forms.get(key)
    if known is not None:
        _forms.move_to_end(key)
        return known
    form = await _read_form(source, assessment_id, site_type_code)
    _forms[key] = form
    while len(_forms) > _KEPT:
        _forms.popitem(last=False)
    return form


@cache
def _standards() -> Kept:
    """The standards chosen that apply to a site type, in printed order."""
    assessment = bindparam("assessment_id", type_=Uuid)
    field_methods = (
        select(func.array_agg(AssessmentMethod.code))
        .where(AssessmentMethod.assessment_id == assessment, AssessmentMethod.source == MethodSource.FIELD)
        .scalar_subquery()
    )
    of_type = exists().where(StandardSiteType.standard_id == Standard.id, equals(StandardSiteType.site_type_code))
    of_any_type = ~exists().where(StandardSiteType.standard_id == Standard.id)
    columns: list[Any] = [getattr(Standard, name) for name in FormLine.model_fields if name != "standard_id"]
    system = select(Assessment.system_id).where(Assessment.id == assessment).scalar_subquery()
    top = select(Indicator.id, array([Indicator.position]).label("place")).where(
        Indicator.system_id == system, Indicator.parent_id.is_(None)
    )
    tree = top.cte("tree", recursive=True)
    below = select(Indicator.id, func.array_append(tree.c.place, Indicator.position))
    tree = tree.union_all(below.join(tree, Indicator.parent_id == tree.c.id))
    return Kept(
        select(Standard.id.label("standard_id"), *columns)
        .join(AssessmentStandard, AssessmentStandard.standard_id == Standard.id)
        .join(tree, tree.c.id == Standard.indicator_id)
        .where(
            AssessmentStandard.assessment_id == assessment,
            Standard.methods.op("&&")(field_methods),
            or_(of_type, of_any_type),
        )
        .order_by(tree.c.place, Standard.position, Standard.id)
    )


async def _read_form(source: Source, assessment_id: UUID, site_type_code: str) -> SiteForm:
    found = await _standards().rows(source, assessment_id=assessment_id, site_type_code=site_type_code)
    lines = [FormLine.model_validate(dict(row)) for row in found]
    items = {
        line.standard_id: FormItem(
            standard_id=line.standard_id,
            code=line.code,
            rule=rule_from_json(line.rule),
            max_score=line.max_score,
            list_kind=line.list_kind,
            requires_photo=line.requires_photo,
        )
        for line in lines
    }
    return SiteForm(items, orjson.Fragment(_LINES.dump_json(lines)))
