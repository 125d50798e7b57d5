//! The design matrix as its structure: numeric columns, and categorical ones as codes. The zeros and ones of the
//! one-hot columns exist only on request.

use ndarray::{Array2, ArrayBase, Data, Ix2, ShapeBuilder};
use serde::{Deserialize, Serialize};

use crate::base::{Error, Result};

/// The features of a model, in the order of its coefficients: numeric columns, then one block of one-hot features per
/// categorical column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    numeric: Vec<String>,
    one_hot: Vec<OneHotBlock>,
}

/// The one-hot features that a categorical column stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneHotBlock {
    /// The column the codes come from.
    pub column: String,
    /// The name of each feature, as `P_74.0`; code i belongs to feature i, and code `features.len()` to none of them.
    pub features: Vec<String>,
}

impl Layout {
    /// Numeric features and one-hot blocks, in this order.
    pub fn new(numeric: Vec<String>, one_hot: Vec<OneHotBlock>) -> Self {
        Layout { numeric, one_hot }
    }

    /// The numeric features.
    pub fn numeric(&self) -> &[String] {
        &self.numeric
    }

    /// The one-hot blocks.
    pub fn one_hot(&self) -> &[OneHotBlock] {
        &self.one_hot
    }

    /// The number of features.
    pub fn len(&self) -> usize {
        self.numeric.len() + self.one_hot.iter().map(|b| b.features.len()).sum::<usize>()
    }

    /// Whether there are no features.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of every feature.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.numeric.iter().chain(self.one_hot.iter().flat_map(|b| &b.features)).map(String::as_str)
    }
}

/// Some rows of a design matrix, borrowed: what a solver's pass over the data is fed with, wherever the rows live.
#[derive(Clone, Debug)]
pub struct Block<'a> {
    /// Rows in the block.
    pub rows: usize,
    /// The numeric columns, each of `rows` finite values.
    pub numeric: Vec<&'a [f64]>,
    /// The codes of the categorical columns, each of `rows` codes; the number of features of the column means none.
    pub codes: Vec<&'a [u32]>,
    /// How often each row counts, finite and not below 0; `None` if every row counts once.
    pub weights: Option<&'a [f64]>,
}

/// A design matrix in memory, column by column.
#[derive(Clone, Debug, Default)]
pub struct Design {
    layout: Layout,
    rows: usize,
    numeric: Vec<Vec<f64>>,
    codes: Vec<Vec<u32>>,
    weights: Option<Vec<f64>>,
}

impl Design {
    /// A design matrix of no columns yet, with `rows` rows.
    pub fn with_rows(rows: usize) -> Self {
        Design { rows, ..Design::default() }
    }

    /// Adds a numeric feature.
    ///
    /// # Errors
    /// `Model` if the column has another number of rows, or a value that is NaN or infinite: it names the feature and
    /// the first such row.
    pub fn numeric(self, feature: impl Into<String>, values: Vec<f64>) -> Result<Self> {
        self.numeric_from(feature, values, Some(0))
    }

    /// The same where the first row has this number among all, if that is known.
    pub(crate) fn numeric_from(
        mut self,
        feature: impl Into<String>,
        values: Vec<f64>,
        first: Option<u64>,
    ) -> Result<Self> {
        let feature = feature.into();
        self.check_rows(&feature, values.len())?;
        if let Some(row) = values.iter().position(|v| !v.is_finite()) {
            return Err(not_finite(&feature, values[row], first.map(|first| first + row as u64)));
        }
        self.layout.numeric.push(feature);
        self.numeric.push(values);
        Ok(self)
    }

    /// Adds a block of one-hot features as codes. A code that names no feature (a null, a value not seen in fitting)
    /// makes a row of zeros. With `drop_first` code 0 does so too and `features` begins with the feature of code 1.
    ///
    /// # Errors
    /// `Model` if the column has another number of rows.
    pub fn one_hot(mut self, block: OneHotBlock, mut codes: Vec<u32>, drop_first: bool) -> Result<Self> {
        self.check_rows(&block.column, codes.len())?;
        let none = block.features.len() as u32;
        let shift = u32::from(drop_first);
        codes.iter_mut().for_each(|code| *code = code.wrapping_sub(shift).min(none));
        self.layout.one_hot.push(block);
        self.codes.push(codes);
        Ok(self)
    }

