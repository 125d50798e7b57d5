//! Columns by expressions: scikit-learn's `FunctionTransformer`.

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use super::formula::Formula;
use super::one_pass::OnePass;
use super::transform::{FittedTransform, Transform};
use crate::base::schema::index_of;
use crate::base::{Error, Result};
use crate::expr::{Expr, Program, col};
use crate::ml::pipeline::outline::{Outline, Uses, Wanted};
use crate::ml::pipeline::param::params;
use crate::ml::pipeline::rows::Rows;
use crate::ml::pipeline::step::names;

/// What a formula for each column calls the column.
const EACH: &str = "@";

/// Changes columns by expressions: [`each`](Self::each) column by the same one, and [`with`](Self::with) columns made from
/// others. It learns nothing.
///
/// ```
/// use partita::{col, ml::FunctionTransformer};
/// # let fare = std::sync::Arc::new(arrow::array::Float64Array::from(vec![0.0, 3.0])) as _;
/// # let batch = arrow::array::RecordBatch::try_from_iter([("fare", fare)]).unwrap();
/// # let taxi = partita::DataFrame::from_batches([batch])?;
/// let step = FunctionTransformer::each(|x| x.log1p()).inverse(|x| x.expm1()).with("high", col("fare").gt(2));
/// let table = step.fit(&taxi)?.transform(&taxi)?.compute()?;
/// assert_eq!(table.f64s("fare")?[1], Some(4.0_f64.ln()));
/// # Ok::<(), partita::Error>(())
/// ```
///
/// Expressions of the engine's arithmetic, comparisons, logic, rounding, bounds, real functions, conversions and `when` can be
/// saved. One with a closure ([`Expr::map`]) works like any other, but saving a model with it is an error.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FunctionTransformer {
    columns: Option<Vec<String>>,
    each: Option<Formula>,
    inverse: Option<Formula>,
    made: Vec<(String, Formula)>,
}

/// A [`FunctionTransformer`] that knows its columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedFunctionTransformer {
    step: FunctionTransformer,
    /// The columns that `each` changes.
    changed: Vec<String>,
}

impl FunctionTransformer {
    /// Changes nothing yet.
    pub fn new() -> Self {
        FunctionTransformer::default()
    }

    /// Replaces each column by the same expression of it.
    pub fn each(formula: impl FnOnce(Expr) -> Expr) -> Self {
        FunctionTransformer { each: Some(Formula(formula(col(EACH)))), ..FunctionTransformer::default() }
    }

    /// What undoes the expression for [`each`](Self::each) column.
    #[must_use]
    pub fn inverse(mut self, formula: impl FnOnce(Expr) -> Expr) -> Self {
        self.inverse = Some(Formula(formula(col(EACH))));
        self
    }

    /// Changes these of the columns by the expression for [`each`](Self::each).
    #[must_use]
    pub fn columns<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.columns = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Makes a column from an expression of those that went in: a further one at the end, or in the place of that of
    /// this name.
    #[must_use]
    pub fn with(mut self, column: impl Into<String>, formula: Expr) -> Self {
        self.made.push((column.into(), Formula(formula)));
        self
    }

    fn chosen(&self, schema: &Schema) -> Vec<String> {
        match (&self.each, &self.columns) {
            (None, _) => Vec::new(),
            (_, Some(columns)) => columns.clone(),
            (_, None) => names(schema),
        }
    }

    fn fitted(&self, schema: &Schema) -> FittedFunctionTransformer {
        FittedFunctionTransformer { step: self.clone(), changed: self.chosen(schema) }
    }
}

/// A formula of one column for this one.
fn of_column(formula: &Formula, column: &str) -> Expr {
    formula.0.substitute(&|name| (name == EACH).then(|| col(column))).alias(column)
}

impl OnePass for FunctionTransformer {
    type Stats = FittedFunctionTransformer;
    type Fitted = FittedFunctionTransformer;

    fn begin(&self, schema: &Schema) -> Result<FittedFunctionTransformer> {
        let fitted = self.fitted(schema);
        let formulas = self.each.iter().chain(&self.inverse).chain(self.made.iter().map(|(_, formula)| formula));
        if let Some(Formula(expr)) = formulas.into_iter().find(|formula| !formula.0.is_rowwise()) {
            return Err(Error::unsupported("an expression that looks at other rows, in a step").at_expr(expr));
        }
        fitted.schema(schema).map(|_| fitted)
    }

