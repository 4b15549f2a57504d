"""Load, clean, summarise and save tables, with the standard library only."""

import csv  # noqa: F401
import statistics  # noqa: F401


def load_csv(path: str) -> list[dict]:
    """
    Read a UTF-8 CSV file with a header line. Return one dict per row, column name to text, as csv.DictReader gives.

    A file with only a header, or an empty file, gives []. A missing file raises FileNotFoundError.
    """
    # TODO: Implement loading
    raise NotImplementedError


def clean_data(rows: list[dict]) -> list[dict]:
    """
    Return a new list of cleaned rows. Each row is a dict of text values. For each row: make a new dict with
    every value stripped of spaces. Skip it if any value is None or empty. Skip it if it is already in the list.

    Example: clean_data([{"a": " 1 "}, {"a": " "}, {"a": "1"}]) gives [{"a": "1"}]. The input is not changed.
    """
    # TODO: Implement cleaning
    raise NotImplementedError


def calculate_statistics(rows: list[dict], column: str) -> dict[str, float]:
    """
    Return {"count": ..., "mean": ..., "median": ..., "min": ..., "max": ...} of the numbers in a column.

    Values are text, such as "2.5": use float(). Leave out values that are not numbers, such as "many", "" or None.
    Raises ValueError if no number is left.
    """
    # TODO: Implement the statistics
    raise NotImplementedError


def save_processed_data(rows: list[dict], path: str) -> int:
    """
    Write rows to a UTF-8 CSV file and return the number of rows.

    Use csv.DictWriter with rows[0].keys() as fieldnames: a header line, then every row.
    If rows is empty, write an empty file and return 0.
    """
    # TODO: Implement saving
    raise NotImplementedError
