"""Made-up sites and units on the real communities of a city: the same seed number gives the same rows.

Names of communities and streets are real; shops, roads, house numbers, coordinates and credit codes are
invented, and every row says so in its note. Nothing here touches a database.
"""

import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from wenming_api.kit.geo import Box, rounded
from wenming_api.system.areas.rules import AreaKind

MADE_UP: Final = "示例数据,非真实点位"
AREA_MADE_UP: Final = "示例数据，范围为虚构"
UNIT_MADE_UP: Final = "示例数据,统一社会信用代码为虚构"

CITY_BOX: Final = Box(117.53, 35.92, 118.52, 37.29)
"""Bounds of 淄博 in degrees, WGS 84."""

_CENTRES: Final = {
    "370302": (117.967, 36.644),
    "370303": (118.018, 36.807),
    "370304": (117.861, 36.497),
    "370305": (118.308, 36.827),
    "370306": (117.870, 36.803),
    "370321": (118.098, 36.960),
    "370322": (117.827, 37.171),
    "370323": (118.171, 36.185),
}
"""Rough centres of the districts, degrees WGS 84."""

_CENTRAL: Final = "370303"
_USCC_SYMBOLS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(17))
_ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)

_SURNAMES: Final = "鑫宏利瑞祥福盛泰和顺康华兴隆裕丰元亨源达"
_SECOND: Final = "源泰达盛和丰隆昌顺祥通润恒嘉悦宁"
_ROADS: Final = (
    "人民",
    "建设",
    "新村",
    "共青团",
    "柳泉",
    "中心",
    "文化",
    "振兴",
    "胜利",
    "齐盛",
    "学府",
    "花园",
    "民祥",
    "兴学",
    "杏园",
    "淄城",
)


@dataclass(frozen=True, slots=True)
class Community:
    """A real community with its street and district, as in the national list."""

    code: str
    name: str
    street_code: str
    street_name: str
    county_code: str
    county_name: str


@dataclass(frozen=True, slots=True)
class DemoUnit:
    """A made-up unit. ``manager`` is the ``key`` of its managing unit."""

    key: str
    name: str
    short_name: str
    manager: str | None
    region_code: str
    category: str
    nature: str
    industry: str
    civility_level: str
    credit_code: str
    note: str = UNIT_MADE_UP


@dataclass(frozen=True, slots=True)
class DemoSite:
    """A made-up site; ``unit`` is the ``key`` of the responsible unit. Coordinates are WGS 84."""

    code: str
    name: str
    type_code: str
    region_code: str
    address: str
    longitude: Decimal | None
    latitude: Decimal | None
    unit: str
    industry: str
    note: str = MADE_UP


@dataclass(frozen=True, slots=True)
class DemoArea:
    """A made-up custom area of real regions."""

    code: str
    name: str
    kind: AreaKind
    region_code: str
    member_codes: tuple[str, ...]
    note: str = AREA_MADE_UP


@dataclass(frozen=True, slots=True)
class _Pattern:
    """How sites of a type are made: how many per district, the name, who answers for them, their industry."""

    per_county: int
    names: tuple[str, ...]
    unit: str
    industry: str


STREET_OFFICE: Final = "street"
"""Marks the types that the street office of the place answers for."""

