//! Values for what is missing: scikit-learn's `SimpleImputer`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, Scalar};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{cast, is_null};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::categories::Categories;
use super::columns::{finite_values, floats, numeric};
use super::one_pass::{Fitting, OnePass, with_columns};
use super::order::{Found, OrderStats, Quantiles};
use super::scaler::Moments;
use super::tally::Tally;
use super::transform::{FittedTransform, Transform};
use crate::base::schema::{index_of, logical};
use crate::base::{Error, Result};
use crate::ml::pipeline::outline::{Outline, Wanted};
use crate::ml::pipeline::param::{FromParam, ParamValue, params};
use crate::ml::pipeline::rows::Rows;
use crate::ml::pipeline::step::names;

/// Puts a value where there is none: null, and NaN in floating columns.
///
/// The mean is rounded once; the median is exact and takes one pass where columns have few distinct values, normally two,
/// never more than four; of values that occur equally often the smallest is taken. Mean and median make columns `Float64`,
/// the others leave their types. A column without any value can only be filled with a constant: otherwise fitting is an
/// error that names it (scikit-learn drops such a column).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimpleImputer {
    strategy: Strategy,
    constant: Option<Categories>,
    add_indicator: bool,
    #[serde(skip)]
    found: Found,
}

/// Which value is put where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Strategy {
    /// The mean of the column.
    #[default]
    Mean,
    /// Its median.
    Median,
    /// The value that occurs most often, the smallest of those that do.
    MostFrequent,
    /// The same for all: what [`fill_value`](SimpleImputer::fill_value) says; 0 for numbers, `false`, or `missing_value`.
    Constant,
}

/// A [`SimpleImputer`] that knows the values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedSimpleImputer {
    columns: Vec<Filled>,
    add_indicator: bool,
}

/// What a column is filled with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Filled {
    name: String,
    /// The one value.
    value: Categories,
    /// Whether the column becomes `Float64`.
    float: bool,
}

impl Default for SimpleImputer {
    fn default() -> Self {
        SimpleImputer::new()
    }
}

impl SimpleImputer {
    /// Fills with the mean.
    pub fn new() -> Self {
        SimpleImputer { strategy: Strategy::Mean, constant: None, add_indicator: false, found: Found::default() }
    }

    /// Fills with the mean.
    pub fn mean() -> Self {
        SimpleImputer::new()
    }

    /// Fills with the median.
    pub fn median() -> Self {
        SimpleImputer::new().strategy(Strategy::Median)
    }

    /// Fills with the value that occurs most often.
    pub fn most_frequent() -> Self {
        SimpleImputer::new().strategy(Strategy::MostFrequent)
    }

    /// Fills with this value.
    pub fn constant(value: impl Into<ParamValue>) -> Self {
        SimpleImputer::new().strategy(Strategy::Constant).fill_value(value)
    }

    /// Which value is put where there is none.
    #[must_use]
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// The value of [`Strategy::Constant`]: it has to fit the type of the columns.
    #[must_use]
    pub fn fill_value(mut self, value: impl Into<ParamValue>) -> Self {
        self.constant = Some(value.into().into());
        self
    }

    /// Whether each column gets another at the end that says where it had no value: `missingindicator_fare` of booleans.
    /// (scikit-learn makes them only for columns that lack a value in fitting; here what comes out does not depend on
    /// the rows.)
    #[must_use]
    pub fn add_indicator(mut self, add_indicator: bool) -> Self {
        self.add_indicator = add_indicator;
        self
    }

    fn makes_floats(&self) -> bool {
        matches!(self.strategy, Strategy::Mean | Strategy::Median)
    }

    fn type_after(&self, field: &Field) -> DataType {
        if self.makes_floats() { DataType::Float64 } else { logical(field.data_type()) }
    }

    /// The constant for a column of this type.
    fn constant_for(&self, field: &Field) -> Result<Categories> {
        let t = logical(field.data_type());
        let value = match &self.constant {
            Some(value) => value.clone(),
            None if t == DataType::Boolean => Categories::Bool(vec![false]),
            None if t == DataType::Utf8 => Categories::Text(vec!["missing_value".to_string()]),
            None => Categories::Int(vec![0]),
        };
        let fits = match &value {
            Categories::Bool(_) => t == DataType::Boolean,
            Categories::Int(_) => t.is_numeric(),
            Categories::Float(_) => t.is_floating(),
            Categories::Text(_) => t == DataType::Utf8,
        };
        if !fits {
            let what = format!("the column is {t}, and the value to fill it with is {value}");
            return Err(Error::types(what).at_column(field.name()).doing(DOING));
        }
        // whether the value is one of the type, as 300 is none of Int8
        filling(&value, &t).map_err(|e| e.at_column(field.name()).doing(DOING))?;
        Ok(value)
    }
}

