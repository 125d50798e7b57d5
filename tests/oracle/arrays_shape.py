"""The structure of arrays against numpy: python3 arrays_shape.py target/release/examples/array_shapes [cases] [seed]

Random shapes, chunks and arguments, right and wrong ones: where numpy raises, an error is expected, where it does not, the same
shape and the same elements. Half of the inputs are held in blocks of their own.
"""
import json
import subprocess
import sys

import numpy as np


def made(shape):
    return ((np.arange(int(np.prod(shape)), dtype=np.int64) * 7919 + 13) % 1009).reshape(shape)


def some_shape(rng, most=4, low=0):
    return [int(n) for n in rng.choice([0, 1, 2, 3, 5, 8, 13], rng.integers(low, most), p=[.04, .16, .2, .2, .2, .1, .1])]


def some_chunks(rng, shape):
    return [int(rng.integers(1, n + 2)) for n in shape]


def some_index(rng, n):
    kind = rng.random()
    if kind < 0.2:
        return int(rng.integers(-n - 1, n + 1))
    bound = lambda: None if rng.random() < 0.3 else int(rng.integers(-n - 3, n + 4))
    return {"start": bound(), "stop": bound(), "step": int(rng.choice([1, 1, 2, 3, -1, -2, -5, 0]))}


def python(index):
    if index == "new":
        return None
    if index == "...":
        return Ellipsis
    return index if isinstance(index, int) else slice(index["start"], index["stop"], index["step"])