_PATTERNS: Final[dict[str, _Pattern]] = {
    "1": _Pattern(2, ("{place}政务服务大厅", "{street}便民服务中心"), "xzsp", "public_administration"),
    "2": _Pattern(3, ("{place}医院", "{place}社区卫生服务中心"), "wjw", "health"),
    "3": _Pattern(3, ("{brand}宾馆({place}店)", "{brand}大酒店({place}店)"), "swj", "hospitality"),
    "4": _Pattern(4, ("{brand}超市({place}店)", "{brand}商场({place}店)"), "swj", "commerce"),
    "5": _Pattern(1, ("{county}长途汽车站",), "bus_terminal", "transport"),
    "6": _Pattern(1, ("{county}火车站",), "jtj", "transport"),
    "7": _Pattern(3, ("公交{n}路({place}段)",), "bus_company", "transport"),
    "8": _Pattern(7, ("{place}公交站台", "{road}路{place}公交站台"), "bus_company", "transport"),
    "9": _Pattern(2, ("出租车候客点({place})",), "jtj", "transport"),
    "10": _Pattern(2, ("{brand}影城({place}店)",), "wlj", "culture_tourism"),
    "11": _Pattern(2, ("{brand}旅行社({place}门市)",), "wlj", "culture_tourism"),
    "12": _Pattern(2, ("中国电信{place}营业厅",), "txb", "telecom"),
    "13": _Pattern(2, ("中国联通{place}营业厅",), "txb", "telecom"),
    "14": _Pattern(2, ("中国移动{place}营业厅",), "txb", "telecom"),
    "15": _Pattern(1, ("{county}国税办税服务厅",), "swju", "public_administration"),
    "16": _Pattern(1, ("{county}地税办税服务厅",), "swju", "public_administration"),
    "17": _Pattern(2, ("{place}供电营业厅",), "power", "energy"),
    "18": _Pattern(2, ("{place}供气营业厅",), "gas", "energy"),
    "19": _Pattern(2, ("{place}供水营业厅",), "water", "energy"),
    "20": _Pattern(2, ("{place}邮政营业厅",), "post", "post"),
    "21": _Pattern(4, ("{brand}银行{place}支行",), "finance", "finance"),
    "22": _Pattern(4, ("{place}小学", "{place}中学"), "jyj", "education"),
    "23": _Pattern(3, ("{place}小学周边", "{place}中学周边"), "cgj", "education"),
    "24": _Pattern(2, ("{brand}网吧({place}店)",), "wlj", "culture_tourism"),
    "25": _Pattern(1, ("{place}未成年人心理健康辅导站",), "jyj", "education"),
    "26": _Pattern(6, ("{road}路({place}段)", "{road}大道({place}段)"), "cgj", "urban_management"),
    "27": _Pattern(2, ("{place}商业街",), "swj", "commerce"),
    "28": _Pattern(6, ("{brand}餐馆({place}店)", "{brand}饭庄({place}店)"), "scjg", "hospitality"),
    "29": _Pattern(3, ("{brand}美发店({place}店)", "{brand}浴室({place}店)"), "wjw", "hospitality"),
    "30": _Pattern(3, ("{brand}药店({place}店)",), "scjg", "health"),
    "31": _Pattern(6, ("{road}路与{road2}路路口({place})",), "gaj", "public_security"),
    "32": _Pattern(8, ("{place}{n}巷",), STREET_OFFICE, "urban_management"),
    "33": _Pattern(3, ("{street}办事大厅",), STREET_OFFICE, "public_administration"),
    "34": _Pattern(2, ("{street}综合文化站",), STREET_OFFICE, "culture_tourism"),
    "35": _Pattern(6, ("{community}",), STREET_OFFICE, "public_administration"),
    "36": _Pattern(4, ("{place}综合文化服务中心",), STREET_OFFICE, "culture_tourism"),
    "37": _Pattern(12, ("{place}小区", "{place}花园小区", "{place}新村"), STREET_OFFICE, "housing"),
    "38": _Pattern(4, ("{place}集贸市场", "{place}农贸市场"), "scjg", "commerce"),
    "39": _Pattern(1, ("{place}爱国主义教育基地",), "tyjr", "culture_tourism"),
    "40": _Pattern(2, ("{place}图书馆", "{place}文化馆"), "library", "culture_tourism"),
    "41": _Pattern(1, ("{place}青少年活动中心",), "tsw", "education"),
    "42": _Pattern(3, ("{place}公园",), "parks", "urban_management"),
    "43": _Pattern(2, ("{place}广场",), "cgj", "urban_management"),
    "44": _Pattern(1, ("{place}景区",), "wlj", "culture_tourism"),
    "45": _Pattern(1, ("{county}出入境办证大厅",), "gaj", "public_security"),
    "46": _Pattern(2, ("{place}应急避难场所",), "yjj", "public_administration"),
    "47": _Pattern(1, ("{county}问题药品举报热线",), "scjg", "health"),
    "48": _Pattern(1, ("{county}消费者投诉举报热线",), "scjg", "commerce"),
    "49": _Pattern(1, ("{county}劳动保障监察热线",), "rsj", "public_administration"),
    "50": _Pattern(4, ("{place}公共厕所",), "cgj", "urban_management"),
    "51": _Pattern(4, ("{place}建筑工地围挡", "{road}路工地围挡({place})"), "zjj", "housing"),
    "52": _Pattern(1, ("{county}救助管理站",), "mzj", "public_administration"),
    "53": _Pattern(2, ("{place}环卫中转站",), "cgj", "urban_management"),
    "54": _Pattern(2, ("{place}科普活动室",), "kx", "education"),
}
_NOT_PLACES: Final = frozenset({"47", "48", "49"})

