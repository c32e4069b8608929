"""Reminders of tasks that are nearly or past due."""

from wenming_api.kit.jobs import HasDatabase, every
from wenming_api.workflow.plan_progress.service import remind_of_due_tasks


@every("workflow.plan_progress.remind", seconds=600)
async def remind(resources: HasDatabase) -> None:
    """Tell those who have tasks to finish; each task at most once a day."""
    async with resources.database.transaction() as session:
        await remind_of_due_tasks(session)