def case(rng):
    op = str(rng.choice(["take", "compress", "mask", "reshape", "slice", "slice", "roll", "repeat", "tile", "flip", "squeeze", "expand_dims",
                         "moveaxis", "swapaxes", "diag", "tril", "triu", "pad", "concatenate", "stack", "matmul", "dot", "outer", "tensordot",
                         "transpose", "broadcast_to", "rechunk", "hstack", "vstack", "block",
                         "vindex", "roll_flat", "tensordot_last"]))
    shape = some_shape(rng, low=1)
    x = made(shape)
    axis, other = int(rng.integers(-len(shape) - (rng.random() < 0.1), len(shape) + (rng.random() < 0.1))), int(rng.integers(-9, 10))
    c = {"op": op, "axis": axis, "other": other, "held": bool(rng.random() < 0.5)}
    n = shape[axis] if -len(shape) <= axis < len(shape) else 1
    second = None
    if op == "take":
        c["list"] = [int(i) for i in rng.integers(-n - (rng.random() < 0.05), n + (rng.random() < 0.05), rng.integers(0, 20))] if n else []
        # as an index, which is checked in empty arrays too; np.take does not
        f = lambda: np.moveaxis(np.moveaxis(x, axis, 0)[np.array(c["list"], dtype=np.int64)], 0, axis)
    elif op == "compress":
        c["list"] = [int(i) for i in rng.integers(0, 2, n)]
        f = lambda: np.compress(np.array(c["list"], dtype=bool), x, axis)
    elif op == "mask":
        f = lambda: x[x % 3 == 0]
    elif op == "reshape":
        left, parts = x.size, []
        for p in rng.choice([1, 2, 3, 4, 5, 8, 10, 15], rng.integers(0, 4)):
            if left and left % p == 0:
                parts.append(int(p))
                left //= p
        parts.append(left)
        if rng.random() < 0.5:
            parts[int(rng.integers(0, len(parts)))] = -1
        if rng.random() < 0.1:
            parts[0] += 1
        c["list"] = parts
        f = lambda: x.reshape(parts)
    elif op == "slice":
        index = [some_index(rng, n) for n in shape[: rng.integers(0, len(shape) + 1)]]
        for extra in ["new", "..."]:
            if rng.random() < 0.25:
                index.insert(int(rng.integers(0, len(index) + 1)), extra)
        if rng.random() < 0.05:
            index += [0] * (len(shape) + 1)
        c["list"] = index
        f = lambda: x[tuple(python(i) for i in index)]
    elif op == "roll":
        f = lambda: np.roll(x, other, axis)
    elif op == "roll_flat":
        f = lambda: np.roll(x, other)
    elif op == "vindex":
        many, c["list"] = int(rng.integers(0, 12)), []
        for n in shape[: rng.integers(1, len(shape) + 1)]:
            count = many if rng.random() < 0.85 else int(rng.choice([1, many + 1]))
            c["list"].append([int(i) for i in rng.integers(-n - (rng.random() < 0.05), n + (rng.random() < 0.05), count)] if n else [])
        f = lambda: x[tuple(np.array(i, dtype=np.int64) for i in c["list"])]
    elif op == "repeat":
        c["other"] = abs(other) % 4
        f = lambda: np.repeat(x, c["other"], axis)
    elif op == "tile":
        c["list"] = [int(i) for i in rng.integers(0, 4, rng.integers(0, 4))]
        f = lambda: np.tile(x, c["list"])
    elif op == "pad":
        c["mode"] = str(rng.choice(["constant", "edge", "reflect", "symmetric", "wrap"]))
        c["widths"] = [[int(i) for i in rng.integers(0, 12, 2)] for _ in shape]
        more = {"constant_values": -7} if c["mode"] == "constant" else {}
        f = lambda: np.pad(x, c["widths"], c["mode"], **more)
    elif op in ("moveaxis", "swapaxes"):
        c["other"] = int(rng.integers(-len(shape), len(shape)))
        f = lambda: getattr(np, op)(x, axis, c["other"])
    elif op in ("diag", "tril", "triu"):
        if len(shape) > 2 and op == "diag" or op != "diag" and len(shape) < 2:
            return case(rng)                                                   # numpy makes up a meaning for some of these
        f = lambda: getattr(np, op)(x, other)
    elif op == "concatenate":
        second = list(shape)
        second[axis % len(shape)] = int(rng.integers(0, 6))
        if rng.random() < 0.05:
            second[0] += 1
        f = lambda: np.concatenate([x, made(second), x], axis)
    elif op == "stack":
        f = lambda: np.stack([x, np.flip(x, 0)], axis)
    elif op in ("matmul", "dot"):
        second = some_shape(rng, low=1)
        if rng.random() < 0.9:
            second[max(len(second) - 2, 0)] = shape[-1]
            if op == "matmul":
                for i in range(3, min(len(shape), len(second)) + 1):
                    second[-i] = int(rng.choice([1, shape[-i]]))
        f = lambda: getattr(np, op)(x, made(second))
    elif op == "outer":
        second = some_shape(rng, low=1)
        f = lambda: np.outer(x, made(second))
    elif op == "tensordot":
        second = [int(n) for n in rng.permutation(shape + [3])]
        many = int(rng.integers(1, len(shape) + 1))
        c["list"] = [int(i) for i in rng.permutation(len(shape))[:many]]
        free, c["list2"] = list(range(len(second))), []
        for i in c["list"]:
            fits = [j for j in free if second[j] == shape[i]]
            c["list2"].append(int(fits[0] if fits else free[0]))
            free.remove(c["list2"][-1])
        f = lambda: np.tensordot(x, made(second), (c["list"], c["list2"]))
    elif op == "tensordot_last":
        c["other"] = int(rng.integers(0, len(shape) + 1))
        second = shape[len(shape) - c["other"]:] + some_shape(rng, most=3, low=0)
        if second and rng.random() < 0.1:
            second[0] += 1
        f = lambda: np.tensordot(x, made(second), c["other"])
    elif op == "transpose":
        c["list"] = [int(i) for i in rng.permutation(len(shape))]
        f = lambda: x.transpose(c["list"])
    elif op == "broadcast_to":
        front = [int(i) for i in rng.integers(0, 4, rng.integers(0, 3))]
        c["list"] = front + [int(rng.integers(0, 5)) if n == 1 or rng.random() < 0.05 else n for n in shape]
        f = lambda: np.broadcast_to(x, c["list"])
    elif op == "rechunk":
        c["list"] = some_chunks(rng, shape)
        f = lambda: x
    elif op in ("hstack", "vstack"):
        f = lambda: getattr(np, op)([x, x])
    elif op == "block":
        f = lambda: np.block([[x, x], [x, x]])
    elif op == "flip":
        f = lambda: np.flip(x, axis)
    elif op == "squeeze":
        f = lambda: np.squeeze(x)
    else:
        f = lambda: np.expand_dims(x, axis)
    c["shape"], c["chunks"] = shape, some_chunks(rng, shape)
    if second is not None:
        c["shape2"], c["chunks2"] = second, some_chunks(rng, second)
    return c, f


def main():
    program, count, seed = sys.argv[1], int((sys.argv + [5000])[2]) if len(sys.argv) > 2 else 5000, int(sys.argv[3]) if len(sys.argv) > 3 else 0
    rng = np.random.default_rng(seed)
    cases = [case(rng) for _ in range(count)]
    lines = "".join(json.dumps(c, default=int) + "\n" for c, _ in cases)
    out = subprocess.run([program], input=lines, capture_output=True, text=True, check=True).stdout.splitlines()
    bad = errors = 0
    for (c, f), line in zip(cases, out):
        answer = json.loads(line)
        try:
            expected = np.asarray(f())
        except (ValueError, IndexError, TypeError) as error:                   # numpy's AxisError is both of the first
            errors += 1
            if "error" not in answer:
                bad += 1
                print(f"{c}\n  numpy raises {error}, ours gives {answer['shape']}")
            continue
        if answer.get("shape") != list(expected.shape) or answer.get("values") != expected.ravel().tolist():
            bad += 1
            print(f"{c}\n  numpy {expected.shape} {expected.ravel()[:20].tolist()}\n  ours  {str(answer)[:300]}")
    print(f"{len(out)} cases, {errors} of them errors, {bad} disagreements")
    sys.exit(bad > 0 or len(out) != count)


main()
