//! Typed columns out of fields: a builder for each type.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::builder::NullBufferBuilder;
use arrow::array::types::*;
use arrow::array::{ArrayRef, ArrowPrimitiveType, BooleanArray, BooleanBufferBuilder, NullArray};
use arrow::array::{PrimitiveArray, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, TimeUnit};

use super::options::CsvOptions;
use super::parse::{self, Spelling};
use super::split::{Records, unquoted};
use super::time_format::TimeFormat;
use crate::base::{Error, Result};

/// The first value that is not of the column's type.
#[derive(Debug)]
pub struct Misfit {
    /// Its record.
    pub record: usize,
    /// Its text, without quotes.
    pub text: Vec<u8>,
}

/// A column of one type as it grows.
pub trait Column: Send {
    /// Appends field `field` of these records.
    fn read(&mut self, records: &Records<'_>, field: usize, rows: Range<usize>) -> Result<(), Misfit>;

    /// The column so far, and starts anew; the row whose text is not UTF-8 if there is one.
    fn finish(&mut self) -> Result<ArrayRef, usize>;

    /// Bytes held.
    fn bytes(&self) -> usize;
}

/// An empty column of this name and type, with room for `rows` rows.
///
/// # Errors
/// `Unsupported` for types that are not read from CSV.
pub fn column(field: &Field, options: &Arc<CsvOptions>, rows: usize) -> Result<Box<dyn Column>> {
    fn typed<T: ArrowPrimitiveType, F: Form<T::Native>>(
        form: F,
        data_type: &DataType,
        options: &Arc<CsvOptions>,
        rows: usize,
    ) -> Box<dyn Column> {
        let values: Vec<T::Native> = Vec::with_capacity(rows);
        let nulls = NullBufferBuilder::new(rows);
        let (options, data_type) = (options.clone(), data_type.clone());
        Box::new(Primitive::<T, F> { values, nulls, form, rows, data_type, options, kind: PhantomData })
    }
    let data_type = field.data_type();
    let format = || options.format(field.name());
    Ok(match data_type {
        DataType::Int64 => typed::<Int64Type, _>(Whole, data_type, options, rows),
        DataType::Int32 => typed::<Int32Type, _>(Whole, data_type, options, rows),
        DataType::Int16 => typed::<Int16Type, _>(Whole, data_type, options, rows),
        DataType::Int8 => typed::<Int8Type, _>(Whole, data_type, options, rows),
        DataType::UInt64 => typed::<UInt64Type, _>(Whole, data_type, options, rows),
        DataType::UInt32 => typed::<UInt32Type, _>(Whole, data_type, options, rows),
        DataType::UInt16 => typed::<UInt16Type, _>(Whole, data_type, options, rows),
        DataType::UInt8 => typed::<UInt8Type, _>(Whole, data_type, options, rows),
        DataType::Float64 => typed::<Float64Type, _>(Real, data_type, options, rows),
        DataType::Float32 => typed::<Float32Type, _>(Real32, data_type, options, rows),
        DataType::Date32 => typed::<Date32Type, _>(Day { format: format() }, data_type, options, rows),
        DataType::Timestamp(unit, zone) => {
            let form = Moment { unit: *unit, zoned: zone.is_some(), format: format() };
            match unit {
                TimeUnit::Second => typed::<TimestampSecondType, _>(form, data_type, options, rows),
                TimeUnit::Millisecond => typed::<TimestampMillisecondType, _>(form, data_type, options, rows),
                TimeUnit::Microsecond => typed::<TimestampMicrosecondType, _>(form, data_type, options, rows),
                TimeUnit::Nanosecond => typed::<TimestampNanosecondType, _>(form, data_type, options, rows),
            }
        }
        DataType::Boolean => Box::new(Truth {
            values: BooleanBufferBuilder::new(rows),
            nulls: NullBufferBuilder::new(rows),
            options: options.clone(),
        }),
        DataType::Utf8 => Box::new(Text {
            values: Vec::new(),
            offsets: vec![0],
            nulls: NullBufferBuilder::new(rows),
            options: options.clone(),
        }),
        DataType::Null => Box::new(Nothing { rows: 0, options: options.clone() }),
        other => {
            return Err(Error::unsupported(format!("reading {other} from CSV"))
                .doing("read CSV")
                .help("read it as Utf8 and cast it"));
        }
    })
}

/// How a text becomes a value.
trait Form<N>: Send + 'static {
    /// Whether it is spelled as numbers are.
    const NUMBER: bool = false;
    /// Whether the short forms may be tried.
    fn is_plain(&self) -> bool {
        true
    }
    /// The commonest spelling, fastest: the first `length` bytes of a word.
    #[inline(always)]
    fn word(&self, _word: u64, _length: usize) -> Option<N> {
        None
    }
    /// The common spelling, fast; `None` may also mean another spelling.
    fn short(&self, text: &[u8]) -> Option<N>;
    /// Any spelling.
    fn long(&self, text: &[u8]) -> Option<N>;
}

