"""CSV files of others against pandas, pyarrow and DuckDB: python3 csv_files.py target/release/examples/look FOLDER [--all]
or, with tables made at random:             python3 csv_files.py target/release/examples/look --random ROUNDS [SEED]

Every file below FOLDER that may be CSV is read by us, by pandas, by pyarrow and by DuckDB, with the options that the
file needs (told below by its name, or found in its first lines: the separator, the encoding). Cells are compared as
values: numbers as numbers, times as instants, texts as they are. A file is

    right      as at least one of the others has it, cell by cell
    refused    with an error of ours that names the file
    wrong      as none of the others has it
    panicked   (or ended otherwise than with 0 or 1)

The exit code is 1 if a file is wrong or panicked. Files with the exact rows beside them (csv-spectrum: json/NAME.json)
are compared with those.
"""

import bz2
import csv
import gzip
import io
import json
import lzma
import math
import os
import subprocess
import sys
import warnings
import zipfile
from random import Random

import pandas as pd

try:
    import duckdb
    import pyarrow as pa
    import pyarrow.csv as pacsv
except ImportError:
    duckdb = pacsv = None

warnings.simplefilter("ignore")

ENDINGS = (".csv", ".tsv", ".txt", ".psv", ".tab", ".dat", ".data")
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip", ".tar")


def is_candidate(name):
    plain = name.lower()
    while plain.endswith(PACKED):
        plain = plain.rsplit(".", 1)[0]
    return plain.endswith(ENDINGS) or (plain != name.lower() and ("csv" in plain or "utf16" in plain))


def unpacked(path):
    """The bytes of a file, unpacked; None if it is an archive of several."""
    raw = open(path, "rb").read()
    try:
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        elif raw[:3] == b"BZh":
            raw = bz2.decompress(raw)
        elif raw[:6] == b"\xfd7zXZ\0":
            raw = lzma.decompress(raw)
        elif raw[:4] == b"PK\3\4":
            archive = zipfile.ZipFile(io.BytesIO(raw))
            names = archive.namelist()
            return archive.read(names[0]) if len(names) == 1 else None
    except Exception:
        return None
    if raw[257:262] == b"ustar":
        return None
    return raw


def found_options(name, raw):
    """The separator and the encoding of a file, as a user would find them by looking into it."""
    encoding = None
    if "SHIFT_JIS" in name.upper():
        encoding = "shift_jis"
    elif raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    else:
        try:
            raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            encoding = "latin1"
    text = raw.decode(encoding or "utf-8-sig", errors="replace")
    first = text.splitlines()[0] if text.splitlines() else ""
    counts = {s: first.count(s) for s in (",", "\t", ";", "|")}
    best = max(counts, key=counts.get)
    separator = best if counts[best] and best != "," and counts[best] > counts[","] else ","
    return separator, encoding, text


def normal(value):
    """A cell as something that can be compared."""
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return bool(value)
    if isinstance(value, (int, float)) or type(value).__module__ == "numpy":
        try:
            return float(value)
        except (TypeError, ValueError):
            return str(value)
    if isinstance(value, (pd.Timestamp,)):
        return value.isoformat()
    text = str(value)
    if text in ("NaN",):
        return None
    return text


def table_of(frame):
    names = [str(c) for c in frame.columns]
    return names, [[normal(v) for v in row] for row in frame.astype(object).values.tolist()]


def by_pandas(text, separator):
    # nothing but an empty field is null in a text, and what spells null elsewhere is no text
    frame = pd.read_csv(io.StringIO(text), sep=separator, index_col=False, float_precision="round_trip",
                        skip_blank_lines=True, keep_default_na=True, low_memory=False)
    raw = pd.read_csv(io.StringIO(text), sep=separator, index_col=False, dtype=str, keep_default_na=False,
                      na_values=[], low_memory=False)
    for name in frame.columns:
        if frame[name].dtype == object or pd.api.types.is_string_dtype(frame[name].dtype):
            frame[name] = raw[name].where(raw[name] != "", None)
    return table_of(frame)