_DEPARTMENTS: Final = (
    ("cgj", "城市管理局", "政府部门", "urban_management"),
    ("gaj", "公安局", "政府部门", "public_security"),
    ("jtj", "交通运输局", "政府部门", "transport"),
    ("swj", "商务局", "政府部门", "commerce"),
    ("scjg", "市场监督管理局", "政府部门", "commerce"),
    ("wjw", "卫生健康委员会", "政府部门", "health"),
    ("jyj", "教育局", "政府部门", "education"),
    ("wlj", "文化和旅游局", "政府部门", "culture_tourism"),
    ("zjj", "住房和城乡建设局", "政府部门", "housing"),
    ("xzsp", "行政审批服务局", "政府部门", "public_administration"),
    ("mzj", "民政局", "政府部门", "public_administration"),
    ("yjj", "应急管理局", "政府部门", "public_administration"),
    ("rsj", "人力资源和社会保障局", "政府部门", "public_administration"),
    ("tyjr", "退役军人事务局", "政府部门", "public_administration"),
    ("swju", "税务局", "政府部门", "public_administration"),
    ("finance", "地方金融监督管理局", "政府部门", "finance"),
    ("txb", "通信发展管理办公室", "政府部门", "telecom"),
    ("kx", "科学技术协会", "群团组织", "education"),
    ("tsw", "共青团委员会", "群团组织", "education"),
)
_DIRECT: Final = (
    ("bus_terminal", "长途汽车站", "企业", "transport"),
    ("bus_company", "公共汽车公司", "企业", "transport"),
    ("power", "供电公司", "企业", "energy"),
    ("gas", "燃气公司", "企业", "energy"),
    ("water", "供水公司", "企业", "energy"),
    ("post", "邮政分公司", "企业", "post"),
    ("library", "图书馆", "事业单位", "culture_tourism"),
    ("parks", "园林中心", "事业单位", "urban_management"),
)


def credit_code(prefix: str, region_code: str, serial: int) -> str:
    """A made-up unified social credit code with valid check characters (GB 32100, GB 11714).

    ``prefix`` is the two characters of registering department and kind, ``region_code`` starts with the six
    digits of the county. The organisation number starts with ``X``, which no real one of these does.
    """
    organisation = f"X{serial:07d}"
    total = sum(int(symbol, 36) * weight for symbol, weight in zip(organisation, _ORGANISATION_WEIGHTS, strict=True))
    check = 11 - total % 11
    body = prefix + region_code[:6] + organisation + ("X" if check == 10 else "0" if check == 11 else str(check))
    total = sum(_USCC_SYMBOLS.index(symbol) * weight for symbol, weight in zip(body, _USCC_WEIGHTS, strict=True))
    return body + _USCC_SYMBOLS[(31 - total % 31) % 31]


def make_units(communities: Sequence[Community], *, city_code: str, city_name: str) -> list[DemoUnit]:
    """Units of the demo city, managing units before the managed: the civility office, functional departments,
    directly managed units, district offices, street offices, and some that write ledgers."""
    units: list[DemoUnit] = []

    def add(key: str, name: str, manager: str | None, region: str, category: str, industry: str) -> None:
        serial = len(units) + 1
        nature = {
            "企业": "enterprise",
            "事业单位": "institution",
            "学校": "institution",
            "社区村": "self_governing",
        }.get(category, "authority")
        prefix = {"enterprise": "91", "institution": "12", "authority": "11", "self_governing": "55"}[nature]
        judged = category in ("企业", "事业单位", "街道乡镇", "社区村", "学校")
        level = ("none", "county", "city", "province", "national")[serial % 5] if judged else "none"
        units.append(
            DemoUnit(
                key, name, name.removeprefix(city_name), manager, region,
                _CATEGORIES[category], nature, industry, level, credit_code(prefix, region, serial),
            )
        )  # fmt: skip

    add("root", f"{city_name}文明办", None, city_code, "党委部门", "public_administration")
    for key, name, category, industry in _DEPARTMENTS:
        add(key, city_name + name, "root", city_code, category, industry)
    for key, name, category, industry in _DIRECT:
        add(key, city_name + name, "root", city_code, category, industry)
    counties = {c.county_code: c.county_name for c in communities}
    streets = {c.street_code: (c.street_name, c.county_code) for c in communities}
    for code, name in sorted(counties.items()):
        add(f"county:{code}", f"{name}文明办", "root", code, "党委部门", "public_administration")
    for code, (name, county) in sorted(streets.items()):
        office = f"{name}办事处" if name.endswith("街道") else f"{name}人民政府"
        add(
            f"street:{code}",
            counties[county] + office,
            f"county:{county}",
            code,
            "街道乡镇",
            "public_administration",
        )
    _add_creation_objects(add, communities, counties, streets)
    return units


def _add_creation_objects(
    add: Callable[[str, str, str | None, str, str, str], None],
    communities: Sequence[Community],
    counties: Mapping[str, str],
    streets: Mapping[str, tuple[str, str]],
) -> None:
    """Those who write ledgers: in the first street of every district its communities, and a school."""
    first = {county: min(code for code, (_, its) in streets.items() if its == county) for county in counties}
    for each in sorted(communities, key=lambda community: community.code):
        if first[each.county_code] == each.street_code:
            name = each.county_name + each.street_name + each.name
            add(
                f"community:{each.code}",
                name,
                f"street:{each.street_code}",
                each.code,
                "社区村",
                "public_administration",
            )
    for county, street in sorted(first.items()):
        name = f"{counties[county]}{streets[street][0]}实验小学"
        add(f"school:{street}", name, f"street:{street}", street, "学校", "education")


