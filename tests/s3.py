"""An S3 API on this machine: moto on loopback, in a program of its own.

Access keys say what they may do: `reader` may not write, `stranger` may do nothing. Moto checks a condition and writes
in two steps, so requests are answered one at a time. `unconditional`: conditions are ignored, as by an old store.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.wheels import PROJECT

BUCKET = "aid"
CONDITION = "HTTP_IF_NONE_MATCH"
LOCK_COMMIT = "/control/lock/_delta_log/"
# Runs that start at once have all read the lock before the first of them writes it.
LOCK_COMMIT_SECONDS = 0.2
DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


@contextmanager
def s3_on_loopback(*words: str) -> Iterator[str]:
    """Starts the server and ends it; gives its address. Words: `unconditional`."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.s3", *words],
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
    """The environment variables with which a program reaches the server, and no other credentials."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "eu-west-1",
        "AWS_METADATA_ENDPOINT": "http://127.0.0.1:1",  # this machine has no role
        **({"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": f"{key}-secret"} if key else {}),
    }


def serve(conditional: bool) -> None:
    """Serves until stdin ends, even if whoever started it was killed."""
    import logging

    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from moto.s3.models import s3_backends
    from werkzeug.serving import make_server

    moto, one_at_a_time = DomainDispatcherApplication(create_backend_app), threading.Lock()
    s3_backends["123456789012"]["aws"].create_bucket(BUCKET, "eu-west-1")

    def answer(request: dict, start) -> list[bytes]:
        if not _allowed(request):
            start("403 Forbidden", [("Content-Type", "application/xml")])
            return [DENIED]
        if not conditional:
            request.pop(CONDITION, None)
        if request["REQUEST_METHOD"] == "PUT" and LOCK_COMMIT in request["PATH_INFO"]:
            time.sleep(LOCK_COMMIT_SECONDS)
        with one_at_a_time:
            return list(moto(request, start))

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, answer, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


def _allowed(request: dict) -> bool:
    signature = request.get("HTTP_AUTHORIZATION", "")
    reads = request["REQUEST_METHOD"] in ("GET", "HEAD")
    return "Credential=stranger/" not in signature and (reads or "Credential=reader/" not in signature)


if __name__ == "__main__":
    serve("unconditional" not in sys.argv[1:])
