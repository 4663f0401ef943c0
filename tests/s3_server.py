"""An S3 API on loopback (moto) with the bucket `aid`. Ends when stdin ends, even if its parent was killed.

Prints its port. The access key decides the rights: `reader` may not write, `stranger` may do nothing. Moto checks a
condition and writes in two steps, so requests are answered one at a time. With the argument `unconditional` conditions
are ignored, as in an old store. It runs in a separate Python: moto needs other package versions than Fentan.
"""

import logging
import sys
import threading
import time

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import make_server

ACCOUNT, PARTITION, REGION, BUCKET = "123456789012", "aws", "eu-west-1", "aid"
CONDITION = "HTTP_IF_NONE_MATCH"
LOCK_COMMIT = "/control/lock/_delta_log/"
# Delay, so that all simultaneous runs have read the lock before the first one writes it.
LOCK_COMMIT_SECONDS = 0.5
DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


class Api:
    """Moto's application, one request at a time. `conditional`: whether it checks the conditions of a request."""

    def __init__(self, conditional: bool):
        self._moto, self._one_at_a_time = DomainDispatcherApplication(create_backend_app), threading.Lock()
        self._conditional = conditional

    def __call__(self, request: dict, start) -> list[bytes]:
        if not allowed(request):
            start("403 Forbidden", [("Content-Type", "application/xml")])
            return [DENIED]
        if not self._conditional:
            request.pop(CONDITION, None)
        if request["REQUEST_METHOD"] == "PUT" and LOCK_COMMIT in request["PATH_INFO"]:
            time.sleep(LOCK_COMMIT_SECONDS)
        with self._one_at_a_time:
            return list(self._moto(request, start))


def allowed(request: dict) -> bool:
    signature = request.get("HTTP_AUTHORIZATION", "")
    reads = request["REQUEST_METHOD"] in ("GET", "HEAD")
    return "Credential=stranger/" not in signature and (reads or "Credential=reader/" not in signature)


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    s3_backends[ACCOUNT][PARTITION].create_bucket(BUCKET, REGION)
    api = Api(conditional="unconditional" not in sys.argv[1:])
    server = make_server("127.0.0.1", 0, api, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
