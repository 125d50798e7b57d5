"""Relational operations against pandas: python3 relational.py target/release/examples/operations [rounds] [seed]

Random tables with nulls, NaN, repeated and skewed keys; a random number of partitions and threads and a
random memory limit for each operation. Rows are compared as sets where their order is not part of the answer. Needs
pandas and pyarrow. (No infinities: pandas has two rules for quantiles among them, ours is that of Series.quantile and numpy.)
"""
import os
import subprocess
import sys
import tempfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

KEYS = ["k", "s", "d"]
JOINS = ["inner", "left", "right", "outer", "semi", "anti"]


def table(rng, rows, value):
    keys = rng.integers(0, max(1, rng.choice([1, 3, 50, rows])), rows)
    if rng.random() < 0.3:
        keys = np.where(rng.random(rows) < 0.7, 0, keys)                      # one heavy key
    f = rng.choice([0.0, -0.0, 1.5, -2.25, 1e100, np.nan, 0.1], rows) * rng.integers(1, 4, rows)
    null = lambda: rng.random(rows) < rng.choice([0, 0.2])
    day = pd.Timestamp("2023-01-01").value // 1000
    columns = {
        "k": pa.array(keys, pa.int64(), mask=null()),
        "s": pa.array([f"text {i % 7}" * (i % 3) for i in rng.integers(0, 40, rows)], pa.string(), mask=null()),
        "d": pa.array(day + rng.integers(0, 5, rows) * 86_400_000_000, pa.int64(), mask=null()).cast(pa.timestamp("us")),
        "f": pa.array(f, pa.float64(), mask=null()),
        "s2": pa.array([str(i) for i in rng.integers(0, 9, rows)], pa.string(), mask=null()),
        value: pa.array(rng.integers(-1000, 1000, rows), pa.int64()),
    }
    return pa.table(columns)


def frame(t):
    return t.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype(), pa.string(): pd.StringDtype()}.get)


def numbers(column):
    """Missing is missing, whether null or NaN, as pandas has it."""
    return column.astype("float64").where(column.notna(), np.nan) if pd.api.types.is_numeric_dtype(column) else column


def expected_groups(df, keys, dropna):
    df = df.assign(v=df.v.astype("float64"), f=numbers(df.f))
    g = df.groupby(keys, dropna=dropna, sort=True)
    out = {"size": g.size(), "s2_nunique": g.s2.nunique(), "s2_max": g.s2.agg(lambda c: c.dropna().max() if c.notna().any() else pd.NA)}
    for c in ["v", "f"]:
        out |= {f"{c}_sum": g[c].sum(), f"{c}_mean": g[c].mean(), f"{c}_count": g[c].count(), f"{c}_min": g[c].min(), f"{c}_max": g[c].max(),
                f"{c}_std": g[c].std(ddof=1), f"{c}_var0": g[c].var(ddof=0), f"{c}_first": g[c].first(), f"{c}_last": g[c].last(),
                f"{c}_median": g[c].median(), f"{c}_q30": g[c].quantile(0.3), f"{c}_nunique": g[c].nunique()}
    return pd.DataFrame(out).reset_index()


def expected_join(left, right, how, on):
    if how in ("semi", "anti"):
        met = left.merge(right[on].drop_duplicates(), on=on, how="left", indicator=True)._merge == "both"
        return left[(met if how == "semi" else ~met).to_numpy()]
    return left.merge(right, on=on, how=how, suffixes=("", "_right"))


def expected_windows(a, by):
    v, f = a.v.astype("float64"), numbers(a.f)
    g = v.groupby(a[by], dropna=False)
    return a.assign(shift=v.shift(2), diff=v.diff(1), cum_sum=v.cumsum(), cum_max=v.cummax(), cum_min=f.cummin(), rolling_mean=v.rolling(3).mean(),
                    rolling_max=v.rolling(4, min_periods=2).max(), rank=g.rank("average"), cum_sum_over=g.cumsum(), shift_over=g.shift(1),
                    mean_over=g.transform("mean"))


def cells(df):
    """Rows as tuples of texts: floats to 9 digits, since pandas adds up in another order."""
    def text(x):
        if x is None or x is pd.NA or x is pd.NaT or (isinstance(x, float) and np.isnan(x)):
            return "-"
        if isinstance(x, (float, np.floating)):
            return f"{x + 0.0:.9g}" if abs(x) > 1e-9 else "0"
        return str(x)
    return [tuple(text(x) for x in row) for row in df.itertuples(index=False)]


def same(p, q):
    def close(x, y):
        try:
            return x == y or abs(float(x) - float(y)) <= 1e-8 * max(abs(float(x)), abs(float(y)))
        except ValueError:
            return False
    return len(p) == len(q) and all(map(close, p, q))


