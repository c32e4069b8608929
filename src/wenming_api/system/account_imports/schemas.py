"""Answers of importing users."""

from pydantic import Field

from wenming_api.kit.fields import Out
from wenming_api.kit.imports import ImportReport


class ImportedAccount(Out):
    """导入的账号及其初始密码，只显示这一次"""

    row: int = Field(description="行号（表头为第 1 行）", examples=[2])
    username: str
    password: str


class AccountImportReport(ImportReport):
    """导入用户的结果"""

    accounts: list[ImportedAccount]