struct Whole;

impl<N: TryFrom<i64> + TryFrom<i128>> Form<N> for Whole {
    const NUMBER: bool = true;
    #[inline(always)]
    fn word(&self, word: u64, length: usize) -> Option<N> {
        N::try_from(parse::word_whole(word, length)?).ok()
    }
    #[inline]
    fn short(&self, text: &[u8]) -> Option<N> {
        N::try_from(parse::short_whole(text)?).ok()
    }
    fn long(&self, text: &[u8]) -> Option<N> {
        N::try_from(parse::whole(text)?).ok()
    }
}

struct Real;

impl Form<f64> for Real {
    const NUMBER: bool = true;
    #[inline(always)]
    fn word(&self, word: u64, length: usize) -> Option<f64> {
        parse::word_real(word, length)
    }
    #[inline]
    fn short(&self, text: &[u8]) -> Option<f64> {
        parse::short_real(text)
    }
    fn long(&self, text: &[u8]) -> Option<f64> {
        parse::real(text)
    }
}

struct Real32;

impl Form<f32> for Real32 {
    const NUMBER: bool = true;
    // no short form by way of f64: that would round twice
    fn short(&self, _: &[u8]) -> Option<f32> {
        None
    }
    fn long(&self, text: &[u8]) -> Option<f32> {
        parse::real32(text)
    }
}

struct Day {
    format: Option<TimeFormat>,
}

impl Form<i32> for Day {
    fn is_plain(&self) -> bool {
        self.format.is_none()
    }
    #[inline]
    fn short(&self, text: &[u8]) -> Option<i32> {
        parse::date(text)
    }
    fn long(&self, text: &[u8]) -> Option<i32> {
        let Some(format) = &self.format else { return parse::date(text.trim_ascii()) };
        // a time of the day would be lost
        let midnight = format.parse(text).filter(|i| i.seconds.rem_euclid(86_400) == 0 && i.nanos == 0 && !i.zoned);
        i32::try_from(midnight?.seconds / 86_400).ok()
    }
}

struct Moment {
    unit: TimeUnit,
    zoned: bool,
    format: Option<TimeFormat>,
}

impl Form<i64> for Moment {
    fn is_plain(&self) -> bool {
        self.format.is_none()
    }
    #[inline]
    fn short(&self, text: &[u8]) -> Option<i64> {
        if self.zoned || self.unit != TimeUnit::Microsecond {
            return None;
        }
        Some(parse::short_instant(text)? * 1_000_000)
    }
    fn long(&self, text: &[u8]) -> Option<i64> {
        let instant = match &self.format {
            None => parse::instant(text),
            Some(format) => format.parse(text),
        };
        // a local time is no instant and the other way round: guessing would move it
        instant.filter(|i| i.zoned == self.zoned)?.count(self.unit)
    }
}

struct Primitive<T: ArrowPrimitiveType, F> {
    values: Vec<T::Native>,
    nulls: NullBufferBuilder,
    form: F,
    rows: usize,
    data_type: DataType,
    options: Arc<CsvOptions>,
    kind: PhantomData<fn() -> T>,
}

impl<T: ArrowPrimitiveType, F: Form<T::Native>> Primitive<T, F> {
    /// The value of a field that has not the common form; `Ok(None)` is null.
    #[cold]
    fn other(&self, records: &Records<'_>, field: &[u8]) -> Result<Option<T::Native>, Vec<u8>> {
        let mut scratch = Vec::new();
        let text = unquoted(records.dialect(), field, &mut scratch);
        let trimmed = text.trim_ascii();
        if trimmed.is_empty() || self.options.is_null(trimmed, false) {
            return Ok(None);
        }
        let mut plain = Vec::new();
        let spelled = match self.options.numbers {
            numbers if F::NUMBER && numbers != Spelling::PLAIN => numbers.plain(trimmed, &mut plain),
            _ => Some(text),
        };
        let short = |text: &[u8]| if self.form.is_plain() { self.form.short(text) } else { None };
        match spelled.and_then(|text| short(text).or_else(|| self.form.long(text))) {
            Some(value) => Ok(Some(value)),
            None => Err(text.to_vec()),
        }
    }
}

