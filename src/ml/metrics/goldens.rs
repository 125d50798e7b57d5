//! Scores of drawn rows against those of scikit-learn 1.9 (`tests/oracle/metrics.py` writes them).

use super::{Average, Brier, ConfusionMatrix, LogLoss, Ranking, Residuals};

/// Seed, rows and classes; then the scores without and with weights.
type Case = ((u64, usize, usize), &'static [f64]);

#[rustfmt::skip]
const CASES: [Case; 5] = [
    ((1, 7, 2), &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.7678571428571428, 5.730032450627699, 0.3507142857142857, 2.25, 5.638095238095238, -0.1332029637898311, -0.1108690870007305, 2.15052822055839, 5.9894032578327, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5274149910679788, 0.8445952218736839, 4.044471507159605, 0.31668348951996667, 4.411386831088442, 6.3842535524647275, -0.9387043643958566, -0.9382703770101457, 1.9432090059011922, 5.042268555381885, 4.129706493193109]),
    ((2, 50, 2), &[0.58, 0.6, 0.4827586206896552, 0.7, 0.6422018348623854, 0.5985221674876847, 0.6, 0.5870583642397034, 0.58, 0.58, 0.58, 0.6216748768472907, 0.58, 0.5760296701151669, 0.5608333333333333, 0.4532681391799811, 0.8752705900907678, 0.3072, 10.1, 9.740050261840597, -0.8302169571383047, -0.8259680740838491, 3.31107618275728, 15.093451485616097, 0.600725699073344, 0.6193972699659984, 0.45497405915208405, 0.6823767219848795, 0.6203633900253978, 0.6092352535783325, 0.6193972699659984, 0.6043475788743304, 0.6007256990733439, 0.6007256990733442, 0.600725699073344, 0.654969199101576, 0.6007256990733442, 0.5995993579272688, 0.5527023111340998, 0.390719870683317, 0.9285015155441919, 0.32204909119946407, 12.517597467567349, 8.578325615640175, -0.9263917649443385, -0.9238062088227244, 3.283914050401892, 14.934310281759114, 7.61882917161997]),
    ((3, 1000, 2), &[0.469, 0.4692877150860344, 0.4601941747572815, 0.48367346938775513, 0.47878787878787876, 0.46927234511059956, 0.4692877150860344, 0.46909690969096907, 0.469, 0.469, 0.469, 0.46945390851766594, 0.469, 0.46890309030903093, 0.5122529011604642, 0.4938634842534627, 1.9219365002864046, 0.3259925000000001, 10.53061224489796, 10.858189544543908, -1.2635612729617058, -1.2601265451217651, 3.647996555034121, 19.45279855313636, 0.4616243638787798, 0.4619025617866881, 0.4518973132775777, 0.47452271310859434, 0.46981818227404065, 0.4618934595180735, 0.46190256178668765, 0.4617235327853957, 0.4616243638787794, 0.46162436387877953, 0.4616243638787795, 0.46211381400514073, 0.46162436387877953, 0.46154509478607614, 0.5224561352141597, 0.5002716058224549, 1.8366406711497634, 0.31958824779539313, 10.638666314963587, 10.984710166082085, -1.1883415041115235, -1.187508914059876, 3.643528553281299, 19.38004865692951, 9.886844160483857]),
    ((4, 9, 3), &[0.3333333333333333, 0.25, 0.3333333333333333, 0.25, 0.2631578947368421, 0.3333333333333333, 0.3333333333333333, 0.3333333333333333, 0.4444444444444444, 0.3333333333333333, 0.3508771929824561, -1.0672719781857212, -0.8015548072781962, 3.1058541114659244, 13.186893072583267, 0.3502105152092509, 0.2314785718312019, 0.33002337687133326, 0.2314785718312019, 0.2447677215824513, 0.3502105152092509, 0.3502105152092509, 0.3502105152092509, 0.5214249136286794, 0.3502105152092509, 0.37317744666703945, -0.9785899344021609, -0.5384699522818039, 2.9145262270638463, 12.044359362305576, 6.768898222942601]),
    ((5, 300, 5), &[0.2, 0.20033019294423832, 0.19773082942097026, 0.20033019294423832, 0.19921260215356423, 0.2, 0.2, 0.2, 0.19735961221876713, 0.2, 0.19887608606986495, -1.167036461640715, -1.1625772180640652, 3.4950826305246543, 18.07538848004755, 0.18323033877821768, 0.18444034456637412, 0.1838770728826322, 0.18444034456637415, 0.1833721782963223, 0.1832303387782177, 0.1832303387782177, 0.1832303387782177, 0.1844758941270178, 0.1832303387782177, 0.1825563115323221, -1.2916101683853616, -1.2880198028303935, 3.497352578355613, 18.24696264157961, 9.367784258173073]),
];

