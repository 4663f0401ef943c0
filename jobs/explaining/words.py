"""The sentences of an explanation, each once in English and in Chinese; values stand where the braces are."""

from collections.abc import Mapping

WHY_NOT = {
    "no_membership": ("the member has no membership in the plan", "该成员未加入该计划"),
    "held": (
        "the row of the membership is held in quarantine until it is mended: {reasons}",
        "该成员资格的数据有误，修正前暂被隔离：{reasons}",
    ),
    "not_yet_joined": (
        "the membership began on {joined_on}, not before the publicity day",
        "成员资格于{joined_on}开始，不早于公示日",
    ),
    "exited": (
        "the membership ended on {exited_on}, before the publicity day",
        "成员资格已于公示日前的{exited_on}结束",
    ),
    "lapsed": ("cover lapsed for arrears on {lapsed_on} at 00:00", "因欠费，保障于{lapsed_on}零时失效"),
    "helped": (
        "the member was helped in the period, and by the rules does not share in it",
        "该成员本期获得互助，按规则本期不参与分摊",
    ),
}
SENTENCES = {
    "not charged": ("Not charged, because {why}.", "未分摊：{why}。"),
    "charged": (
        "share {share_fen} fen, borne by the platform {sponsored_fen} fen, due {due_fen} fen",
        "分摊{share_fen}分，平台承担{sponsored_fen}分，应付{due_fen}分",
    ),
    "charged against the rules": (
        "share {share_fen} fen, borne by the platform {sponsored_fen} fen, due {due_fen} fen: so it is stored, and it "
        "does not follow from the rules (see the steps with that name)",
        "分摊{share_fen}分，平台承担{sponsored_fen}分，应付{due_fen}分：此为所存记录，与规则不符（见标有“与规则不符”的步骤）",
    ),
    "not to be charged": ("Not to be charged, because {why}.", "不应分摊：{why}。"),
    "covered": (
        "Covered at 00:00 of the publicity day {day}: {tier} tier since {joined_on}.",
        "公示日{day}零时在保：{joined_on}起为{tier}档。",
    ),
    "covered until": (
        "Covered at 00:00 of the publicity day {day}: {tier} tier since {joined_on}, until {exited_on}.",
        "公示日{day}零时在保：{joined_on}起为{tier}档，至{exited_on}止。",
    ),
    "waiting": (
        "In the waiting period until {ends_on}: shares, but cannot be helped yet.",
        "等待期至{ends_on}：参与分摊，尚不能获得互助。",
    ),
    "claims": ("{count} claims count.", "{count}件案件计入。"),
    "claims marked": ("{count} claims count; with a marker: {markers}.", "{count}件案件计入；有标记的：{markers}。"),
    "benefits": ("Aid for the {count} cases.", "{count}件案件的互助金。"),
    "fee": ("Fee of {ppm} ppm on the benefits, on top of them.", "管理费，为互助金的百万分之{ppm}，另计。"),
    "brought forward": ("Less what earlier rounding collected too much.", "减去以往取整多收的金额。"),
    "per-case cap": ("Less what the platform bears of cases above the cap.", "减去单案超出封顶、由平台承担的金额。"),
    "pool": ("What is shared by the members of the plan.", "由该计划成员分摊的总额。"),
    "basis": (
        "Covered members by weight (ppm): {tiers} = {basis}.",
        "在保成员按权重（百万分之一）：{tiers} = {basis}。",
    ),
    "share": ("{pool} x {weight} / {basis}, rounded by {rounding}.", "{pool} × {weight} ÷ {basis}，按{rounding}取整。"),
    "one fen more": (
        "One fen more: chosen by lot for this period, so that the shares are exactly the pool.",
        "多一分：本期按签选出，使各人分摊之和恰为总额。",
    ),
    "carried forward": ("What rounding collected too much goes to the next period.", "取整多收的金额转入下期。"),
    "sponsor": ("The platform bears {sponsored_fen} fen ({marker}).", "平台承担{sponsored_fen}分（{marker}）。"),
    "sponsor above cap": (
        "The platform bears {sponsored_fen} fen ({marker}). Borne earlier in the year: {borne_fen} fen.",
        "平台承担{sponsored_fen}分（{marker}）。本年此前已承担{borne_fen}分。",
    ),
    "due": ("What the member owes.", "该成员应付的金额。"),
    "bill": (
        "Billed to the member's payer together with {others} others of the plan.",
        "与该计划另外{others}人一并计入付款人的账单。",
    ),
    "collected": ("Status {status}.", "状态：{status}。"),
    "collected on": ("Status {status} on {collected_on}.", "状态：{status}（{collected_on}）。"),
    "stored fen": (
        "Does not follow: {place} holds {stored} fen, by the rules it is {follows} fen; difference {difference} fen.",
        "与规则不符：{place}所存为{stored}分，按规则为{follows}分，相差{difference}分。",
    ),
    "stored too little": (
        "Does not follow: {place} holds {stored} fen, by the rules it is at least {follows} fen; "
        "difference {difference} fen.",
        "与规则不符：{place}所存为{stored}分，按规则至少为{follows}分，相差{difference}分。",
    ),
    "stored too much": (
        "Does not follow: {place} holds {stored} fen, by the rules it is at most {follows} fen; "
        "difference {difference} fen.",
        "与规则不符：{place}所存为{stored}分，按规则至多为{follows}分，相差{difference}分。",
    ),
    "stored value": (
        "Does not follow: {place} holds {stored}, by the rules it is {follows}.",
        "与规则不符：{place}所存为{stored}，按规则为{follows}。",
    ),
    "assessed without cover": (
        "Does not follow: {place} has a row of the member, with a share of {stored} fen; by the rules there is none, "
        "{follows} fen; difference {difference} fen.",
        "与规则不符：{place}有该成员的记录，分摊{stored}分；按规则应无记录，为{follows}分，相差{difference}分。",
    ),
    "covered without assessment": (
        "Does not follow: {place} has no row of the member, {stored} fen; by the rules there is one, with a share of "
        "{follows} fen or one more by lot; difference {difference} fen.",
        "与规则不符：{place}没有该成员的记录，为{stored}分；按规则应有记录，分摊{follows}分（或按签多一分），相差{difference}分。",
    ),
    "lapse": (
        "Cover ended for arrears of {period} at {ended_at} UTC.",
        "因{period}期欠费，保障于{ended_at}（UTC）终止。",
    ),
}


def say(key: str, **values) -> dict[str, str]:
    """The sentence in both languages: `en`, `zh`."""
    return _filled(SENTENCES[key], values)


def why_not(cover: str, values: Mapping, key: str = "not charged") -> dict[str, str]:
    """Why somebody is not charged, or (`key`: "not to be charged") should not be, as a whole sentence in both
    languages."""
    reasons = _filled(WHY_NOT[cover], values)
    return {language: say(key, why=told)[language] for language, told in reasons.items()}


def _filled(sentences: tuple[str, str], values: Mapping) -> dict[str, str]:
    english, chinese = sentences
    return {"en": english.format(**values), "zh": chinese.format(**values)}
