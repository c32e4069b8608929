"""Every router under its sub-system: the table of contents of `/api/v1`."""

from fastapi import APIRouter
from fastapi.routing import APIRoute

from wenming_api.activities.calendars.router import router as activity_calendar
from wenming_api.activities.contents.router import router as activity_contents
from wenming_api.activities.events.router import router as activities_
from wenming_api.activities.manuscripts.router import router as manuscripts
from wenming_api.activities.marks.router import router as marks
from wenming_api.activities.shares.router import router as shares
from wenming_api.activities.sub_activities.router import router as sub_activities
from wenming_api.activities.templates.router import router as activity_templates
from wenming_api.analytics.progress.router import router as progress
from wenming_api.analytics.rankings.router import router as rankings
from wenming_api.analytics.statistics.router import router as statistics
from wenming_api.city.answer_imports.router import router as answer_imports
from wenming_api.city.answers.router import router as answers
from wenming_api.city.assessments.router import router as assessments
from wenming_api.city.assignments.router import router as assignments
from wenming_api.city.edition_transfers.router import router as edition_transfers
from wenming_api.city.editions.router import router as editions
from wenming_api.city.evidence.router import router as evidence
from wenming_api.city.indicators.router import router as indicators
from wenming_api.city.late_tray.router import router as late_tray
from wenming_api.city.offline.router import router as offline
from wenming_api.city.public_answers.router import router as public_answers
from wenming_api.city.questionnaires.router import router as questionnaires
from wenming_api.city.replacements.router import router as replacements
from wenming_api.city.result_books.router import router as result_books
from wenming_api.city.result_lines.router import router as result_lines
from wenming_api.city.results.router import router as results
from wenming_api.city.reviews.router import router as reviews
from wenming_api.city.sampling.router import router as sampling
from wenming_api.city.scoring.router import router as scoring
from wenming_api.city.site_transfers.router import router as site_transfers
from wenming_api.city.site_types.router import router as site_types
from wenming_api.city.sites.router import router as sites
from wenming_api.city.standards.router import router as standards
from wenming_api.city.submissions.router import router as submissions
from wenming_api.city.survey_links.router import router as survey_links
from wenming_api.city.survey_scores.router import router as survey_scores
from wenming_api.city.survey_strata.router import router as survey_strata
from wenming_api.city.survey_tables.router import router as survey_tables
from wenming_api.city.surveys.router import router as surveys
from wenming_api.creation.title_applications.router import router as title_applications
from wenming_api.creation.title_families.router import router as title_families
from wenming_api.creation.title_rules.router import router as title_rules
from wenming_api.creation.title_terms.router import router as title_terms
from wenming_api.creation.titles.router import router as titles
from wenming_api.ledgers.autosaves.router import router as autosaves
from wenming_api.ledgers.backtests.router import router as backtests
from wenming_api.ledgers.book_operations.router import router as book_operations
from wenming_api.ledgers.books.router import router as books
from wenming_api.ledgers.bulk_reviews.router import router as bulk_reviews
from wenming_api.ledgers.catalogue_nodes.router import router as catalogue_nodes
from wenming_api.ledgers.catalogues.router import router as catalogues
from wenming_api.ledgers.destinations.router import router as destinations
from wenming_api.ledgers.dispatches.router import router as dispatches
from wenming_api.ledgers.documents.router import router as documents
from wenming_api.ledgers.layouts.router import router as layouts
from wenming_api.ledgers.packages.router import router as packages
from wenming_api.ledgers.quality.router import router as quality
from wenming_api.ledgers.recommendations.router import router as recommendations
from wenming_api.ledgers.record_prefills.router import router as record_prefills
from wenming_api.ledgers.record_reviews.router import router as record_reviews
from wenming_api.ledgers.record_searches.router import router as record_searches
from wenming_api.ledgers.records.router import router as records
from wenming_api.ledgers.renderings.router import router as renderings
from wenming_api.ledgers.saved_filters.router import router as saved_filters
from wenming_api.ledgers.screenings.router import router as screenings
from wenming_api.ledgers.submissions.router import router as ledger_submissions
from wenming_api.ledgers.topic_archives.router import router as topic_archives
from wenming_api.ledgers.topics.router import router as topics
from wenming_api.messaging.inbox.router import router as inbox
from wenming_api.system.account_imports.router import router as account_imports
from wenming_api.system.accounts.router import router as accounts
from wenming_api.system.areas.router import router as areas
from wenming_api.system.audit.router import router as audit
from wenming_api.system.departments.router import router as departments
from wenming_api.system.dictionaries.router import router as dictionaries
from wenming_api.system.files.router import router as files
from wenming_api.system.health.router import router as health
from wenming_api.system.regions.router import router as regions
from wenming_api.system.roles.router import router as roles
from wenming_api.system.sessions.router import router as sessions
from wenming_api.system.unit_imports.router import router as unit_imports
from wenming_api.system.units.router import router as units
from wenming_api.system.uploads.router import router as uploads
from wenming_api.workflow.approval_flows.router import router as approval_flows
from wenming_api.workflow.approvals.router import router as approvals
from wenming_api.workflow.calendars.router import router as calendars
from wenming_api.workflow.plan_progress.router import router as plan_progress
from wenming_api.workflow.plan_releases.router import router as plan_releases
from wenming_api.workflow.plan_tasks.router import router as plan_tasks
from wenming_api.workflow.plans.router import router as plans
from wenming_api.workflow.stand_ins.router import router as stand_ins

