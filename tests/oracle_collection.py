"""The collection and the close a second time, in plain Python, written from the rules and not from the Spark code."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from tests.oracle import Settled
from tests.oracle_world import World


@dataclass(frozen=True)
class Collected:
    """A period's collection: rows as in the tables without run_id, and the held receipts with their reasons."""

    collections: list[dict]
    lapses: list[dict]
    transfers: Counter
    fees: dict[str, dict]
    held: Counter
    netted_from_next: dict[tuple[str, int], int]
    period: str
    arrears_paid: Counter  # (plan, member, period of the arrears): fen

    def written_off(self) -> dict[tuple[str, int], int]:
        lapsed = [row for row in self.collections if row["status"] == "lapsed"]
        return {(row["plan_id"], row["member_id"]): row["due_fen"] - row["collected_fen"] for row in lapsed}


def collect(
    world: World, settled: Settled, receipts: list[dict], as_of: date, earlier_lapses: list[dict],
    following: Settled | None = None, before: Collected | None = None, earlier: tuple[Collected, ...] = (),
    released: tuple[dict, ...] = (),
) -> Collected:  # fmt: skip
    """Allocates every payer's receipts to the shares of his members; the outcome of each due and each receipt.

    `following`: the next period if it is settled; its aid is not paid yet at the grace limit of this one. `before`: the
    final collection of the previous period; `earlier`: those of all earlier periods. `released`: receipts that the
    operator has released: they count, and no other receipt with their id does.
    """
    calendar = world.platform.calendar
    period = calendar.period(settled.period)
    public_on, deducted_on, ends_on = (
        calendar.publicity_on(period),
        calendar.deduction_on(period),
        calendar.grace_ends_on(period),
    )
    period_receipts = [
        r
        for r in receipts
        if r["period"] == settled.period and (r["attempted_on"] is None or r["attempted_on"] <= as_of)
    ]
    held, suspense, money, returns = Counter(), Counter(), [], []
    contents = contents_by_id(receipts, as_of)
    seen = []
    released_ids = {r["receipt_id"] for r in released}
    for r in period_receipts:
        why = faults(r, public_on) | ({"receipt_duplicated"} if len(contents.get(r["receipt_id"], ())) > 1 else set())
        if r in seen:
            held[r["receipt_id"], 0, frozenset(why | {"receipt_repeated"})] += 1
            continue
        seen.append(r)
        if r in released:
            why = set()
            r = {**r, "attempted_on": max(r["attempted_on"], public_on)}
        elif r["receipt_id"] in released_ids:
            held[r["receipt_id"], 0, frozenset(why)] += 1
            continue
        if why:
            held[r["receipt_id"], r["amount_fen"] or 0, frozenset(why)] += 1
            if r["outcome"] == "collected" and "receipt_amount_out_of_range" not in why:
                suspense[min(settled.plans), max(r["attempted_on"] or public_on, public_on)] += r["amount_fen"]
        elif r["outcome"] != "failed":
            (money if r["outcome"] == "collected" else returns).append(r)
    money, went_back = less_returns(money, returns, ends_on, held)
    in_time = [r for r in money if r["attempted_on"] < ends_on]
    first_plan = min(settled.plans)
    for r in money:
        if r["attempted_on"] >= ends_on:
            held[r["receipt_id"], r["amount_fen"], frozenset({"receipt_after_grace"})] += 1
            suspense[first_plan, r["attempted_on"]] += r["amount_fen"]

    rows = [dict(row) for row in settled.rows("assessments")]
    joined_on = {(p, m): day for p, m, day in spells_in_force(world, public_on)}
    by_payer = defaultdict(list)
    for row in rows:
        by_payer[row["payer_id"]].append(row)
    for row in rows:
        row |= {"collected_fen": 0, "collected_on": None}
    receipts_by_payer = defaultdict(list)
    for r in sorted(in_time, key=lambda r: (r["attempted_on"], r["receipt_id"])):
        receipts_by_payer[r["payer_id"]].append(r)
    for payer_id, payer_receipts in receipts_by_payer.items():
        left = sum(r["amount_fen"] for r in payer_receipts)
        met = 0
        owed = sum(row["due_fen"] for row in by_payer[payer_id])
        line = sorted(
            by_payer[payer_id],
            key=lambda row: (
                row["member_id"] != payer_id,
                joined_on[row["plan_id"], row["member_id"]],
                row["member_id"],
                row["plan_id"],
            ),
        )
        for row in line:
            if row["due_fen"] > left:
                break
            left -= row["due_fen"]
            met += row["due_fen"]
            if row["due_fen"]:
                row |= {"collected_fen": row["due_fen"], "collected_on": day_reached(payer_receipts, met)}
        plan_id = min((row["plan_id"] for row in by_payer[payer_id]), default=first_plan)
        reason = (
            "receipt_without_bill"
            if not line
            else "receipt_overpaid"
            if sum(r["amount_fen"] for r in payer_receipts) > owed
            else "receipt_not_enough"
        )
        running = 0
        for r in payer_receipts:
            running += r["amount_fen"]
            over = max(0, min(r["amount_fen"], running - met))
            if over:
                held[r["receipt_id"], over, frozenset({reason})] += 1
                suspense[plan_id, r["attempted_on"]] += over

    returned = returned_by_account(went_back, by_payer, first_plan)
    is_final = as_of >= ends_on
    netted_before = before.netted_from_next if before else {}
    own_aid, next_aid = aid_of(settled), aid_of(following) if following else {}
    left_aid = {who: fen - netted_before.get(who, 0) for who, fen in own_aid.items()}
    netted_from_next = {}
    arrears_paid = old_arrears(earlier, left_aid, rows) if as_of >= deducted_on else Counter()
    for (plan_id, member_id, _), fen in arrears_paid.items():
        left_aid[plan_id, member_id] -= fen
    collections, lapses = [], []
    ended = datetime(ends_on.year, ends_on.month, ends_on.day, tzinfo=ZoneInfo(world.platform.time_zone))
    public = datetime(public_on.year, public_on.month, public_on.day, tzinfo=ZoneInfo(world.platform.time_zone))
    for row in rows:
        if row["due_fen"] == 0:
            status = "waived" if row["sponsored_fen"] else "collected"
        elif row["collected_fen"]:
            status = "collected"
        elif not is_final:
            status = "in_grace"
        else:
            who = row["plan_id"], row["member_id"]
            from_aid = min(max({**next_aid, **left_aid}.get(who, 0), 0), row["due_fen"])
            if from_aid:
                row |= {"collected_fen": from_aid, "collected_on": ends_on}
                if who not in own_aid:
                    netted_from_next[who] = from_aid
            status = "netted" if from_aid == row["due_fen"] else "lapsed"
        if status == "lapsed":
            already = any(
                lapse["plan_id"] == row["plan_id"]
                and lapse["member_id"] == row["member_id"]
                and public < lapse["ended_at"] <= ended
                for lapse in earlier_lapses
            )
            if not already:
                lapses.append(
                    {
                        "period": settled.period,
                        "plan_id": row["plan_id"],
                        "member_id": row["member_id"],
                        "ended_at": ended,
                    }
                )
        names = ("period", "plan_id", "member_id", "due_fen", "collected_fen")
        collections.append({**{n: row[n] for n in names}, "status": status, "collected_on": row["collected_on"]})

    transfers, fees = Counter(), {}
    for plan_id, plan in settled.plans.items():
        plan_rows = [row for row in collections if row["plan_id"] == plan_id]
        posted, fees[plan_id] = post(
            plan.pool,
            plan_rows,
            {d: fen for (p, d), fen in suspense.items() if p == plan_id},
            left_aid,
            sum(fen for (p, _), fen in netted_before.items() if p == plan_id)
            + sum(fen for (p, *_), fen in arrears_paid.items() if p == plan_id),
            (deducted_on, ends_on, as_of),
            world.platform.collection.shortfall_borne_by,
            Counter({tuple(key): fen for (p, *key), fen in returned.items() if p == plan_id}),
        )
        regained = write_off_reversals(plan_id, arrears_paid, earlier, world.platform.collection.shortfall_borne_by)
        posted.update({(deducted_on, *pair): fen for pair, fen in regained.items()})
        fees[plan_id]["received_fen"] += regained["fee_accrued", "fee_income"]
        fees[plan_id]["written_off_fen"] -= regained["fee_accrued", "fee_income"]
        transfers += Counter({(plan_id, *key): fen for key, fen in posted.items() if fen})
    return Collected(collections, lapses, transfers, fees, held, netted_from_next, settled.period, arrears_paid)


