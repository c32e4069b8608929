"""Requests and answers of manuscripts."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.activities.manuscripts.rules import MAX_PHOTOS, ManuscriptState
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Judged, LongText, Moment, Name, Out, Reason, ShortText, Strict
from wenming_api.ledgers.destinations.rules import MAX_DESTINATIONS
from wenming_api.ledgers.submissions.rules import SubmissionState

Lead = Annotated[LongText, Field(max_length=1_000, description="导语")]
Body = Annotated[LongText, Field(description="正文")]
AuthorLine = Annotated[ShortText, Field(description="署名", examples=["通讯员 实验小学"])]
Pictures = Annotated[list[UUID], Field(max_length=MAX_PHOTOS, description="选用的活动照片，按次序")]


class ManuscriptSort(StrEnum):
    """稿件的排序"""

    NEWEST = "-updated_at"
    OLDEST = "updated_at"
    TITLE = "title"


class ManuscriptCreate(Strict):
    """由活动生成稿件；不填的各项取自活动内容"""

    title: Name | None = Field(default=None, examples=["我校师生走进社区学雷锋"])
    lead: Lead | None = Field(default=None, description="导语；不填为正文的开头")
    author_line: AuthorLine | None = Field(default=None, description="署名；不填为单位名称")
    body: Body | None = Field(default=None, description="正文")
    file_ids: Pictures | None = Field(default=None, description="选用的活动照片；不填为全部，最多 20 张")


class ManuscriptSave(Strict):
    """稿件，整体替换"""

    title: Name = Field(examples=["我校师生走进社区学雷锋"])
    lead: Lead = ""
    author_line: AuthorLine = ""
    body: Body
    file_ids: Pictures = []
    reason: Reason | None = Field(default=None, description="修改说明")


class ManuscriptDestination(Strict):
    """稿件的一个去向"""

    receiver_unit_id: UUID | None = Field(default=None, description="接收单位；不填时为管理单位")
    media_name: Name = Field(description="拟推荐的媒体", examples=["淄博日报"])


class ManuscriptReady(Judged):
    """定稿"""


class ManuscriptSend(Judged):
    """报送稿件"""

    destinations: Annotated[
        list[ManuscriptDestination],
        Field(min_length=1, max_length=MAX_DESTINATIONS, description="去向，各自独立流转"),
    ]


class ManuscriptRow(Out):
    """列表中的稿件"""

    id: UUID
    activity_id: UUID = Field(description="所写的活动")
    unit_id: UUID = Field(description="主办单位")
    unit_name: str
    title: str
    version_no: int = Field(description="所示的稿件版本；接收单位看到的是定稿")
    state: ManuscriptState
    state_label: str
    sent: int = Field(description="直接报送了几个去向")
    created_at: Moment
    updated_at: Moment
    version: int


class ManuscriptVersionRow(Out):
    """稿件的一个版本"""

    no: int
    title: str
    made_by_name: str = Field(description="修改人")
    made_at: Moment = Field(description="保存时间")
    reason: str | None = Field(description="修改说明")


class ManuscriptPhoto(Out):
    """稿件选用的照片"""

    file_id: UUID
    preview_url: str | None = Field(description="预览图的限时地址；照片尚未就绪为 null")


class ManuscriptText(Out):
    """稿件某一版本的全文"""

    title: str
    lead: str = Field(description="导语")
    author_line: str = Field(description="署名")
    body: str = Field(description="正文")
    photos: list[ManuscriptPhoto] = Field(description="选用的照片，按次序")


class ManuscriptVersionOut(ManuscriptVersionRow, ManuscriptText):
    """稿件的一个版本及其全文"""

    manuscript_id: UUID = Field(description="稿件")


class ManuscriptSubmission(Out):
    """稿件的一次报送或推荐"""

    id: UUID
    receiver_unit_name: str = Field(description="接收单位名称")
    media_name: str | None = Field(description="拟推荐的媒体；推荐为台账的为 null")
    level: int = Field(description="第几级，直接报送为 1")
    sent_no: int = Field(description="报送时的稿件版本")
    state: SubmissionState
    state_label: str
    reason: str | None = Field(description="最近一次退回或撤回的原因")
    submitted_at: Moment


class ManuscriptDetail(ManuscriptRow, ManuscriptText):
    """稿件详情"""

    activity_title: str = Field(description="活动标题")
    record_id: UUID | None = Field(description="活动形成的台账；尚未形成为 null")
    owner_id: UUID = Field(description="撰稿人")
    versions: list[ManuscriptVersionRow] = Field(description="修改历史，最新的在前，最多 100 版")
    submissions: list[ManuscriptSubmission] = Field(description="报送与推荐情况，各自独立")
    allowed_actions: list[AllowedAction]
