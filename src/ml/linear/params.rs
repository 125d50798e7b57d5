//! The parameters of the linear models, unchecked and checked.

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use crate::base::{Error, Result};
use crate::ml::pipeline::param::params;

/// Linear regression by ordinary least squares: minimises Σ sᵢ(yᵢ − xᵢ·w − b)² over w and b, where sᵢ is the weight of
/// row i (scikit-learn's `LinearRegression`).
///
/// It takes one pass for the moments of all rows, one small problem on these, and one pass that verifies the result and
/// says how far it is from optimal ([`FittedLinearRegression::kkt`](super::FittedLinearRegression::kkt)); where rounding
/// spoilt the first result, further passes refine it.
///
/// A feature that depends linearly on those before it (numeric ones, the intercept, one-hot ones, in this order), as a
/// constant one or the last category of all, has the coefficient 0. The predictions are those of scikit-learn, which
/// shares the weight among such features instead (the solution of least norm).
///
/// ```
/// use linfa::traits::{Fit, Predict};
/// use partita::ml::{LinearRegression, linfa::DatasetBase, ndarray::array};
///
/// let x = array![[0.0], [1.0], [2.0], [3.0]];
/// let model = LinearRegression::new().fit(&DatasetBase::new(x.clone(), array![1.0, 3.0, 5.0, 7.0]))?;
/// assert!((model.intercept() - 1.0).abs() < 1e-12 && (model.coef_of("x0").unwrap() - 2.0).abs() < 1e-12);
/// assert!((model.predict(&x)[3] - 7.0).abs() < 1e-12);
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinearRegression(ValidLinearRegression);

/// Linear regression with an ℓ₂ penalty: minimises Σ sᵢ(yᵢ − xᵢ·w − b)² + α‖w‖² over w and b (scikit-learn's `Ridge`). The
/// intercept b is not penalised. Fitted as [`LinearRegression`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ridge(ValidLinearRegression);

/// Linear regression with an ℓ₁ penalty: minimises Σ sᵢ(yᵢ − xᵢ·w − b)² / 2Σ sᵢ + α‖w‖₁ over w and b (scikit-learn's
/// `Lasso`). The intercept b is not penalised. Fitted as [`LinearRegression`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lasso(ValidLinearRegression);

/// Linear regression with an elastic-net penalty: minimises Σ sᵢ(yᵢ − xᵢ·w − b)² / 2Σ sᵢ + αρ‖w‖₁ + ½α(1 − ρ)‖w‖² over w
/// and b, where ρ is the `l1_ratio` (scikit-learn's `ElasticNet`). The intercept b is not penalised. Fitted as
/// [`LinearRegression`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ElasticNet(ValidLinearRegression);

/// Checked parameters of a linear model: every number is finite and in its range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValidLinearRegression {
    pub(super) objective: Objective,
    pub(super) fit_intercept: bool,
    pub(super) max_iter: usize,
    pub(super) tol: f64,
}

/// What is minimised.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Objective {
    /// The sum of the squares + α‖w‖².
    Sum { alpha: f64 },
    /// Half the mean of the squares + αρ‖w‖₁ + ½α(1 − ρ)‖w‖².
    Mean { alpha: f64, l1_ratio: f64 },
}

impl ValidLinearRegression {
    fn of(objective: Objective) -> Self {
        ValidLinearRegression { objective, fit_intercept: true, max_iter: 20, tol: 1e-10 }
    }

    fn check(&self) -> Result<&Self> {
        let (alpha, l1_ratio) = match self.objective {
            Objective::Sum { alpha } => (alpha, 0.0),
            Objective::Mean { alpha, l1_ratio } => (alpha, l1_ratio),
        };
        if !(alpha >= 0.0 && alpha.is_finite()) {
            return Err(Error::invalid(format!("alpha is {alpha}, and has to be 0 or more, and finite")));
        }
        if !(0.0..=1.0).contains(&l1_ratio) {
            return Err(Error::invalid(format!("l1_ratio is {l1_ratio}, and has to be from 0 to 1")));
        }
        if !(self.tol > 0.0 && self.tol.is_finite()) {
            return Err(Error::invalid(format!("tol is {}, and has to be above 0", self.tol)));
        }
        Ok(self)
    }
}

impl LinearRegression {
    /// With intercept.
    pub fn new() -> Self {
        LinearRegression(ValidLinearRegression::of(Objective::Sum { alpha: 0.0 }))
    }
}

impl Ridge {
    /// α = 1, with intercept.
    pub fn new() -> Self {
        Ridge(ValidLinearRegression::of(Objective::Sum { alpha: 1.0 }))
    }

    /// The factor α of the penalty ‖w‖², 0 or more.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.0.objective = Objective::Sum { alpha };
        self
    }
}