def old_arrears(earlier, left_aid, rows) -> Counter:
    """Set-offs of earlier arrears from aid, the oldest first, after reserving the unpaid due of this period."""
    paid = Counter()
    unmet = {(row["plan_id"], row["member_id"]): row["due_fen"] - row["collected_fen"] for row in rows}
    for who, aid in left_aid.items():
        left = aid - unmet.get(who, 0)
        for origin in earlier:
            owed = origin.written_off().get(who, 0) - sum(c.arrears_paid[*who, origin.period] for c in earlier)
            part = max(0, min(owed, left))
            if part:
                paid[*who, origin.period] = part
                left -= part
    return paid


def write_off_reversals(plan_id, arrears_paid, earlier, borne_by) -> Counter:
    """Reversals of write-offs as {(debit, credit): fen}: the fee part is earned, the rest goes to the bearer."""
    moved = Counter()
    account = "bad_debt" if borne_by == "platform" else "pool"
    for origin in earlier:
        paid_fen = lambda paid: sum(fen for (p, _, name), fen in paid.items() if (p, name) == (plan_id, origin.period))  # noqa: B023,E731
        now_fen = paid_fen(arrears_paid)
        if not now_fen:
            continue
        whole = sum(fen for (p, _), fen in origin.written_off().items() if p == plan_id)
        pair = ("fee_accrued", "members_receivable")
        lost_fee = sum(fen for (p, _, *accounts), fen in origin.transfers.items() if (p, *accounts) == (plan_id, *pair))
        earlier_fen = sum(paid_fen(c.arrears_paid) for c in earlier)
        fee = lost_fee * (earlier_fen + now_fen) // whole - lost_fee * earlier_fen // whole
        moved["benefits_payable", "fee_accrued"] += fee
        moved["fee_accrued", "fee_income"] += fee
        moved["benefits_payable", account] += now_fen - fee
        if borne_by == "platform":
            moved["platform_funding", "cash"] += now_fen - fee
    return moved