# 系统管理
system: list[APIRouter] = [
    sessions,
    regions,
    areas,
    units,
    unit_imports,
    departments,
    accounts,
    account_imports,
    roles,
    dictionaries,
    uploads,
    files,
    audit,
]

# 文明创建管理
creation: list[APIRouter] = [title_rules, title_terms, title_families, titles, title_applications]

# 创建活动管理
activities: list[APIRouter] = [
    activity_templates,
    activities_,
    activity_contents,
    marks,
    sub_activities,
    shares,
    manuscripts,
    activity_calendar,
]

# 短信平台与消息
messaging: list[APIRouter] = [inbox]

# 流程
workflow: list[APIRouter] = [
    calendars,
    approval_flows,
    approvals,
    stand_ins,
    plan_tasks,
    plan_releases,
    plan_progress,
    plans,
]

# 电子台账
ledgers: list[APIRouter] = [
    catalogues,
    catalogue_nodes,
    record_searches,
    saved_filters,
    record_prefills,
    autosaves,
    records,
    record_reviews,
    renderings,
    documents,
    layouts,
    topics,
    topic_archives,
    destinations,
    bulk_reviews,
    dispatches,
    ledger_submissions,
    recommendations,
    backtests,
    quality,
    screenings,
    book_operations,
    books,
    packages,
]

# 文明城市创建管理
city: list[APIRouter] = [
    site_types,
    sites,
    site_transfers,
    edition_transfers,
    editions,
    indicators,
    standards,
    assessments,
    surveys,
    questionnaires,
    survey_strata,
    survey_links,
    answers,
    public_answers,
    survey_scores,
    survey_tables,
    answer_imports,
    sampling,
    replacements,
    assignments,
    scoring,
    submissions,
    reviews,
    offline,
    late_tray,
    results,
    result_lines,
    result_books,
    evidence,
]

# 统计分析决策
analytics: list[APIRouter] = [progress, rankings, statistics]

# 运维: outside the versioned prefix
operations = [health]

api = APIRouter(prefix="/api/v1")
sub_systems = (system, messaging, workflow, ledgers, activities, creation, city, analytics)
for router in (router for sub_system in sub_systems for router in sub_system):
    api.include_router(router)


def versioned_routes() -> list[APIRoute]:
    """Every endpoint under `/api/v1`."""
    routers = (router for sub_system in sub_systems for router in sub_system)
    return [route for router in routers for route in router.routes if isinstance(route, APIRoute)]


def routes() -> list[APIRoute]:
    """Every endpoint of the service, for the contract and the checks that walk all of them."""
    others = [route for router in operations for route in router.routes if isinstance(route, APIRoute)]
    return [*versioned_routes(), *others]