    fn reads(&self, _schema: &Schema) -> Option<Vec<String>> {
        Some(Vec::new())
    }

    fn changes(&self, schema: &Schema) -> Vec<String> {
        self.chosen(schema).into_iter().chain(self.made.iter().map(|(name, _)| name.clone())).collect()
    }

    fn looks_at_rows(&self) -> bool {
        false
    }

    fn update(&self, _stats: &mut Self::Stats, _batch: &RecordBatch) -> Result<()> {
        Ok(())
    }

    fn merge(&self, _stats: &mut Self::Stats, _later: Self::Stats) -> Result<()> {
        Ok(())
    }

    fn finish(&self, stats: Self::Stats) -> Result<FittedFunctionTransformer> {
        Ok(stats)
    }
}

params! { FunctionTransformer {} }

impl Transform for FunctionTransformer {
    fn after(&self, name: &str, at: &Outline) -> Result<Outline> {
        if self.each.is_some() && self.columns.is_none() {
            at.without_one_hot(name, "changing")?;
        }
        let plain = self.begin(&at.plain)?.schema(&at.plain)?;
        Ok(Outline { plain: plain.as_ref().clone(), one_hot: at.one_hot.clone() })
    }

    fn uses(&self, at: &Outline) -> Uses {
        let formulas = self.each.iter().chain(self.made.iter().map(|(_, formula)| formula));
        let read = formulas.flat_map(|formula| formula.0.columns()).map(|name| name.to_string());
        Uses { looked_up: Vec::new(), otherwise: self.chosen(&at.plain).into_iter().chain(read).collect() }
    }

    fn prune(&self, at: &Outline, mut wanted: Wanted) -> (Self, Wanted) {
        let mut pruned = self.clone();
        pruned.made.retain(|(name, _)| wanted.plain.contains(name));
        let made = |name: &String| pruned.made.iter().any(|(made, _)| made == name);
        pruned.columns =
            Some(self.chosen(&at.plain).into_iter().filter(|n| wanted.plain.contains(n) && !made(n)).collect());
        let kept: FxHashSet<String> = wanted.plain.iter().filter(|name| !made(name)).cloned().collect();
        let of_each = pruned.columns.iter().flatten().filter_map(|name| Some(of_column(self.each.as_ref()?, name)));
        let exprs = pruned.made.iter().map(|(_, formula)| formula.0.clone()).chain(of_each);
        let read: FxHashSet<String> = exprs.flat_map(|expr| expr.columns()).map(|name| name.to_string()).collect();
        wanted.plain = kept.into_iter().chain(read).collect();
        (pruned, wanted)
    }

    fn for_columns(self, _columns: &[String]) -> Self {
        self
    }
}

impl FittedFunctionTransformer {
    /// The schema after [`transform_batch`](Self::transform_batch).
    ///
    /// # Errors
    /// `UnknownColumn`, `TypeMismatch` with the expression.
    pub fn schema(&self, input: &Schema) -> Result<SchemaRef> {
        Ok(self.program(input, self.step.each.as_ref(), &self.step.made)?.schema().clone())
    }

