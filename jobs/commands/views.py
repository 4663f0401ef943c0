"""`fentan views`: SQL views of the published rows, one per output table, and one of payers' bills over all plans."""

import argparse

from jobs.base.errors import WrongUsage
from jobs.lake.lake import Lake
from jobs.lake.object_stores import spark_address
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.query import Query, carry_out_query
from jobs.pipeline.request import Request, request_of
from schemas import OUTPUT_TABLES, Table

EXAMPLES = """  fentan views --lake ./lake > views.sql                       (paste into spark-sql)
  fentan views --lake s3a://bucket/lake --conf conf/cluster.toml --create"""
PUBLISHED = """SELECT period, plan_id, run_id FROM delta.`{root}/control/publications`
  GROUP BY period, plan_id, run_id HAVING max_by(action, struct(revision, action)) <> 'withdrawn'"""
VIEW = """CREATE OR REPLACE VIEW {schema}.{name} COMMENT '{comment}' AS
SELECT * FROM delta.`{root}/{table}`"""
CATALOG = "spark.sql.catalogImplementation"
IN_MEMORY = (
    "the catalog of this Spark is in memory: the views are gone with this command. Paste the statements into "
    "the session that needs them, or use a conf whose Spark has a lasting catalog ({setting} = hive)."
)
PAYER_BILLS = """CREATE OR REPLACE VIEW {schema}.payer_bills COMMENT 'one row per period and payer: all his plans' AS
SELECT period, payer_id, sum(member_count) AS member_count, sum(due_fen) AS due_fen,
       sum(adjustment_fen) AS adjustment_fen, count(*) AS plan_count
FROM {schema}.settled_bills GROUP BY period, payer_id"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--schema", default="fentan", metavar="NAME", help="schema of the views (default: fentan)")
    parser.add_argument("--create", action="store_true", help="create them in the catalog of the conf's Spark")


def run(args: argparse.Namespace) -> Outcome:
    """One view per existing table, named like settled_pools; and payer_bills once there are bills."""
    if not args.schema.isidentifier():
        raise WrongUsage(f"--schema {args.schema}: not a name. Nothing was done. Use letters, digits and _.")
    return carry_out_query(Views(args.schema, args.create), request_of(args))


class Views(Query):
    """The statements that create the views. `create`: run them in the catalog of the conf's Spark."""

    purpose = "views"

    def __init__(self, schema: str, create: bool):
        self.schema, self.create = schema, create

    def read(self, request: Request, lake: Lake) -> tuple[list[str], tuple[str, ...]]:
        """The statements, and messages to the user."""
        tables = [table for table in OUTPUT_TABLES if lake.exists(table.name)]
        if not tables:
            raise WrongUsage(
                f"Lake {lake.root}: none of the output tables is there. No view was made. "
                "Name the lake's root folder with --lake, or settle a period first."
            )
        statements = [f"CREATE SCHEMA IF NOT EXISTS {self.schema}"]
        statements += [_view(table, spark_address(lake.root), self.schema) for table in tables]
        if any(table.name == "settled/bills" for table in tables):
            statements.append(PAYER_BILLS.format(schema=self.schema))
        return statements, self._create(lake, statements) if self.create else ()

    def show(self, request: Request, answer: tuple[list[str], tuple[str, ...]]) -> Outcome:
        statements, messages = answer
        document = {
            "lake": request.lake_root, "schema": self.schema, "created": self.create, "statements": statements
        }  # fmt: skip
        return Outcome(document, "\n".join(f"{statement};\n" for statement in statements), 0, messages)

    @staticmethod
    def _create(lake: Lake, statements: list[str]) -> tuple[str, ...]:
        for statement in statements:
            lake.spark.sql(statement)
        in_memory = lake.spark.conf.get(CATALOG) == "in-memory"
        return (IN_MEMORY.format(setting=CATALOG),) if in_memory else ()


def _view(table: Table, root: str, schema: str) -> str:
    comment = f"one row per {table.grain}".replace("'", "’")
    name = table.name.replace("/", "_")
    view = VIEW.format(schema=schema, name=name, comment=comment, root=root, table=table.name)
    if not table.is_published:
        return view
    return f"{view} LEFT SEMI JOIN (\n  {PUBLISHED.format(root=root)}) published\n  USING (period, plan_id, run_id)"