/// The rows of a case, by columns.
struct Rows {
    truth: Vec<i64>,
    predicted: Vec<i64>,
    scores: Vec<f64>,
    weights: Vec<f64>,
    values: [Vec<f64>; 2],
}

impl Rows {
    fn draw(seed: u64, rows: usize, classes: usize) -> Rows {
        let mut state = seed;
        let mut unit = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut drawn = Rows {
            truth: Vec::new(),
            predicted: Vec::new(),
            scores: Vec::new(),
            weights: Vec::new(),
            values: [Vec::new(), Vec::new()],
        };
        for _ in 0..rows {
            drawn.truth.push((unit() * classes as f64) as i64);
            drawn.predicted.push((unit() * classes as f64) as i64);
            drawn.scores.push((unit() * 20.0).floor() / 20.0);
            drawn.weights.push(unit());
            drawn.values.iter_mut().for_each(|values| values.push(10.0 * unit()));
        }
        drawn
    }

    /// The scores in the order of the goldens.
    fn scores(&self, classes: usize, weighted: bool, scores: &mut Vec<f64>) {
        let weights = weighted.then_some(self.weights.as_slice());
        let matrix = match weights {
            Some(weights) => ConfusionMatrix::weighted(&self.truth, &self.predicted, weights).unwrap(),
            None => ConfusionMatrix::of(&self.truth, &self.predicted).unwrap(),
        };
        scores.extend([matrix.accuracy(), matrix.balanced_accuracy()]);
        let averages = [Average::Binary, Average::Macro, Average::Micro, Average::Weighted];
        for average in &averages[usize::from(classes > 2)..] {
            scores.push(matrix.precision(*average).unwrap());
            scores.push(matrix.recall(*average).unwrap());
            scores.push(matrix.f_beta(2.0, *average).unwrap());
        }
        if classes == 2 {
            self.binary(weights, scores);
        }
        let mut residuals = Residuals::default();
        residuals.update(&self.values[0], &self.values[1], weights).unwrap();
        scores.extend([residuals.r2(), residuals.explained_variance()]);
        scores.extend([residuals.mean_absolute_error(), residuals.mean_squared_error()]);
        if weighted {
            scores.push(residuals.max_error());
        }
    }

    fn binary(&self, weights: Option<&[f64]>, scores: &mut Vec<f64>) {
        let positive: Vec<bool> = self.truth.iter().map(|class| *class == 1).collect();
        let mut ranking = Ranking::default();
        ranking.update(&positive, &self.scores, weights).unwrap();
        let ranked = ranking.into_ranked();
        let of_truth: Vec<f64> =
            positive.iter().zip(&self.scores).map(|(yes, p)| if *yes { *p } else { 1.0 - p }).collect();
        let (mut loss, mut brier) = (LogLoss::default(), Brier::default());
        loss.update(&of_truth, weights).unwrap();
        brier.update(&positive, &self.scores, weights).unwrap();
        scores.extend([ranked.roc_auc(), ranked.average_precision(), loss.value(), brier.value()]);
        scores.push(ranked.roc_curve().true_positive_rate.iter().sum());
        scores.push(ranked.precision_recall_curve().precision.iter().sum());
    }
}

#[test]
fn the_scores_of_scikit_learn() {
    for ((seed, rows, classes), goldens) in CASES {
        let drawn = Rows::draw(seed, rows, classes);
        let mut scores = Vec::new();
        drawn.scores(classes, false, &mut scores);
        drawn.scores(classes, true, &mut scores);
        assert_eq!(scores.len(), goldens.len());
        for (i, (score, golden)) in scores.iter().zip(goldens).enumerate() {
            assert!((score - golden).abs() <= 1e-12 * golden.abs().max(1.0), "seed {seed}, {i}: {score} {golden}");
        }
    }
}
