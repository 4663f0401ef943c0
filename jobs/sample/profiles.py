"""Calibration of the sample world: head counts, exits, ages, places, illnesses.

Head counts and the figures called "published" are the reference platform's; the rest is chosen to reproduce the
published sums, as the comments show. Plans that the reference platform lacks get `profile_of_an_unknown_plan`.
"""

from dataclasses import dataclass
from datetime import date, timedelta

# Places of residence, in parts: 60% in tier 3 and below or the countryside; provinces in the published order.
CITY_TIER_WEIGHTS = {1: 10, 2: 41, 3: 26, 4: 22, 5: 14, 6: 15}
PROVINCE_WEIGHTS = {
    "41": 105, "37": 98, "44": 92, "32": 85, "42": 78, "51": 54, "13": 54, "43": 50, "34": 50, "33": 44, "45": 36,
    "36": 36, "53": 32, "52": 30, "21": 30, "61": 30, "35": 30, "14": 26, "50": 24, "23": 22, "22": 18, "62": 18,
    "15": 16, "65": 12, "31": 12, "11": 11, "12": 8, "46": 6, "64": 5, "63": 3, "54": 1,
}  # fmt: skip

# Births of members of plans for all ages, ppm by band. Together (a quarter are dependants): 1980s 48%, 1990s 31%.
# Mean age in December 2020: .48 x 35.9 + .31 x 25.9 + .12 x 45.9 + .06 x 55.4 + .03 x 9.9 = 34.4.
_BANDS = (date(1960, 1, 1), date(1970, 1, 1), date(1980, 1, 1), date(1990, 1, 1), date(2000, 1, 1))
PAYERS_BIRTHS = (*zip(_BANDS, (40_000, 106_667, 513_333, 340_000), strict=False), (date(2000, 1, 1), 0))
DEPENDANTS_BIRTHS = (
    *zip(_BANDS, (120_000, 160_000, 380_000, 220_000), strict=False),
    (date(2003, 1, 1), 120_000),
    (date(2019, 1, 1), 0),
)

# 64 places in joining order: households of one to four, the first member pays for the others: a quarter of all members.
HOUSEHOLD_SIZES = (1, 3, 1, 1, 2, 1, 1, 4, 1, 1, 3, 1, 1, 1, 1, 1) * 2 + (1,) * 16
PLACES_AFTER_PAYER = tuple(place for size in HOUSEHOLD_SIZES for place in range(size))

# Illnesses by sex, in parts, in the published order: breast, lung, thyroid; lung, acute myocardial infarction, bowel.
ILLNESS_WEIGHTS = {
    "F": {
        "breast_cancer": 290, "lung_cancer": 165, "thyroid_cancer": 125, "cervical_cancer": 85, "bowel_cancer": 70,
        "stomach_cancer": 50, "liver_cancer": 30, "leukaemia": 40, "stroke": 25, "craniotomy": 30, "kidney_failure": 25,
        "acute_myocardial_infarction": 15, "major_burn": 4, "traffic_injury": 12, "other_severe": 34,
    },
    "M": {
        "lung_cancer": 190, "acute_myocardial_infarction": 230, "bowel_cancer": 120, "liver_cancer": 100,
        "stomach_cancer": 85, "leukaemia": 60, "thyroid_cancer": 50, "stroke": 50, "craniotomy": 50,
        "kidney_failure": 45, "prostate_cancer": 20, "major_burn": 8, "traffic_injury": 30, "other_severe": 37,
    },
}  # fmt: skip
ACCIDENTS = ("traffic_injury", "major_burn")

# Published for the whole platform in 2020 (all plans 103.3216 million members).
ALL_MEMBERS_THOUSANDS = 103_322
HELPED_PER_YEAR = 68_675
FRAUDS_PER_YEAR = 136
INVESTIGATORS, HOSPITALS, INSURANCE_OFFICES = 2_000, 45_000, 800
BASIC_TIER_FROM = date(2020, 5, 1)


@dataclass(frozen=True)
class Profile:
    """How a plan grows and how often its members fall ill.

    `head_counts`: members in force by day, in thousands of the whole platform. `survival_ppm`: the part of the first
    members that remains, by day. `cases_ppm_per_year`: cases among members after the waiting period.
    `incidence_by_age`: (below this age in years, relative incidence); `mean_incidence`: its mean over the members.
    """

    head_counts: tuple[tuple[date, int], ...]
    survival_ppm: tuple[tuple[date, int], ...]
    cases_ppm_per_year: int
    claims_from: date
    incidence_by_age: tuple[tuple[int, int], ...]
    mean_incidence: int
    light_ppm: int


