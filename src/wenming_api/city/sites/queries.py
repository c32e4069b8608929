"""Reads of sites."""

from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Double,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    cast,
    func,
    or_,
    select,
)

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.city.site_types.models import SiteType
from wenming_api.city.sites.models import Site, SiteVersion
from wenming_api.city.sites.rules import SiteAction, SiteState, cell_size, why_not
from wenming_api.city.sites.schemas import (
    HistorySort,
    MapFeature,
    MapProperties,
    PointGeometry,
    RegionCount,
    SiteCounts,
    SiteFilter,
    SiteMap,
    SiteOut,
    SiteRow,
    SiteSort,
    SiteVersionOut,
    TypeCount,
)
from wenming_api.kit.actions import AllowedAction, action
from wenming_api.kit.db import AnySession
from wenming_api.kit.geo import Box, Crs, Position, from_wgs84, rounded
from wenming_api.kit.kept import SHAPES, Found, Kept, KeptPage, Shapes, Source, under
from wenming_api.kit.pages import Page, PageParams, escape_like, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.areas.queries import regions_of_area
from wenming_api.system.regions.models import Region
from wenming_api.system.units.models import Unit

_SORTS = {"code": Site.code, "name": Site.name, "created_at": Site.id, "updated_at": Site.updated_at}
_JOINED: dict[str, Any] = {
    "site_type_name": SiteType.name,
    "region_name": Region.full_name,
    "responsible_unit_name": Unit.name,
}
_COUNTY_SEGMENT = 2


class SiteNotFound(NotFound):
    """There is no such site, or it lies outside the caller's scope."""

    code = "site_not_found"
    title = "未找到点位"


def selected(fields: list[str]) -> Select[Any]:
    """The given fields of sites with the names they refer to. The joins are outer so that a count may drop them."""
    columns = [_JOINED[name].label(name) if name in _JOINED else getattr(Site, name) for name in fields]
    return (
        select(*columns)
        .select_from(Site)
        .outerjoin(SiteType, SiteType.code == Site.site_type_code)
        .outerjoin(Region, Region.id == Site.region_id)
        .outerjoin(Unit, Unit.id == Site.responsible_unit_id)
    )


_MATCHES: dict[str, ColumnElement[bool]] = {
    "q": or_(
        Site.name.ilike(bindparam("q_within", type_=Text), escape="\\"),
        Site.code.like(bindparam("q_start", type_=Text), escape="\\"),
    ),
    "site_type_code": Site.site_type_code == any_(bindparam("site_type_codes", type_=ARRAY(Text))),
    "region_id": under(
        Site.region_path,
        select(Region.path).where(Region.id == bindparam("region_id", type_=Uuid)).scalar_subquery(),
    ),
    "area_id": Site.region_id.in_(regions_of_area(bindparam("area_id", type_=Uuid))),
    "responsible_unit_id": Site.responsible_unit_id == bindparam("responsible_unit_id", type_=Uuid),
    "industry_code": Site.industry_code == bindparam("industry_code", type_=Text),
    "active": Site.active == bindparam("active", type_=Boolean),
    "located": Site.map_longitude.is_not(None) == bindparam("located", type_=Boolean),
}
"""The condition of each filter; its values are bound under the names that `values_of` gives them."""


def matching(scope: Scope, wanted: SiteFilter) -> ColumnElement[bool]:
    """The condition for sites inside the scope that match; run it with `values_of(wanted)`."""
    return and_(scope.where(Site), *(_MATCHES[name] for name in wanted.given()))


def values_of(wanted: SiteFilter) -> dict[str, Any]:
    """What the conditions of the filters given are bound to."""
    values = wanted.given()
    if "q" in values:
        text = escape_like(values.pop("q"))
        values |= {"q_within": f"%{text}%", "q_start": f"{text}%"}
    if "site_type_code" in values:
        values["site_type_codes"] = values.pop("site_type_code").split(",")
    return values


_lists = Shapes[KeptPage]()


async def list_sites(
    source: Source,
    *,
    scope: Scope,
    wanted: SiteFilter,
    params: PageParams,
    sort: SiteSort = SiteSort.CODE,
) -> Found:
    """A page of sites (rows as `SiteRow`). Two statements."""

    def make() -> KeptPage:
        statement = selected(list(SiteRow.model_fields))
        return KeptPage(statement, matching(scope, wanted), sort=sort, columns=_SORTS, key=Site.id)

    kept = _lists.of((scope, sort, *wanted.given()), make)
    return await kept.read(source, params, **values_of(wanted))


@lru_cache(maxsize=SHAPES)
def _detail(scope: Scope) -> Kept:
    fields = [name for name in SiteOut.model_fields if name != "allowed_actions"]
    return Kept(selected(fields).where(Site.id == bindparam("site_id", type_=Uuid), scope.where(Site)))


async def get_site(source: Source, site_id: UUID, *, scope: Scope, caller: Principal) -> dict[str, Any]:
    """One site with what the caller may do to it, as `SiteOut`; :class:`SiteNotFound` outside the scope.

    One statement.
    """
    row = await _detail(scope).row(source, site_id=site_id)
    if row is None:
        raise SiteNotFound
    return {**row, "allowed_actions": allowed_actions(active=row["active"], caller=caller)}


async def list_history(
    session: AnySession,
    site_id: UUID,
    *,
    scope: Scope,
    params: PageParams,
    sort: HistorySort = HistorySort.NEWEST,
) -> Page[SiteVersionOut]:
    """The changes of a site. Three statements; :class:`SiteNotFound` outside the scope."""
    seen = await session.scalar(select(Site.id).where(Site.id == site_id, scope.where(Site)))
    if seen is None:
        raise SiteNotFound
    statement = select(*(getattr(SiteVersion, name) for name in SiteVersionOut.model_fields))
    return await page(
        session,
        statement.where(SiteVersion.site_id == site_id),
        params,
        sort=sort,
        columns={"no": SiteVersion.no},
        key=SiteVersion.id,
        into=SiteVersionOut,
    )


