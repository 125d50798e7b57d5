"""The goldens of src/ml/metrics/goldens.rs from scikit-learn: python3 metrics.py > rows

Rows are drawn by a generator that the test has too, so only the scores are written down. Needs scikit-learn.
"""
import warnings

from sklearn import metrics as m

warnings.filterwarnings("ignore")


class Draws:
    def __init__(self, seed):
        self.state = seed

    def __call__(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 11) / 2**53


def case(seed, rows, classes):
    u = Draws(seed)
    row = lambda: (int(u() * classes), int(u() * classes), int(u() * 20) / 20, u(), 10 * u(), 10 * u())
    truth, predicted, score, weight, y, guess = map(list, zip(*(row() for _ in range(rows))))
    for weights in [None, weight]:
        w = {"sample_weight": weights}
        yield m.accuracy_score(truth, predicted, **w)
        yield m.balanced_accuracy_score(truth, predicted, **w)
        for average in ["binary"] * (classes == 2) + ["macro", "micro", "weighted"]:
            yield m.precision_score(truth, predicted, average=average, **w)
            yield m.recall_score(truth, predicted, average=average, **w)
            yield m.fbeta_score(truth, predicted, beta=2, average=average, **w)
        if classes == 2:
            yield m.roc_auc_score(truth, score, **w)
            yield m.average_precision_score(truth, score, **w)
            yield m.log_loss(truth, score, labels=[0, 1], **w)
            yield m.brier_score_loss(truth, score, **w)
            yield m.roc_curve(truth, score, **w)[1].sum()
            yield m.precision_recall_curve(truth, score, **w)[0].sum()
        yield m.r2_score(y, guess, **w)
        yield m.explained_variance_score(y, guess, **w)
        yield m.mean_absolute_error(y, guess, **w)
        yield m.mean_squared_error(y, guess, **w)
    yield m.max_error(y, guess)


for seed, rows, classes in [(1, 7, 2), (2, 50, 2), (3, 1000, 2), (4, 9, 3), (5, 300, 5)]:
    print(f"    (({seed}, {rows}, {classes}), &{[float(s) for s in case(seed, rows, classes)]}),")
