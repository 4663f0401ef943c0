"""Corrections of corrections in random plans, compared with the oracle: differences, postings and books."""

from collections import Counter, defaultdict
from copy import deepcopy
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.collection.days import CollectionDays
from jobs.correction.additional_dues import refund_as_money_fen, whole_dues_met
from jobs.correction.cases import Case, paid_fen
from jobs.correction.dispositions import ASKED, DISPOSITIONS, POOLED, REFUNDED, WRITTEN_OFF, dispositions
from jobs.correction.invariants import CorrectionReadBack, brought_forward_breaches, correction_breaches
from jobs.correction.pools import POOL_COLUMNS, effective_pool, pool_deltas
from jobs.correction.reinstatement import reinstatement
from jobs.ledger.adjustment_postings import AdjustmentTotals, adjustment_transfers
from jobs.ledger.arrears_postings import write_off_of
from jobs.ledger.balances import balance_rows, closing_breaches
from jobs.ledger.collection_postings import CollectionTotals, collection_transfers
from jobs.ledger.correction_postings import CorrectionAmounts, adjusted_fen, correction_transfers
from jobs.ledger.fee import fee_row
from jobs.ledger.identities import closed_books, identity_breaches
from jobs.ledger.journal import balance_fen, settlement_transfers
from jobs.money import above_allowance, apportion, case_allowance
from jobs.rulebook import load_platform
from jobs.settlement.pool import pool_of
from jobs.settlement.shares import Sharing, pool_row
from jobs.settlement.yearly_cap import headroom_of
from tests.oracle_correction import Life, Terms, World

PUBLICITY, DEDUCTION, GRACE = date(2020, 12, 7), date(2020, 12, 14), date(2020, 12, 26)
DAYS = CollectionDays(PUBLICITY, DEDUCTION, GRACE, GRACE)
ACCOUNTS = [account.account for account in load_platform("xianghubao").accounts]
MEMBERS = range(1, 8)


