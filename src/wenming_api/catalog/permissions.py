"""Every permission, in alphabetical order. A permission says who may; a scope says on which rows."""

from enum import StrEnum


class Permission(StrEnum):
    """Names of permissions: `<domain>.<act>`."""

    ACTIVITIES_MARK = "activities.mark"
    ACTIVITIES_READ = "activities.read"
    ACTIVITIES_RELEASE = "activities.release"
    ACTIVITIES_REVIEW = "activities.review"
    ACTIVITIES_WRITE = "activities.write"
    ACTIVITY_TEMPLATES_MANAGE = "activity_templates.manage"
    APPROVALS_READ = "approvals.read"
    ASSESSMENTS_MANAGE = "assessments.manage"
    ASSESSMENTS_READ = "assessments.read"
    ASSESSMENTS_RUN = "assessments.run"
    AUDIT_READ = "audit.read"
    BOOKS_ARCHIVE = "books.archive"
    BOOKS_MANAGE = "books.manage"
    BOOKS_READ = "books.read"
    CATALOGUES_MANAGE = "catalogues.manage"
    CATALOGUES_READ = "catalogues.read"
    DICTIONARIES_MANAGE = "dictionaries.manage"
    DICTIONARIES_READ = "dictionaries.read"
    DOCUMENTS_PRINT = "documents.print"
    DRAWS_CONFIRM = "draws.confirm"
    DRAWS_READ = "draws.read"
    DRAWS_RUN = "draws.run"
    FILES_ORIGINALS = "files.originals"
    FILES_READ = "files.read"
    FILES_UPLOAD = "files.upload"
    FLOWS_MANAGE = "flows.manage"
    HOLIDAYS_MANAGE = "holidays.manage"
    LATE_DECIDE = "late.decide"
    LAYOUTS_MANAGE = "layouts.manage"
    LAYOUTS_READ = "layouts.read"
    MESSAGES_READ = "messages.read"
    METHOD_SCORES_MANAGE = "method_scores.manage"
    METHOD_SCORES_READ = "method_scores.read"
    PACKAGES_BUILD = "packages.build"
    PACKAGES_READ = "packages.read"
    PLANS_MANAGE = "plans.manage"
    PLANS_READ = "plans.read"
    PLANS_REPORT = "plans.report"
    QUALITY_RULES_MANAGE = "quality_rules.manage"
    QUALITY_RULES_READ = "quality_rules.read"
    QUESTIONNAIRES_ANSWER = "questionnaires.answer"
    QUESTIONNAIRES_MANAGE = "questionnaires.manage"
    QUESTIONNAIRES_PUBLISH = "questionnaires.publish"
    QUESTIONNAIRES_READ = "questionnaires.read"
    RECORDS_READ = "records.read"
    RECORDS_REVIEW = "records.review"
    RECORDS_WRITE = "records.write"
    REGIONS_MANAGE = "regions.manage"
    REGIONS_READ = "regions.read"
    RESULTS_COMPUTE = "results.compute"
    RESULTS_PUBLISH = "results.publish"
    RESULTS_READ = "results.read"
    ROLES_MANAGE = "roles.manage"
    ROLES_READ = "roles.read"
    SCREENINGS_RUN = "screenings.run"
    SHEETS_ASSIGN = "sheets.assign"
    SHEETS_READ = "sheets.read"
    SHEETS_REVIEW = "sheets.review"
    SHEETS_SUBMIT = "sheets.submit"
    SITES_MANAGE = "sites.manage"
    SITES_READ = "sites.read"
    STANDARDS_MANAGE = "standards.manage"
    STANDARDS_PUBLISH = "standards.publish"
    STANDARDS_READ = "standards.read"
    STAND_INS_MANAGE = "stand_ins.manage"
    STATISTICS_READ = "statistics.read"
    SUBMISSIONS_READ = "submissions.read"
    SUBMISSIONS_REVIEW = "submissions.review"
    SUBMISSIONS_SEND = "submissions.send"
    TITLES_APPLY = "titles.apply"
    TITLES_EVALUATE = "titles.evaluate"
    TITLES_NAME = "titles.name"
    TITLES_READ = "titles.read"
    TITLES_REVIEW = "titles.review"
    TITLE_FAMILIES_READ = "title_families.read"
    TITLE_RULES_MANAGE = "title_rules.manage"
    TOPICS_MANAGE = "topics.manage"
    TOPICS_READ = "topics.read"
    UNITS_MANAGE = "units.manage"
    UNITS_READ = "units.read"
    USERS_MANAGE = "users.manage"
    USERS_READ = "users.read"

    @property
    def label(self) -> str:
        """What an administrator calls it."""
        return LABELS[self]


