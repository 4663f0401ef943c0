"""The benchmark's list of operators that did not run natively, from an event log as Spark writes it."""

import json

from tests.benchmarks.operators import newest_log, operators, operators_text, settings_of_event_log

SQL = "org.apache.spark.sql.execution.ui."


def node(name, *children, counter=None):
    metrics = [] if counter is None else [{"name": "number of output rows", "accumulatorId": counter}]
    return {"nodeName": name, "simpleString": name, "children": list(children), "metrics": metrics}


def plan(event, execution, root):
    return {"Event": f"{SQL}{event}", "executionId": execution, "sparkPlanInfo": root}


def stage(**values):
    counters = [{"ID": int(name[1:]), "Value": value} for name, value in values.items()]
    return {"Event": "SparkListenerStageCompleted", "Stage Info": {"Accumulables": counters}}


def log_in(folder, *events):
    file = folder / "local-1"
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    return file


def test_the_last_plan_of_each_query_counts(tmp_path):
    """Adaptive execution replaces plans; frames around operators are left out; rows come from the stages' counters."""
    first = node("AdaptiveSparkPlan", node("HashAggregate", node("Exchange", node("Scan parquet", counter=1))))
    final = node(
        "AdaptiveSparkPlan",
        node("WholeStageCodegen (1)", node("HashAggregate", counter=2)),
        node("ShuffleQueryStage", node("CometExchange", node("CometNativeScan parquet", counter=3))),
    )
    log = log_in(
        tmp_path,
        plan("SparkListenerSQLExecutionStart", 0, first),
        plan("SparkListenerSQLAdaptiveExecutionUpdate", 0, final),
        plan("SparkListenerSQLExecutionStart", 1, node("HashAggregate", node("MapInArrow", counter=4), counter=5)),
        stage(_2="7", _3="1000", _9="internal"),
        stage(_4=12, _5=3),
    )
    assert operators(log) == {
        "HashAggregate": (2, 10),
        "CometExchange": (1, 0),
        "CometNativeScan parquet": (1, 1000),
        "MapInArrow": (1, 12),
    }
    text = operators_text(log)
    assert "2 operators were native" in text and "Comet" not in text
    assert text.index("MapInArrow") < text.index("HashAggregate"), "those of most rows first"


def test_commands_write_their_events_into_one_folder(tmp_path):
    lines = settings_of_event_log(tmp_path / "events").splitlines()
    assert f'"spark.eventLog.dir" = "{(tmp_path / "events").as_uri()}"' in lines
    log_in(tmp_path / "events")
    assert newest_log(tmp_path / "events").name == "local-1"
