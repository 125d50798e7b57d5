//! Columns of text as categories.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, DictionaryArray, Int32Array, RecordBatch};
use arrow::compute::{SortOptions, filter, is_not_null, sort};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef};

use super::filter::named;
use crate::base::schema::{in_layout, index_of, logical};
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::exec::{Reservation, TaskContext};
use crate::expr::Expr;
use crate::expr::keys::grouper::NONE;
use crate::expr::keys::{Grouper, hash_rows};
use crate::graph::{Held, Payload};
use crate::io::Batch;
use crate::plan::node::only;
use crate::plan::shape::Chunk;
use crate::plan::{Flow, Footprint, Map, Op, Out, Plan, Reduce, Shape, Stage, Then};

/// Columns of text as dictionaries: each distinct text once, in order, the same in every partition, and a number for each
/// row (pandas' `astype("category")`). A first pass looks for the texts.
#[derive(Clone, Debug)]
pub struct Categorize {
    columns: Vec<String>,
    /// The texts of each column, when they are known.
    found: Option<Arc<[Categories]>>,
}

impl Categorize {
    /// These columns.
    pub fn new(columns: Vec<String>) -> Categorize {
        Categorize { columns, found: None }
    }
}

/// The type of columns of categories.
pub(in crate::ops) fn data_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

impl fmt::Display for Categorize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "categorize {}", self.columns.join(", "))
    }
}

impl Identity for Categorize {
    fn token(&self, t: &mut Tokenizer) {
        t.str("categorize");
        t.list(&self.columns, |t, name| t.str(name));
        t.u64(self.found.is_some().into());
    }
}

impl Op for Categorize {
    fn name(&self) -> &'static str {
        "categorize"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let [input] = inputs else { return Err(Error::invalid("categorize has one input")) };
        let mut fields: Vec<Field> = input.fields().iter().map(|f| f.as_ref().clone()).collect();
        for i in named(input, self.columns.iter().map(String::as_str))? {
            let field = &fields[i];
            if logical(field.data_type()) != DataType::Utf8 {
                return Err(Error::types(format!("`{}` is {}, not text", field.name(), field.data_type()))
                    .help("turn it into text with astype(DataType::Utf8) first"));
            }
            fields[i] = Field::new(field.name(), data_type(), field.is_nullable());
        }
        Ok(Arc::new(Schema::new_with_metadata(fields, input.metadata().clone())))
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?.clone();
        let schema = self.schema(std::slice::from_ref(input.schema()))?;
        if let Some(found) = &self.found {
            let places = self.columns.iter().map(|name| index_of(&schema, name)).collect::<Result<Vec<_>>>()?;
            let (places, found): (Arc<[usize]>, _) = (places.into(), found.clone());
            return Ok(Map::each(move |_| {
                Ok(Box::new(Coding { schema: schema.clone(), places: places.clone(), found: found.clone() }))
            }));
        }
        let this = self.clone();
        let first = Plan::new(Texts { columns: self.columns.clone() }, vec![input.clone()])?;
        let next = move |results: Vec<Payload>| {
            let groups = results.into_iter().next().map(Payload::take::<Found>);
            let Some(Ok(groups)) = groups else { return Err(Error::invalid("the first pass found no categories")) };
            let (groups, _reserved) = groups.into_parts();
            let found = groups.iter().map(Categories::new).collect::<Result<Vec<_>>>()?;
            Plan::new(Categorize { found: Some(found.into()), ..this.clone() }, vec![input.clone()])
        };
        Ok(Shape::Then(Then { first, next: Arc::new(next) }))
    }

    fn columns_needed(&self, wanted: &[usize], _inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        Some(vec![wanted.to_vec()])
    }

    fn pruned(&self, keep: &[usize], inputs: &[SchemaRef]) -> Option<Arc<dyn Op>> {
        let input = inputs.first()?;
        let kept = |name: &String| keep.iter().any(|&i| input.fields().get(i).is_some_and(|f| f.name() == name));
        // what is found belongs to all columns, and the pruned input keeps those that are wanted
        let columns: Vec<String> = self.columns.iter().filter(|name| kept(name)).cloned().collect();
        let found = self.found.as_ref().map(|found| {
            self.columns.iter().zip(found.iter()).filter(|(name, _)| kept(name)).map(|(_, f)| f.clone()).collect()
        });
        Some(Arc::new(Categorize { columns, found }))
    }

    fn filter_through(&self, _input: usize, predicate: &Expr) -> Option<Expr> {
        // a filter below would leave out categories
        let _ = predicate;
        None
    }

    fn known_rows(&self, inputs: &[Option<Vec<u64>>]) -> Option<Vec<u64>> {
        inputs.first().cloned().flatten()
    }

    fn footprint(&self) -> Footprint {
        Footprint::Holds("the distinct texts of each column".into())
    }
}

/// The categories of a column.
#[derive(Clone)]
pub(in crate::ops) struct Categories {
    values: ArrayRef,
    groups: Arc<Grouper>,
    /// The place of each group among the values.
    codes: Arc<[i32]>,
}

impl fmt::Debug for Categories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} categories", self.values.len())
    }
}

