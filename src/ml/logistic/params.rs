//! The parameters of logistic regression, unchecked and checked.

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use super::{ClassWeight, FittedLogisticRegression};
use crate::base::{Error, Result};
use crate::ml::pipeline::ParamValue;
use crate::ml::pipeline::param::FromParam;

/// The most parameters for which [`Solver::Auto`] is Newton: their Hessian takes 128 MiB.
const NEWTON_AT_MOST: usize = 4_096;

/// Logistic regression with an elastic-net penalty.
///
/// Minimises C·Σ log(1 + exp(−yᵢ(xᵢ·w + b))) + (1 − ρ)/2·‖w‖² + ρ·‖w‖₁ over w and b, where yᵢ = ±1 and ρ is the
/// `l1_ratio`; the intercept b is not penalised. This is the objective of scikit-learn's `LogisticRegression`, whose
/// newest parameters (`C`, `l1_ratio`) are the ones here. With more than two classes each has coefficients and an
/// intercept of its own, and the loss is −log of the softmax of its class (multinomial regression).
///
/// Fitting an `Array2<f64>` with labels is linfa's `Fit`; a frame is fitted through a pipeline. A fit that ends before
/// it has converged says so in its report ([`FittedLogisticRegression::converged`]).
///
/// ```
/// use linfa::traits::{Fit, Predict};
/// use partita::ml::{LogisticRegression, linfa::DatasetBase, ndarray::{Array1, array}};
///
/// let x = array![[-2.0], [-1.0], [-0.5], [0.5], [1.0], [2.0]];
/// let y = array![false, false, true, false, true, true];
/// let model = LogisticRegression::new().c(10.0).fit(&DatasetBase::new(x.clone(), y))?;
/// let predicted: Array1<bool> = model.predict(&x);
/// assert!(model.converged() && !predicted[0] && predicted[5]);
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogisticRegression(ValidLogisticRegression);

/// Checked parameters of [`LogisticRegression`]: every number is finite and in its range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValidLogisticRegression {
    pub(crate) c: f64,
    pub(crate) penalty: Penalty,
    pub(crate) solver: Solver,
    /// `None`: the default of the solver.
    pub(crate) max_iter: Option<usize>,
    /// `None`: the default of the solver.
    pub(crate) tol: Option<f64>,
    pub(crate) fit_intercept: bool,
    #[serde(default)]
    pub(crate) class_weight: ClassWeight,
    pub(crate) warm_start: Option<Box<FittedLogisticRegression>>,
}

/// The penalty on the coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Penalty {
    /// No penalty.
    None,
    /// ‖w‖₁: ρ = 1.
    L1,
    /// ½·‖w‖²: ρ = 0.
    L2,
    /// (1 − ρ)/2·‖w‖² + ρ·‖w‖₁.
    ElasticNet {
        /// ρ, from 0 to 1.
        l1_ratio: f64,
    },
}

/// How the optimum is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Solver {
    /// The solver that fits the problem: `ProxNewton` for at most 4,096 parameters (coefficients and intercept), else
    /// `Fista`.
    #[default]
    Auto,
    /// Proximal Newton with the exact Hessian: few passes over the data, every penalty.
    ProxNewton,
    /// FISTA with adaptive restart in a diagonal metric (Beck and Teboulle 2009, O'Donoghue and Candès 2015): hundreds of
    /// passes instead of a few, in memory that grows with the number of features and not with its square.
    Fista,
    /// SAGA (Defazio, Bach, Lacoste-Julien 2014) as scikit-learn runs it on dense rows: the same random order of rows,
    /// steps and stopping rule, and so the same results, rounding apart. `max_iter` counts epochs and `tol`, 10⁻⁴ if it
    /// is not given, is the relative change of the coefficients in the last; what it ends with is seldom the optimum
    /// ([`FittedLogisticRegression::kkt`] tells how far it is). For results to compare: it is slow, on one thread, and for
    /// two classes.
    Saga {
        /// scikit-learn's `random_state`.
        seed: u32,
    },
    /// L-BFGS of `linfa-logistic`: two classes, no penalty with an ℓ₁ part, no weights, and the one-hot features as a dense
    /// matrix in memory.
    Linfa,
}

impl Default for LogisticRegression {
    fn default() -> Self {
        LogisticRegression::new()
    }
}

