"""Imports every models module, so that the metadata is whole (Alembic, tests)."""

from wenming_api.activities.contents import models as activity_contents
from wenming_api.activities.events import models as activities
from wenming_api.activities.manuscripts import models as manuscripts
from wenming_api.activities.shares import models as activity_shares
from wenming_api.activities.templates import models as activity_templates
from wenming_api.city.answers import models as answers
from wenming_api.city.assessments import models as assessments
from wenming_api.city.questionnaires import models as questionnaires
from wenming_api.city.results import models as results
from wenming_api.city.sampling import models as sampling
from wenming_api.city.scoring import models as scoring
from wenming_api.city.site_transfers import models as site_transfers
from wenming_api.city.site_types import models as site_types
from wenming_api.city.sites import models as sites
from wenming_api.city.standards import models as standards
from wenming_api.city.survey_links import models as survey_links
from wenming_api.city.survey_scores import models as survey_scores
from wenming_api.city.surveys import models as surveys
from wenming_api.creation.title_applications import models as title_applications
from wenming_api.creation.title_families import models as title_families
from wenming_api.creation.title_rules import models as title_rules
from wenming_api.creation.title_terms import models as title_terms
from wenming_api.creation.titles import models as titles
from wenming_api.kit import events, idempotency, jobs
from wenming_api.kit.db import Base
from wenming_api.ledgers.books import models as books
from wenming_api.ledgers.catalogues import models as catalogues
from wenming_api.ledgers.documents import models as documents
from wenming_api.ledgers.drafts import models as drafts
from wenming_api.ledgers.layouts import models as layouts
from wenming_api.ledgers.packages import models as packages
from wenming_api.ledgers.quality import models as quality
from wenming_api.ledgers.records import models as records
from wenming_api.ledgers.saved_filters import models as saved_filters
from wenming_api.ledgers.screenings import models as screenings
from wenming_api.ledgers.submissions import models as submissions
from wenming_api.ledgers.topics import models as topics
from wenming_api.ledgers.video_pages import models as video_pages
from wenming_api.messaging.inbox import models as inbox
from wenming_api.system.areas import models as areas
from wenming_api.system.audit import models as audit
from wenming_api.system.dictionaries import models as dictionaries
from wenming_api.system.files import models as files
from wenming_api.system.regions import models as regions
from wenming_api.system.roles import models as roles
from wenming_api.system.sessions import models as sessions
from wenming_api.system.units import models as units
from wenming_api.system.uploads import models as uploads
from wenming_api.system.users import models as users
from wenming_api.workflow.approval_flows import models as approval_flows
from wenming_api.workflow.approvals import models as approvals
from wenming_api.workflow.calendars import models as calendars
from wenming_api.workflow.plans import models as plans
from wenming_api.workflow.stand_ins import models as stand_ins

__all__ = [
    "activities",
    "activity_contents",
    "activity_shares",
    "activity_templates",
    "answers",
    "approval_flows",
    "approvals",
    "areas",
    "assessments",
    "audit",
    "books",
    "calendars",
    "catalogues",
    "dictionaries",
    "documents",
    "drafts",
    "events",
    "files",
    "idempotency",
    "inbox",
    "jobs",
    "layouts",
    "manuscripts",
    "metadata",
    "packages",
    "plans",
    "quality",
    "questionnaires",
    "records",
    "regions",
    "results",
    "roles",
    "sampling",
    "saved_filters",
    "scoring",
    "screenings",
    "sessions",
    "site_transfers",
    "site_types",
    "sites",
    "stand_ins",
    "standards",
    "submissions",
    "survey_links",
    "survey_scores",
    "surveys",
    "title_applications",
    "title_families",
    "title_rules",
    "title_terms",
    "titles",
    "topics",
    "units",
    "uploads",
    "users",
    "video_pages",
]

metadata = Base.metadata
