"""An Airflow DAG (Airflow 2.9 or newer): check, preview and settle the period that became public today.

Copy it into the DAG folder and set the Airflow variables fentan_home and fentan_lake. Each task is one command of
Fentan. Repeating a task does no harm: settling a period again from the same inputs is a no-op.
"""

import subprocess
from datetime import timedelta

import pendulum
from airflow.decorators import dag, task
from airflow.exceptions import AirflowException, AirflowFailException
from airflow.models import Variable

TIME_ZONE = "Asia/Shanghai"
RETRIED = (1, 5, 130, 143)  # unexpected error; another run held the lake; interrupted


@task
def command(name: str, data_interval_end=None) -> None:
    """Runs one command. Wrong usage, the gate, a refusal and broken integrity need a person, not a retry."""
    day = data_interval_end.in_timezone(TIME_ZONE)
    period = f"{day:%Y-%m}-P{1 if day.day < 21 else 2}"
    fentan = f"{Variable.get('fentan_home')}/.venv/bin/fentan"
    words = [fentan, name, "--lake", Variable.get("fentan_lake"), "--period", period]
    exit_code = subprocess.run(words, check=False).returncode
    if exit_code in RETRIED:
        raise AirflowException(f"fentan {name} {period} ended with {exit_code}; it will be retried")
    if exit_code != 0:
        raise AirflowFailException(f"fentan {name} {period} ended with {exit_code}; its message states what to do")


@dag(
    schedule="0 3 7,21 * *",
    start_date=pendulum.datetime(2020, 1, 1, tz=TIME_ZONE),
    catchup=False,
    max_active_runs=1,  # one run at a time writes a lake
    default_args={"retries": 3, "retry_delay": timedelta(minutes=30)},
)
def fentan_settlement():
    """check, then preview for the person who approves it, then settle."""
    steps = [command.override(task_id=name)(name) for name in ("check", "preview", "settle")]
    steps[0] >> steps[1] >> steps[2]


fentan_settlement()