    /// The batch with its columns changed and made.
    ///
    /// # Errors
    /// `UnknownColumn`, `TypeMismatch`; those of the functions. All name the expression.
    pub fn transform_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        self.program(&batch.schema(), self.step.each.as_ref(), &self.step.made)?.run(batch)
    }

    /// The batch with the expression for each column undone; columns that were made are left.
    ///
    /// # Errors
    /// `Unsupported` if the step was not told its inverse; otherwise as [`transform_batch`](Self::transform_batch).
    pub fn inverse_transform_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        if self.step.each.is_some() && self.step.inverse.is_none() {
            return Err(Error::unsupported("undoing a function without its inverse").help("give it with inverse(..)"));
        }
        self.program(&batch.schema(), self.step.inverse.as_ref(), &[])?.run(batch)
    }

    fn program(&self, schema: &Schema, each: Option<&Formula>, made: &[(String, Formula)]) -> Result<Program> {
        let doing = "change columns";
        for name in &self.changed {
            index_of(schema, name).map_err(|e| e.doing(doing))?;
        }
        let of_made = |name: &String| made.iter().rev().find(|(made, _)| made == name);
        let expr = |name: &String| match (of_made(name), each) {
            (Some((_, formula)), _) => formula.0.clone().alias(name),
            (None, Some(formula)) if self.changed.contains(name) => of_column(formula, name),
            _ => col(name),
        };
        let mut columns = names(schema);
        for (name, _) in made {
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        }
        let exprs: Vec<Expr> = columns.iter().map(expr).collect();
        for (expr, name) in exprs.iter().zip(&columns) {
            expr.to_field(schema).map_err(|e| e.at_column(name).doing(doing))?;
        }
        Program::new(&exprs, schema).map_err(|e| e.doing(doing))
    }
}

impl FittedTransform for FittedFunctionTransformer {
    fn apply(&self, rows: Rows) -> Result<Rows> {
        Ok(Rows { plain: self.transform_batch(&rows.plain)?, ..rows })
    }

    fn undo(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        self.inverse_transform_batch(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::ml::prepare::testing::{batch, names, of_columns, values};
    use arrow::array::{AsArray, StringArray};
    use arrow::datatypes::DataType;

    fn part() -> RecordBatch {
        batch([("a", vec![0.0, 1.0]), ("b", vec![2.0, 3.0])])
    }

    fn fit(step: &FunctionTransformer) -> FittedFunctionTransformer {
        step.fit_batches(&part().schema(), [&part()]).unwrap()
    }

    #[test]
    fn the_values_of_the_documentation() {
        let fitted = fit(&FunctionTransformer::each(|x| x.log1p()).inverse(|x| x.expm1()));
        let out = fitted.transform_batch(&part()).unwrap();
        assert_eq!(values(&out, 0), [0.0, 2.0_f64.ln()]);
        assert!((values(&out, 1)[1] - 1.38629436).abs() < 1e-8);
        let back = fitted.inverse_transform_batch(&out).unwrap();
        assert!(values(&back, 1).iter().zip([2.0, 3.0]).all(|(a, b)| (a - b).abs() < 1e-15));
        let file = serde_json::to_string(&fitted).unwrap();
        assert_eq!(serde_json::from_str::<FittedFunctionTransformer>(&file).unwrap(), fitted);
    }

    #[test]
    fn columns_are_changed_in_place_or_made() {
        let step =
            FunctionTransformer::each(|x| -x).columns(["b"]).with("sum", col("a") + col("b")).with("a", col("a").gt(0));
        let fitted = fit(&step);
        let out = fitted.transform_batch(&part()).unwrap();
        assert_eq!(names(&out), ["a", "b", "sum"]);
        assert_eq!((values(&out, 1), values(&out, 2)), (vec![-2.0, -3.0], vec![2.0, 4.0]));
        assert!(out.column(0).as_boolean().value(1));
        assert_eq!(step.after("", &Outline::of(&part().schema())).unwrap().plain, *out.schema());
        assert!(fitted.inverse_transform_batch(&out).unwrap_err().to_string().contains("inverse"));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let texts = of_columns([("t", Arc::new(StringArray::from(vec!["a"])))]);
        let text = FunctionTransformer::each(|x| x.log1p()).begin(&texts.schema()).unwrap_err().to_string();
        assert!(text.contains("column `t`"), "{text}");
        let text = FunctionTransformer::new().with("c", col("aa") + 1).begin(&part().schema()).unwrap_err().to_string();
        assert!(text.contains("unknown column `aa`") && text.contains("did you mean `a`"), "{text}");
    }

    #[test]
    fn closures_work_and_cannot_be_saved() {
        let step = FunctionTransformer::each(|x| x.map("same", DataType::Float64, |x| Ok(x.clone())));
        let fitted = fit(&step);
        assert_eq!(fitted.transform_batch(&part()).unwrap().columns(), part().columns());
        assert!(serde_json::to_string(&fitted).unwrap_err().to_string().contains("cannot be saved"));
    }
}