_CATEGORIES: Final = {
    "党委部门": "party",
    "政府部门": "government",
    "群团组织": "mass_organisation",
    "企业": "directly_managed",
    "事业单位": "directly_managed",
    "街道乡镇": "township",
    "社区村": "community",
    "学校": "campus",
}


def make_sites(communities: Sequence[Community], *, seed: int = 3703) -> list[DemoSite]:
    """Sites of all 54 types on the communities of every district, at least 1,200 for eight districts."""
    dice = random.Random(seed)
    by_county: dict[str, list[Community]] = {}
    for community in sorted(communities, key=lambda each: each.code):
        by_county.setdefault(community.county_code, []).append(community)
    sites: list[DemoSite] = []
    names: set[str] = set()
    for county_code, members in by_county.items():
        urban = [each for each in members if each.name.endswith(("居委会", "居民委员会"))] or members
        for type_code, pattern in _PATTERNS.items():
            for no in range(1, pattern.per_county + 1):
                place = dice.choice(urban if dice.random() < 0.8 else members)
                sites.append(_site(dice, type_code, pattern, no, place, county_code, names))
    return sites


def make_areas(communities: Sequence[Community]) -> list[DemoArea]:
    """A built-up area of the central district's sub-districts, a fringe of its towns, and one grid."""
    central = [each for each in communities if each.county_code.startswith(_CENTRAL)] or list(communities)
    streets = {each.street_code: each.street_name for each in central}
    urban = tuple(sorted(code for code, name in streets.items() if name.endswith("街道")))
    fringe = tuple(sorted(set(streets) - set(urban)))
    county = central[0].county_code if central else ""
    first = [each for each in central if urban and each.street_code == urban[0]][:3]
    areas = [
        DemoArea("urban-1", "中心城区", AreaKind.URBAN, county, urban),
        DemoArea("fringe-1", "城乡结合部", AreaKind.FRINGE, county, fringe),
    ]
    if first:
        name = f"{first[0].street_name}第一网格"
        codes = tuple(each.code for each in first)
        areas.append(DemoArea("grid-1", name, AreaKind.GRID, first[0].street_code, codes))
    return [area for area in areas if area.member_codes]


def _site(
    dice: random.Random,
    type_code: str,
    pattern: _Pattern,
    no: int,
    place: Community,
    county: str,
    names: set[str],
) -> DemoSite:
    road, other = dice.sample(_ROADS, 2)
    brand = dice.choice(_SURNAMES) + dice.choice(_SECOND)
    core = core_name(place.name)
    name = pattern.names[(no - 1) % len(pattern.names)].format(
        place=core, street=place.street_name, community=place.name, county=place.county_name,
        road=road, road2=other, brand=brand, n=dice.randint(1, 99),
    )  # fmt: skip
    name = _unique(name.replace("社区社区", "社区"), place, names)
    longitude, latitude = (None, None) if type_code in _NOT_PLACES else _somewhere(dice, place)
    unit = f"street:{place.street_code}" if pattern.unit == STREET_OFFICE else pattern.unit
    address = f"{place.county_name}{place.street_name}{core}{road}路{dice.randint(1, 299)}号"
    return DemoSite(
        f"{county[:6]}-{int(type_code):02d}-{no:02d}", name, type_code, place.code, address, longitude, latitude,
        unit, pattern.industry,
    )  # fmt: skip


def _unique(name: str, place: Community, names: set[str]) -> str:
    """Names stay distinct: those of communities repeat, so the street or a number is added."""
    candidates: Iterable[str] = (
        name,
        f"{name}({place.street_name})",
        *(f"{name}{no}号" for no in range(2, 99)),
    )
    chosen = next(candidate for candidate in candidates if candidate not in names)
    names.add(chosen)
    return chosen


def _somewhere(dice: random.Random, place: Community) -> tuple[Decimal, Decimal]:
    """A point near an invented centre of the street, always the same for a street, inside the city's box."""
    longitude, latitude = _CENTRES.get(place.county_code[:6], (118.05, 36.80))
    street = random.Random(place.street_code)
    longitude += street.uniform(-0.05, 0.05) + dice.gauss(0, 0.006)
    latitude += street.uniform(-0.04, 0.04) + dice.gauss(0, 0.005)
    return (
        rounded(min(CITY_BOX.east, max(CITY_BOX.west, longitude))),
        rounded(min(CITY_BOX.north, max(CITY_BOX.south, latitude))),
    )


def core_name(community: str) -> str:
    """Name of the place without the word for its committee: 城里社区居委会 → 城里社区."""
    return re.sub(r"(?:居民委员会|村民委员会|居委会|委员会|委会)$", "", community) or community