impl Categories {
    /// The texts that are groups, in order.
    ///
    /// # Errors
    /// `Unsupported` for more than 2 GB of them.
    pub(in crate::ops) fn new(found: &Grouper) -> Result<Categories> {
        let keys = found.keys(None)?;
        let Some(texts) = keys.first() else { return Err(Error::invalid("categories of no column")) };
        let texts = filter(texts, &is_not_null(texts)?)?;
        let values = sort(&texts, Some(SortOptions::default()))?;
        let mut groups = Grouper::new(&[DataType::Utf8])?;
        let mut ids = Vec::new();
        groups.group(std::slice::from_ref(&values), &mut ids)?;
        let mut codes = vec![0; groups.len()];
        ids.iter().zip(0..).for_each(|(&id, code)| codes[id as usize] = code);
        Ok(Categories { values, groups: Arc::new(groups), codes: codes.into() })
    }

    /// These texts as categories; what is none is null.
    ///
    /// # Errors
    /// Never in practice.
    pub(in crate::ops) fn coded(&self, texts: &ArrayRef) -> Result<ArrayRef> {
        let mut ids = Vec::new();
        let hashes = hash_rows(std::slice::from_ref(texts))?;
        self.groups.find(std::slice::from_ref(texts), &hashes, &mut ids)?;
        let codes = ids.into_iter().map(|id| (id != NONE).then(|| self.codes[id as usize]));
        let codes: Int32Array = codes.collect();
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(codes, self.values.clone())?))
    }
}

/// Gives columns their categories.
struct Coding {
    schema: SchemaRef,
    places: Arc<[usize]>,
    found: Arc<[Categories]>,
}

impl Stage for Coding {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        let mut columns = batch.record.columns().to_vec();
        for (&place, found) in self.places.iter().zip(self.found.iter()) {
            columns[place] = found.coded(&columns[place])?;
        }
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.rows()));
        let record = RecordBatch::try_new_with_options(in_layout(&self.schema, &columns), columns, &options)?;
        out.push(batch.with_record(record))
    }
}

/// The first pass: the distinct texts of columns. Its result is not rows but [`Found`].
#[derive(Clone, Debug)]
struct Texts {
    columns: Vec<String>,
}

impl fmt::Display for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "categorize {}, the distinct texts", self.columns.join(", "))
    }
}

impl Identity for Texts {
    fn token(&self, t: &mut Tokenizer) {
        t.str("categorize_texts");
        t.list(&self.columns, |t, name| t.str(name));
    }
}

impl Op for Texts {
    fn name(&self) -> &'static str {
        "categorize"
    }

    fn schema(&self, _inputs: &[SchemaRef]) -> Result<SchemaRef> {
        Ok(Arc::new(Schema::empty()))
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?.schema();
        let places = self.columns.iter().map(|name| index_of(input, name)).collect::<Result<_>>()?;
        Ok(Shape::Reduce(Arc::new(Collecting { places })))
    }

    fn columns_needed(&self, _wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let input = inputs.first()?;
        Some(vec![self.columns.iter().map(|name| input.index_of(name).ok()).collect::<Option<_>>()?])
    }
}

/// The distinct texts of each column.
struct Found(Mutex<(Vec<Grouper>, Reservation)>);

impl Found {
    fn into_parts(self) -> (Vec<Grouper>, Reservation) {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held for Found {
    fn bytes(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.bytes()
    }
}

struct Collecting {
    places: Vec<usize>,
}

const WHAT: &str = "the distinct texts of columns";

fn settle(groups: &[Grouper], reservation: &mut Reservation) -> Result<()> {
    reservation.resize(WHAT, groups.iter().map(|g| g.bytes() as u64).sum())
}

impl Reduce for Collecting {
    fn start(&self, ctx: &TaskContext) -> Result<Box<dyn Chunk>> {
        let groups = self.places.iter().map(|_| Grouper::new(&[DataType::Utf8])).collect::<Result<_>>()?;
        Ok(Box::new(Filling {
            places: self.places.clone(),
            groups,
            ids: Vec::new(),
            reservation: ctx.budget.nothing(),
        }))
    }

    fn combine(&self, states: Vec<Payload>) -> Result<Payload> {
        let parts = states.into_iter().map(|state| match state.take::<Found>() {
            Ok(found) => Ok(found.into_parts()),
            Err(_) => Err(Error::invalid("the distinct texts are held elsewhere")),
        });
        let mut parts = parts.collect::<Result<Vec<_>>>()?.into_iter();
        let Some((mut all, mut reservation)) = parts.next() else {
            return Err(Error::invalid("there are no texts to combine"));
        };
        let mut ids = Vec::new();
        for (groups, _reserved) in parts {
            for (all, groups) in all.iter_mut().zip(groups) {
                all.group(&groups.keys(None)?, &mut ids)?;
            }
            settle(&all, &mut reservation)?;
        }
        Ok(Payload::new(Found(Mutex::new((all, reservation)))))
    }

    fn finish(&self, state: Payload) -> Result<Payload> {
        Ok(state)
    }
}

struct Filling {
    places: Vec<usize>,
    groups: Vec<Grouper>,
    ids: Vec<u32>,
    reservation: Reservation,
}

impl Chunk for Filling {
    fn push(&mut self, batch: Batch) -> Result<Flow> {
        for (groups, &place) in self.groups.iter_mut().zip(&self.places) {
            groups.group(std::slice::from_ref(batch.record.column(place)), &mut self.ids)?;
        }
        settle(&self.groups, &mut self.reservation)?;
        Ok(Flow::More)
    }

    fn end(self: Box<Self>) -> Result<Payload> {
        Ok(Payload::new(Found(Mutex::new((self.groups, self.reservation)))))
    }
}
