"""What codes are called in Chinese and in English. A code without a name here is shown as it is."""

from jobs.reporting.text import Text
from jobs.rulebook.rules import Platform
from schemas.codes import PROVINCES

PROVINCES_ZH = {
    "11": "北京", "12": "天津", "13": "河北", "14": "山西", "15": "内蒙古", "21": "辽宁", "22": "吉林", "23": "黑龙江",
    "31": "上海", "32": "江苏", "33": "浙江", "34": "安徽", "35": "福建", "36": "江西", "37": "山东",
    "41": "河南", "42": "湖北", "43": "湖南", "44": "广东", "45": "广西", "46": "海南",
    "50": "重庆", "51": "四川", "52": "贵州", "53": "云南", "54": "西藏",
    "61": "陕西", "62": "甘肃", "63": "青海", "64": "宁夏", "65": "新疆", "71": "台湾", "81": "香港", "82": "澳门",
}  # fmt: skip

PLACES = {code: Text(zh, PROVINCES[code]) for code, zh in PROVINCES_ZH.items()} | {
    "1x": Text("华北", "North"),
    "2x": Text("东北", "North-east"),
    "3x": Text("华东", "East"),
    "4x": Text("中南", "Centre-south"),
    "5x": Text("西南", "South-west"),
    "6x": Text("西北", "North-west"),
    "7x": Text("港澳台", "Hong Kong, Macao, Taiwan"),
    "8x": Text("港澳台", "Hong Kong, Macao, Taiwan"),
}

CODES = {
    "hidden": Text("不公开", "not shown"),
    "all": Text("全部", "all"),
    "standard": Text("标准版", "standard"),
    "basic": Text("入门版", "basic"),
    "F": Text("女", "female"),
    "M": Text("男", "male"),
    "severe": Text("重症", "severe"),
    "light": Text("轻症", "light"),
    "none": Text("无异议", "none"),
    "pending": Text("异议处理中", "pending"),
    "upheld": Text("异议成立", "upheld"),
    "dismissed": Text("异议不成立", "dismissed"),
    "limited": Text("按计划限额支付", "limited by the plan"),
    "objection_pending": Text("异议未决，本期不计", "objection pending, not in this period"),
    "objection_upheld": Text("异议成立，不予互助", "objection upheld, no aid"),
    "counted_before": Text("往期已计入", "counted in an earlier period"),
    "already_helped": Text("已获互助", "already helped"),
    "in_waiting_period": Text("等待期内确诊", "diagnosed in the waiting period"),
    "illness_not_in_plan": Text("不属本计划病种", "illness not in the plan"),
    "illness_removed": Text("已移出的病种", "illness no longer in the plan"),
    "age_outside_limits": Text("年龄不在范围", "age outside the limits"),
    "0-5": Text("0–5个月", "0–5 months"),
    "6-11": Text("6–11个月", "6–11 months"),
    "12-23": Text("1–2年", "1–2 years"),
    "24+": Text("2年以上", "2 years and more"),
    "left": Text("自愿退出", "left"),
    "aided": Text("已获互助", "aided"),
    "arrears": Text("欠费", "arrears"),
    "age": Text("超龄", "age"),
    "ineligible": Text("不符合条件", "ineligible"),
    "collected": Text("已收", "collected"),
    "in_grace": Text("宽限期内", "in grace"),
    "lapsed": Text("欠费退出", "lapsed"),
    "netted": Text("从互助金抵扣", "netted from aid"),
    "waived": Text("免分摊", "waived"),
    "investigation": Text("实地调查", "field investigation"),
    "technology": Text("技术", "technology"),
    "staff_and_premises": Text("人员与场地", "staff and premises"),
    "ceil_fen": Text("向上取整到分", "rounded up to the fen"),
    "half_up": Text("四舍五入到分", "rounded half up to the fen"),
    "exact": Text("精确分配", "exact: some pay one fen more"),
    "critical": Text("致命", "critical"),
    "error": Text("错误", "error"),
    "warning": Text("警告", "warning"),
    "approved": Text("通过", "approved"),
    "refused": Text("未通过", "refused"),
    "fraud": Text("欺诈", "fraud"),
    "ocr": Text("文字识别", "text recognition"),
    "remote_interview": Text("远程访谈", "remote interview"),
    "graph": Text("关系图谱", "relation graph"),
    "field": Text("实地", "field"),
}

CAUSE_WORDS = {
    "cases": Text("个案数", "number of cases"),
    "aid_per_case": Text("每案金额", "aid per case"),
    "residual": Text("上期结余", "brought forward"),
    "members": Text("分摊成员", "members covered"),
    "rules": Text("规则（权重、取整）", "rules: weights, rounding"),
}
FEE_WORDS = {
    "accrued_fen": Text("计提", "accrued"),
    "sponsored_fen": Text("平台承担", "borne by the platform"),
    "received_fen": Text("实收", "received"),
    "outstanding_fen": Text("待收", "outstanding"),
    "written_off_fen": Text("核销", "written off"),
    "used_investigation_fen": Text("用于实地调查", "used: field investigation"),
    "used_technology_fen": Text("用于技术", "used: technology"),
    "used_staff_and_premises_fen": Text("用于人员与场地", "used: staff and premises"),
    "result_fen": Text("收支差额", "received less used"),
}
MONEY_WORDS = {
    "brought_forward_fen": Text("上期结转", "brought forward"),
    "carried_forward_fen": Text("结转下期", "carried forward"),
    "case_sponsored_fen": Text("平台承担：单案上限", "platform: per-case cap"),
    "member_sponsored_fen": Text("平台承担：年度上限、减免", "platform: yearly cap, waivers"),
}


def named(code: str | None) -> Text | str:
    """A code in words."""
    return "–" if code is None else CODES.get(code, code)


def place(code: str) -> Text | str:
    """A province, a region, or neither."""
    return PLACES.get(code, named(code))


def illness(platform: Platform, code: str) -> Text | str:
    """An illness as the platform calls it."""
    names = platform.illnesses.get(code)
    return Text(names["zh"], names["en"]) if names else code


def plan(platform: Platform, plan_id: str) -> Text:
    """A plan as the platform calls it."""
    found = platform.plans.get(plan_id)
    return Text(found.names["zh"], found.names["en"]) if found else Text(plan_id, plan_id)


def in_language(word: Text | str, language: str) -> str:
    """A word in one of the two languages; a code without words as it is."""
    return getattr(word, language) if isinstance(word, Text) else word
