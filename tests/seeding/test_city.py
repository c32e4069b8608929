"""The generator of the demo city: pure, deterministic, valid credit codes."""

from hypothesis import given
from hypothesis import strategies as st

from wenming_api.seeding.city import Community, core_name, credit_code, make_areas, make_sites, make_units

SYMBOLS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
COMMUNITIES = [
    Community(
        f"3703{county:02}{street:03}{no:03}",
        f"第{no}社区居委会",
        f"3703{county:02}{street:03}000",
        f"第{street}街道" if street < 100 else f"第{street}镇",
        f"3703{county:02}000000",
        f"第{county}区",
    )
    for county in (2, 3, 4)
    for street in (1, 2, 101)
    for no in (1, 2, 3)
]


def valid(code: str) -> bool:
    """The check of GB 32100, written another way than in the product."""
    if len(code) != 18 or not set(code) <= set(SYMBOLS):
        return False
    total = sum(SYMBOLS.index(symbol) * 3**place for place, symbol in enumerate(code[:17]))
    return (total + SYMBOLS.index(code[17])) % 31 == 0


@given(st.sampled_from(["11", "12", "91"]), st.integers(0, 999_999), st.integers(0, 9_999_999))
def test_credit_codes_check(prefix: str, region: int, serial: int) -> None:
    assert valid(credit_code(prefix, f"{region:06}", serial))


def test_the_check_itself_knows_good_from_bad() -> None:
    assert valid("91350100M000100Y43")
    assert not valid("91350100M000100Y4Z")
    assert not valid("91350100M000100Y34")


def test_the_same_number_gives_the_same_city() -> None:
    assert make_sites(COMMUNITIES, seed=1) == make_sites(list(reversed(COMMUNITIES)), seed=1)
    assert make_sites(COMMUNITIES, seed=1) != make_sites(COMMUNITIES, seed=2)


@given(st.integers(0, 2**32))
def test_sites_are_distinct_and_somebody_answers_for_each(seed: int) -> None:
    sites = make_sites(COMMUNITIES[:18], seed=seed)
    units = {unit.key for unit in make_units(COMMUNITIES, city_code="370300000000", city_name="某市")}
    assert len({site.code for site in sites}) == len({site.name for site in sites}) == len(sites)
    assert {site.unit for site in sites} <= units
    assert len({site.type_code for site in sites}) == 54
    assert all((site.longitude is None) == (site.type_code in {"47", "48", "49"}) for site in sites)
    assert all("示例数据" in site.note for site in sites)


def test_managing_units_come_before_the_managed() -> None:
    seen: set[str] = set()
    for unit in make_units(COMMUNITIES, city_code="370300000000", city_name="某市"):
        assert unit.manager is None or unit.manager in seen
        seen.add(unit.key)


def test_areas_have_members() -> None:
    areas = make_areas(COMMUNITIES)
    assert [area.code for area in areas] == ["urban-1", "fringe-1", "grid-1"]
    assert not set(areas[0].member_codes) & set(areas[1].member_codes)
    assert len(areas[2].member_codes) == 3


def test_names_of_places() -> None:
    assert [
        core_name(name) for name in ("城里社区居委会", "黄家铺村委会", "锦悦社区居民委员会", "北关村村民委员会")
    ] == [
        "城里社区",
        "黄家铺村",
        "锦悦社区",
        "北关村",
    ]
