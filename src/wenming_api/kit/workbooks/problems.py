"""Why a file as a whole cannot be read. Errors of single rows are data (``RowError``), not exceptions."""

from wenming_api.kit.problems import Problem


class WorkbookProblem(Problem):
    """The file cannot be read as a workbook."""

    status = 422
    code = "workbook_unreadable"
    title = "无法读取该表格文件"


class WorkbookTooLarge(WorkbookProblem):
    """The file is beyond a limit (bytes, uncompressed bytes, rows, columns)."""

    status = 413
    code = "workbook_too_large"
    title = "表格文件超出限制"


class WorkbookEncrypted(WorkbookProblem):
    """The file is protected by a password, or of the old binary format, which looks the same from outside."""

    code = "workbook_encrypted"
    title = "表格文件已加密或格式过旧"


class WorkbookHeaderMismatch(WorkbookProblem):
    """Headers or sheets are missing, unknown or repeated."""

    code = "workbook_header_mismatch"
    title = "表头与模板不符"
