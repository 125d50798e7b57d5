"""Reductions of arrays against numpy: python3 arrays_reduce.py target/release/examples/array_reductions [cases] [seed]

Random shapes (some empty), chunks, axes, threads and memory limits; numbers that repeat, with NaN, infinities, zeros of both signs
and large ones among them. Whole numbers, order statistics, places and counts are compared to the bit, floating sums to
a part in 10^10. Where numpy raises an error, so must we. Needs numpy.
"""
import collections
import json
import subprocess
import sys
import warnings

import numpy as np

ALONG = ["sum", "prod", "mean", "var", "std", "min", "max", "any", "all", "nansum", "nanprod", "nanmean", "nanvar", "nanstd", "nanmin", "nanmax",
         "count_nonzero", "median", "quantile", "percentile", "normfro", "norm1", "norminf"]
ONE = ["argmin", "argmax", "nanargmin", "nanargmax", "cumsum", "cumprod", "cummax", "cummin", "topk", "norm1", "norm2", "norminf", "norm3"]
WHOLE = ["histogram", "edges", "histogram_range", "histogram_edges", "histogram_weighted",
         "histogram_density", "unique", "counts", "bincount"]
ROUNDED = {"sum", "prod", "mean", "var", "std", "nansum", "nanprod", "nanmean", "nanvar", "nanstd", "cumsum", "cumprod", "norm1", "norm2", "norm3",
           "normfro", "norminf", "histogram_weighted"}


def data(rng, dtype, shape, op):
    size = int(np.prod(shape))
    if op == "bincount":
        return rng.integers(0, 20, size).reshape(shape)
    if dtype == "int64":
        return rng.integers(-6, 7, size).reshape(shape)
    x = rng.integers(-40, 40, size) * rng.choice([0.1, 1.0, 1e-3])
    kind = rng.random()
    if kind < 0.3:
        x[rng.random(size) < rng.choice([0.05, 0.5])] = np.nan
    elif kind < 0.5:
        x = x + rng.choice([1e9, 1e-9])
    elif kind < 0.6:
        x[rng.random(size) < 0.3] = -0.0
    elif kind < 0.7:
        x = rng.random(size) * 7 - 3
    elif kind < 0.8:
        x[rng.random(size) < rng.choice([0.02, 0.3])] = rng.choice([np.inf, -np.inf])
        x[rng.random(size) < 0.02] = np.inf
    return x.reshape(shape)


def topk(x, k, axis):
    s = np.sort(x, axis=axis)
    s = np.flip(s, axis) if k > 0 else s
    return np.take(s, range(min(abs(k), x.shape[axis])), axis=axis)


def expected(op, x, axes, keepdims, number):
    axis = None if axes is None else tuple(axes) if len(axes) > 1 else axes[0]
    if op in ("cumsum", "cumprod"):
        result = getattr(np, op)(x, axis=axis)
        if op == "cumprod" and x.dtype.kind == "f":                            # as for prod below
            flat, along = (x.ravel(), 0) if axis is None else (x, axis)
            seen = lambda marks, f: f.accumulate(marks, axis=along)
            result = np.where(seen(flat == 0, np.logical_or) & seen(np.isfinite(flat), np.logical_and), 0.0, result)
        return result
    if op in ("cummax", "cummin"):
        f = np.maximum if op == "cummax" else np.minimum
        return f.accumulate(x.ravel() if axis is None else x, axis=0 if axis is None else axis)
    if op == "topk":
        return topk(x, int(number), axis)
    if op.startswith("norm"):
        order = {"1": 1, "2": 2, "3": 3, "inf": np.inf, "fro": "fro"}[op[4:]]
        return np.linalg.norm(x, order, axis=axis, keepdims=keepdims)
    if op in ("var", "std", "nanvar", "nanstd"):
        return getattr(np, op)(x, axis=axis, ddof=int(number), keepdims=keepdims)
    if op == "quantile":
        return np.quantile(x, number, axis=axis, keepdims=keepdims)
    if op == "percentile":
        return np.percentile(x, number * 100, axis=axis, keepdims=keepdims)
    if op in ("histogram", "edges"):
        return np.histogram(x, int(number))[op == "edges"]
    if op == "histogram_range":
        return np.histogram(x, int(number), range=(-3.0, 4.5))[0]
    if op == "histogram_edges":
        return np.histogram(x, [-3.0, -1.0, 0.0, 0.25, 4.0])[0]
    if op == "histogram_weighted":
        return np.histogram(x, int(number), range=(-3.0, 4.5), weights=(np.arange(x.size) % 7 + 0.5).reshape(x.shape))[0]
    if op == "histogram_density":
        return np.histogram(x, int(number), range=(-3.0, 4.5), density=True)[0]
    if op in ("unique", "counts"):
        return np.unique(x, return_counts=True)[op == "counts"]
    if op == "bincount":
        return np.bincount(x, minlength=int(number))
    result = getattr(np, op)(x, axis=axis, keepdims=keepdims)
    if op in ("prod", "nanprod") and x.dtype.kind == "f":                      # what numpy has got too large on the way to 0 is NaN
        finite = np.isfinite(x) | (np.isnan(x) & (op == "nanprod"))
        nothing = np.any(x == 0, axis=axis, keepdims=keepdims) & np.all(finite, axis=axis, keepdims=keepdims)
        result = np.where(nothing, 0.0, result)
    return result