class ProgramBooks:
    """The same plan computed by the program's functions: rows as in the tables, transfers as in the journal."""

    def __init__(self, terms: Terms, world: World):
        self.terms, self.world = terms, world
        self.pools, self.assessed, self.benefits, self.transfers = {}, {}, {}, defaultdict(list)
        self.corrected = []  # (origin, into, pool row, adjustments, cases, reinstated)
        self.collected, self.lapses, self.extra_lost = {}, set(), defaultdict(Counter)
        self.closed_transfers, self.rows, self.fees = [], [], []

    def of(self, origin):
        return [c for c in self.corrected if c[0] == origin]

    def recomputed(self, period, brought_fen, benefits, adjusted_fen=0):
        terms = self.terms
        void = {(c[0], member) for c in self.corrected for member in c[5]}
        ended = {member for p, member in self.lapses - void if p < period}
        cover = {m: tier for m, tier in self.world.covered.get(period, {}).items() if m not in ended}
        counts = Counter(cover.values())
        allowance = None if terms.case_cap_fen is None else case_allowance(terms.case_cap_fen, counts, terms.weights)
        sponsored_by_case = {
            k: 0 if allowance is None else above_allowance(b, terms.fee_ppm, allowance) for k, b in benefits.items()
        }
        cases = sum(b > 0 for b in benefits.values())
        pool = pool_of(cases, sum(benefits.values()), sum(sponsored_by_case.values()), terms.fee_ppm, brought_fen)
        shares = apportion(pool.pool_fen, counts, terms.weights, "ceil_fen")
        sharing = Sharing(pool, counts, terms.weights, "ceil_fen", shares)
        dues = {}
        for member, tier in cover.items():
            share_fen = shares.share_fen[tier]
            headroom_fen = headroom_of(terms.yearly_cap_fen, self.borne(member, period))
            is_waived = member in self.world.waived.get(period, ())
            dues[member] = (
                tier,
                0 if is_waived else share_fen if headroom_fen is None else min(share_fen, max(headroom_fen, 0)),
            )
        sponsored_fen = shares.billed_fen - sum(due for _, due in dues.values())
        return pool_row(sharing, sponsored_fen, "v", adjusted_fen), dues, sponsored_by_case

    def borne(self, member, period):
        adjustments_fen = sum(
            row["delta_fen"] for c in self.corrected if c[0] < period for row in c[3]
            if row["member_id"] == member and row["disposition"] != POOLED
        )  # fmt: skip
        return sum(self.assessed[p].get(member, ("", 0))[1] for p in self.assessed if p < period) + adjustments_fen

    def settle(self, period):
        adjusted = [c[2]["adjusted_fen"] for c in self.corrected if c[1] == period]
        carried_fen = -balance_fen(self.closed_transfers, "pool")
        benefits = dict(self.world.aid.get(period, {}))
        pool, dues, sponsored_by_case = self.recomputed(period, carried_fen + sum(adjusted), benefits, sum(adjusted))
        self.pools[period], self.assessed[period], self.benefits[period] = pool, dues, (benefits, sponsored_by_case)
        assert brought_forward_breaches(pool, carried_fen, adjusted) == []
        self.transfers[period] += settlement_transfers(pool)

    def collect(self, period, money):
        into = [(c[0], row) for c in self.corrected if c[1] == period for row in c[3]]
        met_fen = lost_fen = suspense_fen = 0
        extra = AdjustmentTotals({DEDUCTION: 0}, 0)
        members = {*self.assessed[period], *money, *(row["member_id"] for _, row in into)}
        for member in members:
            _, due_fen = self.assessed[period].get(member, ("", 0))
            dues = Counter()  # the rows of one period are one due
            for origin, row in into:
                if row["member_id"] == member and row["disposition"] == ASKED:
                    dues[origin] += row["delta_fen"]
            asked = sorted(dues.items())
            refund_fen = -sum(row["delta_fen"] for _, row in into
                              if row["member_id"] == member and row["disposition"] == REFUNDED)  # fmt: skip
            owed_fen = due_fen + sum(fen for _, fen in asked)
            paid, counted = money.get(member, 0), refund_as_money_fen(refund_fen, owed_fen)
            met = whole_dues_met(paid + counted, due_fen, [fen for _, fen in asked])
            share_met = due_fen if paid + counted >= due_fen else 0
            if not share_met and due_fen:
                lost_fen += due_fen
                self.lapses.add((period, member))
            met_fen += share_met
            for (origin, fen), part in zip(asked, met, strict=True):
                self.extra_lost[origin][member] += fen - part
                extra = AdjustmentTotals(
                    {DEDUCTION: extra.met_fen[DEDUCTION] + part}, extra.written_off_fen + fen - part
                )
            suspense_fen += min(paid + counted - share_met - sum(met), paid)
        totals = CollectionTotals(
            collected_fen={DEDUCTION: met_fen}, suspense_fen={DEDUCTION: suspense_fen}, written_off_fen=lost_fen
        )
        corrections = list(self.transfers_of_corrections[period])
        posted = [t for _, t in collection_transfers(self.pools[period], totals, DAYS, self.terms.borne_by)]
        posted += [t for _, t in adjustment_transfers(corrections, extra, DAYS, self.terms.borne_by)]
        assert all(t.amount_fen > 0 for t in posted)
        self.transfers[period] += posted
        self.collected[period] = (posted, {"collected": (met_fen, met_fen), "lapsed": (lost_fen, 0)})

    @property
    def transfers_of_corrections(self):
        by_period = defaultdict(list)
        for c in self.corrected:
            by_period[c[1]] += c[6]
        return by_period

    def close(self, period):
        transfers = [*self.transfers_of_corrections[period], *self.transfers[period]]
        brought_forward = {row["account"]: row["carried_forward_fen"] for row in self.rows}
        self.rows = balance_rows(transfers, ACCOUNTS, brought_forward)
        fee = fee_row(transfers, self.pools[period]["brought_forward_fen"])
        assert identity_breaches(closed_books(self.rows, fee, self.fees)) == []
        statuses = self.collected[period][1]
        assert closing_breaches(transfers, self.rows, self.pools[period], statuses, self.terms.borne_by) == []
        self.fees.append(fee)
        self.closed_transfers += transfers
        return fee

    def unpaid(self, origin, member):
        """The written-off part of his dues of the period, additional dues included, that is not reversed."""
        fen = self.assessed[origin].get(member, ("", 0))[1] if (origin, member) in self.lapses else 0
        fen += self.extra_lost[origin][member]
        for c in self.of(origin):
            fen += sum(r["delta_fen"] for r in c[3] if (r["member_id"], r["disposition"]) == (member, WRITTEN_OFF))
            fen -= c[5].get(member, ("", 0))[1]
        return fen

    def correct(self, origin, into):
        cases = {}
        stored, stored_sponsored = self.benefits[origin]
        known = {*stored, *self.world.aid.get(origin, {}), *(k for c in self.of(origin) for k in c[4])}
        for key in known:
            changes = [(c[1], c[4][key]) for c in self.of(origin) if key in c[4]]
            cases[key] = Case(
                recomputed_fen=self.world.aid.get(origin, {}).get(key, 0),
                effective_fen=stored.get(key, 0) + sum(row["delta_benefit_fen"] for _, row in changes),
                paid_fen=paid_fen(stored.get(key, 0), [(r["delta_benefit_fen"], r["recovered_fen"])
                                                       for t, r in changes if t != into]),
                recovered_fen=self.world.recovered[key],
                booked_fen=sum(row["recovered_fen"] for _, row in changes),
            )  # fmt: skip
        effective = effective_pool(self.pools[origin], [c[2] for c in self.of(origin)])
        benefits = {key: case.benefit_fen for key, case in cases.items()}
        now, dues, sponsored_by_case = self.recomputed(origin, effective["brought_forward_fen"], benefits)
        case_rows = {}
        for key, case in cases.items():
            old_fen = stored_sponsored.get(key, 0) + sum(
                c[4][key]["delta_sponsored_fen"] for c in self.of(origin) if key in c[4]
            )
            row = {"delta_benefit_fen": case.benefit_fen - case.effective_fen,
                   "delta_sponsored_fen": sponsored_by_case[key] - old_fen, "recovered_fen": case.newly_recovered_fen,
                   }  # fmt: skip
            if any(row.values()):
                assert case.marker in ("added", "aid_changed", "struck_out", "recovered")
                case_rows[key] = row
        reinstated, rows = self.members_rows(origin, into, dues)
        parts = Counter()
        for row in rows:
            parts[row["disposition"]] += row["delta_fen"]
        deltas = pool_deltas(effective, now)
        if not (rows or case_rows or reinstated or any(deltas.values())):
            return None
        own = [t for t in self.collected[origin][0]]
        taken = sum(-c[2]["written_off_fen"] + sum(fen for _, fen in c[5].values()) for c in self.of(origin))
        by_account = Counter()
        for member, (_, fen) in reinstated.items():
            if fen:
                by_account[self.world.paid_late[origin, member]] += fen
        amounts = CorrectionAmounts(
            effective, now, *(parts[f] for f in DISPOSITIONS), sum(r["recovered_fen"] for r in case_rows.values()),
            write_off_of(str(origin), own, [], taken), by_account,
        )  # fmt: skip
        transfers = correction_transfers(amounts, self.terms.borne_by, "correction")
        assert all(t.amount_fen > 0 for t in transfers)
        pool = {**deltas, **{f"{name}_fen": parts[name] for name in DISPOSITIONS},
                "adjusted_fen": adjusted_fen(amounts, self.terms.borne_by)}  # fmt: skip
        returned_fen = amounts.aid_part_fen() if self.terms.borne_by == "next_period" else 0
        stored_row = CorrectionReadBack(
            pool, parts, sum(r["delta_benefit_fen"] for r in case_rows.values()),
            sum(r["delta_sponsored_fen"] for r in case_rows.values()), effective, now, returned_fen, transfers,
        )  # fmt: skip
        assert correction_breaches(stored_row) == []
        self.corrected.append((origin, into, pool, rows, case_rows, reinstated, transfers))
        return self.corrected[-1]

    def unbilled(self, origin, into, member):
        """What earlier corrections of the period into the same open one asked of him, and refunded."""
        rows = [r for c in self.of(origin) if c[1] == into for r in c[3] if r["member_id"] == member]
        return tuple(
            sign * sum(r["delta_fen"] for r in rows if r["disposition"] == name)
            for name, sign in ((ASKED, 1), (REFUNDED, -1))
        )

    def members_rows(self, origin, into, dues):
        reinstated = {}
        void = {(c[0], member) for c in self.corrected for member in c[5]}
        for period, member in sorted(self.lapses - void):
            if period == origin:
                done = reinstatement(
                    self.assessed[origin][member][1], self.unpaid(origin, member), dues.get(member, ("", 0))[1],
                    (origin, member) in self.world.paid_late,
                )  # fmt: skip
                if done is not None:
                    reinstated[member] = done
        void |= {(origin, member) for member in reinstated}
        ended = {member for p, member in self.lapses - void if p < into}
        rows = []
        everyone = {*dues, *self.assessed[origin], *(r["member_id"] for c in self.of(origin) for r in c[3])}
        for member in everyone:
            before = [r for c in self.of(origin) for r in c[3] if r["member_id"] == member]
            effective_fen = self.assessed[origin].get(member, ("", 0))[1] + sum(r["delta_fen"] for r in before)
            done = dispositions(
                dues.get(member, ("", 0))[1] - effective_fen,
                sum(r["delta_fen"] for r in before if r["disposition"] == POOLED),
                self.unpaid(origin, member) - reinstated.get(member, ("", 0))[1],
                member in self.world.covered.get(into, {}) and member not in ended,
                self.terms.threshold_fen,
                *self.unbilled(origin, into, member),
            )
            rows += [{"member_id": member, "disposition": name, "delta_fen": fen} for name, fen in done.items()]
        return reinstated, rows


