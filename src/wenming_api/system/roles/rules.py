"""Data scopes of roles (数据范围) and what keeps administrators apart (三员分立)."""

from dataclasses import dataclass, field
from enum import StrEnum

from wenming_api.catalog.permissions import Permission


class DataScope(StrEnum):
    """Which rows the holders of a role see (M1.4)."""

    ALL = "all"
    CUSTOM = "custom"
    REGION = "region"
    UNIT_AND_BELOW = "unit_and_below"
    UNIT = "unit"
    OWN = "own"

    @property
    def label(self) -> str:
        """What an administrator calls it."""
        return {
            "all": "全部数据",
            "custom": "自定义区域",
            "region": "本区域及下级",
            "unit_and_below": "本单位及下级",
            "unit": "本单位",
            "own": "仅本人",
        }[self.value]


class Administrator(StrEnum):
    """The three separated administrators; one account holds at most one of them (M1.4)."""

    SYSTEM = "system_administrator"
    SECURITY = "security_administrator"
    AUDIT = "audit_administrator"


def separated(role_codes: set[str]) -> bool:
    """Whether at most one of the three administrator roles is among them."""
    return len(role_codes & {member.value for member in Administrator}) <= 1


def may_grant(*, granted: set[str], held: set[str]) -> bool:
    """Nobody grants a permission he does not hold (M1.4)."""
    return granted <= held


KEYS = {
    Administrator.SYSTEM: Permission.USERS_MANAGE,
    Administrator.SECURITY: Permission.ROLES_MANAGE,
    Administrator.AUDIT: Permission.AUDIT_READ,
}
"""The permission that makes each of the three administrators what he is."""

BUSINESS = frozenset(Permission) - frozenset(KEYS.values())
"""Permissions that the security administrator may give to others without exercising them."""


def keys_apart(permissions: set[str]) -> bool:
    """Whether at most one of the three administrators' keys is among the permissions of one account."""
    return len(permissions & {key.value for key in KEYS.values()}) <= 1


@dataclass(frozen=True, slots=True)
class BuiltinRole:
    """A role delivered with the product; it cannot be changed or deleted."""

    code: str
    name: str
    data_scope: DataScope
    permissions: frozenset[Permission]
    grantable: frozenset[Permission] = field(default=frozenset())


_P = Permission
_EVERYBODY = frozenset({_P.DICTIONARIES_READ, _P.FILES_READ, _P.FILES_UPLOAD, _P.MESSAGES_READ, _P.REGIONS_READ})
_READS_WORK = frozenset(
    {
        _P.ASSESSMENTS_READ,
        _P.DRAWS_READ,
        _P.METHOD_SCORES_READ,
        _P.QUESTIONNAIRES_READ,
        _P.RESULTS_READ,
        _P.SHEETS_READ,
        _P.SITES_READ,
        _P.STANDARDS_READ,
        _P.STATISTICS_READ,
        _P.UNITS_READ,
    }
)
_KEEPS_LEDGERS = frozenset(
    {
        _P.ACTIVITIES_READ,
        _P.ACTIVITIES_WRITE,
        _P.APPROVALS_READ,
        _P.BOOKS_READ,
        _P.CATALOGUES_READ,
        _P.DOCUMENTS_PRINT,
        _P.LAYOUTS_READ,
        _P.PLANS_READ,
        _P.PLANS_REPORT,
        _P.QUALITY_RULES_READ,
        _P.RECORDS_READ,
        _P.RECORDS_WRITE,
        _P.SUBMISSIONS_READ,
        _P.SUBMISSIONS_SEND,
        _P.TITLES_APPLY,
        _P.TITLES_READ,
        _P.TOPICS_READ,
    }
)
"""What whoever writes a unit's ledger needs (L1)."""
_REVIEWS_IN_UNIT = frozenset(
    {
        _P.ACTIVITIES_RELEASE,
        _P.ACTIVITIES_REVIEW,
        _P.BOOKS_ARCHIVE,
        _P.RECORDS_REVIEW,
        _P.SUBMISSIONS_REVIEW,
    }
)
"""What the reviewer inside a unit needs besides (L2.4)."""
_LEDGER_OFFICE = frozenset(
    {
        _P.ACTIVITIES_MARK,
        _P.ACTIVITIES_RELEASE,
        _P.ACTIVITIES_REVIEW,
        _P.ACTIVITY_TEMPLATES_MANAGE,
        _P.BOOKS_ARCHIVE,
        _P.BOOKS_MANAGE,
        _P.CATALOGUES_MANAGE,
        _P.FLOWS_MANAGE,
        _P.LAYOUTS_MANAGE,
        _P.PACKAGES_BUILD,
        _P.PACKAGES_READ,
        _P.PLANS_MANAGE,
        _P.QUALITY_RULES_MANAGE,
        _P.RECORDS_REVIEW,
        _P.SCREENINGS_RUN,
        _P.STAND_INS_MANAGE,
        _P.SUBMISSIONS_REVIEW,
        _P.TITLES_EVALUATE,
        _P.TITLES_REVIEW,
        _P.TITLE_FAMILIES_READ,
        _P.TOPICS_MANAGE,
    }
)
"""What a civility office of any level needs to receive, review and pass on (L4.2, C1.4)."""

