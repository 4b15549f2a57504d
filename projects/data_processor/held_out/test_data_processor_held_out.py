import copy
import csv
import random

import pytest
from data_processor import calculate_statistics, clean_data, load_csv, save_processed_data


@pytest.fixture
def table():
    rng = random.Random(11)
    return [{"id": str(n), "score": str(rng.randint(-500, 500)), "tag": rng.choice("abc")} for n in range(40)]


def test_load_another_table(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("k,v,w\n1,2,3\n4,5,6\n7,8,9\n", encoding="utf-8")
    assert load_csv(str(path)) == [{"k": str(n), "v": str(n + 1), "w": str(n + 2)} for n in (1, 4, 7)]


def test_load_keeps_spaces_and_letters_of_any_language(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("naïve,数\n  é ,二\n", encoding="utf-8")
    assert load_csv(str(path)) == [{"naïve": "  é ", "数": "二"}]


def test_save_writes_what_the_csv_module_reads(tmp_path, table):
    path = tmp_path / "t.csv"
    assert save_processed_data(table, str(path)) == len(table)
    with open(path, newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["id", "score", "tag"], *(list(row.values()) for row in table)]


def test_random_table_round_trip(tmp_path, table):
    path = str(tmp_path / "t.csv")
    assert save_processed_data(table, path) == 40
    assert load_csv(path) == table


def test_quotes_and_line_breaks_round_trip(tmp_path):
    rows = [{"text": 'she said "no"', "more": "two\nlines"}, {"text": "plain", "more": ";"}]
    path = str(tmp_path / "t.csv")
    save_processed_data(rows, path)
    assert load_csv(path) == rows


def test_saving_nothing_empties_an_older_file(tmp_path, table):
    path = tmp_path / "t.csv"
    assert save_processed_data(table[:2], str(path)) == 2
    assert path.read_text(encoding="utf-8").startswith("id,score,tag")
    assert save_processed_data([], str(path)) == 0
    assert path.read_text(encoding="utf-8") == ""


def test_clean_strips_and_is_idempotent(table):
    dirty = [{key: f"  {value} " for key, value in row.items()} for row in table]
    assert clean_data(dirty) == table
    assert clean_data(clean_data(dirty)) == table


def test_clean_leaves_out_dirty_and_repeated_rows(table):
    dirty = [*table[:20], {**table[0], "tag": "   "}, *table, {**table[1], "score": ""}, {**table[2], "id": None}]
    before = copy.deepcopy(dirty)
    assert clean_data(dirty) == table
    assert dirty == before


def test_clean_keeps_zeros_and_inner_spaces():
    assert clean_data([{"n": "0", "s": " a  b "}]) == [{"n": "0", "s": "a  b"}]


def test_clean_a_loaded_row_that_is_too_short(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1\n3, 4\n", encoding="utf-8")
    assert clean_data(load_csv(str(path))) == [{"a": "3", "b": "4"}]


def test_statistics_against_an_oracle(table):
    numbers = sorted(float(row["score"]) for row in table)
    expected = {"mean": sum(numbers) / 40, "median": (numbers[19] + numbers[20]) / 2}
    result = calculate_statistics(table, "score")
    assert result == pytest.approx({"count": 40, **expected, "min": numbers[0], "max": numbers[-1]})


def test_statistics_do_not_depend_on_the_order(table):
    result = calculate_statistics(table, "id")
    assert result == pytest.approx({"count": 40, "mean": 19.5, "median": 19.5, "min": 0, "max": 39})
    assert calculate_statistics(table[::-1], "id") == pytest.approx(result)


def test_statistics_of_one_number():
    result = calculate_statistics([{"w": "2.5"}, {"w": ""}, {"w": None}, {"w": "2,5"}], "w")
    assert result == pytest.approx({"count": 1, "mean": 2.5, "median": 2.5, "min": 2.5, "max": 2.5})


@pytest.mark.parametrize("rows", [[], [{"score": ""}, {"score": "high"}]])
def test_statistics_of_no_numbers(rows):
    with pytest.raises(ValueError):
        calculate_statistics(rows, "score")
