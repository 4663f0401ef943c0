#!/usr/bin/env bash
# Installs the S3 server of the tests into .jars/s3-server (140 MB), apart from .venv: moto needs an older
# python-dateutil than Fentan is pinned to. Safe to repeat.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=.jars/s3-server
wanted=$(cksum <tests/s3_server.txt)
[ "$(cat "$folder/stamp" 2>/dev/null)" != "$wanted" ] || exit 0
rm -rf "$folder"
.venv/bin/python -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --requirement tests/s3_server.txt
echo "$wanted" >"$folder/stamp"