def aid_of(settled: Settled) -> dict[tuple[str, int], int]:
    aid_fen = Counter()
    for row in settled.rows("benefits"):
        aid_fen[row["plan_id"], row["member_id"]] += row["benefit_fen"]
    return {who: fen for who, fen in aid_fen.items() if fen}


def contents_by_id(receipts: list[dict], as_of: date) -> dict[int, list[dict]]:
    """By id, its different receipts of all periods that are known on the day."""
    contents = defaultdict(list)
    for r in receipts:
        is_known = r["attempted_on"] is None or r["attempted_on"] <= as_of
        if is_known and r["receipt_id"] is not None and r not in contents[r["receipt_id"]]:
            contents[r["receipt_id"]].append(r)
    return contents


def faults(r: dict, public_on: date) -> set[str]:
    reasons = set()
    if None in (r["receipt_id"], r["payer_id"], r["attempted_on"]):
        reasons.add("receipt_key_missing")
    if r["outcome"] not in ("collected", "failed", "returned"):
        reasons.add("receipt_outcome_unknown")
    moves = r["outcome"] in ("collected", "returned")
    if moves and not (r["amount_fen"] is not None and 1 <= r["amount_fen"] <= 100_000_000):
        reasons.add("receipt_amount_out_of_range")
    if r["outcome"] == "failed" and r["amount_fen"]:
        reasons.add("receipt_amount_out_of_range")
    if r["attempted_on"] is not None and r["attempted_on"] < public_on:
        reasons.add("receipt_before_publicity")
    return reasons


