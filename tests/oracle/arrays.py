"""Functions of the elements of arrays against numpy: python3 arrays.py target/release/examples/elementwise [cases] [seed]

Random types, shapes that broadcast or do not (some of no elements), special values, chunks and threads. Types and shapes are equal, and values: to the bit,
except for functions that are not correctly rounded, which may differ from numpy by 4 units in the last place. The four kernels of
this library are compared with 80-bit numbers as well: they stay below 1.5 units. Where numpy wraps around or makes a whole number up,
an error is expected. Needs numpy.
"""
import subprocess
import sys
import warnings

import numpy as np

TYPES = ["float64", "float32", "int64", "int32", "uint8", "bool"]
REAL = """sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh exp exp2 expm1 log log2 log10 log1p sqrt cbrt radians
    degrees""".split()
FLOATS = "isnan isinf isfinite signbit floor ceil trunc rint reciprocal nan_to_num round_0 round_2 round_-1".split()
NUMBERS = ["abs", "square", "sign", "negative"]
BITS = ["bitwise_and", "bitwise_or", "bitwise_xor"]
PAIRS = ["subtract", "remainder", "floor_divide", "power", "hypot", "arctan2"]
ALL_PAIRS = """add multiply divide minimum maximum fmin fmax equal not_equal less less_equal greater greater_equal logical_and logical_or
    logical_xor""".split()
LOOSE = set(REAL) - {"sqrt"} | {"power", "hypot", "arctan2"}


