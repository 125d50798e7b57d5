"""Parquet files of any writer against pyarrow and DuckDB: python3 parquet.py target/debug/examples/look folder [--all]

Every file below the folder is read by all three, and every cell is compared with pyarrow's, where pyarrow refuses with DuckDB's. A table
says of each file: read right, refused with a named error, wrong, or panicked (a signal counts as that, and so does a process that takes
more than its memory). Files that all read are left out of the table unless `--all` is given. Exit code 1 for anything wrong or panicked.
Needs pyarrow, numpy and duckdb.
"""
import decimal
import json
import math
import multiprocessing
import pathlib
import re
import resource
import subprocess
import sys

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SECONDS, BYTES = 60, 6 << 30
BEYOND = "beyond the calendar"                                            # where pyarrow wraps around


def moment(text):
    """A time without the zeros, the sign and the zone that writers disagree about."""
    text = re.sub(r"(Z|\+00:00)$", "", text).lstrip("+")
    return re.sub(r"\.?0*$", "", text) if "." in text else text


def cell(scalar):
    """A value as our JSON has it."""
    kind = scalar.type
    if isinstance(scalar, pa.ExtensionScalar):
        return cell(scalar.value)
    if not scalar.is_valid:
        return None
    if pa.types.is_dictionary(kind):
        return cell(scalar.value)
    if pa.types.is_map(kind):
        entries = scalar.values
        return [[cell(entries.field(0)[i]), cell(entries.field(1)[i])] for i in range(len(entries))]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return [cell(v) for v in scalar.values]
    if pa.types.is_struct(kind):
        return {f.name: cell(value) for f, value in zip(kind, scalar.values())}
    if pa.types.is_floating(kind):
        value = float(scalar.as_py())
        return "NaN" if math.isnan(value) else ("inf" if value > 0 else "-inf") if math.isinf(value) else value
    if pa.types.is_decimal(kind):
        return format(scalar.as_py(), "f")
    if pa.types.is_duration(kind):
        return scalar.value
    if re.search("binary", str(kind)):
        return scalar.as_buffer().to_pybytes().hex()
    if pa.types.is_timestamp(kind):
        text = str(np.datetime64(scalar.value, kind.unit))
        return BEYOND if int(re.match(r"-?\d+", text)[0]) not in range(-200_000, 200_001) else moment(text)
    if pa.types.is_time(kind):
        unit = {"s": 0, "ms": 3, "us": 6, "ns": 9}[kind.unit]
        seconds, rest = divmod(scalar.value, 10 ** unit)
        return moment(f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:0{max(unit, 1)}}")
    if pa.types.is_date(kind):
        return scalar.as_py().isoformat()
    return scalar.as_py()


def length(text, unit):
    """How many units a duration such as P1DT2H3M4.5S or -PT0.000001S has."""
    sign, days, hours, minutes, seconds = re.fullmatch(
        r"(-?)P(?:(-?[\d.]+)D)?T?(?:(-?[\d.]+)H)?(?:(-?[\d.]+)M)?(?:(-?[\d.]+)S)?", text).groups()
    total = sum(decimal.Decimal(part or 0) * one for part, one in zip((days, hours, minutes, seconds), (86400, 3600, 60, 1)))
    return int(total * {"s": 1, "ms": 10 ** 3, "us": 10 ** 6, "ns": 10 ** 9}[unit]) * (-1 if sign else 1)