def check(program, rng, operation, left, right, folder):
    paths = {n: os.path.join(folder, f"{n}.parquet") for n in ("left", "right", "out")}
    for name, t in (("left", left), ("right", right)):
        pq.write_table(t, paths[name], row_group_size=int(rng.choice([7, 100, 5000])))
    if os.path.exists(paths["out"]):
        os.remove(paths["out"])
    partitions, threads, mem = int(rng.choice([1, 2, 7, 127, 128, 129, 257, 300])), int(rng.choice([1, 2, 4])), str(rng.choice(["8MB", "64MB", "2GB"]))
    command = [program, operation, "--left", paths["left"], "--right", paths["right"], "--out", paths["out"], "--mem", mem, "--threads", str(threads),
               "--partitions", str(partitions)]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        return f"{' '.join(command[1:2] + command[-6:])}: {run.stderr.strip()[:300]}"
    found = frame(pq.read_table(paths["out"]))
    a, b = frame(left), frame(right)
    what, *args = operation.split(":")
    ordered = what in ("sort", "group", "distinct", "unique")
    if what == "group":
        keys = args[0].split(",")
        expected = expected_groups(a, keys, args[1] == "dropna")
        # nulls among sorted keys: compared as a set
        ordered = args[1] == "dropna"
    elif what in ("join", "lookup"):
        expected = expected_join(a, b, args[0], args[1].split(","))
    elif what == "distinct":
        expected = a.drop_duplicates(args[1].split(","), keep={"neither": False}.get(args[0], args[0]))
    elif what == "counts":
        keys = args[0].split(",")
        expected = a.dropna(subset=keys).groupby(keys).size().rename("count").reset_index()
    elif what == "unique":
        expected = a[args[0].split(",")].drop_duplicates()
    elif what == "dropna":
        expected = a.assign(f=numbers(a.f)).dropna(subset=args[0].split(","))
    elif what == "melt":
        expected = a.assign(v=a.v.astype("float64"), f=numbers(a.f)).melt(args[0].split(","), ["v", "f"])
    elif what == "windows":
        expected, ordered = expected_windows(a, args[0]), True
    else:
        keys = args[-1].split(",")
        rows = a.assign(f=numbers(a.f) + 0.0)
        order = rows
        for key in reversed(keys):                                             # stable, nulls last, each key by itself
            order = order.sort_values(key.lstrip("-"), ascending=not key.startswith("-"), kind="stable", na_position="last")
        expected = order if what == "sort" else order.head(int(args[0]))
        found = found.assign(f=numbers(found.f) + 0.0)
    if what not in ("sort", "top"):
        expected, found = expected[sorted(expected.columns)], found[sorted(found.columns)] if set(found.columns) == set(expected.columns) else found
    x, y = cells(expected), cells(found)
    if not ordered and what != "top":
        x, y = sorted(x), sorted(y)
    at = next((i for i, (p, q) in enumerate(zip(x, y)) if not same(p, q)), min(len(x), len(y)))
    if at < max(len(x), len(y)):
        return f"{operation} ({partitions} partitions, {threads} threads, {mem}): {len(x)} and {len(y)} rows; row {at}:\n  pandas {x[at:at + 1]}\n  ours   {y[at:at + 1]}"
    return None


def operations(rng):
    some = lambda: ",".join(rng.permutation(KEYS)[: rng.integers(1, 4)])
    sort = lambda: ",".join(("-" if rng.random() < 0.5 else "") + str(k) for k in rng.permutation(KEYS + ["f"])[: rng.integers(1, 4)])
    yield f"group:{some()}:dropna"
    yield f"group:{some()}:keepna"
    for how in JOINS:
        yield f"join:{how}:{some()}"
    yield f"lookup:{rng.choice([j for j in JOINS if j != 'outer'])}:{some()}"
    yield f"distinct:{rng.choice(['first', 'last', 'neither'])}:{some()}"
    yield f"counts:{some()}"
    yield f"unique:{some()}"
    yield f"dropna:{rng.choice(['k,f', 's', 'd,s2'])}"
    yield f"melt:{some()}"
    yield f"windows:{rng.choice(['k', 's'])}"
    yield f"sort:{sort()}"
    yield f"top:{rng.integers(1, 30)}:{sort()}"


def main():
    program, rounds, seed = sys.argv[1], int((sys.argv + [0, 0, 10])[2] or 10) if len(sys.argv) > 2 else 10, int(sys.argv[3]) if len(sys.argv) > 3 else 0
    done = bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for i in range(rounds):
            rng = np.random.default_rng(seed + i)
            rows = [int(rng.choice([1, 10, 300, 3000])) for _ in range(2)]
            left, right = table(rng, rows[0], "v"), table(rng, min(rows[1], 300), "w")
            for operation in operations(rng):
                problem = check(program, rng, operation, left, right, folder)
                done += 1
                if problem:
                    bad += 1
                    print(f"seed {seed + i}: {problem}")
    print(f"{done} comparisons, {bad} disagreements")
    sys.exit(bad > 0)


main()
