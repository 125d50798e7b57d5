//! A fitted pipeline: what its steps learnt, predictions on frames, its file.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use linfa::dataset::DatasetBase;
use linfa::traits::{Predict, Transformer};
use serde::{Deserialize, Serialize};

use super::note::Note;
use super::rows::Rows;
use super::step::FittedStep;
use crate::base::schema::index_of;
use crate::base::{Error, Result, caught};
use crate::frame::DataFrame;
use crate::ml::apply::Apply;
use crate::ml::classes::Classes;
use crate::ml::dataset::Target;
use crate::ml::estimator::{FittedModel, Predicted};
use crate::ml::file::Format;
use crate::ml::linear::FittedLinearRegression;
use crate::ml::logistic::FittedLogisticRegression;
use crate::ml::metrics;
use crate::ml::train::{Pass, Passes};

/// Its file. Version 1 knew no parts of a `ColumnTransformer` but scalers, version 2 no linear models.
const FORMAT: Format = Format { name: "partita.pipeline", version: 3 };
const LOGISTIC: Format = Format { version: 2, ..FORMAT };

/// The result of fitting a [`Pipeline`](super::Pipeline).
///
/// It holds what is needed to predict: the parts of its steps that no later step uses were left out in fitting, and
/// columns that only they would read are not asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedPipeline {
    inputs: Vec<String>,
    steps: Vec<(String, FittedStep)>,
    model: Option<Model>,
    notes: Vec<Note>,
    #[serde(default)]
    passes: Passes,
    #[serde(default)]
    history: Vec<Pass>,
}

/// The last step and what it has learnt to tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Model {
    step: String,
    target: String,
    /// The labels of the classes that are predicted; none for values.
    classes: Classes,
    fitted: FittedModel,
}

/// What is asked of a model.
#[derive(Clone, Debug, Serialize)]
enum Ask {
    Class,
    Probabilities,
    /// The probability of the second class.
    Probability,
    Margin,
}

impl Ask {
    /// Succeeds where predictions of this kind have the answer.
    fn expect(&self, predicted: &Predicted) -> Result<()> {
        let answered = match self {
            Ask::Class => true,
            Ask::Margin => matches!(predicted, Predicted::Probabilities { margins: Some(_), .. }),
            Ask::Probability => matches!(predicted, Predicted::Probabilities { classes: 2, .. }),
            Ask::Probabilities => matches!(predicted, Predicted::Probabilities { .. }),
        };
        if answered { Ok(()) } else { Err(self.unanswered()) }
    }

    fn unanswered(&self) -> Error {
        let what = if matches!(self, Ask::Margin) { "margins" } else { "probabilities" };
        Error::model(format!("the model of the pipeline gives no {what}")).doing("predict").help("use predict")
    }
}

/// A question and the columns that come out: all there were, then the answers; or the answers alone.
#[derive(Serialize)]
struct Question<'a> {
    pipeline: &'a FittedPipeline,
    ask: &'a Ask,
    beside: bool,
    names: &'a [String],
}

impl FittedPipeline {
    pub(crate) fn new(
        inputs: Vec<String>,
        steps: Vec<(String, FittedStep)>,
        model: Option<(String, String, Classes, FittedModel)>,
        notes: Vec<Note>,
    ) -> Self {
        let model = model.map(|(step, target, classes, fitted)| Model { step, target, classes, fitted });
        FittedPipeline { inputs, steps, model, notes, passes: Passes::default(), history: Vec::new() }
    }

    /// The same with a further step.
    pub(crate) fn and(mut self, name: String, step: FittedStep) -> Self {
        self.steps.push((name, step));
        self
    }

    /// The columns that it needs.
    pub fn inputs(&self) -> &[String] {
        &self.inputs
    }

    /// The names and the fitted steps that prepare columns.
    pub fn steps(&self) -> &[(String, FittedStep)] {
        &self.steps
    }

    /// The target, and the name of the model's step.
    pub(crate) fn predicts(&self) -> Option<(&str, &str)> {
        self.model.as_ref().map(|model| (model.target.as_str(), model.step.as_str()))
    }

