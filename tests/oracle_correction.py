"""The oracle of corrections, in plain Python and written from the rules: one plan, its periods, its books.

Period by period: settle, collect, close; then closed periods are corrected into the next one, with the sources of that
time. Amounts are kept by member and by case; every posting changes the books.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

MILLION = 1_000_000


@dataclass(frozen=True)
class Terms:
    """The rules of the plan: fee, weights, caps, bearer of write-offs, and the smallest additional due."""

    fee_ppm: int = 80_000
    weights: dict = field(default_factory=lambda: {"standard": MILLION, "basic": MILLION // 2})
    case_cap_fen: int | None = None
    yearly_cap_fen: int | None = None
    borne_by: str = "platform"
    threshold_fen: int = 1


@dataclass
class World:
    """The current sources. By period: `covered` (member: tier), `aid` (case: fen), `waived` (members who do not pay).
    `recovered`: by case, recovered aid. `paid_late`: (period, member) whose payment is found later, with its
    account."""

    covered: dict = field(default_factory=dict)
    aid: dict = field(default_factory=dict)
    waived: dict = field(default_factory=dict)
    recovered: Counter = field(default_factory=Counter)
    paid_late: dict = field(default_factory=dict)


@dataclass
class Corrected:
    """One correction: changes by (member, disposition), by case, and of the pool."""

    origin: int
    into: int
    parts: Counter
    cases: dict
    pool: Counter
    reinstated: dict
    adjusted_fen: int

    @property
    def is_nothing(self) -> bool:
        return not (self.parts or self.cases or self.reinstated or any(self.pool.values()))


class Life:
    """A plan with its periods, corrections and books."""

    def __init__(self, terms: Terms, world: World):
        self.terms, self.world = terms, world
        self.pools, self.dues, self.cases, self.fees = {}, {}, {}, {}
        self.lapsed, self.void = set(), set()  # (period, member)
        self.due_written_off, self.fee_written_off = Counter(), Counter()  # by period
        self.taken_back = Counter()  # by period
        self.unpaid = Counter()  # (period, member): written off and not reversed, additional dues included
        self.corrections: list[Corrected] = []
        self.books: Counter = Counter()
        self.corrected_fees = defaultdict(Counter)

    # --- the settlement -------------------------------------------------------------------------------------------

    def settled_now(self, period: int, brought_fen: int, benefits: dict) -> tuple[Counter, dict]:
        """The pool and every member's (tier, due), computed from the current sources."""
        terms, cover = self.terms, self.cover(period)
        weight = sum(terms.weights[tier] for tier in cover.values())
        aid_fen = sum(benefits.values())
        fee_fen = (2 * aid_fen * terms.fee_ppm + MILLION) // (2 * MILLION)
        case_fen = sum(self.above_cap(fen, weight) for fen in benefits.values())
        pool_fen = aid_fen + fee_fen - brought_fen - case_fen
        shares = {m: -(-max(pool_fen, 0) * terms.weights[tier] // weight) for m, tier in cover.items()}
        dues = {}
        for member, share_fen in shares.items():
            due_part_fen = 0 if member in self.world.waived.get(period, ()) else share_fen
            if terms.yearly_cap_fen is not None:
                due_part_fen = min(due_part_fen, max(terms.yearly_cap_fen - self.borne(member, period), 0))
            dues[member] = (cover[member], due_part_fen)
        billed_fen, due_fen = sum(shares.values()), sum(fen for _, fen in dues.values())
        pool = Counter(
            case_count=sum(fen > 0 for fen in benefits.values()), benefit_fen=aid_fen, fee_fen=fee_fen,
            case_sponsored_fen=case_fen, billed_fen=billed_fen, member_sponsored_fen=billed_fen - due_fen,
            due_fen=due_fen, carried_forward_fen=billed_fen - pool_fen, brought_forward_fen=brought_fen,
        )  # fmt: skip
        return pool, dues

    def cover(self, period: int) -> dict:
        ended = {m for p, m in self.lapsed - self.void if p < period}
        return {m: tier for m, tier in self.world.covered.get(period, {}).items() if m not in ended}

    def above_cap(self, benefit_fen: int, weight: int) -> int:
        if self.terms.case_cap_fen is None:
            return 0
        fee_fen = -(-benefit_fen * self.terms.fee_ppm // MILLION)
        return max(0, benefit_fen + fee_fen - self.terms.case_cap_fen * weight // MILLION)

    def borne(self, member: int, period: int) -> int:
        """Dues of the member in earlier periods, corrections included, without pooled amounts."""
        charged_fen = sum(self.dues[p].get(member, ("", 0))[1] for p in self.dues if p < period)
        for c in self.corrections:
            if c.origin < period:
                charged_fen += sum(fen for (m, how), fen in c.parts.items() if m == member and how != "pooled")
        return charged_fen

    def settle(self, period: int) -> None:
        brought_fen = -self.books["pool"]  # the residual of all earlier periods, corrections included
        benefits = dict(self.world.aid.get(period, {}))
        pool, dues = self.settled_now(period, brought_fen, benefits)
        self.pools[period], self.dues[period], self.cases[period] = pool, dues, benefits
        self.post("pool", "benefits_payable", pool["benefit_fen"])
        self.post("pool", "fee_accrued", pool["fee_fen"])
        self.post("members_receivable", "pool", pool["due_fen"])
        self.post("sponsor_receivable", "pool", pool["case_sponsored_fen"] + pool["member_sponsored_fen"])

    # --- the collection -------------------------------------------------------------------------------------------

    def collect(self, period: int, money: dict) -> None:
        """`money`: payments by member until the grace limit. A refund counts as a payment up to the amount owed."""
        pool = self.pools[period]
        refunds, asked = Counter(), defaultdict(Counter)  # asked: by member, then by the period it is for
        for c in self.corrections:
            if c.into == period:
                for (member, how), fen in c.parts.items():
                    if how == "refunded":
                        refunds[member] -= fen
                    elif how == "asked":
                        asked[member][c.origin] += fen
        met_fen = lost_fen = suspense_fen = extra_fen = extra_lost_fen = 0
        for member in {*self.dues[period], *money, *asked, *refunds}:
            _, due_fen = self.dues[period].get(member, ("", 0))
            left_fen = money.get(member, 0) + refunds[member]
            if left_fen >= due_fen:
                left_fen, met_fen, is_met = left_fen - due_fen, met_fen + due_fen, True
            else:
                is_met, lost_fen = False, lost_fen + due_fen
                self.lapsed.add((period, member))
                self.unpaid[period, member] += due_fen
            for origin, fen in sorted(asked[member].items()):
                is_met = is_met and left_fen >= fen
                if is_met:
                    left_fen, extra_fen = left_fen - fen, extra_fen + fen
                else:
                    extra_lost_fen += fen
                    self.unpaid[origin, member] += fen
            suspense_fen += min(left_fen, money.get(member, 0))  # the rest of a refund is paid out
        self.post_collection(period, pool, met_fen, lost_fen)
        self.post_corrections(period, sum(refunds.values()), extra_fen, extra_lost_fen)
        self.post("cash", "suspense", suspense_fen)

    def post_collection(self, period: int, pool: Counter, met_fen: int, lost_fen: int) -> None:
        fee_fen, sponsored_fen, brought_fen = pool["fee_fen"], sponsored(pool), pool["brought_forward_fen"]
        all_fen = pool["due_fen"] + sponsored_fen + brought_fen
        free_fee_fen = sponsored_fee(pool)
        got_fee_fen = (
            fee_fen * min(sponsored_fen + brought_fen + met_fen, all_fen) // all_fen if all_fen > 0 else fee_fen
        )
        got_fee_fen = max(got_fee_fen - free_fee_fen, 0)
        lost_fee_fen = min(fee_fen - free_fee_fen - got_fee_fen, lost_fen)
        self.due_written_off[period], self.fee_written_off[period] = lost_fen, lost_fee_fen
        self.post("cash", "members_receivable", met_fen)
        self.post("fee_accrued", "sponsor_receivable", free_fee_fen)
        self.post("cash", "sponsor_receivable", sponsored_fen - free_fee_fen)
        self.post("fee_accrued", "fee_income", got_fee_fen)
        self.post("benefits_payable", "cash", pool["benefit_fen"])
        self.post("fee_accrued", "members_receivable", lost_fee_fen)
        self.lose("members_receivable", lost_fen - lost_fee_fen)
        own = {"accrued": fee_fen, "sponsored": free_fee_fen, "received": got_fee_fen, "written_off": lost_fee_fen}
        self.fees[period] = {name: fen + self.corrected_fees[period][name] for name, fen in own.items()}
        self.fees[period]["outstanding"] = fee_fen - free_fee_fen - got_fee_fen - lost_fee_fen

    def post_corrections(self, period: int, refunds_fen: int, extra_fen: int, extra_lost_fen: int) -> None:
        into = [c for c in self.corrections if c.into == period]
        aid_fen = sum(delta + back for c in into for delta, _, back in c.cases.values())
        sponsored_fen = sum(sponsored(c.pool) for c in into) - self.corrected_fees[period]["sponsored"]
        self.post("benefits_payable", "cash", aid_fen)
        self.post("cash", "sponsor_receivable", sponsored_fen)
        self.post("fee_accrued", "fee_income", self.corrected_fees[period]["received"])
        self.post("refunds_payable", "cash", refunds_fen)
        self.post("cash", "adjustments_receivable", extra_fen)
        self.lose("adjustments_receivable", extra_lost_fen)

    def lose(self, account: str, fen: int) -> None:
        if self.terms.borne_by == "platform":
            self.post("bad_debt", account, fen)
            self.post("cash", "platform_funding", fen)
        else:
            self.post("pool", account, fen)

    # --- the correction -------------------------------------------------------------------------------------------

    def correct(self, origin: int, into: int) -> Corrected | None:
        """Recomputes the closed period `origin` from the current sources; None: no difference."""
        earlier = [c for c in self.corrections if c.origin == origin]
        cases, benefits = self.corrected_cases(origin, into, earlier)
        so_far = self.so_far(origin, earlier)
        pool, dues = self.settled_now(origin, self.pools[origin]["brought_forward_fen"], benefits)
        weight = sum(self.terms.weights[tier] for tier in self.cover(origin).values())
        deltas = Counter({name: pool[name] - so_far[name] for name in pool})
        sponsored_before = self.sponsored_by_case(origin, earlier)
        for case in {*benefits, *sponsored_before}:
            delta_fen, _, back_fen = cases.get(case, (0, 0, 0))
            sponsored_change_fen = self.above_cap(benefits.get(case, 0), weight) - sponsored_before[case]
            if delta_fen or back_fen or sponsored_change_fen:
                cases[case] = (delta_fen, sponsored_change_fen, back_fen)
        reinstated = self.reinstated(origin, dues)
        parts = self.parts(origin, into, earlier, dues, reinstated)
        done = Corrected(origin, into, parts, {k: v for k, v in cases.items() if any(v)}, deltas, reinstated, 0)
        if done.is_nothing:
            return None
        before = -self.books["pool"]
        self.post_correction(done, so_far, pool)
        done.adjusted_fen = -self.books["pool"] - before
        self.corrections.append(done)
        return done

    def corrected_cases(self, origin: int, into: int, earlier: list[Corrected]) -> tuple[dict, dict]:
        """By case, (change of the benefit, 0, recovered aid booked), and the benefits. Paid aid counts until it is
        recovered; the aid of corrections into a settled period is paid."""
        cases, benefits = {}, {}
        known = {*self.cases[origin], *self.world.aid.get(origin, {}), *(case for c in earlier for case in c.cases)}
        for case in known:
            stored_fen = self.cases[origin].get(case, 0)
            changes = [(c.into, *c.cases[case]) for c in earlier if case in c.cases]
            so_far_fen = stored_fen + sum(delta for _, delta, _, _ in changes)
            paid_fen = stored_fen + sum(delta + back for t, delta, _, back in changes if t < into)
            booked_fen, back_fen = sum(back for *_, back in changes), self.world.recovered[case]
            benefits[case] = max(self.world.aid.get(origin, {}).get(case, 0), paid_fen - back_fen)
            now_booked_fen = max(min(booked_fen, back_fen), paid_fen - benefits[case])
            cases[case] = (benefits[case] - so_far_fen, 0, now_booked_fen - booked_fen)
        return cases, benefits

    def sponsored_by_case(self, origin: int, earlier: list[Corrected]) -> Counter:
        weight = sum(self.terms.weights[tier] for tier, _ in self.dues[origin].values())
        sponsored_fen = Counter({case: self.above_cap(fen, weight) for case, fen in self.cases[origin].items()})
        for c in earlier:
            for case, (_, fen, _) in c.cases.items():
                sponsored_fen[case] += fen
        return sponsored_fen

    def so_far(self, origin: int, earlier: list[Corrected]) -> Counter:
        columns = Counter(self.pools[origin])
        for c in earlier:
            for name, fen in c.pool.items():
                columns[name] += fen
        return columns

    def due_so_far(self, origin: int, member: int, earlier: list[Corrected]) -> int:
        _, fen = self.dues[origin].get(member, ("", 0))
        return fen + sum(part for c in earlier for (m, _), part in c.parts.items() if m == member)

    def reinstated(self, origin: int, dues: dict) -> dict:
        """By member whose lapse for the period is void: the reason, and the write-off reversed by his payment."""
        back = {}
        for period, member in sorted(self.lapsed - self.void):
            if period == origin and (period, member) in self.world.paid_late:
                back[member] = ("paid_in_time", self.own_unpaid(origin, member))
            elif period == origin and dues.get(member, ("", 0))[1] == 0:
                back[member] = ("nothing_owed", 0)
        return back

    def own_unpaid(self, origin: int, member: int) -> int:
        """The written-off part of the due of the period itself, without additional dues."""
        return min(self.unpaid[origin, member], self.dues[origin][member][1])

    def parts(self, origin: int, into: int, earlier: list[Corrected], dues: dict, reinstated: dict) -> Counter:
        parts = Counter()
        void = {*self.void, *((origin, m) for m in reinstated)}
        ended = {m for p, m in self.lapsed - void if p < into}
        for member in {*dues, *self.dues[origin], *(m for c in earlier for m, _ in c.parts)}:
            fen = dues.get(member, ("", 0))[1] - self.due_so_far(origin, member, earlier)
            pooled_fen = sum(p for c in earlier for (m, how), p in c.parts.items() if (m, how) == (member, "pooled"))
            open_fen = self.unpaid[origin, member] - reinstated.get(member, ("", 0))[1]
            # Asked or refunded for the same open period: on no bill yet, so it can still be taken back.
            unbilled = Counter()
            for c in earlier:
                for how in ("asked", "refunded"):
                    unbilled[how] += c.parts[member, how] if c.into == into else 0
            is_covered = member in self.world.covered.get(into, {}) and member not in ended
            while fen:  # fen by fen, in the order of the rules
                step = 1 if fen > 0 else -1
                if pooled_fen * step < 0:
                    how, size = "pooled", min(abs(fen), abs(pooled_fen))
                    pooled_fen += step * size
                elif unbilled["asked" if fen < 0 else "refunded"] * step < 0:
                    how = "asked" if fen < 0 else "refunded"
                    size = min(abs(fen), abs(unbilled[how]))
                    unbilled[how] += step * size
                elif fen < 0 and open_fen > 0:
                    how, size = "written_off", min(-fen, open_fen)
                    open_fen -= size
                elif abs(fen) < self.terms.threshold_fen or (fen > 0 and not is_covered):
                    how, size, pooled_fen = "pooled", abs(fen), 0
                else:
                    how, size = ("asked" if fen > 0 else "refunded"), abs(fen)
                parts[member, how] += step * size
                fen -= step * size
        return parts

    def post_correction(self, done: Corrected, so_far: Counter, pool: Counter) -> None:
        origin, fee = done.origin, self.corrected_fees[done.into]
        sums = Counter()
        for (_, how), fen in done.parts.items():
            sums[how] += fen
        free_fee_fen = sponsored_fee(pool) - sponsored_fee(so_far)
        self.post("pool", "benefits_payable", done.pool["benefit_fen"])
        self.post("cash", "benefits_payable", sum(back for *_, back in done.cases.values()))
        self.post("pool", "fee_accrued", done.pool["fee_fen"])
        self.post("sponsor_receivable", "pool", sponsored(done.pool))
        self.post("fee_accrued", "sponsor_receivable", free_fee_fen)
        self.post("adjustments_receivable", "pool", sums["asked"])
        self.post("pool", "refunds_payable", -sums["refunded"])
        for member, (_, fen) in sorted(done.reinstated.items()):
            self.void.add((origin, member))
            self.unpaid[origin, member] -= fen
            if fen:
                self.post(self.world.paid_late[origin, member], "adjustments_receivable", fen)
        back_fee_fen = self.take_back(origin, "adjustments_receivable", sum(f for _, f in done.reinstated.values()))
        for (member, how), fen in done.parts.items():
            if how == "written_off":
                self.unpaid[origin, member] += fen
        back_fee_fen += self.take_back(origin, "pool", -sums["written_off"])
        fee["accrued"] += done.pool["fee_fen"]
        fee["sponsored"] += free_fee_fen
        fee["received"] += done.pool["fee_fen"] - free_fee_fen + back_fee_fen
        fee["written_off"] -= back_fee_fen

    def take_back(self, origin: int, account: str, fen: int) -> int:
        """Reverses a part of the write-off: its fee is earned, its aid goes to the bearer. Returns the fee."""
        lost_fen, lost_fee_fen, before_fen = (
            self.due_written_off[origin], self.fee_written_off[origin], self.taken_back[origin],
        )  # fmt: skip
        part = lambda taken: lost_fee_fen * min(taken, lost_fen) // lost_fen if lost_fen else 0  # noqa: E731
        fee_fen = part(before_fen + fen) - part(before_fen)
        self.taken_back[origin] += fen
        self.post(account, "fee_accrued", fee_fen)
        if self.terms.borne_by == "platform":
            self.post(account, "bad_debt", fen - fee_fen)
            self.post("platform_funding", "cash", fen - fee_fen)
        else:
            self.post(account, "pool", fen - fee_fen)
        return fee_fen

    def post(self, debit: str, credit: str, fen: int) -> None:
        self.books[debit] += fen
        self.books[credit] -= fen


def sponsored(pool: Counter) -> int:
    return pool["case_sponsored_fen"] + pool["member_sponsored_fen"]


def sponsored_fee(pool: Counter) -> int:
    """The part of the fee that the platform would pay to itself."""
    all_fen = pool["due_fen"] + sponsored(pool) + pool["brought_forward_fen"]
    return pool["fee_fen"] * min(sponsored(pool), all_fen) // all_fen if all_fen > 0 else 0
