"""Writes the quality rules of a period as suites of Great Expectations, one JSON file per table.

python -m jobs.reporting.quality_suites --platform xianghubao --period 2020-12-P1 FOLDER
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from expectations.suites import SUITES, suite_json
from jobs.gate.terms import terms_of
from jobs.pipeline.request import exists_in
from jobs.rulebook import load_platform, platform_ids
from jobs.rulebook.calendar import Period
from jobs.rulebook.rules import Platform


def suites_of(platform: Platform, period: Period) -> dict[str, str]:
    """The suite of each table as JSON text, with the period's terms filled in; by file name.

    The same platform and period give the same text.
    """
    terms = terms_of(platform, period, [p for p in platform.plans if exists_in(platform, p, period)])
    return {
        f"{name.replace('/', '.')}.json": f"{json.dumps(suite_json(name, terms), indent=2, sort_keys=True)}\n"
        for name in SUITES
    }


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m jobs.reporting.quality_suites", description=__doc__)
    parser.add_argument("--platform", default="xianghubao", choices=platform_ids())
    parser.add_argument("--period", required=True, metavar="P", help="settlement period, e.g. 2020-12-P1")
    parser.add_argument("folder", type=Path, help="where the files are written; it is made if it does not exist")
    args = parser.parse_args(words)
    platform = load_platform(args.platform)
    try:
        period = platform.calendar.period(args.period)
    except ValueError as fault:
        parser.error(f"--period {args.period}: {fault}. Nothing was written.")
    args.folder.mkdir(parents=True, exist_ok=True)
    for file, text in suites_of(platform, period).items():
        path = args.folder.joinpath(file)
        path.write_text(text, encoding="utf-8")
        print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
