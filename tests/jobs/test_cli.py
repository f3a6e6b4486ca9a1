import json
import re
import subprocess
import sys

import pytest
from sqlalchemy.exc import OperationalError

from clv.errors import DiskFullError
from jobs.cli import app, main
from warehouse.journal.runs import Runs

ORDERS = """customer_id,order_id,order_date,amount
ann,1,2026-01-01,10.00
ann,2,2026-02-01,20.00
bob,3,2026-01-15,5.50
bob,4,not a date,7.00
"""


def commands(group, prefix=()):
    """Every sub-command as the words that call it."""
    for info in group.registered_commands:
        yield (*prefix, info.name or info.callback.__name__)
    for sub in group.registered_groups:
        yield from commands(sub.typer_instance, (*prefix, sub.name))


@pytest.fixture
def clv(new_data, tmp_path, command):
    """Run `clv` with a settings file of its own; exit code, output and errors."""
    new_data(tmp_path / "data")
    config = tmp_path / "config.toml"
    config.write_text("[engine]\nbuckets = 2\nmemory_limit = '1GB'\n")
    clv = command(config)
    clv.folder = tmp_path
    return clv


@pytest.fixture
def shop(clv):
    raw = clv.folder / "data" / "raw"
    raw.mkdir(parents=True)
    (raw / "orders.csv").write_text(ORDERS)
    return clv


@pytest.mark.parametrize("words", list(commands(app)), ids=" ".join)
def test_every_command_has_help_and_can_be_given_its_settings(words, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*words, "--help"])

    said = capsys.readouterr().out
    assert stop.value.code == 0
    assert "--config" in said
    assert "--debug" in said


@pytest.mark.parametrize("words", [(), ("models",)], ids=["clv", "clv models"])
def test_without_a_command_help_is_shown(words, capsys):
    with pytest.raises(SystemExit):
        main(words)

    said = capsys.readouterr().err
    assert said.startswith("Usage: clv")
    assert "Commands" in said


def test_the_version_is_said(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])

    assert stop.value.code == 0
    assert re.fullmatch(r"Retain \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_the_list_of_commands_cuts_no_sentence_short(capsys):
    for words in ([], ["models"], ["segments"]):
        with pytest.raises(SystemExit):
            main([*words, "--help"])
        assert "..." not in capsys.readouterr().out.replace("[ARGS]...", "")


def test_help_does_not_wait_for_heavy_modules():
    code = (
        "import sys, jobs.cli; print(sorted({'pandas', 'duckdb', 'dash', 'sklearn', 'sqlalchemy'} & set(sys.modules)))"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert said.strip() == "[]"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("nonsense",), 2, "No such command"),
        (("build", "--as-of", "tomorrow"), 2, "--as-of"),
        (("ingest", "nowhere.csv"), 3, "nowhere.csv does not exist"),
        (("sql", "select 1"), 6, "nothing has been published"),
        (("serve", "--host", "0.0.0.0"), 2, "auth"),
        (("run",), 3, "there are no transactions"),
    ],
    ids=["no such command", "no date", "no such file", "no build", "a public address", "nothing to do"],
)
def test_an_error_is_one_clear_line_and_a_code(clv, words, code, message):
    found, _, said = clv(*words)

    assert found == code
    assert message in said
    assert "Traceback" not in said


def test_a_wrong_setting_is_exit_code_2(clv):
    (clv.folder / "config.toml").write_text("[modle]\nseed = 1")

    code, _, said = clv("build")

    assert (code, said.count("\n")) == (2, 1)
    assert "did you mean model?" in said


@pytest.mark.parametrize("form", [("--config", "{}"), ("--config={}",)], ids=["two words", "one word"])
def test_a_disk_that_is_full_before_a_job_begins_is_named_by_the_folder_of_its_settings(
    tmp_path, monkeypatch, capsys, form
):
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        (folder / "config.toml").write_text("")
    monkeypatch.chdir(here)

    def full(*_words, **_more):
        raise OperationalError("insert", {}, Exception("database or disk is full"))

    monkeypatch.setattr(Runs, "start", full)

    with pytest.raises(SystemExit) as stop:
        main(["build", *(word.format(there / "config.toml") for word in form)])

    assert stop.value.code == DiskFullError.exit_code
    assert f"the disk that holds {there / 'data'} is full" in capsys.readouterr().err


def test_with_debug_the_traceback_is_shown(clv):
    _, _, said = clv("ingest", "nowhere.csv", "--debug")

    assert "Traceback" in said