    /// The logistic regression at its end.
    ///
    /// # Errors
    /// `Model` if it has none, or another model: see [`estimator`](Self::estimator).
    pub fn model(&self) -> Result<&FittedLogisticRegression> {
        match self.estimator()? {
            FittedModel::Logistic(model) => Ok(model),
            _ => Err(Error::model("the model of the pipeline is no logistic regression").help("use estimator()")),
        }
    }

    /// The linear regression at its end.
    ///
    /// # Errors
    /// `Model` if it has none, or another model: see [`estimator`](Self::estimator).
    pub fn linear_model(&self) -> Result<&FittedLinearRegression> {
        match self.estimator()? {
            FittedModel::Linear(model) => Ok(model),
            _ => Err(Error::model("the model of the pipeline is no linear regression").help("use estimator()")),
        }
    }

    /// The fitted model at its end, whatever it is.
    ///
    /// # Errors
    /// `Model` if it has none.
    pub fn estimator(&self) -> Result<&FittedModel> {
        Ok(&self.end()?.fitted)
    }

    /// How often rows were read to fit it.
    pub fn passes(&self) -> Passes {
        self.passes
    }

    /// What came of each pass of the solver.
    pub fn history(&self) -> &[Pass] {
        &self.history
    }

    pub(crate) fn learnt(&mut self, history: Vec<Pass>) {
        self.history = history;
    }

    pub(crate) fn remarked(&mut self, note: Note) {
        self.notes.push(note);
    }

    pub(crate) fn took(&mut self, passes: Passes) {
        self.passes = passes;
    }

