//! Files with the columns that their folders say.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{FieldRef, Schema, SchemaRef};

use super::HiveColumns;
use crate::base::schema::in_layout;
use crate::base::{Identity, Result, Tokenizer};
use crate::exec::TaskContext;
use crate::expr::fns::Logic;
use crate::expr::{Expr, Program, Scalar};
use crate::io::parquet::prune::{Facts, Nulls, can_be_true};
use crate::io::{Batches, PartitionInfo, PortableSource, Scan, Source};

/// A source of files, and behind its columns those that the folders of the files say. A file whose values do not satisfy
/// the condition of a scan is not opened.
#[derive(Debug)]
pub struct HiveSource {
    files: Arc<dyn Source>,
    hive: HiveColumns,
    schema: SchemaRef,
}

impl HiveSource {
    /// The columns of `files`, then those of their folders. The source must say of its partitions which
    /// [file](Source::file_of) they are in.
    pub fn new(files: Arc<dyn Source>, hive: HiveColumns) -> HiveSource {
        let own = files.schema();
        let fields: Vec<FieldRef> = own.fields().iter().chain(hive.schema().fields()).cloned().collect();
        let schema = Arc::new(Schema::new_with_metadata(fields, own.metadata().clone()));
        HiveSource { files, hive, schema }
    }

    /// How many columns are in the files.
    fn own(&self) -> usize {
        self.schema.fields().len() - self.hive.schema().fields().len()
    }

    /// Whether the folders of a file say that none of its rows can satisfy the condition.
    fn rules_out(&self, file: usize, condition: &Expr) -> bool {
        let Ok(row) = self.hive.row(file) else { return false };
        let facts = |name: &str| match row.column_by_name(name) {
            None => Facts::unknown(),
            Some(value) if value.is_null(0) => Facts::all_null(),
            Some(value) => {
                let range = arrow::compute::concat(&[value.as_ref(), value.as_ref()]).ok();
                Facts { range, nulls: Nulls::None, lacks: None }
            }
        };
        !can_be_true(condition, &facts) || parts(condition).into_iter().any(|part| is_untrue(part, &row))
    }
}

/// The conditions that all have to be true.
fn parts(condition: &Expr) -> Vec<&Expr> {
    let (mut left, mut found) = (vec![condition], Vec::new());
    while let Some(e) = left.pop() {
        match e {
            Expr::Call { func, args } if (func.as_ref() as &dyn std::any::Any).downcast_ref() == Some(&Logic::And) => {
                left.extend(args.iter());
            }
            Expr::Alias(inner, _) => left.push(inner),
            other => found.push(other),
        }
    }
    found
}

/// Whether a condition on the columns of `row` alone is known not to be true for it.
fn is_untrue(condition: &Expr, row: &RecordBatch) -> bool {
    let schema = row.schema();
    let known = condition.columns().iter().all(|name| schema.column_with_name(name).is_some());
    if !known || !condition.is_repeatable() {
        return false;
    }
    let program = Program::new(std::slice::from_ref(condition), &schema);
    // one that fails is asked again where there are rows
    let Ok(result) = program.and_then(|p| p.run(row)) else { return false };
    match arrow::array::AsArray::as_boolean_opt(result.column(0)) {
        Some(truth) => truth.true_count() == 0,
        None => false,
    }
}

impl Identity for HiveSource {
    fn token(&self, t: &mut Tokenizer) {
        t.str("hive source");
        t.identity(self.files.as_ref());
        t.identity(&self.hive);
    }
}

impl Source for HiveSource {
    fn describe(&self) -> String {
        let names: Vec<&str> = self.hive.schema().fields().iter().map(|f| f.name().as_str()).collect();
        format!("{}, {} by folder", self.files.describe(), names.join(", "))
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn partitions(&self) -> &[PartitionInfo] {
        self.files.partitions()
    }

    fn portable(&self) -> Option<PortableSource> {
        self.files.portable()?.with_folders(&self.hive)
    }

    fn read(&self, i: usize, scan: &Scan, ctx: &TaskContext) -> Result<Batches> {
        let Some(file) = self.files.file_of(i).filter(|_| !self.skips(i, scan)) else {
            return Ok(Box::new(std::iter::empty()));
        };
        let own = self.own();
        let wanted: Vec<usize> = match &scan.projection {
            None => (0..self.schema.fields().len()).collect(),
            Some(keep) => keep.to_vec(),
        };
        let below = Scan {
            projection: Some(wanted.iter().copied().filter(|&c| c < own).collect()),
            prune: scan.prune.clone(),
            limit: scan.limit,
            codes: scan.codes.iter().copied().filter(|&c| c < own).collect(),
            fields: scan.fields.iter().filter(|(c, _)| *c < own).cloned().collect(),
        };
        let values: Vec<Scalar> =
            wanted.iter().filter(|&&c| c >= own).map(|&c| self.hive.value(c - own, file)).collect();
        let schema = scan.project(&self.schema);
        let batches = self.files.read(i, &below, ctx)?;
        Ok(Box::new(batches.map(move |batch| {
            let batch = batch?;
            let rows = batch.rows();
            let mut columns = batch.record.columns().to_vec();
            for value in &values {
                columns.push(value.repeat(rows)?);
            }
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            let record = RecordBatch::try_new_with_options(in_layout(&schema, &columns), columns, &options)?;
            Ok(batch.with_record(record))
        })))
    }

    fn skips(&self, i: usize, scan: &Scan) -> bool {
        let by_folder = || Some(self.rules_out(self.files.file_of(i)?, scan.prune.as_ref()?));
        by_folder().unwrap_or(false) || self.files.skips(i, &Scan { projection: None, ..scan.clone() })
    }

    fn file_of(&self, i: usize) -> Option<usize> {
        self.files.file_of(i)
    }

    fn notes(&self) -> Vec<String> {
        self.files.notes()
    }
}
