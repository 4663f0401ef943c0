"""Reports of the shown lake, compared with plain sums over its tables; its pages in a browser."""

import json
import re
import shutil
import subprocess
from datetime import date

import pytest

from jobs.base.environment import load_environment
from jobs.pipeline.request import Request
from jobs.reporting.comparison import comparison, comparison_text, whole_years
from schemas import TABLES
from tests.lakes import measured
from tests.shown import FIRST, FREE_TEXT, PLAN, SECOND

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def test_every_report_names_its_pages(shown):
    for name in ("report of P1", "report", "year", "index"):
        ended = shown.ended[name]
        assert ended.document["pages"], name
        assert all((shown.folder / "report/html" / page.split("/")[-1]).exists() for page in ended.document["pages"])
    assert sorted(p.name for p in (shown.folder / "report/html").iterdir()) == [
        "dictionary.html", "index.html", f"notice-{FIRST}.html", f"notice-{SECOND}.html", f"period-{FIRST}.html",
        f"period-{SECOND}.html", f"quality-{FIRST}.html", f"quality-{SECOND}.html", "year-2020.html",
    ]  # fmt: skip


def test_the_dictionary_page_has_every_table_and_column_and_is_linked_from_the_index(shown):
    page = lambda name: (shown.folder / "report/html" / name).read_text(encoding="utf-8")  # noqa: E731
    assert 'href="dictionary.html"' in page("index.html")
    html = page("dictionary.html")
    for name, table in TABLES.items():
        assert f">{name}<" in html
        assert all(f'<span lang="en-GB">{column.name}</span>' in html for column in table.columns), name


def test_causes_add_up_to_the_change_of_every_share(shown):
    of = lambda row: (row["plan_id"], row["tier"])  # noqa: E731
    before = {of(row): row["share_fen"] for row in shown.rows("settled/rates", FIRST)}
    rows = [row for row in shown.rows("report/period_summary", SECOND) if row["topic"] == "causes"]
    rates = shown.rows("settled/rates", SECOND)
    assert len(rates) == 3
    for rate in rates:
        causes = [row["amount_fen"] for row in rows if of(row) == of(rate)]
        assert len(causes) == 5
        assert sum(causes) == rate["share_fen"] - before[of(rate)]


def test_joined_and_ended_are_counted_and_covered_equals_assessed(shown):
    rows = [row for row in shown.rows("report/period_summary", SECOND) if row["topic"] == "members"]
    # One of each: below the floor of five, so only the number is shown, without any trait.
    traits = lambda row: (row["tier"], row["age_band"], row["member_months"], row["item"])  # noqa: E731
    for measure in ("joined", "ended"):
        assert [(*traits(r), r["quantity"]) for r in rows if r["measure"] == measure] == [(*["hidden"] * 4, 1)]
    assert all(r["quantity"] >= 5 or set(traits(r)) == {"hidden"} for r in rows)
    assert sum(r["quantity"] for r in rows if r["measure"] == "covered") == len(
        shown.rows("settled/assessments", SECOND)
    )


def test_the_money_of_a_period_equals_pool_and_ledger(shown):
    rows = shown.rows("report/period_summary", SECOND)
    for topic, table in (("money", "settled/pools"), ("fee", "ledger/fee")):
        sources = shown.rows(table, SECOND)
        assert len(sources) == 2
        for source in sources:
            plan_rows = [row for row in rows if (row["topic"], row["plan_id"]) == (topic, source["plan_id"])]
            amounts = {row["measure"]: row["amount_fen"] for row in plan_rows if row["quantity"] is None}
            assert amounts and amounts == {measure: source[measure] for measure in amounts}


def test_a_held_row_is_reported_with_its_reason_and_the_amount_at_stake(shown):
    rows = shown.rows("report/period_summary", SECOND)
    assert measured(rows, topic="quarantine", measure="held", item="member_sex_unknown") == 1
    (held,) = shown.rows("control/quarantine_members", held_in_period=SECOND)
    assert (
        measured(rows, topic="quarantine", measure="at_stake_fen", item="member_sex_unknown")
        == held["amount_at_stake_fen"]
    )