const DOING: &str = "fill";
const INDICATOR: &str = "missingindicator_";

/// What an imputer has gathered.
pub struct ImputerStats(Gathered);

enum Gathered {
    Moments(Vec<(String, Moments)>),
    Order(OrderStats),
    Tallies(Vec<(String, Tally)>),
    Constants(Vec<(String, Categories)>),
}

impl OnePass for SimpleImputer {
    type Stats = ImputerStats;
    type Fitted = FittedSimpleImputer;

    fn begin(&self, schema: &Schema) -> Result<ImputerStats> {
        let fields = || schema.fields().iter();
        Ok(ImputerStats(match self.strategy {
            Strategy::Mean => {
                let columns = numeric(schema, DOING, "averaged")?.into_iter();
                Gathered::Moments(columns.map(|name| (name, Moments::default())).collect())
            }
            Strategy::Median => {
                Gathered::Order(OrderStats::begin(numeric(schema, DOING, "averaged")?, &[0.5], &self.found)?)
            }
            Strategy::MostFrequent => {
                let tally = |field: &FieldRef| {
                    let tally = Tally::for_type(field.data_type()).map_err(|e| e.at_column(field.name()).doing(DOING));
                    Ok((field.name().clone(), tally?))
                };
                Gathered::Tallies(fields().map(tally).collect::<Result<_>>()?)
            }
            Strategy::Constant => {
                let constant = |field: &FieldRef| Ok((field.name().clone(), self.constant_for(field)?));
                Gathered::Constants(fields().map(constant).collect::<Result<_>>()?)
            }
        }))
    }

    fn changes(&self, schema: &Schema) -> Vec<String> {
        let names = || schema.fields().iter().map(|field| field.name());
        let indicators = names().filter(|_| self.add_indicator).map(|name| format!("{INDICATOR}{name}"));
        names().cloned().chain(indicators).collect()
    }

    fn reads(&self, schema: &Schema) -> Option<Vec<String>> {
        Some(if self.looks_at_rows() { names(schema) } else { Vec::new() })
    }

    fn looks_at_rows(&self) -> bool {
        self.strategy != Strategy::Constant
    }

    fn update(&self, stats: &mut ImputerStats, batch: &RecordBatch) -> Result<()> {
        match &mut stats.0 {
            Gathered::Moments(columns) => {
                for (name, moments) in columns {
                    let column = floats(batch, name, DOING)?;
                    moments.update(&finite_values(&column, name, DOING)?.collect::<Vec<f64>>());
                }
            }
            Gathered::Order(order) => order.update(batch, DOING)?,
            Gathered::Tallies(columns) => {
                for (name, tally) in columns {
                    let column = batch.column(index_of(&batch.schema(), name).map_err(|e| e.doing(DOING))?);
                    tally.update(column).map_err(|e| e.at_column(name.as_str()).doing(DOING))?;
                }
            }
            Gathered::Constants(_) => {}
        }
        Ok(())
    }

    fn merge(&self, stats: &mut ImputerStats, later: ImputerStats) -> Result<()> {
        match (&mut stats.0, later.0) {
            (Gathered::Moments(a), Gathered::Moments(b)) => a.iter_mut().zip(b).for_each(|((_, a), (_, b))| a.merge(b)),
            (Gathered::Order(a), Gathered::Order(b)) => a.merge(b)?,
            (Gathered::Tallies(a), Gathered::Tallies(b)) => a.iter_mut().zip(b).for_each(|((_, a), (_, b))| a.merge(b)),
            _ => {}
        }
        Ok(())
    }

    fn finish(&self, stats: ImputerStats) -> Result<FittedSimpleImputer> {
        self.after_pass(stats)?.fitted()
    }