TIERS = st.sampled_from(("standard", "standard", "basic"))
COVER = st.dictionaries(st.sampled_from(MEMBERS), TIERS, min_size=2, max_size=7)
AID = st.dictionaries(st.integers(1, 3), st.one_of(st.integers(1, 40), st.integers(1, 100_000)), max_size=3)
CHANGE = st.fixed_dictionaries({
    "covered": st.one_of(st.none(), COVER),
    "aid": st.one_of(st.none(), AID),
    "waived": st.one_of(st.none(), st.frozensets(st.sampled_from(MEMBERS), max_size=3)),
    "recovered": st.dictionaries(st.integers(1, 3), st.one_of(st.just(0), st.integers(0, 50_000)), max_size=2),
    "paid_late": st.dictionaries(st.sampled_from(MEMBERS), st.sampled_from(("suspense", "cash")), max_size=2),
})  # fmt: skip
PERIOD = st.fixed_dictionaries({
    "covered": COVER, "aid": AID, "waived": st.frozensets(st.sampled_from(MEMBERS), max_size=2),
    "pays": st.dictionaries(st.sampled_from(MEMBERS), st.sampled_from(("nothing", "share", "odd")), max_size=4),
    "changes": st.lists(st.tuples(st.integers(0, 3), CHANGE), max_size=3),
})  # fmt: skip
TERMS = st.builds(
    Terms,
    fee_ppm=st.sampled_from((0, 80_000, 999_999)),
    case_cap_fen=st.one_of(st.none(), st.integers(1, 5_000)),
    yearly_cap_fen=st.one_of(st.none(), st.integers(1, 50_000)),
    borne_by=st.sampled_from(("platform", "next_period")),
    threshold_fen=st.sampled_from((1, 1, 30)),
)