LABELS: dict[Permission, str] = {
    Permission.ACTIVITIES_MARK: "评定优秀活动",
    Permission.ACTIVITIES_READ: "查看活动",
    Permission.ACTIVITIES_RELEASE: "允许活动对外分享",
    Permission.ACTIVITIES_REVIEW: "审批活动计划",
    Permission.ACTIVITIES_WRITE: "录入活动",
    Permission.ACTIVITY_TEMPLATES_MANAGE: "维护活动模板",
    Permission.APPROVALS_READ: "查看审批",
    Permission.ASSESSMENTS_MANAGE: "编制测评",
    Permission.ASSESSMENTS_READ: "查看测评",
    Permission.ASSESSMENTS_RUN: "变更测评状态",
    Permission.AUDIT_READ: "查看审计日志",
    Permission.BOOKS_ARCHIVE: "归档台账册",
    Permission.BOOKS_MANAGE: "归并与分发台账",
    Permission.BOOKS_READ: "查看台账册",
    Permission.CATALOGUES_MANAGE: "维护分类目录",
    Permission.CATALOGUES_READ: "查看分类目录",
    Permission.DICTIONARIES_MANAGE: "维护字典",
    Permission.DICTIONARIES_READ: "查看字典",
    Permission.DOCUMENTS_PRINT: "预览、导出与打印台账",
    Permission.DRAWS_CONFIRM: "确认抽选生效或作废",
    Permission.DRAWS_READ: "查看抽选",
    Permission.DRAWS_RUN: "组织抽选",
    Permission.FILES_ORIGINALS: "下载文件原件",
    Permission.FILES_READ: "查看文件",
    Permission.FILES_UPLOAD: "上传文件",
    Permission.FLOWS_MANAGE: "维护审批流程",
    Permission.HOLIDAYS_MANAGE: "维护节假日",
    Permission.LATE_DECIDE: "处理迟到数据",
    Permission.LAYOUTS_MANAGE: "维护台账版式",
    Permission.LAYOUTS_READ: "查看台账版式",
    Permission.MESSAGES_READ: "查看本人消息",
    Permission.METHOD_SCORES_MANAGE: "录入问卷与材料得分",
    Permission.METHOD_SCORES_READ: "查看问卷与材料得分",
    Permission.PACKAGES_BUILD: "编制申报材料包",
    Permission.PACKAGES_READ: "查看申报材料包",
    Permission.PLANS_MANAGE: "编制计划",
    Permission.PLANS_READ: "查看计划",
    Permission.PLANS_REPORT: "汇报计划进展",
    Permission.QUALITY_RULES_MANAGE: "维护质控标准",
    Permission.QUALITY_RULES_READ: "查看质控标准",
    Permission.QUESTIONNAIRES_ANSWER: "录入问卷答卷",
    Permission.QUESTIONNAIRES_MANAGE: "编制问卷",
    Permission.QUESTIONNAIRES_PUBLISH: "发布问卷",
    Permission.QUESTIONNAIRES_READ: "查看问卷",
    Permission.RECORDS_READ: "查看台账记录",
    Permission.RECORDS_REVIEW: "审核本单位台账记录",
    Permission.RECORDS_WRITE: "填报台账记录",
    Permission.REGIONS_MANAGE: "维护区域",
    Permission.REGIONS_READ: "查看区域",
    Permission.RESULTS_COMPUTE: "计算成绩",
    Permission.RESULTS_PUBLISH: "发布成绩",
    Permission.RESULTS_READ: "查看成绩",
    Permission.ROLES_MANAGE: "维护角色",
    Permission.ROLES_READ: "查看角色",
    Permission.SCREENINGS_RUN: "批量筛查",
    Permission.SHEETS_ASSIGN: "分派测评表",
    Permission.SHEETS_READ: "查看测评表",
    Permission.SHEETS_REVIEW: "审核测评表",
    Permission.SHEETS_SUBMIT: "填报测评表",
    Permission.SITES_MANAGE: "维护点位",
    Permission.SITES_READ: "查看点位",
    Permission.STANDARDS_MANAGE: "编制测评体系",
    Permission.STANDARDS_PUBLISH: "发布测评体系",
    Permission.STANDARDS_READ: "查看测评体系",
    Permission.STAND_INS_MANAGE: "登记他人代理",
    Permission.STATISTICS_READ: "查看统计",
    Permission.SUBMISSIONS_READ: "查看报送",
    Permission.SUBMISSIONS_REVIEW: "审核报送",
    Permission.SUBMISSIONS_SEND: "报送台账",
    Permission.TITLES_APPLY: "申报文明称号",
    Permission.TITLES_EVALUATE: "评审称号申报",
    Permission.TITLES_NAME: "命名与撤销称号",
    Permission.TITLES_READ: "查看文明称号",
    Permission.TITLES_REVIEW: "推荐称号申报",
    Permission.TITLE_FAMILIES_READ: "查看文明家庭个人信息",
    Permission.TITLE_RULES_MANAGE: "维护称号评选标准与届别",
    Permission.TOPICS_MANAGE: "发布重点工作与专题",
    Permission.TOPICS_READ: "查看重点工作与专题",
    Permission.UNITS_MANAGE: "维护单位",
    Permission.UNITS_READ: "查看单位",
    Permission.USERS_MANAGE: "维护用户",
    Permission.USERS_READ: "查看用户",
}
