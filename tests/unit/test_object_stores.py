"""Object stores, without a store: options for each program, and texts of failures."""

import pytest

from jobs.base.errors import WrongUsage
from jobs.lake.lake import Lake
from jobs.lake.object_stores import reason_of, spark_address, spark_settings, store_options
from jobs.lake.small import SmallTables

DENIED = """Generic S3 error
 \x1b[31m↳\x1b[0m Error performing GET https://aid.example.org/aid - Server returned non-2xx status code
  \x1b[31m↳\x1b[0m 403 Forbidden
   \x1b[31m↳\x1b[0m <Error><Code>{code}</Code><AWSAccessKeyId>AKIA123</AWSAccessKeyId></Error>"""


@pytest.fixture(autouse=True)
def no_access(monkeypatch):
    for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("root", ["/srv/lake", "file:///srv/lake", "hdfs://head/lake"])
def test_a_lake_outside_object_stores_has_no_options(root):
    assert store_options(root, {"some": "text"}) == {"some": "text"}
    assert spark_settings(root, {"AWS_REGION": "eu-west-1"}) == {}
    assert spark_address(root) == (f"file://{root}" if root.startswith("/") else root)


@pytest.mark.parametrize(
    "root", ["s3://aid/lake", "s3a://aid/lake", "abfss://c@a.dfs.core.windows.net/l", "gs://aid/l"]
)
def test_retries_are_bounded_unless_the_conf_says_otherwise(root):
    options = store_options(root, {"TIMEOUT": "5m"})
    assert options["TIMEOUT"] == "5m" and "timeout" not in options
    assert options["max_retries"] == "4" and options["retry_timeout"] == "30s"
    assert ("aws_conditional_put" in options) == root.startswith("s3")


@pytest.mark.parametrize("key", ["aws_conditional_put", "AWS_CONDITIONAL_PUT", "conditional_put"])
def test_s3_is_written_by_conditional_put_only(key):
    assert store_options("s3://aid/lake", {key: "etag"})["aws_conditional_put"] == "etag"
    with pytest.raises(WrongUsage, match=f"{key} must be etag"):
        SmallTables("s3://aid/lake", {key: "disabled"})


def test_spark_gets_the_same_address_and_access_as_delta_rs(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    options = {"aws_access_key_id": "conf", "AWS_ENDPOINT_URL": "http://store:9000", "AWS_REGION": "eu-west-1"}
    assert spark_settings("s3://aid/lake", options) == {
        "spark.hadoop.fs.s3a.access.key": "conf",
        "spark.hadoop.fs.s3a.secret.key": "secret",
        "spark.hadoop.fs.s3a.endpoint": "http://store:9000",
        "spark.hadoop.fs.s3a.endpoint.region": "eu-west-1",
        "spark.hadoop.fs.s3a.path.style.access": "true",
    }
    hosted = spark_settings("s3a://aid/lake", {**options, "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true"})
    assert "spark.hadoop.fs.s3a.path.style.access" not in hosted
    assert spark_address("s3://aid/lake/settled/pools") == spark_address("s3a://aid/lake/settled/pools")
    lake = Lake(SmallTables("s3://aid/lake", options), lambda: None, lambda: False)
    assert lake.path("settled/pools").startswith("s3://")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermissionError(13, "Permission denied"), "Permission denied"),
        (OSError(DENIED.format(code="AccessDenied")), "access denied"),
        (OSError(DENIED.format(code="InvalidAccessKeyId")), "the store does not know the access key"),
        (
            OSError("Generic S3 error\n<Error><Code>InternalError</Code></Error>"),
            "Generic S3 error: InternalError",
        ),
        (OSError("one line"), "one line"),
        (OSError(), "OSError"),
    ],
)
def test_the_reason_of_a_failure_is_short_and_quotes_no_key(error, reason):
    assert reason_of(error) == reason