    /// Sets how often each row counts in a fit: twice is as good as being there twice, 0 as not being there. Predictions
    /// do not depend on weights.
    ///
    /// # Errors
    /// `Model` if there are not as many weights as rows, or for a weight that is negative, NaN or infinite: it names the
    /// first such row.
    pub fn weights(mut self, weights: Vec<f64>) -> Result<Self> {
        if weights.len() != self.rows {
            return Err(Error::model(format!("{} weights for {} rows", weights.len(), self.rows)));
        }
        if let Some(row) = weights.iter().position(|w| !(*w >= 0.0 && w.is_finite())) {
            let what = format!("the weight of row {row} is {}, and has to be 0 or more, and finite", weights[row]);
            return Err(Error::model(what));
        }
        self.weights = Some(weights);
        Ok(self)
    }

    /// The rows of a dense matrix; features are named `names`, or x0, x1, … if there are none.
    ///
    /// # Errors
    /// `Model` for a value that is not finite, or if the names are not as many as the columns.
    pub fn from_dense<D: Data<Elem = f64>>(x: &ArrayBase<D, Ix2>, names: &[String]) -> Result<Self> {
        if !names.is_empty() && names.len() != x.ncols() {
            return Err(Error::model(format!("{} feature names for {} columns", names.len(), x.ncols())));
        }
        x.columns().into_iter().enumerate().try_fold(Design::with_rows(x.nrows()), |design, (j, column)| {
            let name = names.get(j).cloned().unwrap_or_else(|| format!("x{j}"));
            design.numeric(name, column.to_vec())
        })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The features.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// How often each row counts; `None` if every row counts once.
    pub fn row_weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    /// Bytes held by the columns.
    pub fn bytes(&self) -> usize {
        self.rows * (8 * (self.numeric.len() + usize::from(self.weights.is_some())) + 4 * self.codes.len())
    }

    /// The rows from `start` to before `end`, both cut to the rows there are.
    pub fn block(&self, start: usize, end: usize) -> Block<'_> {
        let end = end.min(self.rows);
        let start = start.min(end);
        Block {
            rows: end - start,
            numeric: self.numeric.iter().map(|c| &c[start..end]).collect(),
            codes: self.codes.iter().map(|c| &c[start..end]).collect(),
            weights: self.weights.as_ref().map(|w| &w[start..end]),
        }
    }

    /// The blocks of `size` rows, counted from the first row; the last may be shorter.
    pub fn blocks(&self, size: usize) -> impl Iterator<Item = Block<'_>> {
        (0..self.rows).step_by(size.max(1)).map(move |start| self.block(start, start + size))
    }

    /// The rows at these positions, in this order.
    pub fn take(&self, rows: &[usize]) -> Design {
        Design {
            layout: self.layout.clone(),
            rows: rows.len(),
            numeric: self.numeric.iter().map(|c| rows.iter().map(|&i| c[i]).collect()).collect(),
            codes: self.codes.iter().map(|c| rows.iter().map(|&i| c[i]).collect()).collect(),
            weights: self.weights.as_ref().map(|w| rows.iter().map(|&i| w[i]).collect()),
        }
    }

    /// Adds the rows of another design matrix of the same features.
    pub(crate) fn append(&mut self, other: &Design) {
        self.rows += other.rows;
        self.numeric.iter_mut().zip(&other.numeric).for_each(|(own, other)| own.extend(other));
        self.codes.iter_mut().zip(&other.codes).for_each(|(own, other)| own.extend(other));
        if let (Some(own), Some(other)) = (&mut self.weights, &other.weights) {
            own.extend(other);
        }
    }

    /// The whole matrix with its zeros and ones, stored column by column.
    pub fn to_dense(&self) -> Array2<f64> {
        let mut dense = Array2::zeros((self.rows, self.layout.len()).f());
        for (column, values) in dense.columns_mut().into_iter().zip(&self.numeric) {
            column.into_iter().zip(values).for_each(|(cell, value)| *cell = *value);
        }
        let mut first = self.numeric.len();
        for (block, codes) in self.layout.one_hot.iter().zip(&self.codes) {
            for (row, code) in codes.iter().enumerate() {
                if (*code as usize) < block.features.len() {
                    dense[[row, first + *code as usize]] = 1.0;
                }
            }
            first += block.features.len();
        }
        dense
    }

    fn check_rows(&self, column: &str, rows: usize) -> Result<()> {
        if rows == self.rows {
            return Ok(());
        }
        let what = format!("the column has {rows} rows where the design matrix has {}", self.rows);
        Err(Error::model(what).at_column(column))
    }
}