def by_pyarrow(text, separator):
    options = pacsv.ParseOptions(delimiter=separator, newlines_in_values=True)
    convert = pacsv.ConvertOptions(strings_can_be_null=True, null_values=[""], timestamp_parsers=["%Q"])
    table = pacsv.read_csv(pa.BufferReader(text.encode()), parse_options=options, convert_options=convert)
    return table.column_names, [[normal(v) for v in row] for row in zip(*[c.to_pylist() for c in table.columns])]


def by_duckdb(text, separator, scratch):
    with open(scratch, "w", newline="", encoding="utf-8") as out:
        out.write(text)
    escaped = separator.replace("'", "''")
    query = f"select * from read_csv('{scratch}', delim='{escaped}', header=true, all_varchar=true, nullstr='')"
    result = duckdb.connect().execute(query)
    names = [d[0] for d in result.description]
    return names, [[normal(v) for v in row] for row in result.fetchall()]


def ours(look, path, options):
    command = [look, path, "--json", "--format", "csv"]
    if options:
        command += ["--csv"] + options
    done = subprocess.run(command, capture_output=True, timeout=600)
    if done.returncode == 1:
        return "refused", done.stderr.decode().strip()
    if done.returncode != 0:
        return "panicked", done.stderr.decode().strip()[-400:]
    names, rows = [], []
    for line in done.stdout.decode().split("\n"):
        if line.startswith("# "):
            names.append(json.loads(line[2 : line.rindex(": ")]))
        elif line:
            rows.append([normal(v) for v in json.loads(line)])
    return "read", (names, rows)


def same_cell(a, b):
    if a == b or (a in (None, "") and b in (None, "")):
        return True
    # the rows beside the files were made where checking out turned line ends into others
    if isinstance(a, str) and isinstance(b, str):
        return a.replace("\r\n", "\n") == b.replace("\r\n", "\n")
    if isinstance(a, float) and isinstance(b, str) or isinstance(b, float) and isinstance(a, str):
        try:
            return float(a) == float(b)
        except ValueError:
            return False
    if isinstance(a, bool) != isinstance(b, bool):
        return str(a).lower() == str(b).lower()
    return False


def difference(mine, other):
    """Where two tables differ first; None if they do not."""
    if len(mine[0]) != len(other[0]):
        return f"{len(mine[0])} columns, {len(other[0])} there"
    if len(mine[1]) != len(other[1]):
        return f"{len(mine[1])} rows, {len(other[1])} there"
    for r, (a, b) in enumerate(zip(mine[1], other[1])):
        for c, (x, y) in enumerate(zip(a, b)):
            if not same_cell(x, y):
                return f"row {r}, column {mine[0][c]}: {x!r}, there {y!r}"
    return None


def expected_rows(path):
    """The rows that csv-spectrum says are right."""
    beside = os.path.join(os.path.dirname(os.path.dirname(path)), "json")
    beside = os.path.join(beside, os.path.basename(path).rsplit(".", 1)[0] + ".json")
    if not os.path.exists(beside):
        return None
    rows = json.load(open(beside, encoding="utf-8"))
    names = list(rows[0])
    return names, [[normal(row[n]) for n in names] for row in rows]


def judge(look, path, scratch):
    raw = unpacked(path)
    if raw is None:
        separator, encoding, text = ",", None, None
    else:
        separator, encoding, text = found_options(os.path.basename(path), raw)
    options = []
    if separator != ",":
        options.append(f"delimiter={separator}")
    if encoding not in (None, "utf-16"):
        options.append(f"encoding={encoding}")
    verdict, mine = ours(look, path, options)
    others, agree = {}, []
    if text is not None:
        readers = {"pandas": lambda: by_pandas(text, separator)}
        if pacsv:
            readers["pyarrow"] = lambda: by_pyarrow(text, separator)
            readers["duckdb"] = lambda: by_duckdb(text, separator, scratch)
        exact = expected_rows(path)
        if exact:
            readers = {"exact": lambda: exact}
        for name, read in readers.items():
            try:
                others[name] = read()
            except Exception as e:  # what another reader refuses is no measure
                others[name] = str(e).split("\n")[0]
    if verdict != "read":
        read_by = [n for n, t in others.items() if not isinstance(t, str)]
        return verdict, mine + (f"   [read by {', '.join(read_by)}]" if read_by else "   [refused by all]")
    differences = []
    for name, table in others.items():
        if isinstance(table, str):
            continue
        found = difference(mine, table)
        if found is None:
            agree.append(name)
        else:
            differences.append(f"{name}: {found}")
    if agree:
        return "right", f"as {', '.join(agree)}" + (f"; not {'; '.join(differences)}" if differences else "")
    if not differences:
        return "right", "read by us alone"
    return "wrong", "; ".join(differences)


