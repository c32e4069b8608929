"""Data scopes: what PostgreSQL answers for random scopes and rows is what a naive reading of the rule says."""

import random
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from tests.factories.callers import make_user
from tests.factories.places import make_city, make_county, make_region, make_unit

from wenming_api.access.columns import OwnerScoped, RegionScoped, UnitScoped
from wenming_api.access.scope import Scope
from wenming_api.system.regions.rules import RegionLevel
from wenming_api.system.roles.rules import DataScope

USERS = [UUID(int=number) for number in range(3)]
REGIONS = ["37/", "37/01/", "37/01/1/", "37/0", "3%/", "3_/", "371/", ""]
UNITS = ["1/", "1/2/", "1/2/3/", "11/", "1/22/", "2/", "%/", "_/"]


class Probes(DeclarativeBase):
    """Tables of this test only."""


class Probe(RegionScoped, UnitScoped, OwnerScoped, Probes):
    __tablename__ = "scope_probe"
    __table_args__ = {"prefixes": ["TEMPORARY"]}

    no: Mapped[int] = mapped_column(primary_key=True)


rows = st.lists(
    st.tuples(
        st.sampled_from(REGIONS),
        st.one_of(st.none(), st.sampled_from(UNITS)),
        st.one_of(st.none(), st.sampled_from(USERS)),
    ),
    max_size=12,
)
scopes = st.builds(
    Scope,
    all_rows=st.integers(0, 9).map(lambda number: number == 0),
    user_id=st.one_of(st.none(), st.sampled_from(USERS)),
    region_prefixes=st.lists(st.sampled_from(REGIONS[:-1]), max_size=2).map(tuple),
    unit_prefixes=st.lists(st.sampled_from(UNITS), max_size=2).map(tuple),
    unit_paths=st.lists(st.sampled_from(UNITS), max_size=2).map(tuple),
)


def sees(scope: Scope, region: str, unit: str | None, owner: UUID | None) -> bool:
    """The rule, read naively."""
    return (
        scope.all_rows
        or any(region.startswith(prefix) for prefix in scope.region_prefixes)
        or (unit is not None and any(unit.startswith(prefix) for prefix in scope.unit_prefixes))
        or (unit is not None and unit in scope.unit_paths)
        or (owner is not None and owner == scope.user_id)
    )


@pytest.fixture
async def probes(database):
    """A temporary table that lives as long as its connection's transaction."""
    async with database.write() as session:
        connection = await session.connection()
        await connection.run_sync(Probes.metadata.create_all, checkfirst=False)
        yield session
        await session.rollback()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows, scope=scopes)
async def test_where_answers_exactly_the_rows_of_the_scope(probes, rows, scope):
    await probes.execute(text("TRUNCATE scope_probe"))
    if rows:
        await probes.execute(
            insert(Probe),
            [
                {"no": no, "region_path": region, "unit_path": unit, "owner_id": owner}
                for no, (region, unit, owner) in enumerate(rows)
            ],
        )
    found = set((await probes.execute(select(Probe.no).where(scope.where(Probe)))).scalars())
    assert found == {no for no, row in enumerate(rows) if sees(scope, *row)}
    hidden = set((await probes.execute(select(Probe.no).where(~scope.where(Probe)))).scalars())
    assert not found & hidden
    granted = scope.where(Probe, also=(Probe.no == 0,))
    assert set((await probes.execute(select(Probe.no).where(granted))).scalars()) == found | ({0} if rows else set())


@given(scope=scopes, region=st.sampled_from(REGIONS), unit=st.sampled_from(UNITS))
def test_what_may_be_written_may_be_seen(scope, region, unit):
    if scope.holds_region(region):
        assert sees(scope, region, None, None)
    if scope.holds_unit(unit, region):
        assert sees(scope, region, unit, None)


def test_everything_needs_a_reason():
    with pytest.raises(ValueError):
        Scope.everything("")
    assert Scope.everything("a job").all_rows


SEEN_BY = {
    DataScope.ALL: lambda user, unit: True,
    DataScope.REGION: lambda user, unit: unit.region_path.startswith(user.region_path),
    DataScope.UNIT_AND_BELOW: lambda user, unit: unit.unit_path.startswith(user.unit_path),
    DataScope.UNIT: lambda user, unit: unit.unit_path == user.unit_path,
    DataScope.OWN: lambda user, unit: False,
}


@pytest.mark.parametrize("seed", range(4))
async def test_no_route_leaks_for_random_users_and_rows(callers, database, seed):
    chance = random.Random(seed)
    async with database.transaction() as session:
        regions = [await make_city(session)]
        for no in range(2, 5):
            county = await make_county(session, no=no)
            regions.append(county)
            regions += [
                await make_region(
                    session,
                    code=f"3703{no:02}00{street}000",
                    name=f"街道{street}",
                    level=RegionLevel.STREET,
                    parent=county,
                )
                for street in (1, 2)
            ]
        units = []
        for _ in range(25):
            managing = chance.choice([None, *units])
            units.append(await make_unit(session, region=chance.choice(regions), managing=managing))
        people = []
        for scope in list(DataScope) * 2:
            own = [region.id for region in chance.sample(regions[1:], 2)] if scope is DataScope.CUSTOM else []
            people.append((await make_user(session, unit=chance.choice(units), scope=scope, regions=own), scope, own))
    paths = {region.id: region.path for region in regions}
    for user, scope, own in people:
        client = await callers.sign_in(user)

        def holds(unit, user=user, scope=scope, own=own):
            if scope is DataScope.CUSTOM:
                return any(unit.region_path.startswith(paths[id_]) for id_ in own)
            return SEEN_BY[scope](user, unit)

        wanted = {str(unit.id) for unit in units if holds(unit)}
        listed = (await client.get("/units", params={"size": 100})).json()
        assert {item["id"] for item in listed["items"]} == wanted
        assert listed["total"] == len(wanted)
        details = {str(unit.id): (await client.get(f"/units/{unit.id}")).status_code for unit in units}
        assert {id_ for id_, status in details.items() if status == 200} == wanted
        assert set(details.values()) <= {200, 404}
        users = (await client.get("/users", params={"size": 100})).json()
        seen = {str(one.id) for one, _, _ in people if holds(one)}
        assert {item["id"] for item in users["items"]} == seen
        assert users["total"] == len(seen)
