"""Amounts and tables as text for a terminal."""

import io

from rich.console import Console
from rich.table import Table

from jobs.money import in_yuan

yuan = in_yuan


def table_text(title: str, columns: list[str], rows: list[list]) -> str:
    """A table as text, with right-aligned numbers."""
    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for index, column in enumerate(columns):
        is_text = index == 0 or any(isinstance(row[index], str) and not _is_number(row[index]) for row in rows)
        table.add_column(column, justify="left" if is_text else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    stream = io.StringIO()
    Console(file=stream, width=200, color_system=None, markup=False, emoji=False).print(table)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def _is_number(text: str) -> bool:
    return text.replace(",", "").replace(".", "").lstrip("-").isdigit()
