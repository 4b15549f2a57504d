"""Load, clean, summarise and save tables, with the standard library only."""

import csv
import statistics


def load_csv(path: str) -> list[dict]:
    """
    Read a UTF-8 CSV file with a header line. Return one dict per row, column name to text, as csv.DictReader gives.

    A file with only a header, or an empty file, gives []. A missing file raises FileNotFoundError.
    """
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def clean_data(rows: list[dict]) -> list[dict]:
    """
    Return a new list of cleaned rows. Each row is a dict of text values. For each row: make a new dict with
    every value stripped of spaces. Skip it if any value is None or empty. Skip it if it is already in the list.

    Example: clean_data([{"a": " 1 "}, {"a": " "}, {"a": "1"}]) gives [{"a": "1"}]. The input is not changed.
    """
    cleaned: list[dict] = []
    for row in rows:
        new_row = {key: (value or "").strip() for key, value in row.items()}
        if all(new_row.values()) and new_row not in cleaned:
            cleaned.append(new_row)
    return cleaned


def calculate_statistics(rows: list[dict], column: str) -> dict[str, float]:
    """
    Return {"count": ..., "mean": ..., "median": ..., "min": ..., "max": ...} of the numbers in a column.

    Values are text, such as "2.5": use float(). Leave out values that are not numbers, such as "many", "" or None.
    Raises ValueError if no number is left.
    """
    numbers = []
    for row in rows:
        try:
            numbers.append(float(row[column]))
        except (TypeError, ValueError):
            continue
    if not numbers:
        raise ValueError(f"no numbers in column {column!r}")
    return {
        "count": len(numbers),
        "mean": statistics.mean(numbers),
        "median": statistics.median(numbers),
        "min": min(numbers),
        "max": max(numbers),
    }


def save_processed_data(rows: list[dict], path: str) -> int:
    """
    Write rows to a UTF-8 CSV file and return the number of rows.

    Use csv.DictWriter with rows[0].keys() as fieldnames: a header line, then every row.
    If rows is empty, write an empty file and return 0.
    """
    with open(path, "w", newline="", encoding="utf-8") as file:
        if rows:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return len(rows)
