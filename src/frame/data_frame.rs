//! A plan and the session it runs in.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};

use crate::base::{Error, ErrorKind, Result, Token};
use crate::io::{MemorySource, Source};
use crate::ops::ScanOp;
use crate::plan::explain;
use crate::plan::lower::{count_partitions, first_of};
use crate::plan::{Op, Plan};
use crate::session::Session;

/// A table of rows in partitions that is described, not computed: every method only makes a bigger plan, checks its
/// columns and types at once, and returns. Rows are read when [`compute`](Self::compute), [`persist`](Self::persist),
/// [`head`](Self::head) + `compute`, [`len`](Self::len), a write or an iterator asks for them.
///
/// Cheap to clone. Printed, it shows its structure.
///
/// ```
/// use partita::{DataFrame, col};
/// use arrow::array::{Float64Array, RecordBatch};
/// use std::sync::Arc;
///
/// let fares = Float64Array::from(vec![Some(10.0), None, Some(-3.0), Some(7.5)]);
/// let batch = RecordBatch::try_from_iter([("fare", Arc::new(fares) as _)]).unwrap();
/// let paid = DataFrame::from_batches([batch])?.filter(col("fare").gt(0))?;
/// assert_eq!(paid.len()?, 2);
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone)]
pub struct DataFrame {
    pub(crate) plan: Plan,
    pub(crate) session: Session,
}

impl DataFrame {
    /// The frame of a plan.
    pub fn from_plan(plan: Plan, session: Session) -> DataFrame {
        DataFrame { plan, session }
    }

    /// The frame of a source, in this session.
    ///
    /// # Errors
    /// Never in practice.
    pub fn from_source(source: Arc<dyn Source>, session: &Session) -> Result<DataFrame> {
        Ok(DataFrame::from_plan(Plan::new(ScanOp::new(source), Vec::new())?, session.clone()))
    }

    /// A frame of batches that are there already, a partition each, in the current session.
    ///
    /// # Errors
    /// `Schema` when there are no batches or their schemas differ.
    pub fn from_batches(batches: impl IntoIterator<Item = RecordBatch>) -> Result<DataFrame> {
        Session::current()?.from_batches(batches)
    }

    /// The session it runs in.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The same frame in another session: with other threads, another scheduler or another memory limit.
    ///
    /// ```
    /// use partita::{Scheduler, Session, read_parquet};
    /// let alone = Session::builder().scheduler(Scheduler::Synchronous).build()?;
    /// let trips = read_parquet("data/*.parquet")?;
    /// assert_eq!(trips.in_session(&alone).head(3)?.compute()?.num_rows(), 3);
    /// # Ok::<(), partita::Error>(())
    /// ```
    #[must_use]
    pub fn in_session(&self, session: &Session) -> DataFrame {
        DataFrame::from_plan(self.plan.clone(), session.clone())
    }

    /// What is to be computed.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The identity of its content: equal for equal work.
    pub fn token(&self) -> Token {
        self.plan.token()
    }

    /// The columns: names, types, whether they may hold nulls.
    pub fn schema(&self) -> &SchemaRef {
        self.plan.schema()
    }

    /// The names of the columns.
    pub fn columns(&self) -> Vec<String> {
        self.schema().fields().iter().map(|f| f.name().clone()).collect()
    }

    /// Names and types of the columns.
    pub fn dtypes(&self) -> Vec<(String, DataType)> {
        self.schema().fields().iter().map(|f| (f.name().clone(), f.data_type().clone())).collect()
    }

    /// The type of one column.
    ///
    /// # Errors
    /// `UnknownColumn`.
    pub fn dtype(&self, column: &str) -> Result<DataType> {
        let index = crate::base::schema::index_of(self.schema(), column)?;
        Ok(self.schema().field(index).data_type().clone())
    }

    /// How many partitions it has. Where that depends on a result, as after `head`, it is what can be said before.
    ///
    /// # Errors
    /// When an operation is found wrong only now.
    pub fn npartitions(&self) -> Result<usize> {
        match count_partitions(&self.plan)? {
            Some(count) => Ok(count),
            None => Ok(count_partitions(&first_of(&self.plan)?)?.unwrap_or(1)),
        }
    }

    /// The plan as it was written, as it will run, and the tasks of it: what is read, what streams, what is held.
    ///
    /// # Errors
    /// When an operation is found wrong only now.
    pub fn explain(&self) -> Result<String> {
        let optimised = self.session.optimised(&self.plan)?;
        let tasks = explain::tasks(&optimised, &|p| self.session.optimised(p))?;
        let notes: String = self.notes().iter().map(|note| format!("note: {note}\n")).collect();
        Ok(format!(
            "plan as written\n{}\nplan as it runs\n{}\ntasks\n{tasks}{notes}",
            explain::tree(&self.plan),
            explain::tree(&optimised)
        ))
    }

    /// What may not be expected of the files that are read, as far as it is known by now, a sentence each: columns that
    /// [`Infer::All`](crate::Infer::All) or a later file made wider, dates whose day could be the month, and (of the parts
    /// read so far) records that are left out for their number of fields. Each is in the log too.
    pub fn notes(&self) -> Vec<String> {
        explain::notes(&self.plan)
    }

    /// The frame of `op` over this one.
    pub(crate) fn then(&self, op: impl Op) -> Result<DataFrame> {
        Ok(DataFrame::from_plan(Plan::new(op, vec![self.plan.clone()])?, self.session.clone()))
    }
}

impl Session {
    /// A frame of batches that are there already, a partition each.
    ///
    /// # Errors
    /// `Schema` when there are no batches or their schemas differ.
    pub fn from_batches(&self, batches: impl IntoIterator<Item = RecordBatch>) -> Result<DataFrame> {
        let batches: Vec<RecordBatch> = batches.into_iter().collect();
        let differ = |what: &str| Error::new(ErrorKind::Schema { what: what.to_string() });
        let first = batches.first().ok_or_else(|| differ("a frame needs at least one batch"))?.schema();
        let mut fields: Vec<Field> = first.fields().iter().map(|f| f.as_ref().clone()).collect();
        for batch in &batches {
            let schema = batch.schema();
            let same = |(a, b): (&Field, &FieldRef)| a.name() == b.name() && a.data_type() == b.data_type();
            if schema.fields().len() != fields.len() || !fields.iter().zip(schema.fields()).all(same) {
                return Err(differ("the batches have different columns").help("bring them to one schema first"));
            }
            // a column may hold nulls if it may in one of the batches
            fields
                .iter_mut()
                .zip(schema.fields())
                .for_each(|(f, g)| f.set_nullable(f.is_nullable() || g.is_nullable()));
        }
        let schema = Arc::new(Schema::new_with_metadata(fields, first.metadata().clone()));
        let batches = batches.into_iter().map(|b| Ok(b.with_schema(schema.clone())?)).collect::<Result<Vec<_>>>()?;
        DataFrame::from_source(Arc::new(MemorySource::from_records(schema, batches)), self)
    }
}