BUILTIN: tuple[BuiltinRole, ...] = (
    BuiltinRole(
        Administrator.SYSTEM,
        "系统管理员",
        DataScope.ALL,
        _EVERYBODY
        | {
            _P.DICTIONARIES_MANAGE,
            _P.FLOWS_MANAGE,
            _P.HOLIDAYS_MANAGE,
            _P.REGIONS_MANAGE,
            _P.ROLES_READ,
            _P.UNITS_MANAGE,
            _P.UNITS_READ,
            _P.USERS_MANAGE,
            _P.USERS_READ,
        },
    ),
    BuiltinRole(
        Administrator.SECURITY,
        "安全管理员",
        DataScope.ALL,
        frozenset({_P.MESSAGES_READ, _P.REGIONS_READ, _P.ROLES_MANAGE, _P.ROLES_READ, _P.UNITS_READ, _P.USERS_READ}),
        grantable=BUSINESS,
    ),
    BuiltinRole(
        Administrator.AUDIT,
        "审计管理员",
        DataScope.ALL,
        frozenset({_P.AUDIT_READ, _P.MESSAGES_READ, _P.REGIONS_READ, _P.ROLES_READ, _P.UNITS_READ, _P.USERS_READ}),
    ),
    BuiltinRole(
        "city_office",
        "市文明办工作人员",
        DataScope.ALL,
        _EVERYBODY
        | _READS_WORK
        | {
            _P.ASSESSMENTS_MANAGE,
            _P.ASSESSMENTS_RUN,
            _P.DRAWS_RUN,
            _P.FILES_ORIGINALS,
            _P.HOLIDAYS_MANAGE,
            _P.LATE_DECIDE,
            _P.METHOD_SCORES_MANAGE,
            _P.QUESTIONNAIRES_MANAGE,
            _P.RESULTS_COMPUTE,
            _P.SHEETS_ASSIGN,
            _P.SITES_MANAGE,
            _P.STANDARDS_MANAGE,
            _P.TITLE_RULES_MANAGE,
            _P.UNITS_MANAGE,
            _P.USERS_READ,
        }
        | _KEEPS_LEDGERS
        | _LEDGER_OFFICE,
    ),
    BuiltinRole(
        "city_leader",
        "市文明办领导",
        DataScope.ALL,
        _EVERYBODY
        | _READS_WORK
        | {
            _P.ASSESSMENTS_RUN,
            _P.DRAWS_CONFIRM,
            _P.QUESTIONNAIRES_PUBLISH,
            _P.RESULTS_PUBLISH,
            _P.STANDARDS_PUBLISH,
            _P.TITLES_NAME,
            _P.TITLES_READ,
            _P.USERS_READ,
        },
    ),
    BuiltinRole(
        "reviewer",
        "审核员",
        DataScope.ALL,
        _EVERYBODY
        | {
            _P.ASSESSMENTS_READ,
            _P.FILES_ORIGINALS,
            _P.SHEETS_READ,
            _P.SHEETS_REVIEW,
            _P.SITES_READ,
            _P.STANDARDS_READ,
            _P.STATISTICS_READ,
            _P.UNITS_READ,
        },
    ),
    BuiltinRole(
        "assessor",
        "测评员",
        DataScope.OWN,
        _EVERYBODY
        | {
            _P.ASSESSMENTS_READ,
            _P.QUESTIONNAIRES_ANSWER,
            _P.SHEETS_READ,
            _P.SHEETS_SUBMIT,
            _P.SITES_READ,
            _P.STANDARDS_READ,
        },
    ),
    BuiltinRole(
        "county_office",
        "县区文明办",
        DataScope.REGION,
        _EVERYBODY
        | (_READS_WORK - {_P.DRAWS_READ})
        | {_P.TITLE_RULES_MANAGE, _P.TITLES_NAME, _P.SITES_MANAGE, _P.UNITS_MANAGE, _P.USERS_READ}
        | _KEEPS_LEDGERS
        | _LEDGER_OFFICE,
    ),
    BuiltinRole(
        "street_office",
        "镇街文明办",
        DataScope.REGION,
        _EVERYBODY
        | {_P.ASSESSMENTS_READ, _P.RESULTS_READ, _P.SITES_READ, _P.STANDARDS_READ, _P.UNITS_READ}
        | _KEEPS_LEDGERS
        | _LEDGER_OFFICE,
    ),
    BuiltinRole(
        "unit_clerk",
        "责任单位经办",
        DataScope.UNIT_AND_BELOW,
        _EVERYBODY
        | {_P.ASSESSMENTS_READ, _P.RESULTS_READ, _P.SITES_READ, _P.STANDARDS_READ, _P.UNITS_READ}
        | _KEEPS_LEDGERS,
    ),
    BuiltinRole(
        "unit_reviewer",
        "单位审核人",
        DataScope.UNIT_AND_BELOW,
        _EVERYBODY
        | {_P.ASSESSMENTS_READ, _P.RESULTS_READ, _P.SITES_READ, _P.STANDARDS_READ, _P.UNITS_READ}
        | _KEEPS_LEDGERS
        | _REVIEWS_IN_UNIT,
    ),
)
"""Roles of the main job. Who runs a draw does not confirm it, who assesses does not review, leaders publish."""