def values(rng, dtype, shape):
    kind = np.dtype(dtype)
    if kind.kind == "f":
        special = np.array([0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, np.inf, -np.inf, np.nan, np.finfo(kind).max, np.finfo(kind).tiny, 3.0, 1e5])
        x = rng.normal(size=shape) * 10.0 ** rng.integers(-3, 5)
        return np.where(rng.random(shape) < 0.3, rng.choice(special, shape), x).astype(kind)
    if kind.kind == "b":
        return rng.random(shape) < 0.5
    info = np.iinfo(kind)
    small = rng.integers(max(info.min, -9), 10, shape)
    return np.where(rng.random(shape) < rng.choice([0, 0, 0.2]), rng.choice([info.min, info.max, info.max // 2], shape), small).astype(kind)


def shapes(rng, count):
    full = list(rng.integers(1, 9, rng.integers(0, 4)))
    if full and rng.random() < 0.1:
        full[rng.integers(0, len(full))] = 0
    made = []
    for _ in range(count):
        shape = [int(n) if rng.random() < 0.75 else 1 for n in full][rng.integers(0, len(full) + 1) if rng.random() < 0.3 else 0:]
        if shape and rng.random() < 0.05:
            shape[-1] += 1                                                      # most often this does not match
        made.append(tuple(shape))
    return made


def case(rng):
    some = lambda names: str(rng.choice(names))
    group = rng.integers(0, 8)
    one, floats, numbers, bits = TYPES, TYPES[:2], TYPES[:5], TYPES[2:]
    function, types = [
        (some(REAL), [some(one)]), (some(FLOATS), [some(floats)]), (some(NUMBERS), [some(numbers)]),
        (some(BITS), [some(bits), some(bits)]), (some(PAIRS), [some(numbers), some(numbers)]), (some(ALL_PAIRS), [some(one), some(one)]),
        (some(["logical_not"] + ["astype_" + t for t in TYPES] * 2), [some(one)]), ("where", ["bool", some(one), some(one)]),
    ][group]
    if function == "logical_not" and rng.random() < 0.3:
        function, types = "invert", [some(bits)]
    return function, [values(rng, t, s) for t, s in zip(types, shapes(rng, len(types)))]


def exact(function, arrays):
    """The same of Python's whole numbers, where the result of numpy is whole: what fits is right, what does not is an error."""
    arrays = [a.astype(object) for a in np.broadcast_arrays(*arrays)]
    symbol = {"add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b, "remainder": lambda a, b: a % b,
              "floor_divide": lambda a, b: a // b, "power": lambda a, b: a ** b if 0 <= b < 64 or b > 0 and abs(a) < 2 else None, "abs": abs, "negative": lambda a: -a,
              "square": lambda a: a * a}[function]
    return [symbol(*(int(v) for v in row)) for row in zip(*(a.ravel() for a in arrays))]


def expected(function, arrays):
    if function.startswith("astype_"):
        kind, x = np.dtype(function[7:]), arrays[0]
        if kind.kind in "iu" and x.dtype.kind in "fiu":
            info = np.iinfo(kind)
            wide = np.trunc(x) if x.dtype.kind == "f" else x.astype(object)
            if not all(np.isfinite(float(v)) and info.min <= int(v) <= info.max for v in wide.ravel()):
                return None
        return x.astype(kind)
    if function.startswith("round_"):
        return np.round(arrays[0], int(function[6:]))
    result = getattr(np, function)(*arrays) if function != "where" else np.where(*arrays)
    result = np.asarray(result)
    if result.dtype == np.float16:                                             # there are none here: float64 instead
        result = getattr(np, function)(*(a.astype(np.float64) for a in arrays))
    if result.dtype.kind in "iu" and function in ("add", "subtract", "multiply", "remainder", "floor_divide", "power", "abs", "negative", "square"):
        info = np.iinfo(result.dtype)
        try:
            if not all(v is not None and info.min <= v <= info.max for v in exact(function, arrays)):
                return None
        except ZeroDivisionError:
            return None
    return result


def text(x):
    return f"{x.dtype}:{','.join(map(str, x.shape))}:{np.ascontiguousarray(x).tobytes().hex()}"


def units(found, right):
    """The distance in units of the last place."""
    same = (found == right) | (np.isnan(found) & np.isnan(right))
    return np.where(same, 0.0, np.abs(found.astype(np.longdouble) - right) / np.spacing(np.abs(right).astype(found.dtype)))


def problem(function, arrays, line, wide):
    try:
        right = expected(function, arrays)
    except (ValueError, TypeError):
        right = None
    if right is None or line.startswith("error"):
        return None if right is None and line.startswith("error") else f"numpy says {right!r}, we say {line[:200]}"
    dtype, shape, *data = line.split(" ")
    found = np.frombuffer(bytes.fromhex(data[0] if data else ""), dtype).reshape([int(n) for n in shape.split(",") if n])
    if (found.dtype, found.shape) != (right.dtype, right.shape):
        return f"numpy has {right.dtype} {right.shape}, we {found.dtype} {found.shape}"
    if function in ("sin", "cos", "exp", "log") and found.dtype == np.float64 and found.size:
        error = units(found, getattr(np, function)(arrays[0].astype(np.longdouble)))
        finite = np.isfinite(found) & (np.abs(found) >= np.finfo(float).tiny) & (np.abs(arrays[0].astype(float)) < 1e9)
        wide[function] = max(wide.get(function, 0.0), float(np.max(error, where=finite, initial=0.0)))
        if wide[function] >= 1.5:
            return f"{wide[function]} units from 80 bits"
    if found.dtype.kind != "f":
        good = found == right
    elif function in LOOSE:
        good = units(found, right) <= 4
    else:
        good = (found == right) | (np.isnan(found) & np.isnan(right))
        if function not in ("minimum", "maximum", "fmin", "fmax"):                # numpy's zeros there depend on the place
            good &= (np.signbit(found) == np.signbit(right)) | np.isnan(right)
    if not np.all(good):
        at = np.flatnonzero(~np.ravel(good))[0]
        return f"{[np.broadcast_to(a, right.shape).ravel()[at] for a in arrays]}: numpy {np.ravel(right)[at]!r}, we {np.ravel(found)[at]!r}"
    return None


def main():
    program, count, seed = sys.argv[1], int((sys.argv + ["", "", ""])[2] or 5000), int((sys.argv + ["", "", ""])[3] or 0)
    warnings.simplefilter("ignore")
    rng, wide, bad = np.random.default_rng(seed), {}, 0
    cases = [case(rng) for _ in range(count)]
    lines = [f"{f} {rng.integers(1, 4)} {rng.integers(1, 12)} " + " ".join(map(text, arrays)) for f, arrays in cases]
    run = subprocess.run([program], input="\n".join(lines) + "\n", capture_output=True, text=True)
    answers = run.stdout.splitlines()
    if run.returncode or len(answers) != count:
        sys.exit(f"{len(answers)} answers to {count} cases: {run.stderr[:500]}")
    errors = sum(line.startswith("error") for line in answers)
    for (function, arrays), line in zip(cases, answers):
        what = problem(function, arrays, line, wide)
        if what:
            bad += 1
            print(f"{function} of {[f'{a.dtype}{a.shape}' for a in arrays]}: {what}")
    print(f"{count} comparisons ({errors} errors among them), {bad} disagreements; largest errors against 80 bits: {wide}")
    sys.exit(bad > 0)


main()
