import pytest
from data_processor import calculate_statistics, clean_data, load_csv, save_processed_data


def write(tmp_path, text):
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_load_csv(tmp_path):
    path = write(tmp_path, "name,age\nAda,36\nAlan,41\n")
    assert load_csv(path) == [{"name": "Ada", "age": "36"}, {"name": "Alan", "age": "41"}]


def test_load_csv_with_a_quoted_comma(tmp_path):
    assert load_csv(write(tmp_path, 'city,note\nRome,"old, big"\n')) == [{"city": "Rome", "note": "old, big"}]


def test_load_csv_without_rows(tmp_path):
    assert load_csv(write(tmp_path, "")) == []
    assert load_csv(write(tmp_path, "name,age\n")) == []
    assert load_csv(write(tmp_path, "name,age\nEve,7\n")) == [{"name": "Eve", "age": "7"}]


def test_load_csv_of_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_csv(str(tmp_path / "nothing.csv"))


def test_clean_data_strips_spaces():
    assert clean_data([{"a": " 1 ", "b": "x "}]) == [{"a": "1", "b": "x"}]


def test_clean_data_leaves_out_rows_with_empty_values():
    assert clean_data([{"a": "1", "b": ""}, {"a": "2", "b": "y"}, {"a": "  ", "b": "z"}]) == [{"a": "2", "b": "y"}]


def test_clean_data_leaves_out_rows_with_none():
    assert clean_data([{"a": "1", "b": None}, {"a": "3", "b": "w"}]) == [{"a": "3", "b": "w"}]


def test_clean_data_leaves_out_repeated_rows():
    assert clean_data([{"a": "2"}, {"a": "1"}, {"a": " 2"}]) == [{"a": "2"}, {"a": "1"}]


def test_clean_data_does_not_change_its_input():
    rows = [{"a": " 4 "}, {"a": ""}]
    assert clean_data(rows) == [{"a": "4"}]
    assert rows == [{"a": " 4 "}, {"a": ""}]


def test_clean_data_of_a_clean_and_of_an_empty_table():
    assert clean_data([{"a": "5"}, {"a": "6"}]) == [{"a": "5"}, {"a": "6"}]
    assert clean_data([]) == []


def test_calculate_statistics():
    result = calculate_statistics([{"x": "1"}, {"x": "2"}, {"x": "6"}], "x")
    assert result == pytest.approx({"count": 3, "mean": 3.0, "median": 2.0, "min": 1.0, "max": 6.0})


def test_calculate_statistics_of_negative_and_decimal_numbers():
    result = calculate_statistics([{"t": "-2.5", "u": "9"}, {"t": "0", "u": "9"}], "t")
    assert result == pytest.approx({"count": 2, "mean": -1.25, "median": -1.25, "min": -2.5, "max": 0.0})


def test_calculate_statistics_leaves_out_what_is_no_number():
    result = calculate_statistics([{"x": "4"}, {"x": "many"}, {"x": ""}, {"x": None}, {"x": "5"}], "x")
    assert result == pytest.approx({"count": 2, "mean": 4.5, "median": 4.5, "min": 4.0, "max": 5.0})


def test_calculate_statistics_without_numbers():
    assert calculate_statistics([{"x": "7"}], "x")["count"] == 1
    with pytest.raises(ValueError):
        calculate_statistics([{"x": "none"}], "x")


def test_save_processed_data(tmp_path):
    path = tmp_path / "out.csv"
    assert save_processed_data([{"a": "1", "b": "x"}, {"a": "2", "b": "y"}], str(path)) == 2
    assert path.read_text(encoding="utf-8").split() == ["a,b", "1,x", "2,y"]


def test_save_processed_data_replaces_an_older_file(tmp_path):
    path = write(tmp_path, "old,table\n1,2\n3,4\n")
    assert save_processed_data([{"new": "8"}], path) == 1
    assert (tmp_path / "table.csv").read_text(encoding="utf-8").split() == ["new", "8"]


def test_save_processed_data_of_nothing(tmp_path):
    path = tmp_path / "out.csv"
    assert save_processed_data([], str(path)) == 0
    assert path.read_text(encoding="utf-8") == ""


def test_save_and_load(tmp_path):
    rows = [{"city": "Paris, France", "people": "2100000"}, {"city": "Łódź", "people": "670000"}]
    path = str(tmp_path / "out.csv")
    save_processed_data(rows, path)
    assert load_csv(path) == rows


def test_load_clean_and_calculate(tmp_path):
    path = write(tmp_path, "name,age\n Ada ,36\nAlan,\nAda,36\nGrace,44\n")
    result = calculate_statistics(clean_data(load_csv(path)), "age")
    assert result == pytest.approx({"count": 2, "mean": 40.0, "median": 40.0, "min": 36.0, "max": 44.0})
