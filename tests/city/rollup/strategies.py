"""Random assessments: trees, sites, lines, groups, methods and every policy."""

from fractions import Fraction

from hypothesis import strategies as st

from wenming_api.city.criteria.rules import VetoScope
from wenming_api.city.schemes.rules import (
    DutyPolicy,
    FieldPolicy,
    MissingTypePolicy,
    OpenLinePolicy,
    ParentPolicy,
)
from wenming_api.city.snapshots.rules import (
    Duty,
    Group,
    Indicator,
    Line,
    MethodScore,
    Named,
    Policies,
    Quota,
    Region,
    Sheet,
    Site,
    Snapshot,
    Standard,
    Unit,
)
from wenming_api.city.standards.rules import DutyRole, ListKind

LEVELS = ("city", "county", "street", "community")
TYPES = ("X", "Y", "Z")
UNITS = ("u1", "u2", "u3")
INDUSTRIES = ("i1", "i2")
METHODS = ("field", "questionnaire", "documents")


def ratios(low: int, high: int) -> st.SearchStrategy[Fraction]:
    """Fractions with the small odd denominators that real rules produce."""
    return st.builds(
        lambda numerator, denominator: min(Fraction(high), max(Fraction(low), Fraction(numerator, denominator))),
        st.integers(low * 7, high * 7),
        st.sampled_from((1, 2, 3, 5, 7)),
    )


@st.composite
def region_trees(draw: st.DrawFn) -> tuple[Region, ...]:
    """A city and up to nine regions below it, in any shape of at most four levels."""
    regions = [Region("r0", "r0", LEVELS[0], None)]
    for number in range(1, draw(st.integers(1, 9)) + 1):
        parent = draw(st.sampled_from([region for region in regions if region.level != LEVELS[-1]]))
        level = LEVELS[LEVELS.index(parent.level) + 1]
        regions.append(Region(f"r{number}", f"r{number}", level, parent.code))
    return tuple(regions)


@st.composite
def standard_lists(draw: st.DrawFn) -> tuple[Standard, ...]:
    """Up to five standards of every list, type and duty."""
    return tuple(
        Standard(
            id=f"s{number}",
            code=f"{number}",
            indicator=draw(st.sampled_from(("n1", "n2", "n3", None))),
            max_score=draw(st.sampled_from((Fraction(0), Fraction(1), Fraction(4), Fraction(5, 2)))),
            kind=draw(st.sampled_from((ListKind.REGULAR,) * 4 + (ListKind.BONUS, ListKind.NEGATIVE))),
            site_types=draw(st.sampled_from(((), ("X",), ("X", "Y")))),
            duties=draw(
                st.sampled_from(
                    ((), (Duty("u1", DutyRole.LEAD),), (Duty("u2", DutyRole.LEAD), Duty("u1", DutyRole.CO)))
                )
            ),
        )
        for number in range(draw(st.integers(1, 5)))
    )


@st.composite
def sheets_of(draw: st.DrawFn, site: str, standards: tuple[Standard, ...]) -> list[Sheet]:
    """None to three assessors' sheets of a site; now and then a line is left open, left out or vetoed."""
    sheets = []
    for number in range(draw(st.sampled_from((0, 1, 1, 1, 2, 3)))):
        lines = []
        for standard in standards:
            what = draw(st.integers(0, 19))
            if what == 0:
                lines.append(Line(standard.id, Fraction(0), draw(st.sampled_from(VetoScope))))
            elif what <= 4:
                lines.append(Line(standard.id, None))
            elif what <= 17:
                part = draw(st.sampled_from((Fraction(0), Fraction(1), Fraction(1), Fraction(1, 3), Fraction(3, 7))))
                lines.append(Line(standard.id, standard.max_score * part))
        sheets.append(Sheet(f"{site}-{number}", site, tuple(lines)))
    return sheets


@st.composite
def group_lists(draw: st.DrawFn, codes: list[str]) -> tuple[Group, ...]:
    """Up to three groups, which may share regions."""
    weights = st.sampled_from((Fraction(0), Fraction(15), Fraction(85), Fraction(397, 10)))
    return tuple(
        Group(
            code=f"g{number}",
            name=f"g{number}",
            methods=draw(st.dictionaries(st.sampled_from(METHODS), weights, max_size=3)),
            regions=tuple(draw(st.lists(st.sampled_from(codes), unique=True, min_size=1, max_size=5))),
            field_only=draw(st.sampled_from((False, False, True))),
        )
        for number in range(draw(st.integers(0, 3)))
    )


@st.composite
def policies_of(draw: st.DrawFn, codes: list[str]) -> Policies:
    """Every combination of policies."""
    return Policies(
        not_applicable=draw(st.sampled_from(OpenLinePolicy)),
        missing_item=draw(st.sampled_from(OpenLinePolicy)),
        field=draw(st.sampled_from(FieldPolicy)),
        missing_type=draw(st.sampled_from(MissingTypePolicy)),
        parents=draw(st.sampled_from(ParentPolicy)),
        parent_weights=draw(st.dictionaries(st.sampled_from(codes), ratios(0, 3))),
        bonus_cap=draw(st.none() | ratios(0, 5)),
        spread_threshold=draw(st.none() | ratios(0, 1)),
        duties=draw(st.sampled_from(DutyPolicy)),
    )


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """A whole assessment."""
    regions = draw(region_trees())
    codes = [region.code for region in regions]
    standards = draw(standard_lists())
    sites = tuple(
        Site(
            id=f"p{number}",
            code=f"p{number}",
            name=f"p{number}",
            type=draw(st.sampled_from(TYPES)),
            region=draw(st.sampled_from(codes)),
            unit=draw(st.sampled_from((*UNITS, None))),
            industry=draw(st.sampled_from((*INDUSTRIES, None))),
        )
        for number in range(draw(st.integers(0, 7)))
    )
    quotas = draw(
        st.lists(
            st.builds(Quota, st.sampled_from(TYPES), st.sampled_from(LEVELS[:3]), ratios(0, 3)),
            unique_by=lambda quota: (quota.site_type, quota.level),
            max_size=5,
        )
    )
    return Snapshot(
        policies=draw(policies_of(codes)),
        regions=regions,
        sites=sites,
        site_types=tuple(Named(code, code) for code in TYPES),
        standards=standards,
        sheets=tuple(sheet for site in sites for sheet in draw(sheets_of(site.id, standards))),
        groups=draw(group_lists(codes)),
        quotas=tuple(quotas),
        indicators=(
            Indicator("n1", None, 1, "1", "n1"),
            Indicator("n2", "n1", 2, "1-1", "n2"),
            Indicator("n3", "n1", 2, "1-2", "n3"),
        ),
        units=tuple(Unit(code, code) for code in UNITS),
        industries=tuple(Named(code, code) for code in INDUSTRIES),
        methods=tuple(Named(code, code) for code in METHODS),
        method_scores=tuple(
            draw(
                st.lists(
                    st.builds(
                        MethodScore,
                        st.sampled_from(METHODS[1:]),
                        ratios(0, 10),
                        st.sampled_from((Fraction(10), Fraction(100))),
                        st.sampled_from(codes),
                    ),
                    max_size=8,
                )
            )
        ),
    )
