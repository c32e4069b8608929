"""What replacements are asked for."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.kit.fields import Transition


class SiteReplacement(Transition):
    """以备选点位替换已关闭的点位"""

    file_id: Annotated[UUID, Field(description="现场照片")]