impl LogisticRegression {
    /// C = 1, ρ = 0 (L2), the solver that fits, with its most steps and its tolerance, with intercept.
    pub fn new() -> Self {
        LogisticRegression(ValidLogisticRegression {
            c: 1.0,
            penalty: Penalty::L2,
            solver: Solver::Auto,
            max_iter: None,
            tol: None,
            fit_intercept: true,
            class_weight: ClassWeight::None,
            warm_start: None,
        })
    }

    /// The weight of the loss against the penalty, above 0. Infinity means no penalty.
    #[must_use]
    pub fn c(mut self, c: f64) -> Self {
        if c == f64::INFINITY {
            return self.penalty(Penalty::None);
        }
        self.0.c = c;
        self
    }

    /// The share ρ of the ℓ₁ part in the penalty, from 0 to 1.
    #[must_use]
    pub fn l1_ratio(self, l1_ratio: f64) -> Self {
        self.penalty(Penalty::ElasticNet { l1_ratio })
    }

    /// The penalty; sugar over [`LogisticRegression::l1_ratio`].
    #[must_use]
    pub fn penalty(mut self, penalty: Penalty) -> Self {
        self.0.penalty = penalty;
        self
    }

    /// How the optimum is found.
    #[must_use]
    pub fn solver(mut self, solver: Solver) -> Self {
        self.0.solver = solver;
        self
    }

    /// The most steps to take: Newton steps, epochs of SAGA or iterations of L-BFGS, 100 if not given; passes of FISTA,
    /// 2,000 if not given.
    #[must_use]
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.0.max_iter = Some(max_iter);
        self
    }

    /// The residual of the optimality conditions (see [`FittedLogisticRegression::kkt`]) at which the fit has converged,
    /// 10⁻⁶ if not given; for [`Solver::Saga`] the relative change in an epoch, 10⁻⁴ if not given.
    #[must_use]
    pub fn tol(mut self, tol: f64) -> Self {
        self.0.tol = Some(tol);
        self
    }

    /// Whether there is an intercept.
    #[must_use]
    pub fn fit_intercept(mut self, fit_intercept: bool) -> Self {
        self.0.fit_intercept = fit_intercept;
        self
    }

    /// Factors for the weights of the rows of each class.
    #[must_use]
    pub fn class_weight(mut self, class_weight: ClassWeight) -> Self {
        self.0.class_weight = class_weight;
        self
    }

    /// Begins at the coefficients of a fitted model, matched by the names of the features, instead of at zero.
    #[must_use]
    pub fn warm_start(mut self, model: &FittedLogisticRegression) -> Self {
        self.0.warm_start = Some(Box::new(model.clone()));
        self
    }
}

impl ParamGuard for LogisticRegression {
    type Checked = ValidLogisticRegression;
    type Error = Error;

    fn check_ref(&self) -> Result<&ValidLogisticRegression> {
        let ValidLogisticRegression { c, penalty, solver, class_weight, .. } = &self.0;
        let tol = self.0.tolerance();
        if !(*c > 0.0 && c.is_finite()) {
            let what = format!("C is {c}, and has to be above 0");
            return Err(Error::invalid(what).help("smaller ones penalise more; without a penalty use Penalty::None"));
        }
        if let Penalty::ElasticNet { l1_ratio } = penalty
            && !(0.0..=1.0).contains(l1_ratio)
        {
            let what = format!("l1_ratio is {l1_ratio}, and has to be from 0 to 1");
            return Err(Error::invalid(what).help("0 is the ℓ₂ penalty alone, 1 the ℓ₁ penalty"));
        }
        if !(tol > 0.0 && tol.is_finite()) {
            let what = format!("tol is {tol}, and has to be above 0");
            return Err(Error::invalid(what).help("leave it out, or give one as 1e-6"));
        }
        if *solver == Solver::Linfa && self.0.l1() != 0.0 {
            let what = format!("the solver Linfa knows no ℓ₁ penalty, and l1_ratio is {}", self.0.penalty.l1_ratio());
            return Err(Error::invalid(what).help("use Solver::ProxNewton, or l1_ratio(0.0)"));
        }
        if *solver == Solver::Linfa && *class_weight != ClassWeight::None {
            return Err(Error::invalid("the solver Linfa knows no weights of classes").help("use Solver::ProxNewton"));
        }
        class_weight.check()?;
        Ok(&self.0)
    }

    fn check(self) -> Result<ValidLogisticRegression> {
        self.check_ref()?;
        Ok(self.0)
    }
}

impl Solver {
    /// Those that a word names.
    const NAMED: [(Solver, &str); 5] = [
        (Solver::Auto, "auto"),
        (Solver::ProxNewton, "prox_newton"),
        (Solver::Fista, "fista"),
        (Solver::Saga { seed: 0 }, "saga"),
        (Solver::Linfa, "linfa"),
    ];
}