    /// What a user may not expect of this fit.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    fn end(&self) -> Result<&Model> {
        self.model.as_ref().ok_or_else(|| Error::model("the pipeline has no model").doing("predict"))
    }

    /// The frame after all steps but the model, lazily. One-hot features become columns of their own.
    ///
    /// # Errors
    /// `UnknownColumn` if a column that it needs is missing.
    pub fn transform(&self, frame: &DataFrame) -> Result<DataFrame> {
        self.prepared(frame, Rows::dense)
    }

    /// The frame of what `view` sees of the rows after all steps but the model.
    pub(crate) fn prepared(&self, frame: &DataFrame, view: fn(Rows) -> Result<RecordBatch>) -> Result<DataFrame> {
        for input in &self.inputs {
            index_of(frame.schema(), input).map_err(|e| e.doing("transform"))?;
        }
        let pipeline = self.clone();
        let work = move |batch: &RecordBatch| view(pipeline.rows(batch)?);
        let schema = work(&RecordBatch::new_empty(frame.schema().clone()))?.schema();
        let content = (self, schema.fields().len());
        Apply::new("transform", &content, schema.clone(), move |batch| Ok(work(batch)?.with_schema(schema.clone())?))?
            .reading(self.inputs.clone())
            .on(frame)
    }

    fn rows(&self, batch: &RecordBatch) -> Result<Rows> {
        let apply = |rows, (name, step): &(String, FittedStep)| step.apply(rows).map_err(|e| e.at_step(name));
        self.steps.iter().try_fold(Rows::of(batch, &self.inputs)?, apply)
    }

    /// The predicted label of each row, lazily: one column, called as the target and of the type of its labels.
    ///
    /// # Errors
    /// `UnknownColumn` if a column that it needs is missing, `Model` if there is no model. When computed: `Model` for a
    /// feature that is null or not finite.
    pub fn predict(&self, frame: &DataFrame) -> Result<DataFrame> {
        let target = self.end()?.target.clone();
        self.answer(frame, Ask::Class, vec![target], false)
    }

    /// The probability of each class for each row, lazily: a column for each, called as `high_tip_True`.
    ///
    /// # Errors
    /// As [`predict`](Self::predict), and `Model` for a model that gives no probabilities.
    pub fn predict_proba(&self, frame: &DataFrame) -> Result<DataFrame> {
        let Model { target, classes, .. } = self.end()?;
        let names = classes.names().into_iter().map(|class| format!("{target}_{class}")).collect();
        self.answer(frame, Ask::Probabilities, names, false)
    }

    /// The margin x·w + b of each row, lazily, as the column `decision_function`: above 0 it speaks for the second class.
    /// Of more than two classes each has a column, called as `decision_function_cash`, and the largest speaks for its class.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn decision_function(&self, frame: &DataFrame) -> Result<DataFrame> {
        let names = match &self.end()?.classes {
            classes if classes.len() > 2 => {
                classes.names().into_iter().map(|class| format!("decision_function_{class}")).collect()
            }
            _ => vec!["decision_function".to_string()],
        };
        self.answer(frame, Ask::Margin, names, false)
    }

    /// The frame with the predicted labels as a further column, lazily.
    ///
    /// # Errors
    /// As [`predict`](Self::predict); `Invalid` if there is a column of this name.
    pub fn with_prediction(&self, frame: &DataFrame, column: &str) -> Result<DataFrame> {
        self.answer(frame, Ask::Class, vec![column.to_string()], true)
    }

    /// The frame with the probability of the second of two classes as a further column, lazily.
    ///
    /// # Errors
    /// As [`predict`](Self::predict); `Invalid` if there is a column of this name; `Model` for more than two classes, for
    /// which there is [`predict_proba`](Self::predict_proba), and for a model that gives no probabilities.
    pub fn with_probability(&self, frame: &DataFrame, column: &str) -> Result<DataFrame> {
        let Model { target, classes, .. } = self.end()?;
        if classes.len() > 2 {
            let what = format!("the target has {} classes, {classes}, and so no single probability", classes.len());
            return Err(Error::model(what)
                .at_column(target)
                .doing("predict")
                .help("use predict_proba, which gives a column for each class"));
        }
        self.answer(frame, Ask::Probability, vec![column.to_string()], true)
    }

    /// How well it predicts rows whose target is known: the accuracy of classes, R² of values, as scikit-learn's `score`.
    /// Rows weigh what the dataset says. Other scores are those of [`metrics::on`] a frame
    /// [`with_prediction`](Self::with_prediction) or [`with_probability`](Self::with_probability).
    ///
    /// # Errors
    /// As [`predict`](Self::predict); those of [`OnFrame::accuracy`](metrics::OnFrame::accuracy) and
    /// [`OnFrame::residuals`](metrics::OnFrame::residuals).
    pub fn score(&self, dataset: &DatasetBase<DataFrame, Target>) -> Result<f64> {
        let (frame, target) = (dataset.records(), dataset.targets());
        let mut column = "prediction".to_string();
        while frame.schema().index_of(&column).is_ok() {
            column.push('_');
        }
        let predicted = self.with_prediction(frame, &column)?;
        let mut judged = metrics::on(&predicted, target.name(), column);
        if let Some(weight) = target.weight() {
            judged = judged.weights(weight);
        }
        if self.end()?.classes.is_empty() { Ok(judged.residuals()?.r2()) } else { judged.accuracy() }
    }

    fn answer(&self, frame: &DataFrame, ask: Ask, names: Vec<String>, beside: bool) -> Result<DataFrame> {
        for input in &self.inputs {
            index_of(frame.schema(), input).map_err(|e| e.doing("predict"))?;
        }
        let data_type = match ask {
            Ask::Class => self.end()?.classes.data_type(),
            _ => DataType::Float64,
        };
        self.expect(&ask, frame)?;
        let kept: &[FieldRef] = if beside { frame.schema().fields() } else { &[] };
        if let Some(name) = names.iter().find(|name| kept.iter().any(|f| f.name() == *name)) {
            return Err(Error::invalid(format!("there is a column `{name}` already")).doing("predict"));
        }
        let fields = names.iter().map(|name| Arc::new(Field::new(name, data_type.clone(), false)));
        let schema: SchemaRef = Arc::new(Schema::new(kept.iter().cloned().chain(fields).collect::<Vec<_>>()));
        let content = Question { pipeline: self, ask: &ask, beside, names: &names };
        let (pipeline, out, asked) = (self.clone(), schema.clone(), ask.clone());
        let work = move |batch: &RecordBatch| {
            let mut columns = if beside { batch.columns().to_vec() } else { Vec::new() };
            columns.extend(pipeline.columns(batch, &asked)?);
            Ok(RecordBatch::try_new(out.clone(), columns)?)
        };
        let apply = Apply::new("predict", &content, schema, work)?;
        let apply = if beside { apply } else { apply.reading(self.inputs.clone()) };
        apply.on(frame)
    }

    /// Succeeds where the model answers such a question, as far as what it says of no rows tells.
    ///
    /// # Errors
    /// `Model`.
    fn expect(&self, ask: &Ask, frame: &DataFrame) -> Result<()> {
        let fitted = &self.end()?.fitted;
        let none = RecordBatch::new_empty(frame.schema().clone());
        // what goes wrong on no rows may go well on some
        match caught(|| fitted.predict(&self.rows(&none)?.design()?)) {
            Ok(predicted) => ask.expect(&predicted),
            Err(_) => Ok(()),
        }
    }

    /// The answers for a batch.
    fn columns(&self, batch: &RecordBatch, ask: &Ask) -> Result<Vec<ArrayRef>> {
        let end = self.end()?;
        let predicted = end.fitted.predict(&self.rows(batch)?.design()?)?;
        ask.expect(&predicted)?;
        Ok(match (ask, predicted) {
            (Ask::Class, Predicted::Values(values)) => vec![column(values)],
            (Ask::Class, predicted) => {
                let classes = predicted.classes().unwrap_or_default();
                vec![end.classes.column(classes.into_iter().map(|class| class as usize))]
            }
            (Ask::Probability, Predicted::Probabilities { classes: 2, probabilities, .. }) => {
                vec![column(probabilities.into_iter().skip(1).step_by(2).collect())]
            }
            (Ask::Probabilities, Predicted::Probabilities { classes, probabilities, .. }) => {
                columns_of(&probabilities, classes)
            }
            (Ask::Margin, Predicted::Probabilities { classes, margins: Some(margins), .. }) => {
                columns_of(&margins, if classes == 2 { 1 } else { classes })
            }
            _ => return Err(ask.unanswered()),
        })
    }

    /// Writes everything as JSON, with the version of its format; no code. The file appears whole or not at all.
    ///
    /// # Errors
    /// `Io` if the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        if let Some(model) = &self.model {
            model.fitted.expect_saved().map_err(|e| e.doing("save the model to").at_path(path.as_ref().display()))?;
        }
        // two classes by logistic regression are what the older version knows too
        let newer = |model: &Model| matches!(model.fitted, FittedModel::Linear(_)) || model.classes.len() > 2;
        let format = if self.model.as_ref().is_some_and(newer) { FORMAT } else { LOGISTIC };
        format.save(path.as_ref(), self)
    }

    /// Reads what [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// `Io` if the file cannot be read, `Corrupt` if it is no pipeline, `Unsupported` if a later version wrote it.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        FORMAT.load(path.as_ref(), |read: &FittedPipeline| read.model.as_ref()?.fitted.flaw())
    }
}

fn column(values: Vec<f64>) -> ArrayRef {
    Arc::new(Float64Array::from(values))
}

/// The columns of numbers that stand row by row.
fn columns_of(rows: &[f64], columns: usize) -> Vec<ArrayRef> {
    (0..columns).map(|j| column(rows.iter().copied().skip(j).step_by(columns).collect())).collect()
}

impl Transformer<DataFrame, Result<DataFrame>> for FittedPipeline {
    fn transform(&self, frame: DataFrame) -> Result<DataFrame> {
        FittedPipeline::transform(self, &frame)
    }
}

impl Predict<&DataFrame, Result<DataFrame>> for FittedPipeline {
    fn predict(&self, frame: &DataFrame) -> Result<DataFrame> {
        FittedPipeline::predict(self, frame)
    }
}