/// Says in which row something is, where that is known.
pub(crate) fn in_row(row: Option<u64>) -> String {
    row.map_or(String::new(), |row| format!(" in row {row}"))
}

/// The error for a value that no model can use.
pub(crate) fn not_finite(feature: &str, value: f64, row: Option<u64>) -> Error {
    Error::model(format!("the feature has the value {value}{}, and models need finite values", in_row(row)))
        .at_column(feature)
        .help("fill or drop such values first, with fillna or filter")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn letters(drop_first: bool) -> Design {
        let features: Vec<String> =
            ["c_a", "c_b", "c_c"][usize::from(drop_first)..].iter().map(|s| s.to_string()).collect();
        Design::with_rows(4)
            .numeric("x", vec![0.5, 1.5, 2.5, 3.5])
            .unwrap()
            .one_hot(OneHotBlock { column: "c".into(), features }, vec![0, 2, 3, u32::MAX], drop_first)
            .unwrap()
    }

    #[test]
    fn codes_are_one_hot_columns() {
        let dense = array![[0.5, 1.0, 0.0, 0.0], [1.5, 0.0, 0.0, 1.0], [2.5, 0.0, 0.0, 0.0], [3.5, 0.0, 0.0, 0.0]];
        assert_eq!(letters(false).to_dense(), dense);
        assert_eq!(letters(false).layout().names().collect::<Vec<_>>(), ["x", "c_a", "c_b", "c_c"]);
    }

    #[test]
    fn the_first_category_can_be_dropped() {
        let dense = array![[0.5, 0.0, 0.0], [1.5, 0.0, 1.0], [2.5, 0.0, 0.0], [3.5, 0.0, 0.0]];
        assert_eq!(letters(true).to_dense(), dense);
    }

    #[test]
    fn blocks_are_counted_from_the_first_row() {
        let design = letters(false);
        let sizes: Vec<usize> = design.blocks(3).map(|b| b.rows).collect();
        assert_eq!(sizes, [3, 1]);
        assert_eq!(design.blocks(3).last().unwrap().codes[0], [3]);
        assert_eq!(design.take(&[3, 0]).to_dense().column(0).to_vec(), [3.5, 0.5]);
    }

    #[test]
    fn a_value_that_is_not_finite_names_its_feature() {
        let text = Design::with_rows(2).numeric("fare", vec![1.0, f64::NAN]).unwrap_err().to_string();
        assert!(text.contains("column `fare`") && text.contains("NaN in row 1"), "{text}");
        assert!(Design::with_rows(2).numeric("fare", vec![1.0]).is_err());
    }

    #[test]
    fn weights_follow_their_rows() {
        let design = letters(false).weights(vec![1.0, 0.0, 2.0, 0.5]).unwrap();
        assert_eq!(design.block(1, 3).weights, Some(&[0.0, 2.0][..]));
        assert_eq!(design.take(&[3, 0]).row_weights(), Some(&[0.5, 1.0][..]));
        assert_eq!(letters(false).block(0, 4).weights, None);
    }

    #[test]
    fn a_weight_that_cannot_be_names_its_row() {
        for wrong in [-1.0, f64::NAN, f64::INFINITY] {
            let text = letters(false).weights(vec![1.0, 1.0, wrong, 1.0]).unwrap_err().to_string();
            assert!(text.contains("weight of row 2 is"), "{text}");
        }
        assert!(letters(false).weights(vec![1.0]).unwrap_err().to_string().contains("1 weights for 4 rows"));
    }
}