impl From<Solver> for ParamValue {
    /// `auto`, `prox_newton`, `fista`, `linfa`, or `saga(42)` with its seed.
    fn from(solver: Solver) -> Self {
        let named = Solver::NAMED.iter().find(|(known, _)| *known == solver);
        match (named, solver) {
            (Some((_, name)), _) => (*name).into(),
            (None, Solver::Saga { seed }) => format!("saga({seed})").into(),
            (None, _) => "auto".into(),
        }
    }
}

impl FromParam for Solver {
    fn from_param(value: &ParamValue) -> Result<Solver> {
        let ParamValue::Text(text) = value else { return Err(value.is_no("word")) };
        let seed = || text.strip_prefix("saga(")?.strip_suffix(')')?.parse().ok();
        let named = Solver::NAMED.iter().find(|(_, name)| name == text).map(|(solver, _)| *solver);
        let solver = named.or_else(|| seed().map(|seed| Solver::Saga { seed }));
        solver.ok_or_else(|| value.is_no("solver").help("it is auto, prox_newton, fista, saga(seed) or linfa"))
    }
}

impl Penalty {
    /// ρ: the share of the ℓ₁ part.
    pub fn l1_ratio(&self) -> f64 {
        match self {
            Penalty::None | Penalty::L2 => 0.0,
            Penalty::L1 => 1.0,
            Penalty::ElasticNet { l1_ratio } => *l1_ratio,
        }
    }
}

impl ValidLogisticRegression {
    /// The solver for so many parameters.
    pub(crate) fn solver_for(&self, parameters: usize) -> Solver {
        match self.solver {
            Solver::Auto if parameters > NEWTON_AT_MOST => Solver::Fista,
            Solver::Auto => Solver::ProxNewton,
            chosen => chosen,
        }
    }

    /// The most steps of a solver: what was given, or its default.
    pub(crate) fn steps_of(&self, solver: Solver) -> usize {
        self.max_iter.unwrap_or(if solver == Solver::Fista { 2_000 } else { 100 })
    }

    /// The tolerance: what was given, or the default of the solver.
    pub(crate) fn tolerance(&self) -> f64 {
        self.tol.unwrap_or(if matches!(self.solver, Solver::Saga { .. }) { 1e-4 } else { 1e-6 })
    }

    /// The factor of ‖w‖₁ in the objective.
    pub(crate) fn l1(&self) -> f64 {
        self.penalty.l1_ratio()
    }

    /// The factor of ½·‖w‖² in the objective.
    pub(crate) fn l2(&self) -> f64 {
        if self.penalty == Penalty::None { 0.0 } else { 1.0 - self.penalty.l1_ratio() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_out_of_range_are_refused() {
        let refused = |p: LogisticRegression, word: &str| {
            let text = p.check().unwrap_err().to_string();
            assert!(text.contains(word), "{text}");
        };
        refused(LogisticRegression::new().c(0.0), "C is 0");
        refused(LogisticRegression::new().c(f64::NAN), "C is NaN");
        refused(LogisticRegression::new().l1_ratio(1.5), "l1_ratio is 1.5");
        refused(LogisticRegression::new().tol(-1.0), "tol is -1");
        refused(LogisticRegression::new().solver(Solver::Linfa).l1_ratio(0.5), "knows no ℓ₁ penalty");
        let linfa = LogisticRegression::new().solver(Solver::Linfa);
        refused(linfa.clone().class_weight(ClassWeight::Balanced), "knows no weights");
        refused(
            LogisticRegression::new().class_weight(ClassWeight::of([(1_i64, f64::NAN)])),
            "weight of class 1 is NaN",
        );
        assert!(linfa.l1_ratio(0.0).check().is_ok());
    }

    #[test]
    fn the_penalty_is_sugar_over_two_numbers() {
        let factors = |p: LogisticRegression| {
            let valid = p.check().unwrap();
            (valid.l1(), valid.l2())
        };
        assert_eq!(factors(LogisticRegression::new()), (0.0, 1.0));
        assert_eq!(factors(LogisticRegression::new().penalty(Penalty::L1)), (1.0, 0.0));
        assert_eq!(factors(LogisticRegression::new().l1_ratio(0.25)), (0.25, 0.75));
        assert_eq!(factors(LogisticRegression::new().c(f64::INFINITY)), (0.0, 0.0));
    }
}