def test_the_year_is_the_sum_of_its_periods(shown):
    rows = shown.spark.read.format("delta").load(str(shown.folder / "report/annual")).collect()
    rows = [row.asDict() for row in rows]
    pools = [pool for period in (FIRST, SECOND) for pool in shown.rows("settled/pools", period)]
    shares = [
        r["share_fen"] for p in (FIRST, SECOND) for r in shown.rows("settled/rates", p, plan_id=PLAN, tier="standard")
    ]
    year = lambda **of: measured(rows, **{"plan_id": "all", "sex": "all", "item": "all"} | of)  # noqa: E731
    assert year(topic="helped", measure="helped") == 7 + 1
    assert year(topic="shared_out", measure="due_fen") == sum(pool["due_fen"] for pool in pools)
    assert year(topic="shared_out", measure="share_year_fen", plan_id="critical_illness") == sum(shares)
    assert year(topic="helped", measure="helped_by_illness", sex="F", item="breast_cancer") == 7 + 1
    assert year(topic="helped", measure="helped_by_province", item="41") == 7 + 1
    # P1 is closed with half of December's 300, 300 and 50; P2 is open. The lake has no period with visits of November.
    used = [
        year(topic="fee", measure="used_fen", item=c) for c in ("investigation", "technology", "staff_and_premises")
    ]
    assert used == [150, 150, 25] and year(topic="fee", measure="used_fen") == 325
    assert (year(topic="periods", measure="published"), year(topic="periods", measure="closed")) == (2, 1)
    assert [year(topic="fee", measure=m) for m in ("visits", "investigators", "hospitals", "insurance_offices")] == [
        4,
        1,
        2,
        1,
    ]
    # 3 and 5 days: 4.0; the fraudulent claim requested 70 yuan
    assert year(topic="review", measure="mean_days_tenths") == 40
    assert year(topic="review", measure="mean_days_tenths", item="field") == 30
    assert year(topic="review", measure="mean_days_tenths", item="other") == 50
    assert year(topic="review", measure="fraud_saved_fen") == 7_000
    # 40 members born on 1990-06-01: 30 years on 2020-12-21, and one of 65: 1,265 / 41 = 30.85
    assert year(topic="members", measure="mean_age_tenths") == 309


def test_published_figures_are_shown_next_to_ours_at_the_scale_of_the_lake(shown):
    rows = [
        row.asDict() for row in shown.spark.read.format("delta").load(str(shown.folder / "report/annual")).collect()
    ]
    helped = next(r for r in rows if (r["topic"], r["measure"]) == ("published", "helped"))
    # 68,675 x 40 of 103,321,600 members x 2 of 24 periods = 0.002 -> 0
    assert (helped["published_quantity"], helped["scaled_quantity"], helped["quantity"]) == (68_675, 0, 8)
    share = next(r for r in rows if (r["measure"], r["plan_id"]) == ("share_year", "critical_illness"))
    # 90.56 yuan x 2 / 24 = 7.546 -> 7.55
    assert (share["published_fen"], share["scaled_fen"]) == (9_056, 755)


def test_the_comparison_of_a_year_distinguishes_calibrated_figures_and_results(shown, xianghubao):
    request = Request(load_environment(None), xianghubao, str(shown.folder), date(2021, 2, 1))
    rows = {(r["measure"], r["plan_id"], r["of"]): r for r in comparison(shown.opened(), request, [2020])}
    helped = rows["helped", "all", "2020"]
    assert (helped["published"], helped["ours"], helped["kind"]) == (68_675, 8, "calibrated")
    share = rows["share", "critical_illness", FIRST]
    assert (share["published"], share["at_scale"], share["kind"], share["unit"]) == (483, 483, "result", "fen")
    # 300 of 650 fen of costs
    assert rows["used_investigation", "all", "2020"]["ours"] == 461_538
    text = comparison_text(list(rows.values()))
    assert "4.83" in text and "46.1%" in text and "calibrated" in text


def test_only_whole_years_are_compared(xianghubao):
    calendar = xianghubao.calendar
    years = lambda first, last: whole_years(calendar, calendar.period(first), calendar.period(last))  # noqa: E731
    assert years("2020-01-P1", "2020-12-P2") == [2020]
    assert years("2020-01-P2", "2020-12-P2") == []
    assert years("2019-01-P2", "2020-12-P1") == [2019], "2019 began with its second period"


