//! Models of all kinds on the sample of trips: a logistic regression searched for by several scores, a ridge regression
//! saved, loaded and scored, a tree and naive Bayes of linfa, and an estimator of one's own; with pictures.
//!
//!     models [--out FOLDER]

use std::path::{Path, PathBuf};

use partita::ml::design::{Block, Layout};
use partita::ml::estimator::labels::Task;
use partita::ml::estimator::{Facts, Labels, PassEstimator, Passed, Predicted, Predictor};
use partita::ml::linfa::DatasetBase;
use partita::ml::select::train_test_split;
use partita::ml::{Design, FittedPipeline, LinfaEstimator, Step, coefficient_path, metrics};
use partita::{
    Categorizer, ColumnTransformer, DataFrame, DummyEncoder, Error, GridSearchCv, LogisticRegression, ParamGrid,
    Pipeline, Remainder, Result, Ridge, Scoring, StandardScaler, Target, col, cols, read_parquet,
};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/trips.parquet");
const NUMERIC: [&str; 5] = ["hour", "weekday", "passenger_count", "trip_distance", "fare_amount"];
const CATEGORICAL: [&str; 3] = ["RatecodeID", "payment_type", "trip_type"];

fn main() -> Result<()> {
    let folder = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => PathBuf::from("target/models"),
        [out, folder] if out == "--out" => PathBuf::from(folder),
        _ => return Err(Error::invalid("these are no arguments of it").help("usage: models [--out FOLDER]")),
    };
    std::fs::create_dir_all(&folder).map_err(|e| Error::io(folder.display(), e))?;

    let trips = trips()?.persist()?;
    let (train, test) = train_test_split(&trips, 0.25, 42)?;
    println!("{} trips to train on, {} held out", train.len()?, test.len()?);

    high_tips(&train, &test, &folder)?;
    tips(&train, &test, &folder.join("tips.json"))?;
    others(&train, &test)?;
    println!("\nthe model of tips and pictures of the others are in {}", folder.display());
    Ok(())
}

/// Trips that were paid, with what a model may look at, the tip, and whether it was high.
fn trips() -> Result<DataFrame> {
    let pickup = || col("lpep_pickup_datetime").dt();
    read_parquet(SAMPLE)?
        .filter(col("fare_amount").gt(0).and(col("fare_amount").lt(200)))?
        .with_column("hour", pickup().hour())?
        .with_column("weekday", pickup().weekday())?
        .with_column("high_tip", (col("tip_amount") / col("fare_amount")).gt(0.2).fillna(false))?
        .fillna(-1.0)?
        .select(cols(NUMERIC).and(CATEGORICAL).and(["tip_amount", "high_tip"]))
}

/// Numbers scaled and categories as one-hot features, which stay codes where the model is one of partita.
fn prepared() -> Pipeline {
    let scale = ColumnTransformer::new().with("num", StandardScaler::new(), NUMERIC).remainder(Remainder::Passthrough);
    Pipeline::new()
        .step("categorize", Categorizer::new().columns(CATEGORICAL))
        .step("onehot", DummyEncoder::new().columns(CATEGORICAL))
        .step("scale", scale)
}

/// A grid of logistic regressions by several scores, all candidates and folds on the same passes over the rows.
fn high_tips(train: &DataFrame, test: &DataFrame, folder: &Path) -> Result<()> {
    let pipeline = prepared().step("clf", LogisticRegression::new());
    let grid = ParamGrid::new()
        .values(LogisticRegression::L1_RATIO.of("clf"), [0.0, 0.5, 1.0])
        .values(LogisticRegression::C.of("clf"), [0.01, 1.0]);
    let search = GridSearchCv::new(pipeline, grid)
        .cv(3)
        .scoring([Scoring::RocAuc, Scoring::Accuracy, Scoring::NegLogLoss])
        .refit(Scoring::RocAuc);
    let dataset = DatasetBase::new(train.drop(["tip_amount"])?, Target::column("high_tip"));
    let search = search.fit(&dataset)?;
    println!("\n== is the tip high? {} candidates, {}", search.candidates().len(), search.passes());
    for judged in search.judged() {
        println!("{:>14}: {:.4}", judged.scoring().to_string(), judged.mean_test_scores()[search.best_index()]);
    }
    let model = search.best_estimator()?;
    let held_out = model.with_prediction(test, "predicted")?;
    let held_out = model.with_probability(&held_out, "probability")?;
    println!("best of them by ROC AUC: {:?}; of the trips held out:", search.best_params());
    println!("{}", metrics::on(&held_out, "high_tip", "predicted").classification_report()?);
    let scores = metrics::on(&held_out, "high_tip", "probability");
    println!("ROC AUC {:.4}", scores.roc_auc()?);

    scores.roc_curve()?.plot().write(folder.join("roc.svg"))?;
    scores.calibration_curve(10)?.plot().write(folder.join("calibration.svg"))?;
    search.validation_plot(LogisticRegression::C.of("clf"))?.write(folder.join("validation.svg"))?;
    let lasso = prepared().step("clf", LogisticRegression::new().l1_ratio(1.0));
    let path = coefficient_path(&lasso, LogisticRegression::C.of("clf"), [1e-4, 1e-3, 1e-2, 0.1, 1.0], &dataset)?;
    println!("the coefficients along five values of C: {}", path.passes());
    path.plot()?.write(folder.join("coefficients.svg"))
}