    fn after_pass(&self, stats: ImputerStats) -> Result<Fitting<Self>> {
        let number = |value: f64| Some(Categories::Float(vec![value]));
        let values: Vec<(String, Option<Categories>)> = match stats.0 {
            Gathered::Moments(columns) => {
                let columns = columns.into_iter().map(|(name, moments)| moments.column(name));
                columns.map(|column| (column.name, number(column.mean).filter(|_| column.count > 0))).collect()
            }
            Gathered::Order(order) => match order.finish()? {
                Quantiles::Again(found) => return Ok(Fitting::Again(SimpleImputer { found, ..self.clone() })),
                Quantiles::Known(known) => {
                    known.into_iter().map(|(name, median)| (name, median.first().and_then(|m| number(*m)))).collect()
                }
            },
            Gathered::Tallies(tallies) => {
                tallies.into_iter().map(|(name, tally)| (name, tally.most_frequent())).collect()
            }
            Gathered::Constants(columns) => columns.into_iter().map(|(name, value)| (name, Some(value))).collect(),
        };
        let columns = values.into_iter().map(|(name, value)| match value {
            Some(value) => Ok(Filled { name, value, float: self.makes_floats() }),
            None => Err(Error::model(format!("the column has no values, and so no {}", self.strategy.name()))
                .at_column(name)
                .doing(DOING)
                .help("fill it with SimpleImputer::constant(..), or leave it out")),
        });
        let columns = columns.collect::<Result<_>>()?;
        Ok(Fitting::Fitted(FittedSimpleImputer { columns, add_indicator: self.add_indicator }))
    }
}

impl Strategy {
    const ALL: [Strategy; 4] = [Strategy::Mean, Strategy::Median, Strategy::MostFrequent, Strategy::Constant];

    /// scikit-learn's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Strategy::Mean => "mean",
            Strategy::Median => "median",
            Strategy::MostFrequent => "most_frequent",
            Strategy::Constant => "constant",
        }
    }
}

impl From<Strategy> for ParamValue {
    fn from(strategy: Strategy) -> Self {
        strategy.name().into()
    }
}

impl FromParam for Strategy {
    fn from_param(value: &ParamValue) -> Result<Strategy> {
        let named = |name: &str| Strategy::ALL.into_iter().find(|strategy| strategy.name() == name);
        let ParamValue::Text(name) = value else { return Err(value.is_no("strategy")) };
        named(name).ok_or_else(|| value.is_no("strategy").help("it is mean, median, most_frequent or constant"))
    }
}

impl FromParam for ParamValue {
    fn from_param(value: &ParamValue) -> Result<ParamValue> {
        Ok(value.clone())
    }
}

params! { SimpleImputer {
    ADD_INDICATOR: bool = "add_indicator" => add_indicator;
    FILL_VALUE: ParamValue = "fill_value" => fill_value;
    STRATEGY: Strategy = "strategy" => strategy;
} }

impl Transform for SimpleImputer {
    fn after(&self, name: &str, at: &Outline) -> Result<Outline> {
        self.begin(&at.plain)?;
        at.without_one_hot(name, "filling")?;
        let mut after = at.with_types(|field| Some(self.type_after(field)));
        if self.add_indicator {
            let indicator = |f: &FieldRef| Arc::new(indicator(f.name()));
            let fields = after.plain.fields().iter();
            after.plain = Schema::new(fields.clone().cloned().chain(fields.map(indicator)).collect::<Vec<_>>());
        }
        Ok(after)
    }

    fn prune(&self, _at: &Outline, mut wanted: Wanted) -> (Self, Wanted) {
        // an indicator needs its column, and comes with it
        let names = std::mem::take(&mut wanted.plain).into_iter();
        let of = |name: String| match name.strip_prefix(INDICATOR) {
            Some(column) if self.add_indicator => column.to_string(),
            _ => name,
        };
        wanted.plain = names.map(of).collect();
        (self.clone(), wanted)
    }
}

fn indicator(column: &str) -> Field {
    Field::new(format!("{INDICATOR}{column}"), DataType::Boolean, false)
}

/// The value as one of a type.
fn filling(value: &Categories, t: &DataType) -> Result<ArrayRef> {
    let options = arrow::compute::CastOptions { safe: false, ..Default::default() };
    Ok(arrow::compute::cast_with_options(&value.column(0..1), t, &options)?)
}