def less_returns(money, returns, ends_on, held):
    """Receipts less returns, fen by fen, the latest fen of the payer first. Second result: (payer, day received, day
    returned, is late, fen). The part of a return that exceeds the payments is held."""
    stacks, left, went_back = defaultdict(list), Counter(), Counter()
    for r in sorted([*money, *returns], key=lambda r: (r["attempted_on"], r["outcome"] == "returned", r["receipt_id"])):
        stack = stacks[r["payer_id"]]
        if r["outcome"] == "collected":
            stack.extend([r] * r["amount_fen"])
            continue
        too_much = max(0, r["amount_fen"] - len(stack))
        if too_much:
            held[r["receipt_id"], too_much, frozenset({"receipt_returned_too_much"})] += 1
        for _ in range(r["amount_fen"] - too_much):
            went_back[r["payer_id"], stack.pop()["attempted_on"], r["attempted_on"]] += 1
    for stack in stacks.values():
        left.update(r["receipt_id"] for r in stack)
    kept = [{**r, "amount_fen": left[r["receipt_id"]]} for r in money if left[r["receipt_id"]]]
    assert all(went >= came for _, came, went in went_back)
    return kept, [(*key, key[1] >= ends_on, fen) for key, fen in went_back.items()]


def returned_by_account(went_back, by_payer, first_plan):
    """Postings of returned money as {(plan, day, debit, credit): fen}: in and out on their days, through the receivable
    up to the unpaid dues, otherwise through suspense."""
    posted = Counter()
    for payer_id in {payer for payer, *_ in went_back}:
        unmet = Counter()
        for row in by_payer[payer_id]:
            unmet[row["plan_id"]] += row["due_fen"] - row["collected_fen"]
        dues = [plan_id for plan_id in sorted(unmet) for _ in range(unmet[plan_id])]
        main_plan = min(unmet, default=first_plan)
        payer_returns = [each for each in went_back if each[0] == payer_id]
        for position, sign in ((1, 1), (2, -1)):
            days = sorted(each[position] for each in payer_returns if not each[3] for _ in range(each[4]))
            places = [(p, "members_receivable") for p in dues] + [(main_plan, "suspense")] * len(days)
            moved = [(day, *place) for day, place in zip(days, places, strict=False)]
            moved += [
                (each[position], first_plan, "suspense") for each in payer_returns if each[3] for _ in range(each[4])
            ]
            for day, plan_id, account in moved:
                posted[plan_id, day, *(("cash", account) if sign > 0 else (account, "cash"))] += 1
    return posted


def day_reached(receipts: list[dict], needed_fen: int) -> date:
    running = 0
    for r in receipts:
        running += r["amount_fen"]
        if running >= needed_fen:
            return r["attempted_on"]
    raise AssertionError("not reached")


def spells_in_force(world: World, day: date):
    for row in world.members:
        keyed = None not in (row["plan_id"], row["member_id"], row["joined_on"])
        if keyed and row["joined_on"] < day and (row["exited_on"] is None or row["exited_on"] >= day):
            yield row["plan_id"], row["member_id"], row["joined_on"]


