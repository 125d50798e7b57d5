"""Logistic regression against scikit-learn: python3 ml.py target/release/examples/solvers [folder of the golden grid search]

Three comparisons. Converged optima: for every mix of l1_ratio, C, features, weights and classes our objective must not be above
scikit-learn's (its solvers run to a tolerance of 1e-10, or 1e-12 where C is large) by more than 1e-9 of it, nor a coefficient differ by more than
1e-6. SAGA step for step: after few epochs, where nothing has converged, coefficients must agree to 1e-12. And the taxi
program's grid search: with a folder that holds ml_golden.json (what dask-ml found) and ml_golden_sample.parquet, every
fold accuracy must be equal. Needs numpy, pyarrow and scikit-learn 1.8 or newer. Exit status 0: everything agrees.
"""
import itertools
import json
import os
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.linear_model import LogisticRegression

NUMERIC = ["a", "b", "c", "d", "e"]
ONE_HOT = ["p", "q"]
TAXI = ["pickup_weekday", "pickup_hour", "pickup_week_hour", "pickup_minute", "passenger_count"]
RATIOS = [0.2, 0.3, 0.5, 0.7, 0.9]


def run(binary, folder, jobs):
    paths = [os.path.join(folder, name) for name in ("jobs.json", "answers.json")]
    with open(paths[0], "w") as file:
        json.dump(jobs, file)
    subprocess.run([binary, *paths], check=True)
    return json.load(open(paths[1]))


def table(rng, rows):
    x = rng.normal(size=(rows, 5)) * [1, 2, 0.5, 1, 3]
    x[:, 3] += x[:, 0]
    p, q = (rng.random(rows) ** 2 * 12).astype(int), (rng.random(rows) ** 2 * 7).astype(int)
    z = x @ [0.8, -0.3, 0.5, 0.0, 0.02] + np.where(p % 3 == 0, 1.0, -0.5) + 0.3 * (q == 2)
    columns = dict(zip(NUMERIC, x.T)) | {"p": p, "q": q, "w": rng.integers(0, 4, rows) * 0.75}
    u = rng.random(rows)
    y = u < 1 / (1 + np.exp(-z))
    return pa.table(columns | {"y": y, "k": np.where(y, np.where(p > 3, "b", "c"), np.where(u > 0.9, "c", "a"))})


def dense(t, one_hot):
    columns = [t[name].to_numpy() for name in NUMERIC]
    for name in ONE_HOT if one_hot else []:
        column = t[name].to_numpy()
        columns += [(column == value).astype(float) for value in np.unique(column)]
    return np.ascontiguousarray(np.column_stack(columns))


def objective(x, y, weights, job, coef, intercept):
    """The objective for class numbers y; coef has a row for two classes and one for each of more, as coef_ of scikit-learn."""
    z = x @ coef.T + intercept
    z = np.hstack([np.zeros_like(z), z]) if len(coef) == 1 else z
    loss = np.sum(weights * (np.logaddexp.reduce(z, axis=1) - z[np.arange(len(y)), y]))
    r = job["l1_ratio"]
    return job["C"] * loss + (1 - r) / 2 * np.sum(coef**2) + r * np.sum(np.abs(coef))


def reference(t, mix, job):
    """Rows, class numbers, weights of rows and classes multiplied, and scikit-learn's optimum."""
    r, c, one_hot, weighted, target = mix
    x, weights = dense(t, one_hot), t["w"].to_numpy() if weighted else np.ones(t.num_rows)
    classes, y = np.unique(t[target].to_numpy(zero_copy_only=False), return_inverse=True)
    model = LogisticRegression(solver="newton-cholesky" if r == 0 else "saga", C=c, l1_ratio=r, max_iter=400_000,
                               tol=1e-12 if c > 1 else 1e-10, random_state=1, class_weight="balanced" if job["balanced"] else None)
    model.fit(x, y, sample_weight=weights)
    if job["balanced"]:
        n = np.bincount(y, weights)
        weights = weights * (n.sum() / (len(classes) * n))[y]
    return x, y, weights, model


