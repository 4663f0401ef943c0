"""The README as its reader sees it: code blocks, code in a line."""

import re

from tests.wheels import PROJECT

TEXT = (PROJECT / "README.md").read_text(encoding="utf-8")
# Blocks are fenced or indented by four spaces.
_FENCED = re.findall(r"^```[a-z]*\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
_INDENTED = re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", TEXT, re.MULTILINE)
BLOCKS = _FENCED + [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in _INDENTED]
INLINE = re.findall(r"`([^`\n]+)`", re.sub(r"^    .*$", "", TEXT, flags=re.MULTILINE))


def example(mark: str) -> str:
    """The one paragraph of a block that starts with this mark, e.g. `-- Spark SQL`."""
    paragraphs = [paragraph for block in BLOCKS for paragraph in block.split("\n\n")]
    (found,) = [paragraph for paragraph in paragraphs if paragraph.startswith(mark)]
    return found