def money_of(life: Life, period: int, pays: dict) -> dict:
    """The payment of every member: the full amount, nothing, only the share, or another amount."""
    owed_fen = Counter({member: due for member, (_, due) in life.dues[period].items()})
    for c in life.corrections:
        if c.into == period:
            for (member, how), fen in c.parts.items():
                owed_fen[member] += fen if how == "asked" else 0
    money = {}
    for member, fen in owed_fen.items():
        _, share = life.dues[period].get(member, ("", 0))
        money[member] = {"nothing": 0, "share": share, "odd": fen + 7 if fen % 2 else fen // 2}.get(
            pays.get(member, ""), fen
        )
    return money


def change(world: World, origin: int, changed: dict) -> None:
    for name in ("covered", "aid", "waived"):
        if changed[name] is not None:
            value = changed[name]
            if name == "aid":  # a case belongs to one period
                value = {(origin, case): fen for case, fen in value.items()}
            getattr(world, name)[origin] = value
    for case, fen in changed["recovered"].items():
        world.recovered[origin, case] = fen
    for member, account in changed["paid_late"].items():
        world.paid_late[origin, member] = account


def assert_same_books(life: Life, program: ProgramBooks) -> None:
    balance = Counter(dict.fromkeys(ACCOUNTS, 0))
    journal = [*program.closed_transfers]
    for period in program.transfers_of_corrections:
        if period not in program.collected:
            journal += program.transfers_of_corrections[period]
    for transfer in journal:
        balance[transfer.debit_account] += transfer.amount_fen
        balance[transfer.credit_account] -= transfer.amount_fen
    assert {a: fen for a, fen in balance.items() if fen} == {a: fen for a, fen in life.books.items() if fen}


