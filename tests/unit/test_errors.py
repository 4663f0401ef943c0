"""An error nobody foresaw is shown in one message that quotes no row; one for want of memory says what to give."""

import pytest

from jobs.base.errors import unexpected


class JavaIsGone(Exception):
    """As py4j's errors once Java has ended: their text is asked of Java."""

    def __str__(self) -> str:
        raise ConnectionError


@pytest.mark.parametrize(
    "text",
    [
        "java.lang.OutOfMemoryError: GC overhead limit exceeded",
        "Caused by: org.apache.spark.SparkException: Could not allocate memory to grow BytesToBytesMap.",
        "[UNABLE_TO_ACQUIRE_MEMORY] Unable to acquire 65536 bytes of memory, got 0",
        "org.apache.comet.CometNativeException: Resources exhausted: Failed to allocate additional 1 MB",
    ],
)
def test_without_memory_the_message_says_where_to_give_more(text):
    message = str(unexpected(RuntimeError(text), "fentan settle: "))
    assert message.startswith("fentan settle: ended because Spark ran out of memory")
    assert "FENTAN_DRIVER_MEMORY" in message and "Sizing" in message and text not in message


@pytest.mark.parametrize("error", [RuntimeError("row 17 of member 4711"), JavaIsGone()], ids=["a row", "no Java"])
def test_any_other_error_is_named_by_its_class_only(error):
    message = str(unexpected(error, "fentan settle: "))
    assert message.startswith(f"fentan settle: failed unexpectedly ({type(error).__name__}).") and "4711" not in message
