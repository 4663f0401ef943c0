"""An S3 API on this machine, in a separate process (tests/s3_server.py)."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.wheels import PROJECT

BUCKET = "aid"
# The Python that has the packages of tests/s3_server.txt.
SERVER_PYTHON = Path(os.environ.get("FENTAN_S3_SERVER_PYTHON", PROJECT / ".jars" / "s3-server" / "bin" / "python"))
HOW_TO_GET_IT = "no S3 server: `bash tests/s3_server.sh` installs one into .jars/s3-server (140 MB)"


@contextmanager
def s3_on_loopback(*words: str) -> Iterator[str]:
    """Starts the server, yields its address, and ends it. The only argument: `unconditional`."""
    with subprocess.Popen(
        [SERVER_PYTHON, "tests/s3_server.py", *words],
        cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        try:
            port = server.stdout.readline().strip()
            assert port, "the S3 server did not start"
            yield f"http://127.0.0.1:{port}"
        finally:
            server.stdin.close()
            server.wait(timeout=60)


def access(endpoint: str, key: str = "writer") -> dict[str, str]:
    """The environment variables for access to the server, without other credentials."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "eu-west-1",
        "AWS_METADATA_ENDPOINT": "http://127.0.0.1:1",  # do not ask for a machine role
        **({"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": f"{key}-secret"} if key else {}),
    }
