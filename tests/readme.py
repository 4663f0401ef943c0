"""Code blocks and examples of the README."""

import re
from collections.abc import Callable

from tests.wheels import PROJECT

TEXT = (PROJECT / "README.md").read_text(encoding="utf-8")


def blocks_of(text: str) -> list[str]:
    """Code blocks: fenced, or indented by four spaces."""
    fenced = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    indented = re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", text, re.MULTILINE)
    return fenced + [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in indented]


def examples_of(text: str) -> Callable[[str], str]:
    """Returns a function that gives the paragraph that starts with a mark, e.g. `-- Spark SQL`."""
    paragraphs = [paragraph for block in blocks_of(text) for paragraph in block.split("\n\n")]

    def example(mark: str) -> str:
        (matching,) = [paragraph for paragraph in paragraphs if paragraph.startswith(mark)]
        return matching

    return example


BLOCKS = blocks_of(TEXT)
INLINE = re.findall(r"`([^`\n]+)`", re.sub(r"^    .*$", "", TEXT, flags=re.MULTILINE))
example = examples_of(TEXT)
