#!/usr/bin/env bash
# Fetches the JARs with which Spark reaches s3:// and s3a:// (36 files, 13 MB) into a folder; safe to repeat.
#
#   conf/deploy/s3_jars.sh [FOLDER]        FOLDER: .jars/s3a of this project, or $FENTAN_JARS/s3a
#
# They replace the bundle of all AWS clients (642 MB) that hadoop-aws asks for. The Hadoop version is that of Spark, the
# version of the AWS client the one that this Hadoop was built with.
set -euo pipefail
home=$(cd "$(dirname "$0")/../.." && pwd)
folder=${1:-${FENTAN_JARS:-$home/.jars}/s3a}
python=${PYSPARK_PYTHON:-$home/.venv/bin/python}
hadoop=3.4.2
aws=2.29.52
packages=org.apache.hadoop:hadoop-aws:$hadoop
for part in s3 s3-transfer-manager sts apache-client netty-nio-client; do
    packages+=,software.amazon.awssdk:$part:$aws
done
[ "$(cat "$folder/stamp" 2>/dev/null)" != "$packages" ] || exit 0

mkdir -p "$folder"
work=$(mktemp -d "$folder/ivy.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo pass >"$work/nothing.py"
SPARK_HOME=$("$python" -c 'import os, pyspark; print(os.path.dirname(pyspark.__file__))')
export SPARK_HOME PYSPARK_PYTHON=$python SPARK_LOCAL_IP=127.0.0.1
if ! "$SPARK_HOME/bin/spark-submit" --master 'local[1]' --conf "spark.jars.ivy=$work" --packages "$packages" \
    --exclude-packages software.amazon.awssdk:bundle "$work/nothing.py" >"$folder/fetch.log" 2>&1; then
    echo "s3_jars.sh: the JARs could not be fetched; $folder/fetch.log says why. Correct that and run this again." >&2
    exit 2
fi
rm -f "$folder"/*.jar
rm -f "$work"/jars/{io.netty_,org.slf4j_,org.apache.httpcomponents_,commons-}* # Spark has its own
mv "$work"/jars/*.jar "$folder"
echo "$packages" >"$folder/stamp"
