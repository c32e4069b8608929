"""Imports every models module, so that the metadata is whole (Alembic, tests)."""

from wenming_api.city.assessments import models as assessments
from wenming_api.city.results import models as results
from wenming_api.city.sampling import models as sampling
from wenming_api.city.scoring import models as scoring
from wenming_api.city.site_transfers import models as site_transfers
from wenming_api.city.site_types import models as site_types
from wenming_api.city.sites import models as sites
from wenming_api.city.standards import models as standards
from wenming_api.city.surveys import models as surveys
from wenming_api.kit import events, idempotency, jobs
from wenming_api.kit.db import Base
from wenming_api.ledgers.catalogues import models as catalogues
from wenming_api.ledgers.drafts import models as drafts
from wenming_api.ledgers.records import models as records
from wenming_api.ledgers.saved_filters import models as saved_filters
from wenming_api.ledgers.submissions import models as submissions
from wenming_api.ledgers.topics import models as topics
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

__all__ = [
    "areas",
    "assessments",
    "audit",
    "catalogues",
    "dictionaries",
    "drafts",
    "events",
    "files",
    "idempotency",
    "inbox",
    "jobs",
    "metadata",
    "records",
    "regions",
    "results",
    "roles",
    "sampling",
    "saved_filters",
    "scoring",
    "sessions",
    "site_transfers",
    "site_types",
    "sites",
    "standards",
    "submissions",
    "surveys",
    "topics",
    "units",
    "uploads",
    "users",
]

metadata = Base.metadata