impl<T: ArrowPrimitiveType, F: Form<T::Native>> Column for Primitive<T, F> {
    fn read(&mut self, records: &Records<'_>, field: usize, rows: Range<usize>) -> Result<(), Misfit> {
        // spellings of null that were given may look like values, and so may numbers and times in other spellings: then
        // no field is what it looks like
        let plain = self.options.null_values.is_none()
            && self.form.is_plain()
            && (!F::NUMBER || self.options.numbers == Spelling::PLAIN);
        records.each(field, rows, |record, text, word| {
            let value = match self.form.word(word, text.len()).or_else(|| self.form.short(text)) {
                Some(value) if plain => Some(value),
                _ if text.is_empty() => None,
                _ => self.other(records, text).map_err(|text| Misfit { record, text })?,
            };
            match value {
                Some(value) => {
                    self.values.push(value);
                    self.nulls.append_non_null();
                }
                None => {
                    self.values.push(T::Native::default());
                    self.nulls.append_null();
                }
            }
            Ok(())
        })
    }

    fn finish(&mut self) -> Result<ArrayRef, usize> {
        let values = std::mem::replace(&mut self.values, Vec::with_capacity(self.rows));
        let array = PrimitiveArray::<T>::new(ScalarBuffer::from(values), self.nulls.finish());
        Ok(Arc::new(array.with_data_type(self.data_type.clone())))
    }

    fn bytes(&self) -> usize {
        self.values.capacity() * size_of::<T::Native>() + self.nulls.allocated_size()
    }
}

struct Truth {
    values: BooleanBufferBuilder,
    nulls: NullBufferBuilder,
    options: Arc<CsvOptions>,
}

impl Column for Truth {
    fn read(&mut self, records: &Records<'_>, field: usize, rows: Range<usize>) -> Result<(), Misfit> {
        let mut scratch = Vec::new();
        records.each(field, rows, |record, written, _| {
            let text = unquoted(records.dialect(), written, &mut scratch).trim_ascii();
            let value = if text.is_empty() || self.options.is_null(text, false) {
                None
            } else {
                Some(self.options.truth(text).ok_or_else(|| Misfit { record, text: text.to_vec() })?)
            };
            self.values.append(value.unwrap_or_default());
            self.nulls.append(value.is_some());
            Ok(())
        })
    }

    fn finish(&mut self) -> Result<ArrayRef, usize> {
        Ok(Arc::new(BooleanArray::new(self.values.finish(), self.nulls.finish())))
    }

    fn bytes(&self) -> usize {
        self.values.capacity() / 8 + self.nulls.allocated_size()
    }
}

struct Text {
    values: Vec<u8>,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
    options: Arc<CsvOptions>,
}

impl Column for Text {
    fn read(&mut self, records: &Records<'_>, field: usize, rows: Range<usize>) -> Result<(), Misfit> {
        let mut scratch = Vec::new();
        let spelled = self.options.null_values.is_some();
        records.each(field, rows, |_, written, _| {
            let text = unquoted(records.dialect(), written, &mut scratch);
            // an empty field is null, an empty text in quotes is a text
            let null = written.is_empty() || (spelled && self.options.is_null(text, true));
            if !null {
                self.values.extend_from_slice(text);
            }
            self.nulls.append(!null);
            self.offsets.push(self.values.len() as i32);
            Ok(())
        })
    }

    fn finish(&mut self) -> Result<ArrayRef, usize> {
        let values = Buffer::from_vec(std::mem::take(&mut self.values));
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        let nulls = self.nulls.finish();
        // checks the whole buffer at once, and that no character crosses from one value into the next
        match StringArray::try_new(offsets.clone(), values.clone(), nulls) {
            Ok(array) => Ok(Arc::new(array)),
            Err(_) => {
                let bad = |w: &[i32]| std::str::from_utf8(&values[w[0] as usize..w[1] as usize]).is_err();
                Err(offsets.windows(2).position(bad).unwrap_or_default())
            }
        }
    }

    fn bytes(&self) -> usize {
        self.values.capacity() + 4 * self.offsets.capacity() + self.nulls.allocated_size()
    }
}

/// A column that is said to hold nothing.
struct Nothing {
    rows: usize,
    options: Arc<CsvOptions>,
}

impl Column for Nothing {
    fn read(&mut self, records: &Records<'_>, field: usize, rows: Range<usize>) -> Result<(), Misfit> {
        let mut scratch = Vec::new();
        self.rows += rows.len();
        records.each(field, rows, |record, written, _| {
            let text = unquoted(records.dialect(), written, &mut scratch).trim_ascii();
            let nothing = text.is_empty() || self.options.is_null(text, false);
            if nothing { Ok(()) } else { Err(Misfit { record, text: text.to_vec() }) }
        })
    }

    fn finish(&mut self) -> Result<ArrayRef, usize> {
        Ok(Arc::new(NullArray::new(std::mem::take(&mut self.rows))))
    }

    fn bytes(&self) -> usize {
        0
    }
}