def test_a_year_with_missing_periods_is_the_sum_of_the_others_and_lists_them(shown, tmp_path):
    copied = shown.copied(tmp_path / "lake")
    acts = copied.spark.read.format("delta").load(str(copied.folder / "control/publications"))
    taken_back = [row.asDict() | {"action": "withdrawn"} for row in acts.where(f"period = '{FIRST}'").collect()]
    copied.write("control/publications", taken_back, mode="append")
    ended = copied.run("report", "--year", "2020")
    assert ended.exit_code == 0, ended.err
    rows = ended.document["annual"]
    due_fen = sum(pool["due_fen"] for pool in copied.rows("settled/pools", SECOND))
    assert measured(rows, topic="shared_out", measure="due_fen", plan_id="all") == due_fen
    assert measured(rows, topic="helped", measure="helped", plan_id="all") == 2
    assert measured(rows, topic="periods", measure="published") == 1
    missing = [row["item"] for row in rows if row["measure"] == "missing"]
    assert len(missing) == 23 and FIRST in missing and SECOND not in missing
    html = (copied.folder / "report/html/year-2020.html").read_text(encoding="utf-8")
    assert "23 periods of the year are not published in this lake" in html


def test_head_counts_that_do_not_agree_are_counted_from_the_assessments(shown, tmp_path):
    """Covered members are those in force less the held ones; without the quarantine the count is one too high."""
    copied = shown.copied(tmp_path / "lake")
    shutil.rmtree(copied.folder / "control/quarantine_members")
    ended = copied.run("report", "--period", SECOND)
    assert ended.exit_code == 0 and "joining them with the assessments" in ended.err
    assert "joining them" not in shown.ended["report"].err
    before = [row for row in shown.rows("report/period_summary", SECOND) if row["topic"] == "members"]
    after = [row for row in copied.rows("report/period_summary", SECOND) if row["topic"] == "members"]
    assert [r for r in after if r["measure"] == "covered"] == [r for r in before if r["measure"] == "covered"]


def test_an_unknown_year_is_refused(shown):
    assert shown.run("report", "--year", "2019").exit_code == 4


def test_no_free_text_of_a_source_reaches_a_page_or_a_report(shown):
    for page in (shown.folder / "report/html").iterdir():
        assert FREE_TEXT not in page.read_text(encoding="utf-8"), page.name
    reports = [table for table in TABLES if table.startswith("report/") and shown.exists(table)]
    assert reports and not [table for table in reports if FREE_TEXT in str(shown.rows(table))]


def test_pages_are_small_and_link_to_no_other_site(shown):
    for page in (shown.folder / "report/html").iterdir():
        html = page.read_text(encoding="utf-8")
        assert len(html) < 2_000_000
        assert set(re.findall(r"https?://[^\s\"'<)]+", html)) <= {
            "http://www.w3.org/2000/svg",
            "http://www.w3.org/1999/xlink",
        }


HARNESS = """<!DOCTYPE html><iframe id="page" src="{page}?lang=zh" width="390" height="800"></iframe>
<pre id="results"></pre><script>
document.getElementById("page").onload = function () {{
  var page = this.contentDocument, results = {{}};
  function seen() {{
    return {{
      lang: page.documentElement.lang,
      zh: page.querySelector("h1 [lang=zh]").offsetWidth > 0, en: page.querySelector("h1 [lang=en]").offsetWidth > 0,
      plots: [...page.querySelectorAll(".plot svg")].filter(p => p.getBoundingClientRect().height > 20).length,
      width: page.documentElement.scrollWidth
    }};
  }}
  results.before = seen();
  page.querySelector('button[data-language="en"]').click();
  results.after = seen();
  document.getElementById("results").textContent = JSON.stringify(results);
}};
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize(
    "name", ["dictionary.html", "index.html", f"notice-{SECOND}.html", f"period-{SECOND}.html", "year-2020.html"]
)
def test_a_browser_draws_the_plots_and_switches_the_language_without_errors(shown, tmp_path, name):
    harness = tmp_path / "harness.html"
    harness.write_text(HARNESS.format(page=(shown.folder / "report/html" / name).as_uri()), encoding="utf-8")
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--allow-file-access-from-files",
        "--virtual-time-budget=5000",
    ]
    logging = ["--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}"]
    command = [CHROMIUM, *flags, *logging, "--dump-dom", harness.as_uri()]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "CONSOLE" not in ended.stderr, [line for line in ended.stderr.splitlines() if "CONSOLE" in line]
    results = json.loads(re.search(r'<pre id="results">(.*?)</pre>', ended.stdout, re.S).group(1))
    before, after = results["before"], results["after"]
    assert (before["lang"], before["zh"], before["en"]) == ("zh-CN", True, False)
    assert (after["lang"], after["zh"], after["en"]) == ("en", False, True)
    assert before["plots"] == after["plots"] >= (name != "dictionary.html")
    assert max(before["width"], after["width"]) <= 390, "the page itself must not scroll sideways on a phone"