/// Where there is no value.
fn missing(column: &ArrayRef) -> Result<BooleanArray> {
    if let DataType::Float64 = column.data_type() {
        let values = column.as_primitive::<Float64Type>();
        return Ok(values.iter().map(|value| Some(value.is_none_or(f64::is_nan))).collect());
    }
    if column.data_type().is_floating() {
        return missing(&cast(column, &DataType::Float64)?);
    }
    Ok(is_null(column)?)
}

impl FittedSimpleImputer {
    /// The columns and what each is filled with, as a column of one value.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &Categories)> {
        self.columns.iter().map(|column| (column.name.as_str(), &column.value))
    }

    /// The schema after [`transform_batch`](Self::transform_batch).
    ///
    /// # Errors
    /// `UnknownColumn` if a fitted column is missing.
    pub fn schema(&self, input: &Schema) -> Result<SchemaRef> {
        Ok(self.transform_batch(&RecordBatch::new_empty(Arc::new(input.clone())))?.schema())
    }

    /// The batch without nulls and NaN in its fitted columns; categorical ones become those of their values.
    ///
    /// # Errors
    /// `UnknownColumn` if a fitted column is missing, `TypeMismatch` if it is of another kind than in the fit.
    pub fn transform_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let schema = batch.schema();
        let (mut fields, mut columns) = (schema.fields().to_vec(), batch.columns().to_vec());
        for filled in &self.columns {
            let place = index_of(&schema, &filled.name).map_err(|e| e.doing(DOING))?;
            let (column, missing) =
                filled.fill(batch, &columns[place]).map_err(|e| e.at_column(&filled.name).doing(DOING))?;
            let field = Field::clone(&fields[place]);
            fields[place] = Arc::new(field.with_data_type(column.data_type().clone()));
            columns[place] = column;
            if self.add_indicator {
                fields.push(Arc::new(indicator(&filled.name)));
                columns.push(Arc::new(missing));
            }
        }
        with_columns(batch, Arc::new(Schema::new(fields)), columns)
    }
}

impl Filled {
    /// The column filled, and where it had no value.
    fn fill(&self, batch: &RecordBatch, column: &ArrayRef) -> Result<(ArrayRef, BooleanArray)> {
        let column: ArrayRef = match self.float {
            true => Arc::new(floats(batch, &self.name, DOING)?),
            false => cast(column, &logical(column.data_type()))?,
        };
        let missing = missing(&column)?;
        if missing.true_count() == 0 {
            return Ok((column, missing));
        }
        let value = Scalar::new(filling(&self.value, column.data_type())?);
        Ok((zip(&missing, &value, &column)?, missing))
    }
}

