"""When deciders are reminded."""

import structlog

from wenming_api.kit import clock
from wenming_api.kit.jobs import every
from wenming_api.settings import Resources
from wenming_api.workflow.approval_reminders.service import remind_due, tell_new

log = structlog.get_logger(__name__)


@every("workflow.approval_reminders.tell_new", seconds=30)
async def tell(resources: Resources) -> None:
    """Tell deciders what has newly come to them, a batch at a time."""
    async with resources.database.transaction() as session:
        turns = await tell_new(session, now=clock.now())
    if turns:
        log.info("approvals_told", turns=turns)


@every("workflow.approval_reminders.remind_due", seconds=1800)
async def remind(resources: Resources) -> None:
    """Remind deciders of what is due, once a working day."""
    async with resources.database.transaction() as session:
        people = await remind_due(session, now=clock.now())
    if people:
        log.info("approvals_due", people=people)