def test_ingest_prints_rows_in_as_loaded_and_quarantined(shop):
    code, said, _ = shop("ingest")

    assert code == 0
    # 4 rows: three good ones and one whose date cannot be read
    line = next(line for line in said.splitlines() if "orders.csv" in line)
    assert [cell.strip() for cell in line.split("│")[3:6]] == ["4", "3", "1"]


def test_ingest_of_a_named_file(shop):
    elsewhere = shop.folder / "more_orders.csv"
    elsewhere.write_text("customer_id,order_id,order_date,amount\ncem,9,2026-03-01,1.00\n")

    _, said, _ = shop("ingest", str(elsewhere))

    assert "more_orders.csv" in said
    assert " orders.csv" not in said


def test_a_file_that_does_not_land_does_not_hide_those_that_do(shop):
    (shop.folder / "data" / "raw" / "sales.csv").write_text("a,b\n1,2\n")

    code, said, error = shop("ingest")

    assert code == 3
    assert "orders.csv" in said
    assert "sales.csv" in error


def test_a_second_build_is_the_first(shop):
    shop("ingest")

    _, first, _ = shop("build")
    _, second, _ = shop("build")

    assert first.split()[1] == second.split()[1]
    assert "nothing had changed" in second


def test_a_build_as_of_a_date_knows_nothing_later(shop):
    shop("ingest")
    shop("build", "--as-of", "2026-01-20")

    _, said, _ = shop("sql", "select customer_id, revenue from marts.customers order by 1")

    assert said.split() == ["customer_id,revenue", "ann,10.0", "bob,5.5"]


def test_sql_can_only_read(shop):
    shop("ingest")
    shop("build")

    code, _, said = shop("sql", "drop table marts.customers")

    assert code == 9
    assert "drop" in said


def test_the_shell_opens_the_published_build(shop):
    shop("ingest")
    shop("build")

    said = subprocess.run(
        [sys.executable, "-m", "jobs.cli", "sql", "--config", str(shop.folder / "config.toml")],
        input=".mode csv\nselect sum(revenue) as r from marts.customers;\n",
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert "35.5" in said


def test_every_run_is_in_the_log_with_its_id(shop):
    shop("ingest")

    lines = [
        json.loads(line)["record"] for line in (shop.folder / "data" / "logs" / "cli.jsonl").read_text().splitlines()
    ]
    runs = {line["extra"]["run"] for line in lines if line["message"].startswith("ingest")}

    assert len(runs) == 1
    assert runs != {""}


def test_no_customer_is_in_the_log(shop):
    shop("ingest")
    shop("build")

    logged = (shop.folder / "data" / "logs" / "cli.jsonl").read_text()

    assert not any(f'"{name}"' in logged for name in ("ann", "bob"))


def test_the_segment_rules_are_printed_as_a_file_to_begin_with(clv):
    code, text, _ = clv("segments", "show")
    own = clv.folder / "data" / "segment_rules.csv"
    own.write_text(text.replace("Champions", "Stars"), encoding="utf-8")

    assert code == 0
    assert text.splitlines()[0].startswith("order,segment,r_min,r_max")
    assert clv("segments", "check") == (0, "10 rules; every combination of scores has a segment\n", "")
    assert "1,Stars,4,5,4,5,4,5,," in clv("segments", "show")[1]


def test_wrong_segment_rules_are_said_and_stop_a_build(shop):
    own = shop.folder / "data" / "segment_rules.csv"
    own.write_text(
        "order,segment,r_min,r_max,f_min,f_max,m_min,m_max,first_order_within_days\n1,Best,2,5,,,,,\n", encoding="utf-8"
    )
    shop("ingest")

    code, said, _ = shop("segments", "check")
    assert code == 2
    assert said.startswith("error 25 of the 125 combinations of scores have no segment: R 1, F 1–5, M 1–5.")
    code, _, error = shop("build")
    assert code == 2
    assert "segment_rules.csv cannot be used: 25 of the 125" in " ".join(error.split())


def test_segment_rules_are_reset_and_the_reset_is_undone(clv):
    data = clv.folder / "data"
    clv("segments", "reset")
    text = clv("segments", "show")[1]
    (data / "segment_rules.csv").write_text(text.replace("Loyal", "Fans"), encoding="utf-8")

    assert "Champions, Loyal, Big spenders" in clv("segments", "reset")[1]
    assert not (data / "segment_rules.csv").exists()
    assert "Champions, Fans, Big spenders" in clv("segments", "undo")[1]
