//! How often each string occurs: the summary of strings and truth values, and their number.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, Fields};
use rustc_hash::FxHashMap;

use super::fold::{FoldState, Scope};
use super::text::{TextAccumulator, Texts};
use crate::base::schema::logical;

/// Counts of distinct strings. Memory grows with their number and length.
#[derive(Debug, Default)]
pub struct TextTally {
    counts: FxHashMap<Box<str>, u64>,
    text_bytes: usize,
}

impl TextTally {
    /// The number of distinct strings.
    pub fn distinct(&self) -> usize {
        self.counts.len()
    }

    /// The most frequent string, the smallest of several, and how often it occurs.
    fn top(&self) -> Option<(&str, u64)> {
        let best = |a: &(&str, u64), b: &(&str, u64)| a.1.cmp(&b.1).then(b.0.cmp(a.0));
        self.counts.iter().map(|(text, count)| (&**text, *count)).max_by(best)
    }
}

impl TextAccumulator for TextTally {
    fn add(&mut self, text: &str, times: u64) {
        match self.counts.get_mut(text) {
            Some(count) => *count += times,
            None => {
                self.text_bytes += text.len();
                self.counts.insert(text.into(), times);
            }
        }
    }

    fn merge(&mut self, later: Self) {
        if self.counts.is_empty() {
            *self = later;
        } else {
            later.counts.iter().for_each(|(text, count)| self.add(text, *count));
        }
    }

    fn bytes(&self) -> usize {
        self.text_bytes + self.counts.capacity() * (size_of::<(Box<str>, u64)>() + 1)
    }
}

fn fields(input: &DataType) -> Fields {
    Fields::from(vec![
        Field::new("count", DataType::Int64, false),
        Field::new("unique", DataType::Int64, false),
        Field::new("top", logical(input), true),
        Field::new("freq", DataType::Int64, true),
    ])
}

/// The type of the summary of a column of strings or truth values.
pub fn result_type(input: &DataType) -> DataType {
    DataType::Struct(fields(input))
}

/// The state of that summary.
pub fn start(input: &DataType, scope: Scope) -> Box<dyn FoldState> {
    let input = input.clone();
    Texts::<TextTally, _>::boxed(scope, move |groups| {
        let tops: Vec<Option<(&str, u64)>> = groups.iter().map(TextTally::top).collect();
        let texts = tops.iter().map(|top| top.map(|(text, _)| text));
        let top: ArrayRef = match logical(&input) {
            DataType::Boolean => Arc::new(texts.map(|text| text.map(|t| t == "true")).collect::<BooleanArray>()),
            _ => Arc::new(texts.collect::<StringArray>()),
        };
        let count: Int64Array = groups.iter().map(|g| Some(g.counts.values().sum::<u64>() as i64)).collect();
        let unique: Int64Array = groups.iter().map(|g| Some(g.distinct() as i64)).collect();
        let freq: Int64Array = tops.iter().map(|top| top.map(|(_, count)| count as i64)).collect();
        let columns: Vec<ArrayRef> = vec![Arc::new(count), Arc::new(unique), top, Arc::new(freq)];
        Ok(Arc::new(StructArray::try_new(fields(&input), columns, None)?) as ArrayRef)
    })
}