/// A ridge regression: saved, loaded, scored on what it has not seen.
fn tips(train: &DataFrame, test: &DataFrame, path: &PathBuf) -> Result<()> {
    let (train, test) = (train.drop(["high_tip"])?, test.drop(["high_tip"])?);
    let pipeline = prepared().step("reg", Ridge::new());
    let grid = ParamGrid::new().values(Ridge::ALPHA.of("reg"), [0.1, 1.0, 10.0, 100.0]);
    let search = GridSearchCv::new(pipeline, grid).cv(3).fit(&DatasetBase::new(train, Target::column("tip_amount")))?;
    let best = search.best_estimator()?;
    let model = best.linear_model()?;
    println!(
        "\n== how high is the tip? α of {:?}, R² {:.4} in cross-validation",
        search.best_params(),
        search.best_score()
    );
    let mut coef: Vec<(&str, f64)> = model.coef().collect();
    coef.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    let strongest: Vec<String> = coef.iter().take(4).map(|(name, w)| format!("{name} {w:+.2}")).collect();
    println!("dollars by feature: {}, …; residual {:.0e}", strongest.join(", "), model.kkt());

    best.save(path)?;
    let loaded = FittedPipeline::load(path)?;
    let scored = loaded.with_prediction(&test, "predicted")?;
    let residuals = metrics::on(&scored, "tip_amount", "predicted").residuals()?;
    println!(
        "saved, loaded, and of the trips held out: R² {:.4}, off by ${:.2}",
        residuals.r2(),
        residuals.mean_absolute_error()
    );
    Ok(())
}

/// Estimators of linfa and of one's own stand at the end of a pipeline like any other.
fn others(train: &DataFrame, test: &DataFrame) -> Result<()> {
    let (train, test) = (train.drop(["tip_amount"])?, test.drop(["tip_amount"])?);
    let tree = linfa_trees::DecisionTree::params().max_depth(Some(6)).min_weight_leaf(20.0);
    let candidates = [
        ("a decision tree of linfa", Step::whole(LinfaEstimator::classifier(tree))),
        ("naive Bayes of linfa", Step::whole(LinfaEstimator::classifier(linfa_bayes::GaussianNb::params()))),
        ("nearest centroids, below", Step::passes(NearestCentroids)),
    ];
    println!("\n== others, of the trips held out");
    for (name, step) in candidates {
        let pipeline = prepared().step("clf", step);
        let model = pipeline.fit(&DatasetBase::new(train.clone(), Target::column("high_tip")))?;
        let scored = model.with_prediction(&test, "predicted")?;
        let accuracy = metrics::on(&scored, "high_tip", "predicted").accuracy()?;
        println!("{name:>26}: accuracy {accuracy:.4}, {}", model.passes());
    }
    Ok(())
}

/// Classifies each row by the nearest mean of the numeric features of a class (scikit-learn's `NearestCentroid`). It is
/// fitted in one pass over rows that need not fit into memory, and gives the same on any number of threads.
#[derive(Debug)]
struct NearestCentroids;

#[derive(Debug)]
struct Centroids {
    layout: Layout,
    /// For each class the sums, then means, of the features, and the weight of its rows.
    classes: Vec<(Vec<f64>, f64)>,
}

impl PassEstimator for NearestCentroids {
    type State = Centroids;
    type Acc = Vec<(Vec<f64>, f64)>;
    type Fitted = Centroids;

    fn task(&self) -> Task {
        Task::Classification
    }

    fn begin(&self, facts: &Facts) -> Result<Centroids> {
        let none = (vec![0.0; facts.layout.numeric().len()], 0.0);
        Ok(Centroids { layout: facts.layout.clone(), classes: vec![none; facts.classes.len()] })
    }

    fn nothing(&self, state: &Centroids) -> Self::Acc {
        state.classes.clone()
    }

    fn accumulate(&self, state: &Centroids, block: &Block<'_>, labels: Labels<'_>) -> Self::Acc {
        let mut sums = state.classes.clone();
        for (row, class) in labels.classes().iter().enumerate() {
            let weight = block.weights.map_or(1.0, |weights| weights[row]);
            let (sum, total) = &mut sums[*class as usize];
            sum.iter_mut().zip(&block.numeric).for_each(|(sum, column)| *sum += weight * column[row]);
            *total += weight;
        }
        sums
    }

    fn merge(&self, acc: &mut Self::Acc, later: Self::Acc) {
        for ((sum, total), (more, weight)) in acc.iter_mut().zip(later) {
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
            *total += weight;
        }
    }

    fn step(&self, state: &mut Centroids, acc: Self::Acc) -> Result<Passed> {
        let mean = |(sum, total): (Vec<f64>, f64)| (sum.iter().map(|sum| sum / total).collect(), total);
        state.classes = acc.into_iter().map(mean).collect();
        Ok(Passed::Done)
    }

    fn finish(&self, state: Centroids) -> Result<Centroids> {
        Ok(state)
    }
}

impl Predictor for Centroids {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn predict(&self, design: &Design) -> Result<Predicted> {
        let rows = design.block(0, design.rows());
        let distance = |row: usize, class: &(Vec<f64>, f64)| -> f64 {
            let apart = class.0.iter().zip(&rows.numeric).map(|(mean, column)| column[row] - mean);
            apart.map(|apart| apart * apart).sum()
        };
        let nearest = |row: usize| {
            let by_distance =
                |a: &usize, b: &usize| distance(row, &self.classes[*a]).total_cmp(&distance(row, &self.classes[*b]));
            (0..self.classes.len()).min_by(by_distance).map_or(0, |class| class as u32)
        };
        Ok(Predicted::Classes((0..rows.rows).map(nearest).collect()))
    }
}
