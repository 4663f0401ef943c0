"""The page that explains one member's period, and the statement of a year: for the member, not for the public."""

from jobs.pipeline.request import PeriodRequest, Request
from jobs.reporting import words
from jobs.reporting.text import Page, Paragraph, Section, Table, Text, money

STEP_NAMES = {
    "not charged": "未分摊", "coverage": "保障状态", "waiting period": "等待期", "claims": "案件", "benefits": "互助金",
    "fee": "管理费", "brought forward": "上期结余", "per-case cap": "单案封顶", "pool": "分摊总额", "basis": "分摊基数",
    "share": "每人分摊", "one fen more": "多一分", "carried forward": "结转下期", "sponsor": "平台承担", "due": "应付",
    "bill": "账单", "collected": "扣款", "lapse": "失效",
    "does not follow": "与规则不符",
}  # fmt: skip


def explanation_page(document: dict, request: PeriodRequest) -> Page:
    """One section per plan: the steps with amounts, and the rule with its source behind each."""
    sections = [_plan_section(plan, request) for plan in document["plans"]]
    if "because" in document:
        told = Paragraph(Text("该期没有该成员的有效成员资格，未分摊。", document["because"]))
        sections = [Section(Text("结果", "Result"), (told,))]
    names = request.platform.names
    return Page(
        file="explain.html",
        title=Text(
            f"{names['zh']} {document['period']} 分摊说明", f"{names['en']} {document['period']}: why this amount"
        ),
        lead=Text(f"成员 {document['member_id']}", f"member {document['member_id']}"),
        sections=tuple(sections),
    )


def statement_page(document: dict, request: Request) -> Page:
    """A year of a member or a payer: one row per period, plan and member."""
    columns = (Text("期", "period"), Text("计划", "plan"), Text("成员", "member"), Text("分摊", "share"),
               Text("平台承担", "platform bears"), Text("应付", "due"),
               Text("已扣", "collected"), Text("状态", "status"))  # fmt: skip
    rows = tuple(
        (row["period"], _plan_name(row["plan_id"], request), str(row["member_id"]), money(row["share_fen"]),
         money(row["sponsored_fen"]), money(row["due_fen"]), money(row["collected_fen"]), words.named(row["status"]))
        for row in document["rows"]
    )  # fmt: skip
    totals = document["totals"]
    total = (Text("＝ 合计", "= total"), "", "", money(totals["share_fen"]), money(totals["sponsored_fen"]),
             money(totals["due_fen"]), money(totals["collected_fen"]), "")  # fmt: skip
    table = Table(Text("单位：元", "in yuan"), columns, (*rows, total) if rows else ())
    who = Text("付款人", "payer") if "payer_id" in document else Text("成员", "member")
    number = document.get("payer_id", document.get("member_id"))
    return Page(
        file="statement.html",
        title=Text(f"{document['year']} 年度对账单", f"Statement of {document['year']}"),
        lead=Text(f"{who.zh} {number}", f"{who.en} {number}"),
        sections=(Section(Text("各期", "Periods"), (table,)),),
    )


def _plan_section(plan: dict, request: PeriodRequest) -> Section:
    columns = (
        Text("步骤", "step"),
        Text("金额（元）", "yuan"),
        Text("说明", "what was found"),
        Text("规则与出处", "rule and source"),
    )
    rows = tuple(
        (
            Text(STEP_NAMES[step["name"]], step["name"]),
            money(step["amount_fen"]),
            Text(step["says_zh"], step["says"]),
            _rule(step["rule"]),
        )
        for step in plan["steps"]
    )
    return Section(
        _plan_name(plan["plan_id"], request),
        (Paragraph(Text(plan["because_zh"], plan["because"])), Table(Text("逐步", "step by step"), columns, rows)),
    )


def _rule(rule: dict | None) -> str:
    return "" if rule is None else f"{rule['name']} = {rule['value']} ({rule['from']}): {rule['reference']}"


def _plan_name(plan_id: str, request: Request) -> Text:
    names = request.platform.plans[plan_id].names
    return Text(names["zh"], names["en"])