def optima(binary, folder, rng):
    t = table(rng, 400)
    path = os.path.join(folder, "rows.parquet")
    pq.write_table(t, path)
    mixes = list(itertools.product([0, 0.2, 0.5, 0.9, 1], [0.01, 1, 100], [False, True], [False, True], ["y"]))
    mixes += itertools.product([0, 0.2, 0.9], [0.01, 1], [False, True], [False, True], ["k"])
    jobs = [{"rows": path, "numeric": NUMERIC, "one_hot": ONE_HOT if one_hot else [], "target": target, "tol": 1e-9, "C": c,
             "weights": "w" if weighted else None, "balanced": weighted and r != 0.9, "l1_ratio": r}
            for r, c, one_hot, weighted, target in mixes]
    references = [reference(t, mix, job) for mix, job in zip(mixes, jobs)]
    wrong = []
    for solver, steps in [("newton", 100), ("fista", 200_000)]:
        worst = {"objective": 0.0, "coefficient": 0.0, "residual": 0.0, "steps": 0}
        answers = run(binary, folder, [job | {"solver": solver, "max_iter": steps} for job in jobs])
        for mix, job, (x, y, weights, theirs), ours in zip(mixes, jobs, references, answers):
            coef, intercept = np.reshape(ours["coef"], theirs.coef_.shape), np.array(ours["intercept"])
            gap = objective(x, y, weights, job, coef, intercept) / objective(x, y, weights, job, theirs.coef_, theirs.intercept_) - 1
            apart = max(np.abs(coef - theirs.coef_).max(), np.abs(intercept - theirs.intercept_).max())
            # with all dummies of a column and no ridge the optimum need not be one point
            apart = 0.0 if mix[0] == 1 and mix[2] else apart
            for key, value in zip(worst, [gap, apart, ours["kkt"], ours["n_iter"]]):
                worst[key] = max(worst[key], value)
            if gap > 1e-9 or apart > 1e-6 or not ours["converged"]:
                wrong.append(f"{solver} {mix}: objective {gap:.2e}, coefficients {apart:.2e}, residual {ours['kkt']:.2e}, steps {ours['n_iter']}")
        print(f"{len(jobs)} optima by {solver}, at worst: " + ", ".join(f"{key} {value:.3g}" for key, value in worst.items()))
    return wrong


def saga(binary, folder, rng):
    t = table(rng, 300)
    path = os.path.join(folder, "saga.parquet")
    pq.write_table(t, path)
    mixes = list(itertools.product([0, 0.3, 1], [0.001, 1], [False, True], [False, True], [True, False], [0, 42]))
    jobs = [{"rows": path, "numeric": NUMERIC, "one_hot": ONE_HOT if one_hot else [], "target": "y", "solver": "saga", "seed": seed,
             "max_iter": 7, "weights": "w" if weighted else None, "C": c, "l1_ratio": r, "fit_intercept": intercept}
            for r, c, one_hot, weighted, intercept, seed in mixes]
    worst, wrong = 0.0, []
    for mix, ours in zip(mixes, run(binary, folder, jobs)):
        r, c, one_hot, weighted, intercept, seed = mix
        theirs = LogisticRegression(solver="saga", C=c, l1_ratio=r, max_iter=7, random_state=seed, fit_intercept=intercept)
        theirs.fit(dense(t, one_hot), t["y"].to_numpy(zero_copy_only=False), sample_weight=t["w"].to_numpy() if weighted else None)
        apart = np.abs(np.append(ours["coef"], ours["intercept"]) - np.append(theirs.coef_[0], theirs.intercept_)).max()
        worst = max(worst, apart)
        if apart > 1e-12 or ours["n_iter"] != theirs.n_iter_[0]:
            wrong.append(f"saga {mix}: coefficients {apart:.2e}, epochs {ours['n_iter']} and {theirs.n_iter_[0]}")
    print(f"{len(jobs)} runs of SAGA: worst coefficient {worst:.1e}")
    return wrong


def golden(binary, folder, source):
    expected = json.load(open(os.path.join(source, "ml_golden.json")))
    job = {"rows": os.path.join(source, "ml_golden_sample.parquet"), "numeric": TAXI, "one_hot": ["PULocationID", "DOLocationID"],
           "target": "high_tip", "search": RATIOS, "solver": "saga", "seed": 42}
    wrong = []
    for name, drop in [("sample_drop", True), ("sample_passthrough", False)]:
        want = expected[name]
        [got] = run(binary, folder, [job | {"drop": drop}])
        folds = [list(fold) for fold in zip(*got["split_test_scores"])]
        apart = np.abs(np.append(got["coef"], got["intercept"]) - np.append(want["coef"], want["intercept"])).max()
        print(f"{name}: best score {got['best_score']:.6f}, fold accuracies equal: {folds == want['folds']}, coefficients apart {apart:.1e}")
        if folds != want["folds"] or RATIOS[got["best_index"]] != want["best"]["clf__l1_ratio"] or apart > 1e-12:
            wrong.append(f"{name}: {folds} and not {want['folds']}, coefficients {apart}")
    return wrong


def main():
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        rng = np.random.default_rng(5)
        wrong = golden(sys.argv[1], folder, sys.argv[2]) if len(sys.argv) > 2 else []
        wrong += saga(sys.argv[1], folder, rng)
        wrong += optima(sys.argv[1], folder, rng)
    print("\n".join(wrong) or "everything agrees")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