def soup(random):
    """A text of quotes, separators and line ends in any order, under a header of three columns."""
    pieces = [",", ",", ",", "\n", "\n", '"', '""', "\r\n", "\r", "a", "b c", "1", " ", "é", '"x,y"', '"p\nq"', '"r""s"', "'", "#"]
    lines = []
    for _ in range(random.randrange(1, 8)):
        if random.random() < 0.7:
            field = lambda: random.choice(["", "1", "a b", '"q"', '"a,b"', '"c\nd"', '"e""f"', 'g"h', '""', '"i"j', " k "])
            lines.append(",".join(field() for _ in range(3)) + random.choice(["\n", "\n", "\r\n", "\r"]))
        else:
            lines.append("".join(random.choice(pieces) for _ in range(random.randrange(1, 9))) + "\n")
    return "c0,c1,c2\n" + "".join(lines)


def by_python(text):
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if len(row) > 1 or (row and (row[0] == "" or row[0].strip(" \t")))]
    return rows[0], [[normal(v) for v in row + [""] * (3 - len(row))] for row in rows[1:]]


def at_random(look, rounds, seed, scratch):
    """Tables at random as pandas or Python's csv reads them, all cells as texts; for blocks of any size.

    (pandas loses the first field of a line that starts with a separator behind an empty line that ends in \\r.)
    """
    random, counts = Random(seed), {}
    texts = [f"dtype=c{i}:Utf8" for i in range(3)]
    for round in range(rounds):
        text = soup(random)
        with open(scratch, "w", newline="", encoding="utf-8") as out:
            out.write(text)
        verdict, mine = ours(look, scratch, texts + ["ragged=fill", f"block_size={random.choice([1, 7, 1 << 20])}"])
        try:
            theirs = table_of(pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, index_col=False,
                                          on_bad_lines="error"))
        except Exception as e:
            theirs = str(e)
        if verdict == "read" and not isinstance(theirs, str):
            found = difference(mine, theirs) and difference(mine, by_python(text)) and difference(mine, theirs)
            verdict = "right" if found is None else "wrong"
            if found:
                print(f"wrong  round {round}: {found}\n{text!r}")
        elif verdict == "read":
            verdict = "read by us alone"
            print(f"{verdict}  round {round}: {theirs}\n{text!r}")
        counts[verdict] = counts.get(verdict, 0) + 1
    print(" ".join(f"{verdict} {count}" for verdict, count in sorted(counts.items())))
    return 1 if counts.get("wrong") or counts.get("panicked") else 0


def main():
    if sys.argv[2] == "--random":
        scratch = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"oracle-{os.getpid()}.csv")
        seed = int(sys.argv[4]) if len(sys.argv) > 4 else 42
        code = at_random(sys.argv[1], int(sys.argv[3]), seed, scratch)
        os.remove(scratch)
        sys.exit(code)
    look, folder = sys.argv[1], sys.argv[2]
    counts, shown = {}, "--all" in sys.argv
    scratch = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"oracle-{os.getpid()}.csv")
    for root, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            if not is_candidate(name):
                continue
            path = os.path.join(root, name)
            verdict, why = judge(look, path, scratch)
            counts[verdict] = counts.get(verdict, 0) + 1
            if shown or verdict != "right" or "; not" in why:
                print(f"{verdict:8}  {os.path.relpath(path, folder)}: {why[:400]}")
    if os.path.exists(scratch):
        os.remove(scratch)
    print(" ".join(f"{verdict} {count}" for verdict, count in sorted(counts.items())))
    sys.exit(1 if counts.get("wrong") or counts.get("panicked") else 0)


if __name__ == "__main__":
    main()