impl FittedTransform for FittedSimpleImputer {
    fn apply(&self, rows: Rows) -> Result<Rows> {
        Ok(Rows { plain: self.transform_batch(&rows.plain)?, ..rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::pipeline::param::Parameters;
    use crate::ml::prepare::testing::{self, batch, fit_in_parts, law, of_columns, rows, values};
    use arrow::array::{Float64Array, Int8Array, StringArray};

    fn column<T>(values: Vec<T>) -> ArrayRef
    where
        StringArray: From<Vec<T>>,
    {
        Arc::new(StringArray::from(values))
    }

    #[test]
    fn the_values_of_the_documentation() {
        let nan = f64::NAN;
        let part = batch([("a", vec![7.0, 4.0, 10.0]), ("b", vec![2.0, nan, 5.0]), ("c", vec![3.0, 6.0, 9.0])]);
        let fitted = SimpleImputer::mean().fit_batches(&part.schema(), [&part]).unwrap();
        let other = batch([("a", vec![nan, 4.0, 10.0]), ("b", vec![2.0, nan, nan]), ("c", vec![3.0, 6.0, 9.0])]);
        let out = fitted.transform_batch(&other).unwrap();
        assert_eq!((values(&out, 0), values(&out, 1)), (vec![7.0, 4.0, 10.0], vec![2.0, 3.5, 3.5]));
        let fitted = SimpleImputer::median().fit_batches(&part.schema(), [&part]).unwrap();
        assert_eq!(
            fitted.columns().map(|(_, v)| v.clone()).collect::<Vec<_>>(),
            [7.0, 3.5, 6.0].map(|m| Categories::Float(vec![m]))
        );
    }

    #[test]
    fn the_most_frequent_value_of_any_type() {
        let part = of_columns([
            ("text", column(vec![Some("b"), None, Some("a"), Some("b"), Some("a")])),
            ("int", Arc::new(Int8Array::from(vec![Some(3), None, Some(-3), Some(5), Some(5)]))),
            (
                "float",
                Arc::new(Float64Array::from(vec![Some(0.0), Some(-0.0), Some(f64::NAN), Some(-1.0), Some(-1.0)])),
            ),
        ]);
        let step = SimpleImputer::most_frequent().add_indicator(true);
        let fitted = step.fit_batches(&part.schema(), [&part]).unwrap();
        let out = fitted.transform_batch(&part).unwrap();
        assert_eq!(out.column(0).as_string::<i32>().value(1), "a");
        assert_eq!(out.column(1).as_ref(), &Int8Array::from(vec![3, 5, -3, 5, 5]));
        assert_eq!(values(&out, 2)[2], -1.0);
        assert_eq!(
            testing::names(&out)[3..],
            ["missingindicator_text", "missingindicator_int", "missingindicator_float"]
        );
        assert_eq!(out.column(5).as_boolean().values().iter().collect::<Vec<_>>(), [false, false, true, false, false]);
        assert_eq!(step.after("", &Outline::of(&part.schema())).unwrap().plain, *out.schema());
    }

    #[test]
    fn a_constant_has_to_fit() {
        let part = of_columns([
            ("int", Arc::new(Int8Array::from(vec![None, Some(1)]))),
            ("text", column(vec![None, Some("a")])),
        ]);
        let int = part.project(&[0]).unwrap();
        let fit = |step: SimpleImputer, part: &RecordBatch| step.fit_batches(&part.schema(), [part]);
        let out = fit(SimpleImputer::constant(7), &int).unwrap().transform_batch(&int).unwrap();
        assert_eq!(out.column(0).as_ref(), &Int8Array::from(vec![7, 1]));
        let out =
            fit(SimpleImputer::new().strategy(Strategy::Constant), &part).unwrap().transform_batch(&part).unwrap();
        assert_eq!(out.column(1).as_string::<i32>().value(0), "missing_value");
        for wrong in [SimpleImputer::constant(300), SimpleImputer::constant(0.5), SimpleImputer::constant("x")] {
            assert!(fit(wrong, &int).unwrap_err().to_string().contains("column `int`"));
        }
    }

    #[test]
    fn a_column_without_values_is_named() {
        let part = of_columns([("x", Arc::new(Float64Array::from(vec![None, Some(f64::NAN)])))]);
        for step in [SimpleImputer::mean(), SimpleImputer::median(), SimpleImputer::most_frequent()] {
            let text = step.fit_batches(&part.schema(), [&part]).unwrap_err().to_string();
            assert!(text.contains("column `x`: the column has no values"), "{text}");
        }
        let text =
            SimpleImputer::new().begin(&of_columns([("t", column(vec!["a"]))]).schema()).err().unwrap().to_string();
        assert!(text.contains("column `t`"), "{text}");
    }

    #[test]
    fn cuts_and_passes_do_not_matter() {
        law(&SimpleImputer::mean());
        law(&SimpleImputer::median());
        law(&SimpleImputer::most_frequent());
        let n = 70_002;
        let part = batch([("a", (0..n).map(|i| f64::from(i * 7919 % n) / 8.0).collect())]);
        let fitted = fit_in_parts(&SimpleImputer::median(), &part, 30_000);
        assert_eq!(fitted.columns[0].value, Categories::Float(vec![35_000.5 / 8.0]));
        assert!(SimpleImputer::median().fit_batches(&rows().schema(), [&rows()]).is_ok());
    }

    #[test]
    fn strategies_have_names() {
        let step = SimpleImputer::new();
        assert_eq!(step.with_param("strategy", &"median".into()).unwrap().unwrap(), SimpleImputer::median());
        assert_eq!(step.with_param("strategy", &Strategy::Median.into()).unwrap().unwrap(), SimpleImputer::median());
        let text = step.with_param("strategy", &"middle".into()).unwrap().unwrap_err().to_string();
        assert!(text.contains("middle") && text.contains("most_frequent"), "{text}");
    }
}
