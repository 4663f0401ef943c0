#!/usr/bin/env bash
# Settles one period on a Spark cluster.
#
#   MASTER=spark://head:7077 LAKE=hdfs://head/aid/lake conf/deploy/settle.sh 2020-12-P1 [--plan critical_illness ...]
#
# Needs: the wheel (`make wheel`), Spark 4.1 on the path, and on the driver a Python >= 3.11 with the packages that
# pyproject.toml pins (name it by PYSPARK_PYTHON; the executors need the same Python version, but none of the packages).
# Every command of Fentan is submitted the same way: put its name in place of settle.
# Tried: a lake in a local folder and one in HDFS. For object stores see conf/OBJECT_STORES.md: what they need,
# and what was tried there.
set -euo pipefail
export LC_ALL=C.UTF-8 # cron has the locale C, in which Java loses all letters of a path but those of ASCII
: "${MASTER:?set MASTER to the cluster, e.g. spark://head:7077 or yarn}"
: "${LAKE:?set LAKE to the root of the lake, e.g. hdfs://head/aid/lake}"
: "${1:?say which period, e.g. 2020-12-P1}"
period=$1
shift
home=$(cd "$(dirname "$0")/../.." && pwd)
wheel=${WHEEL:-$(ls "$home"/dist/fentan-*.whl | tail -1)}

# Delta by its coordinates, resolved by Spark. Without a way out, give the two JARs: DELTA="--jars a.jar,b.jar".
# shellcheck disable=SC2086
exec spark-submit \
    --master "$MASTER" \
    --name "fentan settle $period" \
    ${DELTA:---packages io.delta:delta-spark_4.1_2.13:4.4.0} \
    --conf spark.driver.memory="${DRIVER_MEMORY:-4g}" \
    --conf spark.executor.memory="${EXECUTOR_MEMORY:-4g}" \
    --py-files "$wheel" \
    "$home/jobs/cli.py" settle --conf "${CONF:-$home/conf/cluster.toml}" --lake "$LAKE" --period "$period" "$@"