def ours(value, kind):
    """Our value, with texts of times made comparable."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if value is None:
        return None
    if pa.types.is_dictionary(kind):
        return ours(value, kind.value_type)
    if pa.types.is_map(kind):
        return [[ours(k, kind.key_type), ours(v, kind.item_type)] for k, v in value]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return [ours(v, kind.value_type) for v in value]
    if pa.types.is_struct(kind):
        return {f.name: ours(value[f.name], f.type) for f in kind}
    if pa.types.is_floating(kind) and not isinstance(value, str):
        return float(np.float32(value)) if kind.bit_width < 64 else float(value)
    if pa.types.is_date(kind):
        return value.removesuffix("T00:00:00")
    if pa.types.is_timestamp(kind) and re.fullmatch(r"-?\d+", value):
        return BEYOND
    if pa.types.is_duration(kind):
        return length(value, kind.unit)
    zone = re.fullmatch(r"(.*)([+-])(\d\d):(\d\d)", value) if pa.types.is_timestamp(kind) else None
    if zone:                                                                  # the moment, as UTC says it
        minutes = (int(zone[3]) * 60 + int(zone[4])) * (1 if zone[2] == "+" else -1)
        return moment(str(np.datetime64(zone[1], "ns") - np.timedelta64(minutes, "m")))
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        return moment(value)
    return value


def cells(table):
    return table.schema, [[cell(v) for v in column] for column in table.columns], table.num_rows


def with_pyarrow(path, answer):
    try:
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        file = pq.ParquetFile(path, coerce_int96_timestamp_unit="us")
        groups = [file.read_row_group(i, use_threads=False) for i in range(file.num_row_groups)]
        answer.put(("read", cells(pa.concat_tables(groups) if groups else file.schema_arrow.empty_table())))
    except BaseException as error:
        answer.put(("refused", f"{type(error).__name__}: {error}".split("\n")[0]))


def with_duckdb(path, answer):
    try:
        connection = duckdb.connect(config={"threads": 1, "memory_limit": "2GB"})
        answer.put(("read", cells(connection.sql(f"select * from read_parquet('{path}')").to_arrow_table())))
    except BaseException as error:
        answer.put(("refused", f"{type(error).__name__}: {error}".split("\n")[0]))


def asked(read, path):
    answer = multiprocessing.Queue()
    process = multiprocessing.Process(target=read, args=(path, answer))
    process.start()
    try:
        return answer.get(timeout=SECONDS)
    except Exception:
        return "died", "no answer"
    finally:
        process.kill()
        process.join()


def with_us(look, path):
    bound = lambda: resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    try:
        command = [look, path, "--json", "--format", "parquet", "--mem", "1GB"]
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, preexec_fn=bound)
    except subprocess.TimeoutExpired:
        return "died", "took too long"
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode < 0 or "panicked" in said or done.returncode not in (0, 1):
        return "panicked", said or f"signal {-done.returncode}"
    if done.returncode == 1:
        return "refused", said
    return "read", done.stdout.decode()


def difference(text, schema, columns, rows):
    """The first cell that differs, or None."""
    lines = [line for line in text.split("\n") if line.startswith("[")]
    names = [json.JSONDecoder().raw_decode(line[2:])[0] for line in text.split("\n") if line.startswith("# ")]
    if names != schema.names:
        return f"columns {names}, not {schema.names}"
    if len(lines) != rows:
        return f"{len(lines)} rows, not {rows}"
    for i, line in enumerate(lines):
        for value, column, field in zip(json.loads(line), columns, schema):
            if ours(value, field.type) != column[i]:
                return f"row {i}, {field.name} ({field.type}): {str(value)[:60]}, not {str(column[i])[:60]}"
    return None


def judged(look, path):
    said, text = with_us(look, path)
    arrow, theirs = asked(with_pyarrow, path)
    duck, rows = asked(with_duckdb, path)
    others = f"pyarrow {arrow}, duckdb {duck}"
    if said != "read":
        return said, others, text
    if arrow == "read":
        wrong = difference(text, *theirs)
    elif duck == "read":
        wrong = difference(text, *rows)
    else:
        wrong = None
    return ("wrong", others, wrong) if wrong else ("right", others, "" if arrow == "read" else f"pyarrow: {theirs}")


def main():
    look, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    show_all = "--all" in sys.argv[3:]
    files = sorted(p for p in folder.rglob("*") if p.suffix in (".parquet", ".encrypted", ".parq", ".pq"))
    counts = {}
    for path in files:
        verdict, others, note = judged(look, str(path))
        counts[verdict] = counts.get(verdict, 0) + 1
        plain = verdict == "right" and others == "pyarrow read, duckdb read"
        if show_all or not plain:
            print(f"{verdict:9} {path.relative_to(folder)}  [{others}]  {note[:300]}")
    print(", ".join(f"{verdict}: {count}" for verdict, count in sorted(counts.items())), f"of {len(files)} files")
    sys.exit(any(counts.get(v) for v in ("wrong", "panicked", "died")))


if __name__ == "__main__":
    main()
