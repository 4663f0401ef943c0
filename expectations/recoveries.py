"""Rules of source/recoveries: aid that came back. Few rows: one that breaks a rule stops the correction."""

from expectations.few_rows import above_zero, every, given, possible_day
from expectations.rule import FewRowRule, Severity

ROW_RULES: tuple[FewRowRule, ...] = (
    FewRowRule("recovery_key_missing", Severity.CRITICAL,
               "recovery_id, claim_id and the day of the recovery are given.",
               given("recovery_id", "claim_id", "recovered_on")),
    FewRowRule("recovery_recovered_on_out_of_range", Severity.CRITICAL, "recovered_on is in the years 1 to 9999.",
               possible_day("recovered_on")),
    FewRowRule("recovery_amount_out_of_range", Severity.CRITICAL, "The amount is above zero.",
               every(above_zero("amount_fen"))),
)  # fmt: skip