async def count_sites(session: AnySession, *, scope: Scope, wanted: SiteFilter) -> SiteCounts:
    """How many sites there are by type and by the regions next below the one named (counties without one).

    Two statements, three when a region is named.
    """
    condition, values = matching(scope, wanted), values_of(wanted)
    tally = (func.count().label("total"), func.count().filter(Site.active).label("active"))
    types = (
        select(Site.site_type_code, SiteType.name.label("site_type_name"), *tally)
        .join(SiteType, SiteType.code == Site.site_type_code)
        .where(condition)
        .group_by(Site.site_type_code, SiteType.name, SiteType.position)
        .order_by(SiteType.position, Site.site_type_code)
    )
    by_type = [TypeCount.model_validate(dict(row)) for row in (await session.execute(types, values)).mappings()]
    segment = _COUNTY_SEGMENT
    if wanted.region_id is not None:
        path = await session.scalar(select(Region.path).where(Region.id == wanted.region_id))
        segment = 1 + (path or "").count("/")
    code = func.nullif(func.split_part(Site.region_path, "/", segment), "")
    grouped = select(code.label("code"), *tally).where(condition).group_by(code).subquery()
    regions = (
        select(
            Region.id.label("region_id"),
            Region.code.label("region_code"),
            Region.full_name.label("region_name"),
            grouped.c.total,
            grouped.c.active,
        )
        .select_from(grouped)
        .outerjoin(Region, Region.code == grouped.c.code)
        .order_by(Region.code)
    )
    by_region = [RegionCount.model_validate(dict(row)) for row in (await session.execute(regions, values)).mappings()]
    return SiteCounts(
        total=sum(each.total for each in by_type),
        active=sum(each.active for each in by_type),
        by_type=by_type,
        by_region=by_region,
    )


async def sites_on_map(
    session: AnySession, *, scope: Scope, wanted: SiteFilter, box: Box, crs: Crs, most: int
) -> SiteMap:
    """Sites whose place lies in the box, given and answered in ``crs``: each of them up to ``most``, else clusters.

    One statement, one more for clusters.
    """
    around = box.in_wgs84(crs)
    condition, values = matching(scope, wanted) & _inside(around), values_of(wanted)
    fields = ("id", "code", "name", "site_type_code", "active", "map_longitude", "map_latitude")
    statement = select(*(getattr(Site, name) for name in fields)).where(condition).limit(most + 1)
    rows = (await session.execute(statement, values)).mappings().all()
    if len(rows) > most:
        return await _clusters(session, condition, values, around, crs)
    return SiteMap(
        type="FeatureCollection",
        crs_name=crs,
        clustered=False,
        total=len(rows),
        features=[
            _feature(
                row["map_longitude"],
                row["map_latitude"],
                crs,
                MapProperties(**{name: row[name] for name in fields[:5]}, count=1),
            )
            for row in rows
        ],
    )


def _inside(box: Box) -> ColumnElement[bool]:
    """In the box by the map index, whose expression this repeats."""
    place = func.point(cast(Site.map_longitude, Double), cast(Site.map_latitude, Double))
    corners = func.box(func.point(box.west, box.south), func.point(box.east, box.north))
    return Site.map_longitude.is_not(None) & place.op("<@", is_comparison=True)(corners)


async def _clusters(
    session: AnySession, condition: ColumnElement[bool], values: dict[str, Any], box: Box, crs: Crs
) -> SiteMap:
    """Sites gathered by the cells of a grid over the box, each at the mean of its sites."""
    width, height = cell_size(box)
    column = func.floor((cast(Site.map_longitude, Double) - box.west) / width).label("column")
    line = func.floor((cast(Site.map_latitude, Double) - box.south) / height).label("line")
    statement = (
        select(
            column,
            line,
            func.avg(Site.map_longitude).label("longitude"),
            func.avg(Site.map_latitude).label("latitude"),
            func.count().label("count"),
        )
        .where(condition)
        .group_by(column, line)
        .order_by(column, line)
    )
    cells = (await session.execute(statement, values)).mappings().all()
    nobody = dict.fromkeys(("id", "code", "name", "site_type_code", "active"))
    return SiteMap(
        type="FeatureCollection",
        crs_name=crs,
        clustered=True,
        total=sum(cell["count"] for cell in cells),
        features=[
            _feature(cell["longitude"], cell["latitude"], crs, MapProperties(**nobody, count=cell["count"]))
            for cell in cells
        ],
    )


def _feature(longitude: Decimal, latitude: Decimal, crs: Crs, properties: MapProperties) -> MapFeature:
    place = from_wgs84(Position(float(longitude), float(latitude)), crs)
    coordinates = [float(rounded(place.longitude)), float(rounded(place.latitude))]
    return MapFeature(
        type="Feature", geometry=PointGeometry(type="Point", coordinates=coordinates), properties=properties
    )


def allowed_actions(*, active: bool, caller: Principal) -> list[AllowedAction]:
    """What the caller may do with a site in this state, and why not the rest."""
    state = SiteState.ACTIVE if active else SiteState.INACTIVE
    manage = (caller.may(Permission.SITES_MANAGE), "没有“维护点位”权限")
    offered = (SiteAction.UPDATE, SiteAction.DISABLE, SiteAction.ENABLE)
    return [
        action(each.value, each.label, manage, (why_not(state, each) is None, why_not(state, each) or ""))
        for each in offered
    ]