def case(rng):
    op = str(rng.choice(ALONG + ONE + WHOLE))
    ndim = 1 if op == "bincount" else int(rng.integers(1, 5))
    empty = 0 if op in ("cummax", "cummin", "topk") or rng.random() < 0.9 else 1
    top = {1: 3000, 2: 150, 3: 30, 4: 9}[ndim]
    shape = [int(rng.integers(0 if empty else 1, top)) for _ in range(ndim)]
    dtype = "int64" if op == "bincount" or rng.random() < 0.3 else "float64"
    x = data(rng, dtype, shape, op)
    sign = lambda axis: int(axis) - (ndim if rng.random() < 0.3 else 0)
    one = op in ONE and not (op in ALONG and rng.random() < 0.5)
    if op in WHOLE or (rng.random() < 0.2 and not op.startswith("norm") and op != "topk"):
        axes = None
    elif one:
        axes = [sign(rng.integers(ndim))]
    elif op.startswith("norm"):
        if ndim < 2:
            return None
        axes = [sign(a) for a in rng.permutation(ndim)[:2]]
    else:
        axes = [sign(a) for a in rng.permutation(ndim)[:rng.integers(1, ndim + 1)]]
    keepdims = bool(rng.random() < 0.4) and not op.startswith("cum") and op not in WHOLE + ["topk"]
    number = {"quantile": rng.choice([0.0, 0.25, 0.5, 1.0, rng.random()]), "topk": rng.choice([-3, -1, 0, 1, 2, 7, 10**6])}.get(op)
    number = {"percentile": rng.choice([0.1, 0.5, 0.9, rng.random()])}.get(op, number)
    number = float(number if number is not None else rng.integers(1, 40) if op in WHOLE else rng.integers(0, 3))
    bits = np.ascontiguousarray(x).view(np.uint64).ravel().tolist() if x.size else []
    line = dict(op=op, dtype=dtype, shape=shape, chunks=[int(rng.integers(1, max(2, n + 3))) for n in shape], data=bits, axes=axes,
                keepdims=keepdims, number=number, threads=int(rng.choice([1, 2, 3])), memory=str(rng.choice(["64MB", "1GB"])))
    return op, x, axes, keepdims, number, line


def compare(op, want, got):
    want = np.asarray(want)
    if list(want.shape) != got["shape"]:
        return f"shape {want.shape}, not {got['shape']}"
    kind = np.float64 if want.dtype.kind == "f" else np.int64
    have = np.array(got["data"], dtype=np.uint64).view(kind).reshape(want.shape)
    want = want.astype(kind)
    if kind is np.float64 and op in ROUNDED:
        same = np.isclose(have, want, rtol=1e-10, atol=1e-12, equal_nan=True)
        if op in ("var", "std", "nanvar", "nanstd"):                          # numpy rounds the mean of numbers near 1e9
            same |= np.isclose(have, want, rtol=1e-5, atol=1e-6)
        return None if same.all() else f"{have[~same][:3]}, numpy has {want[~same][:3]}"
    same = (have == want) | (have != have) & (want != want)
    return None if same.all() else f"{have[~same][:3]!r}, numpy has {want[~same][:3]!r}"


def main():
    program, cases, seed = sys.argv[1], int((sys.argv[2:] or [3000])[0]), int((sys.argv[3:] or [1])[0])
    rng = np.random.default_rng(seed)
    run = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    done, wrong = collections.Counter(), 0
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    while sum(done.values()) < cases:
        made = case(rng)
        if made is None:
            continue
        op, x, axes, keepdims, number, line = made
        run.stdin.write(json.dumps(line) + "\n")
        run.stdin.flush()
        got = json.loads(run.stdout.readline())
        try:
            want, raised = expected(op, x, axes, keepdims, number), None
        except (ValueError, IndexError) as error:
            want, raised = None, error
        if raised is not None or "error" in got:
            # a product that does not fit is refused, not wrapped around; of nothing numpy has a median, and stumbles over percentiles
            over = "no int64" in got.get("error", "") or (x.size == 0 and op in ("quantile", "percentile") and "error" not in got)
            complaint = None if over or (raised is not None and "error" in got) else f"{got.get('error', 'no error')}, numpy says {raised}"
        else:
            complaint = compare(op, want, got)
        done[op] += 1
        if complaint:
            wrong += 1
            print(f"{op} shape {x.shape} {x.dtype} axes {axes} keepdims {keepdims} number {number} chunks {line['chunks']}: {complaint}")
    run.stdin.close()
    print(f"{sum(done.values())} cases of {len(done)} operations, {wrong} differ")
    sys.exit(wrong > 0)


main()