impl Lasso {
    /// α = 1, with intercept.
    pub fn new() -> Self {
        Lasso(ValidLinearRegression::of(Objective::Mean { alpha: 1.0, l1_ratio: 1.0 }))
    }

    /// The factor α of the penalty ‖w‖₁, 0 or more.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.0.objective = Objective::Mean { alpha, l1_ratio: 1.0 };
        self
    }
}

impl ElasticNet {
    /// α = 1, ρ = ½, with intercept.
    pub fn new() -> Self {
        ElasticNet(ValidLinearRegression::of(Objective::Mean { alpha: 1.0, l1_ratio: 0.5 }))
    }

    /// The factor α of the whole penalty, 0 or more.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        if let Objective::Mean { alpha: own, .. } = &mut self.0.objective {
            *own = alpha;
        }
        self
    }

    /// The share ρ of the ℓ₁ part in the penalty, from 0 to 1.
    #[must_use]
    pub fn l1_ratio(mut self, l1_ratio: f64) -> Self {
        if let Objective::Mean { l1_ratio: own, .. } = &mut self.0.objective {
            *own = l1_ratio;
        }
        self
    }
}

/// What all of them have.
macro_rules! linear {
    ($($model:ident)*) => {$(
        impl $model {
            /// Whether there is an intercept.
            #[must_use]
            pub fn fit_intercept(mut self, fit_intercept: bool) -> Self {
                self.0.fit_intercept = fit_intercept;
                self
            }

            /// The most steps to take, each followed by a pass over the rows; 20 if not given. One is enough unless the
            /// features are nearly dependent.
            #[must_use]
            pub fn max_iter(mut self, max_iter: usize) -> Self {
                self.0.max_iter = max_iter;
                self
            }

            /// The residual of the optimality conditions (see
            /// [`FittedLinearRegression::kkt`](super::FittedLinearRegression::kkt)) at which the fit has converged, as a
            /// share of the residual of the model that predicts the mean of the target; 10⁻¹⁰ if not given.
            #[must_use]
            pub fn tol(mut self, tol: f64) -> Self {
                self.0.tol = tol;
                self
            }
        }

        impl Default for $model {
            fn default() -> Self {
                $model::new()
            }
        }

        impl ParamGuard for $model {
            type Checked = ValidLinearRegression;
            type Error = Error;

            fn check_ref(&self) -> Result<&ValidLinearRegression> {
                self.0.check()
            }

            fn check(self) -> Result<ValidLinearRegression> {
                self.check_ref()?;
                Ok(self.0)
            }
        }
    )*};
}

linear! { LinearRegression Ridge Lasso ElasticNet }

params! { LinearRegression {
    FIT_INTERCEPT: bool = "fit_intercept" => fit_intercept;
    MAX_ITER: usize = "max_iter" => max_iter;
    TOL: f64 = "tol" => tol;
} }

params! { Ridge {
    ALPHA: f64 = "alpha" => alpha;
    FIT_INTERCEPT: bool = "fit_intercept" => fit_intercept;
    MAX_ITER: usize = "max_iter" => max_iter;
    TOL: f64 = "tol" => tol;
} }

params! { Lasso {
    ALPHA: f64 = "alpha" => alpha;
    FIT_INTERCEPT: bool = "fit_intercept" => fit_intercept;
    MAX_ITER: usize = "max_iter" => max_iter;
    TOL: f64 = "tol" => tol;
} }

params! { ElasticNet {
    ALPHA: f64 = "alpha" => alpha;
    FIT_INTERCEPT: bool = "fit_intercept" => fit_intercept;
    L1_RATIO: f64 = "l1_ratio" => l1_ratio;
    MAX_ITER: usize = "max_iter" => max_iter;
    TOL: f64 = "tol" => tol;
} }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_out_of_range_are_refused() {
        let refused = |checked: Result<ValidLinearRegression>, word: &str| {
            let text = checked.unwrap_err().to_string();
            assert!(text.contains(word), "{text}");
        };
        refused(Ridge::new().alpha(-1.0).check(), "alpha is -1");
        refused(Lasso::new().alpha(f64::INFINITY).check(), "alpha is inf");
        refused(ElasticNet::new().l1_ratio(1.5).check(), "l1_ratio is 1.5");
        refused(ElasticNet::new().alpha(f64::NAN).check(), "alpha is NaN");
        refused(LinearRegression::new().tol(0.0).check(), "tol is 0");
        assert!(Lasso::new().alpha(0.0).check().is_ok());
    }

    #[test]
    fn parameters_have_names_and_types() {
        assert_eq!(Ridge::ALPHA.of("reg").to_string(), "reg__alpha");
        assert_eq!(ElasticNet::L1_RATIO.of("reg").to_string(), "reg__l1_ratio");
    }
}