def post(pool, plan_rows, suspense, own_aid, netted_before, days, borne_by, returned):
    """The transfers as {(day, debit, credit): fen}, and the fee row without expenditure."""
    deducted_on, ends_on, as_of = days
    transfers = Counter()
    received = Counter()
    for row in plan_rows:
        if row["collected_fen"] and row["collected_on"] < ends_on:
            received[row["collected_on"]] += row["collected_fen"]
    for day, fen in received.items():
        transfers[day, "cash", "members_receivable"] += fen
    for day, fen in suspense.items():
        transfers[day, "cash", "suspense"] += fen
    transfers.update(returned)
    unpaid_again = Counter()  # paid dues that a return made unpaid again
    for (day, debit, credit), fen in returned.items():
        unpaid_again[day] += fen * ((credit == "members_receivable") - (debit == "members_receivable"))
    moving_days = {deducted_on, ends_on, *received, *suspense, *(day for day, *_ in returned)}
    from_aid = {row["member_id"]: row["collected_fen"] for row in plan_rows if row["collected_on"] == ends_on}
    netted = sum(from_aid.values())
    written_off = sum(row["due_fen"] - row["collected_fen"] for row in plan_rows if row["status"] == "lapsed")
    if as_of >= ends_on:
        transfers[ends_on, "benefits_payable", "members_receivable"] += netted

    helped = [row for row in plan_rows if row["due_fen"] and (row["plan_id"], row["member_id"]) in own_aid]
    netted_from_own = sum(from_aid.get(row["member_id"], 0) for row in helped)
    paid = 0
    for day in sorted(moving_days):
        if deducted_on <= day <= as_of:
            unmet = sum(
                min(row["due_fen"], own_aid[row["plan_id"], row["member_id"]])
                for row in helped
                if row["collected_on"] in (None, ends_on) or row["collected_on"] > day
            )
            if day >= ends_on:
                unmet = netted_from_own
            paid_so_far = max(pool["benefit_fen"] - unmet - netted_before, 0)
            transfers[day, "benefits_payable", "cash"] += paid_so_far - paid
            paid = paid_so_far

    fee, sponsored = pool["fee_fen"], pool["case_sponsored_fen"] + pool["member_sponsored_fen"]
    whole = pool["due_fen"] + sponsored + pool["brought_forward_fen"]
    sponsored_fee = fee * min(sponsored, whole) // whole if whole > 0 else 0
    if as_of >= deducted_on:
        # The platform pays no fee to itself; it pays the rest of its debt, or takes back an excess.
        transfers[deducted_on, "fee_accrued", "sponsor_receivable"] += sponsored_fee
        transfers[deducted_on, "cash", "sponsor_receivable"] += max(sponsored - sponsored_fee, 0)
        transfers[deducted_on, "sponsor_receivable", "cash"] += max(sponsored_fee - sponsored, 0)
    income, so_far = 0, 0
    for day in sorted(moving_days):
        if day > as_of:
            continue
        so_far += received[day] + (netted if day == ends_on else 0)
        in_now = so_far + (sum(fen for d, fen in unpaid_again.items() if d <= day) if day < ends_on else 0)
        if whole > 0:
            now = max(fee * (sponsored + pool["brought_forward_fen"] + in_now) // whole - sponsored_fee, 0)
        else:
            now = fee - sponsored_fee
        if now >= income:
            transfers[day, "fee_accrued", "fee_income"] += now - income
        else:
            transfers[day, "fee_income", "fee_accrued"] += income - now
        income = now
    rest = fee - sponsored_fee - income
    lost_fee = min(rest, written_off) if as_of >= ends_on else 0
    if as_of >= ends_on:
        transfers[ends_on, "fee_accrued", "members_receivable"] += lost_fee
        if borne_by == "platform":
            transfers[ends_on, "bad_debt", "members_receivable"] += written_off - lost_fee
            transfers[ends_on, "cash", "platform_funding"] += written_off - lost_fee
        else:
            transfers[ends_on, "pool", "members_receivable"] += written_off - lost_fee
    row = {
        "accrued_fen": fee,
        "sponsored_fen": sponsored_fee,
        "received_fen": income,
        "outstanding_fen": rest - lost_fee,
        "written_off_fen": lost_fee,
    }
    return transfers, row
