"""States of a result, the cuts it is published in, and its rows made of frozen inputs and figures (C4.1-C4.4). Pure."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from wenming_api.city.cells.rules import Cut as CellCut
from wenming_api.city.cells.rules import cuts
from wenming_api.city.regionscores.rules import NO_CHILDREN
from wenming_api.city.rollup.rules import CutFigure, Figures, MeanFigure
from wenming_api.city.sitescores.rules import Tally, ancestry
from wenming_api.city.snapshots.rules import Region, Site, Snapshot
from wenming_api.kit.exact import decimal_text, ratio_text

Row = dict[str, Any]


class ResultState(StrEnum):
    """A computed result may be computed again; a published one is final."""

    COMPUTED = "computed"
    PUBLISHED = "published"

    @property
    def label(self) -> str:
        """What people call it."""
        return {"computed": "已计算", "published": "已发布"}[self.value]


class Cut(StrEnum):
    """By what a figure is cut: regions of every level, units by duty or by site, and so on."""

    REGION = "region"
    DEPARTMENT = "department"
    UNIT = "unit"
    INDUSTRY = "industry"
    SITE_TYPE = "site_type"
    INDICATOR = "indicator"
    STANDARD = "standard"

    @property
    def label(self) -> str:
        """What people call it; also the name of the worksheet."""
        return {
            "region": "区域成绩",
            "department": "部门成绩",
            "unit": "责任单位成绩",
            "industry": "行业成绩",
            "site_type": "点位类型成绩",
            "indicator": "指数成绩",
            "standard": "测评标准成绩",
        }[self.value]


VETOED = "否决"
"""How a region without a rank for a veto is marked."""


class Rows:
    """The rows of a result's tables, without its id. Names and paths are those of the snapshot."""

    def __init__(self, snapshot: Snapshot, sums: Tally, figures: Figures, *, region_path: str) -> None:
        self._snapshot = snapshot
        self._sums = sums
        self._figures = figures
        self._region_path = region_path
        self._chains = ancestry(snapshot.regions)
        self._regions = {region.code: region for region in snapshot.regions}
        self._methods = {method.code: method.name for method in snapshot.methods}
        nodes = (Region(node.id, node.name, str(node.level), node.parent) for node in snapshot.indicators)
        self._indicator_chains = ancestry(nodes)
        self._nodes = {node.id: node for node in snapshot.indicators}

    def lists(self) -> list[Row]:
        """The ranking groups as printed: code, name, whether field-only, methods with weights."""
        return [
            {
                "code": group.code,
                "name": group.name,
                "field_only": group.field_only,
                "methods": [
                    {"code": code, "name": self._methods.get(code, code), "weight": ratio_text(weight)}
                    for code, weight in sorted(group.methods.items())
                ],
            }
            for group in self._snapshot.groups
        ]

    def entries(self) -> Iterator[Row]:
        """The lines of all lists."""
        groups = {group.code: (no, group) for no, group in enumerate(self._snapshot.groups)}
        for entry in self._figures.entries:
            no, group = groups[entry.group]
            yield {
                "group_code": entry.group,
                "region_code": entry.region,
                "group_no": no,
                "group_name": group.name,
                "field_only": group.field_only,
                "position": entry.position,
                "rank": entry.rank,
                "region_name": self._regions[entry.region].name,
                "region_path": self._path(entry.region),
                "field": entry.field,
                "methods": _texts(entry.methods),
                "composite": entry.composite,
                "bonus": entry.bonus,
                "negative": entry.negative,
                "total": entry.total,
                "value": entry.value,
                "vetoed": entry.vetoed,
                "missing": self._reasons(entry.missing),
            }

    def sites(self) -> Iterator[Row]:
        """Every drawn site."""
        figures = {figure.id: figure for figure in self._figures.sites}
        types = {kind.code: kind.name for kind in self._snapshot.site_types}
        for site in self._snapshot.sites:
            figure = figures[site.id]
            yield {
                "site_id": UUID(site.id),
                "code": site.code,
                "name": site.name,
                "site_type_name": types.get(site.type, site.type),
                **self._place_of(site),
                "score": figure.score,
                "achieved": figure.achieved,
                "max_score": figure.max_score,
                "sheets": figure.sheets,
                "applicable": figure.applicable,
                "conforming": figure.conforming,
                "not_applicable": figure.not_applicable,
                "missing": figure.missing,
                "vetoes": list(figure.vetoes),
            }

    def sheets(self) -> Iterator[Row]:
        """The sheet versions that entered."""
        for sheet in self._snapshot.sheets:
            yield {"sheet_version_id": UUID(sheet.id), "site_id": UUID(sheet.site)}

    def spreads(self) -> Iterator[Row]:
        """Where assessors differ too much."""
        for flag in self._figures.spreads:
            yield {
                "site_id": UUID(flag.site),
                "standard_id": UUID(flag.standard),
                "lowest": flag.lowest,
                "highest": flag.highest,
            }

    def figures(self) -> Iterator[Row]:
        """All figures of all cuts."""
        yield from self._region_rows()
        units = {unit.id: unit for unit in self._snapshot.units}
        for cut, figures in ((Cut.DEPARTMENT, self._figures.departments), (Cut.UNIT, self._figures.units)):
            for position, figure in enumerate(sorted(figures, key=_by_rank)):
                unit = units.get(figure.id)
                yield (
                    self._row(cut, figure.id, position, name=unit.name if unit else figure.id)
                    | _cut(figure)
                    | {
                        "region_path": unit.region_path if unit else self._region_path,
                        "unit_path": unit.unit_path if unit else None,
                    }
                )
        yield from self._means(Cut.INDUSTRY, self._figures.industries, self._snapshot.industries)
        yield from self._means(Cut.SITE_TYPE, self._figures.site_types, self._snapshot.site_types)
        yield from self._indicator_rows()

    def cells(self) -> tuple[CellCut, ...]:
        """The cells of all cuts, by the place of their sites in the tally."""
        return cuts(self._snapshot, self._sums)

    def places(self) -> Iterator[Row]:
        """Every drawn site as far as statistics cut by it, in the order of the tally."""
        for one in self._sums.sites:
            yield {"site_id": UUID(one.site.id), **self._place_of(one.site)}

    def kinds(self, cut: CellCut) -> Iterator[Row]:
        """The kinds of a cut's cells."""
        for kind in cut.kinds:
            yield {
                "indicator_path": [UUID(node) for node in kind.indicator_path],
                "department_id": UUID(kind.department) if kind.department else None,
                "methods": list(kind.methods),
            }

    def _place_of(self, site: Site) -> Row:
        levels = {self._regions[code].level: code for code in self._chains[site.region]}
        return {
            "site_type_code": site.type,
            "industry_code": site.industry,
            "responsible_unit_id": UUID(site.unit) if site.unit else None,
            "region_path": self._path(site.region),
            "unit_path": site.unit_path,
            "city_code": levels.get("city"),
            "county_code": levels.get("county"),
            "street_code": levels.get("street"),
            "community_code": levels.get("community"),
        }

    def _path(self, code: str) -> str:
        return "".join(f"{step}/" for step in reversed(self._chains[code]))

    def _reasons(self, missing: tuple[str, ...]) -> list[str]:
        return [
            "有下级区域没有成绩" if code == NO_CHILDREN else f"缺少{self._methods.get(code, code)}得分"
            for code in missing
        ]

    def _row(self, cut: Cut, key: str, position: int, *, name: str, code: str = "", **more: Any) -> Row:
        return {
            "cut": cut,
            "key": key,
            "parent_key": None,
            "level": None,
            "position": position,
            "code": code,
            "name": name,
            "region_path": self._region_path,
            "unit_path": None,
            **dict.fromkeys(_FIGURES),
            "vetoed": False,
            "missing": [],
            "methods": {},
            "types": {},
            **more,
        }

    def _region_rows(self) -> Iterator[Row]:
        ranks: dict[str, int | None] = {}
        for entry in self._figures.entries:
            ranks.setdefault(entry.region, entry.rank)
        for position, figure in enumerate(self._figures.regions):
            region = self._regions[figure.code]
            yield self._row(
                Cut.REGION,
                figure.code,
                position,
                name=region.name,
                code=figure.code,
                parent_key=region.parent,
                level=region.level,
                region_path=self._path(figure.code),
                score=figure.total,
                field=figure.field,
                sites=figure.sites,
                scored_sites=figure.scored_sites,
                rank=ranks.get(figure.code),
                vetoed=figure.vetoed,
                missing=self._reasons(figure.missing),
                methods=_texts(figure.methods),
                types=_texts(figure.types),
            )

    def _means(self, cut: Cut, figures: tuple[MeanFigure, ...], named: Any) -> Iterator[Row]:
        names = {each.code: each.name for each in named}
        for position, figure in enumerate(sorted(figures, key=_by_rank)):
            yield self._row(
                cut,
                figure.id,
                position,
                name=names.get(figure.id, figure.id),
                code=figure.id,
                score=figure.score,
                sites=figure.sites,
                scored_sites=figure.scored_sites,
                rank=figure.rank,
            )

    def _indicator_rows(self) -> Iterator[Row]:
        order = sorted(self._figures.indicators, key=lambda figure: self._place(figure.id))
        for position, figure in enumerate(order):
            node = self._nodes[figure.id]
            row = self._row(Cut.INDICATOR, figure.id, position, name=node.name, code=node.code)
            yield row | _cut(figure) | {"parent_key": node.parent, "level": str(node.level)}
        standards = {standard.id: standard for standard in self._snapshot.standards}
        for position, figure in enumerate(sorted(self._figures.standards, key=lambda each: standards[each.id].code)):
            standard = standards[figure.id]
            row = self._row(Cut.STANDARD, figure.id, position, name=standard.text, code=standard.code)
            yield row | _cut(figure) | {"parent_key": standard.indicator}

    def _place(self, node: str) -> tuple[tuple[int, str], ...]:
        return tuple(
            (self._nodes[step].position, self._nodes[step].code) for step in reversed(self._indicator_chains[node])
        )


_FIGURES = (
    "score",
    "field",
    "conformance",
    "achieved",
    "max_score",
    "applicable",
    "conforming",
    "sites",
    "scored_sites",
    "rank",
)


def _cut(figure: CutFigure) -> Row:
    names = ("score", "conformance", "achieved", "max_score", "applicable", "conforming", "rank")
    return {name: getattr(figure, name) for name in names}


def _by_rank(figure: CutFigure | MeanFigure) -> tuple[bool, int, str]:
    return figure.rank is None, figure.rank or 0, figure.id


def _texts(values: Mapping[str, Decimal]) -> dict[str, str]:
    return {key: decimal_text(value) for key, value in values.items()}
