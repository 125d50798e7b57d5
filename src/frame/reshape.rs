//! Methods that turn columns into rows and rows into columns.

use arrow::array::Array;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::{DataFrame, IntoColumns};
use crate::base::{Error, Result};
use crate::expr::{Agg, Expr, Scalar, col, when};
use crate::ops::{DropNa, Explode, Melt, Names};

/// A pivot table may have so many columns.
const MOST_COLUMNS: usize = 10_000;

impl DataFrame {
    /// Columns turned into rows: a row for each row and each of `value_vars`, with the columns `id_vars`, the name of the
    /// value column in `variable` and its value in `value` (pandas' `melt`). Without `value_vars` all other columns
    /// become rows. All rows of the first value column come first, as in pandas.
    ///
    /// ```
    /// # use partita::DataFrame;
    /// # use std::sync::Arc;
    /// # use arrow::array::{Int64Array, RecordBatch};
    /// # let numbers = |v: Vec<i64>| Arc::new(Int64Array::from(v)) as _;
    /// # let columns = [("id", numbers(vec![7, 8])), ("a", numbers(vec![1, 2])), ("b", numbers(vec![3, 4]))];
    /// let df = DataFrame::from_batches([RecordBatch::try_from_iter(columns).unwrap()])?;
    /// let long = df.melt("id", ["a", "b"])?;
    /// assert_eq!(long.columns(), ["id", "variable", "value"]);
    /// assert_eq!(long.compute()?.f64s("value")?, [Some(1.0), Some(2.0), Some(3.0), Some(4.0)]);
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `UnknownColumn`; `TypeMismatch` when the value columns have no type in common; `Invalid` when a column that stays
    /// is called `variable` or `value`.
    pub fn melt(&self, id_vars: impl Names, value_vars: impl Names) -> Result<DataFrame> {
        self.then(Melt { id_vars: id_vars.names(), value_vars: value_vars.names() })
    }

    /// A row for each element of the lists in `column`, the other columns repeated; an empty list and null give one row
    /// with null (pandas' `explode`).
    ///
    /// # Errors
    /// `UnknownColumn`; `TypeMismatch` when it is no column of lists.
    pub fn explode(&self, column: impl Into<String>) -> Result<DataFrame> {
        self.then(Explode { column: column.into() })
    }

    /// The rows without those in which values are missing, null or NaN: `dropna(DropNa::any())`,
    /// `dropna(DropNa::all().subset(["a", "b"]))`.
    ///
    /// # Errors
    /// `UnknownColumn`.
    pub fn dropna(&self, what: DropNa) -> Result<DataFrame> {
        self.then(what)
    }

    /// A row for each combination of `index` and a column for each value of `columns`, with the aggregate of the rows that
    /// have both; null where there are none (pandas' `pivot_table`). Rows and columns are sorted, and left out where all
    /// aggregates are null or NaN; null and NaN are no keys; columns are called as their values are written.
    ///
    /// Which columns there are depends on the rows, so they are looked up at once: this one method computes something
    /// before it returns. The table itself is computed when it is asked for.
    ///
    /// ```
    /// # use partita::{DataFrame, col};
    /// # use std::sync::Arc;
    /// # use arrow::array::{Int64Array, RecordBatch, StringArray};
    /// # let zone = Arc::new(StringArray::from(vec!["b", "a", "b", "b"])) as _;
    /// # let numbers = |v: Vec<i64>| Arc::new(Int64Array::from(v)) as _;
    /// # let columns = [("zone", zone), ("day", numbers(vec![1, 2, 2, 2])), ("fare", numbers(vec![5, 6, 7, 9]))];
    /// let df = DataFrame::from_batches([RecordBatch::try_from_iter(columns).unwrap()])?;
    /// let table = df.pivot_table("zone", "day", col("fare").mean())?;
    /// assert_eq!(table.columns(), ["zone", "1", "2"]);
    /// let table = table.compute()?;
    /// assert_eq!(table.f64s("1")?, [None, Some(5.0)]);
    /// assert_eq!(table.f64s("2")?, [Some(6.0), Some(8.0)]);
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `UnknownColumn`, `TypeMismatch`; `Unsupported` for more than 10 000 columns; `Invalid` unless `columns` is one;
    /// and everything that can fail when the distinct values are looked up.
    pub fn pivot_table(&self, index: impl IntoColumns, columns: impl IntoColumns, agg: Agg) -> Result<DataFrame> {
        let index = index.into_columns();
        let columns = columns.into_columns();
        let [column] = &columns[..] else {
            return Err(Error::invalid(format!("a pivot table has one column of names, not {}", columns.len())));
        };
        let taken = |name: &str| index.iter().any(|key| *key.name() == *name);
        let fresh = |name: &str| {
            let mut name = name.to_string();
            while taken(&name) {
                name.push('\'');
            }
            name
        };
        let (key, value) = (fresh("columns"), fresh("value"));
        let keys: Vec<Expr> = index.iter().cloned().chain([column.clone().alias(&key)]).collect();
        let long =
            self.groupby(keys)?.sort(false).agg([agg.alias(&value)])?.dropna(DropNa::any().subset([value.clone()]))?;
        let names = long.names_of(&key, &column.name())?;
        let own: Vec<String> = index.iter().map(|key| key.name().to_string()).collect();
        let cells = names.iter().map(|(scalar, name)| {
            let here = col(&key).eq(Expr::Literal(scalar.clone()));
            when(here).then(col(&value)).otherwise_null().first().alias(name)
        });
        let wide = long.groupby(own.clone())?.sort(false).agg(cells)?;
        wide.sort_by(own)
    }

    /// The distinct values of the column `key`, which is called `name`, in order, and how they are written.
    fn names_of(&self, key: &str, name: &str) -> Result<Vec<(Scalar, String)>> {
        let distinct = self.groupby(key)?.sort(false).size()?.select(key)?;
        let table = distinct.top_k(MOST_COLUMNS + 1, [key])?.compute()?.to_batch()?;
        if table.num_rows() > MOST_COLUMNS {
            let error = Error::unsupported(format!("a pivot table of more than {MOST_COLUMNS} columns"));
            return Err(error.at_column(name).help("group by both columns instead, or filter the rows first"));
        }
        if table.num_rows() == 0 {
            return Err(Error::invalid("a pivot table without columns: there are no values").at_column(name));
        }
        let array = table.column(0);
        let options = FormatOptions::default();
        let texts = ArrayFormatter::try_new(array.as_ref(), &options)?;
        Ok((0..array.len()).map(|row| (Scalar::of(array, row), texts.value(row).to_string())).collect())
    }
}
