"""Reviews of applications, and the field visits made for them."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.sample import profiles
from jobs.sample.columns import big, bits, pick, scaled, spread
from schemas.sources import CLAIM_REVIEWS, FIELD_VISITS

FRAUDS_PPM = profiles.FRAUDS_PER_YEAR * 1_000_000 // profiles.HELPED_PER_YEAR
FRAUD_AID_FROM_FEN, FRAUD_AID_SPAN_FEN = 5_000_000, 25_000_000  # mean 175,000 yuan: 23.78 million for 136
NOT_APPROVED_FROM_ID = 500_000_000
TECHNIQUES = spread({"ocr": 4, "remote_interview": 5, "graph": 1, "field": 10}, 64)
FRAUD_TECHNIQUES = spread({"graph": 1, "field": 1}, 64)
VISIT_FEE_FROM_FEN, VISIT_FEE_SPAN_FEN = 20_000, 60_000


def claim_reviews(publicised: DataFrame, seed: int) -> DataFrame:
    """One row per application reviewed: source/claim_reviews.

    Key: review_id. One approved review per claim, a refused one for every third claim, and frauds at the published rate
    (136 per 68,675 helped members, 175,000 yuan each). Applications that were not approved have their own claim ids.
    """
    hashed = publicised.where(~F.col("is_again")).withColumn("draw", F.xxhash64("claim_id", big(seed), big(5)))
    is_fraud = bits("draw", 0, 20) < (FRAUDS_PPM << 20) // 1_000_000
    is_refused = bits("draw", 20, 8) < 85
    decisions = (
        F.when(is_fraud, F.array(F.lit("approved"), F.lit("fraud")))
        .when(is_refused, F.array(F.lit("approved"), F.lit("refused")))
        .otherwise(F.array(F.lit("approved")))
    )
    reviews = hashed.withColumn("decision", F.explode(decisions)).withColumns(
        {
            "claim_id": F.when(F.col("decision") == "approved", F.col("claim_id")).otherwise(
                F.col("claim_id") + big(NOT_APPROVED_FROM_ID)
            ),
            "decided_on": F.col("approved_on"),
            "received_on": F.date_sub("approved_on", (big(3) + bits("draw", 28, 4)).cast("int")),
            "requested_aid_fen": _requested_aid_fen(),
            "technique": _technique(),
        }
    )
    return reviews.withColumn("review_id", F.col("claim_id")).select(*CLAIM_REVIEWS.column_names)


def field_visits(reviews: DataFrame, member_count: int, seed: int) -> DataFrame:
    """One row per visit: source/field_visits.

    Key: visit_id. One to four visits for a review decided in the field. Investigators, hospitals and insurance offices
    are the published numbers at the scale of the world. Fees in fen.
    """
    hashed = reviews.where(F.col("technique") == "field").withColumn(
        "visit",
        F.explode(
            F.sequence(F.lit(1), (F.xxhash64("review_id", big(seed), big(6)).bitwiseAND(big(3)) + 1).cast("int"))
        ),
    )
    drawn = hashed.withColumn("draw", F.xxhash64("review_id", "visit", big(seed), big(7)))
    in_hospital = bits("draw", 0, 6) < 54
    hospital = scaled(bits("draw", 6, 20), 20, _at_scale(profiles.HOSPITALS, member_count))
    office = scaled(bits("draw", 6, 20), 20, _at_scale(profiles.INSURANCE_OFFICES, member_count))
    days = F.datediff("decided_on", "received_on") + 1
    return drawn.select(
        (F.col("review_id") * 10 + F.col("visit")).alias("visit_id"),
        "claim_id",
        (scaled(bits("draw", 26, 14), 14, _at_scale(profiles.INVESTIGATORS, member_count)) + 1).alias(
            "investigator_id"
        ),
        F.when(in_hospital, "hospital").otherwise("insurance_office").alias("site_kind"),
        (F.when(in_hospital, hospital).otherwise(office) + 1).alias("site_id"),
        F.date_add("received_on", (bits("draw", 40, 8) % days).cast("int")).alias("visited_on"),
        (scaled(bits("draw", 48, 15), 15, VISIT_FEE_SPAN_FEN) + VISIT_FEE_FROM_FEN).alias("fee_fen"),
    ).select(*FIELD_VISITS.column_names)


def _requested_aid_fen() -> Column:
    fraud_aid_fen = big(FRAUD_AID_FROM_FEN) + scaled(bits("draw", 32, 12), 12, FRAUD_AID_SPAN_FEN)
    return F.when(F.col("decision") == "fraud", fraud_aid_fen).otherwise(F.col("approved_aid_fen"))


def _technique() -> Column:
    place = bits("draw", 44, 6)
    fraud_technique = pick(place, FRAUD_TECHNIQUES, "string")
    return F.when(F.col("decision") == "fraud", fraud_technique).otherwise(pick(place, TECHNIQUES, "string"))


def _at_scale(published: int, member_count: int) -> int:
    return max(1, published * member_count // (profiles.ALL_MEMBERS_THOUSANDS * 1000))