def assert_same_correction(life: Life, program: ProgramBooks, origin: int, into: int) -> None:
    by_oracle, by_program = life.correct(origin, into), program.correct(origin, into)
    assert (by_oracle is None) == (by_program is None)
    if by_program is not None:
        _, _, pool, rows, cases, reinstated, _ = by_program
        assert {(r["member_id"], r["disposition"]): r["delta_fen"] for r in rows} == dict(by_oracle.parts)
        assert {k: tuple(row.values()) for k, row in cases.items()} == by_oracle.cases
        assert reinstated == by_oracle.reinstated
        assert pool["adjusted_fen"] == by_oracle.adjusted_fen
        assert all(pool[f"delta_{name}"] == by_oracle.pool[name] for name in POOL_COLUMNS)


def assert_equals_recomputation(life: Life, program: ProgramBooks, origin: int, into: int) -> None:
    """P7: settled amounts plus all differences equal the recomputed period, and a repeated correction is a no-op."""
    earlier_corrections = [c for c in life.corrections if c.origin == origin]
    _, benefits = life.corrected_cases(origin, into, earlier_corrections)
    pool, dues = life.settled_now(origin, life.pools[origin]["brought_forward_fen"], benefits)
    effective = effective_pool(program.pools[origin], [c[2] for c in program.of(origin)])
    assert effective == {name: pool[name] for name in effective}
    for member in MEMBERS:
        stored_fen = program.assessed[origin].get(member, ("", 0))[1]
        deltas_fen = sum(r["delta_fen"] for c in program.of(origin) for r in c[3] if r["member_id"] == member)
        assert stored_fen + deltas_fen == dues.get(member, ("", 0))[1]
    before = len(program.corrected)
    assert program.correct(origin, into) is None and life.correct(origin, into) is None
    assert len(program.corrected) == before


@settings(max_examples=200, deadline=None)
@given(TERMS, st.lists(PERIOD, min_size=2, max_size=4))
def test_corrections_of_corrections_agree_with_the_oracle(terms, periods):
    world = World()
    life, program = Life(terms, world), ProgramBooks(terms, world)
    for number, period in enumerate(periods):
        world.covered[number], world.waived[number] = dict(period["covered"]), period["waived"]
        world.aid[number] = {(number, case): fen for case, fen in period["aid"].items()}
        for distance, changed in period["changes"] if number else ():
            origin = distance % number
            change(world, origin, deepcopy(changed))
            assert_same_correction(life, program, origin, number)
            assert_same_books(life, program)
            assert_equals_recomputation(life, program, origin, number)
        life.settle(number), program.settle(number)
        assert life.pools[number] == {name: program.pools[number][name] for name in life.pools[number]}
        money = money_of(life, number, period["pays"])
        life.collect(number, money), program.collect(number, money)
        fee = program.close(number)
        assert {name: fee[f"{name}_fen"] for name in life.fees[number]} == life.fees[number]
        assert_same_books(life, program)