_BY_AGE = ((18, 150), (30, 200), (40, 560), (50, 2_300), (150, 4_700))
_EVEN = ((150, 1_000),)

# Cases a year: critical illness 83.85 yuan of aid a head (90.56 / 1.08) at 168,000 a case = 500 ppm; senior 383 yuan
# (414 / 1.08) at 81,000 a case = 4,700 ppm; together 68,000 cases of 103 million members (0.066%), 143,000 yuan a case.
# The rates below are higher: on the day of a drawn case 3% of the members, in the younger senior plan 28%, were not
# covered yet or were still waiting.
PROFILES = {
    "critical_illness": Profile(
        head_counts=(
            (date(2018, 10, 16), 0), (date(2018, 12, 31), 20_000), (date(2019, 6, 21), 72_000),
            (date(2019, 12, 31), 97_000), (date(2020, 8, 21), 100_000), (date(2020, 12, 7), 98_244),
            (date(2021, 12, 21), 75_000), (date(2022, 2, 1), 73_000),
        ),
        survival_ppm=(
            (date(2018, 10, 16), 1_000_000), (date(2019, 12, 31), 980_000), (date(2020, 8, 21), 960_000),
            (date(2020, 12, 7), 938_000), (date(2021, 12, 21), 680_000), (date(2022, 2, 1), 650_000),
        ),
        cases_ppm_per_year=515, claims_from=date(2019, 1, 1),
        incidence_by_age=_BY_AGE, mean_incidence=880, light_ppm=120_000,
    ),
    "senior_cancer": Profile(
        head_counts=(
            (date(2019, 5, 1), 0), (date(2019, 12, 31), 3_300), (date(2020, 12, 7), 4_035),
            (date(2021, 12, 21), 3_600), (date(2022, 2, 1), 3_500),
        ),
        survival_ppm=(
            (date(2019, 5, 1), 1_000_000), (date(2020, 12, 7), 950_000), (date(2021, 12, 21), 800_000),
            (date(2022, 2, 1), 775_000),
        ),
        cases_ppm_per_year=6_500, claims_from=date(2019, 5, 1),
        incidence_by_age=_EVEN, mean_incidence=1_000, light_ppm=300_000,
    ),
    # 3.43 yuan a head in the eight months of 2020.
    "chronic": Profile(
        head_counts=(
            (date(2020, 4, 15), 0), (date(2020, 8, 21), 600), (date(2020, 12, 7), 750), (date(2021, 12, 21), 700),
            (date(2022, 2, 1), 690),
        ),
        survival_ppm=((date(2020, 4, 15), 1_000_000), (date(2020, 12, 7), 980_000), (date(2022, 2, 1), 850_000)),
        cases_ppm_per_year=50, claims_from=date(2020, 5, 1),
        incidence_by_age=_BY_AGE, mean_incidence=880, light_ppm=120_000,
    ),
    # Nothing was shared in 2020.
    "transport_accident": Profile(
        head_counts=(
            (date(2020, 8, 15), 0), (date(2020, 12, 7), 293), (date(2021, 12, 21), 300), (date(2022, 2, 1), 300),
        ),
        survival_ppm=((date(2020, 8, 15), 1_000_000), (date(2022, 2, 1), 930_000)),
        cases_ppm_per_year=20, claims_from=date(2021, 1, 1),
        incidence_by_age=_EVEN, mean_incidence=1_000, light_ppm=0,
    ),
}  # fmt: skip


def profile_of_an_unknown_plan(first_publicity_on: date) -> Profile:
    """A plan of another platform: opens four months before its first period, full after a year, then stable."""
    opened_on = first_publicity_on - timedelta(days=120)
    years_on = tuple(opened_on + timedelta(days=365 * years) for years in (1, 20))
    return Profile(
        head_counts=((opened_on, 0), (first_publicity_on, 6_000), (years_on[0], 10_000), (years_on[1], 10_000)),
        survival_ppm=((opened_on, 1_000_000), (years_on[0], 970_000), (years_on[1], 540_000)),
        cases_ppm_per_year=500,
        claims_from=opened_on,
        incidence_by_age=_BY_AGE,
        mean_incidence=880,
        light_ppm=120_000,
    )
