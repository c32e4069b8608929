"""Events that become messages."""

from typing import Any
from uuid import UUID

from wenming_api.catalog.events import FileSettled
from wenming_api.kit.events import subscribe
from wenming_api.kit.jobs import Job
from wenming_api.messaging.inbox.rules import Topic
from wenming_api.messaging.inbox.service import notify
from wenming_api.system.files.queries import facts


@subscribe(FileSettled, "messaging.inbox.tell_quarantine")
async def tell_quarantine(work: Job, data: dict[str, Any]) -> None:
    """Tell the uploader that his file was not accepted, and why."""
    if data["ready"]:
        return
    file_id = UUID(data["file_id"])
    async with work.transaction() as session:
        file = (await facts(session, [file_id])).get(file_id)
        if file is None or file.defect is None:
            return
        await notify(
            session,
            [file.owner_id],
            topic=Topic.FILE,
            title="上传的文件未通过检查",
            body=f"“{file.name}”：{file.defect.label}。请核对后重新上传。",
            target=("file", file_id),
            dedupe_key=f"file-quarantined:{file_id}",
        )
