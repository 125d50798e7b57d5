//! Rows of several batches put together.

use arrow::array::{Array, ArrayRef, AsArray, GenericByteArray, OffsetSizeTrait, RecordBatch, RecordBatchOptions};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::interleave;
use arrow::datatypes::{
    ArrowNativeType, BinaryType, ByteArrayType, DataType, LargeBinaryType, LargeUtf8Type, SchemaRef, Utf8Type,
};
use std::sync::Arc;

use crate::base::Result;

/// Texts up to this length are copied in one piece, with what lies behind them: that is overwritten by the next one.
const SHORT: usize = 16;

/// Rows of several batches, by batch and row.
pub(in crate::ops) fn gather(
    schema: &SchemaRef,
    sources: &[RecordBatch],
    picked: &[(usize, usize)],
) -> Result<RecordBatch> {
    let column = |i: usize| {
        let arrays: Vec<&dyn Array> = sources.iter().map(|s| s.column(i).as_ref()).collect();
        let data_type = arrays.first().map(|a| a.data_type());
        let alike = arrays.iter().all(|a| Some(a.data_type()) == data_type);
        let bytes = match data_type.filter(|_| alike) {
            Some(DataType::Utf8) => bytes::<Utf8Type>(&arrays, picked),
            Some(DataType::LargeUtf8) => bytes::<LargeUtf8Type>(&arrays, picked),
            Some(DataType::Binary) => bytes::<BinaryType>(&arrays, picked),
            Some(DataType::LargeBinary) => bytes::<LargeBinaryType>(&arrays, picked),
            _ => None,
        };
        match bytes {
            Some(column) => column,
            None => Ok(interleave(&arrays, picked)?),
        }
    };
    let columns = (0..schema.fields().len()).map(column).collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(picked.len()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}

/// Texts of several arrays; `None` when they are too long together for one.
fn bytes<T: ByteArrayType>(arrays: &[&dyn Array], picked: &[(usize, usize)]) -> Option<Result<ArrayRef>> {
    let arrays: Vec<&GenericByteArray<T>> = arrays.iter().map(|a| a.as_bytes::<T>()).collect();
    let parts: Vec<(&[T::Offset], &[u8])> = arrays.iter().map(|a| (a.value_offsets(), a.value_data())).collect();
    let mut ends = Vec::with_capacity(picked.len() + 1);
    ends.push(T::Offset::usize_as(0));
    let (mut out, mut at) = (vec![0u8; (picked.len() + 1) * SHORT], 0);
    for &(part, row) in picked {
        let (offsets, values) = parts[part];
        let (start, end) = (offsets[row].as_usize(), offsets[row + 1].as_usize());
        let to = at + (end - start);
        if out.len() < to + SHORT {
            out.resize(2 * out.len() + to, 0);
        }
        match values[start..].first_chunk::<SHORT>() {
            Some(chunk) if to - at <= SHORT => out[at..at + SHORT].copy_from_slice(chunk),
            _ => out[at..to].copy_from_slice(&values[start..end]),
        }
        at = to;
        ends.push(T::Offset::usize_as(at));
    }
    if at > T::Offset::MAX_OFFSET {
        return None;
    }
    out.truncate(at);
    let nulls = arrays.iter().any(|a| a.null_count() > 0).then(|| {
        let valid = picked.iter().map(|&(part, row)| arrays[part].is_valid(row));
        valid.collect::<NullBuffer>()
    });
    // bytes behind a text must not be kept for long
    out.shrink_to_fit();
    let ends = OffsetBuffer::new(ScalarBuffer::from(ends));
    let made = GenericByteArray::<T>::try_new(ends, Buffer::from_vec(out), nulls);
    Some(made.map(|array| Arc::new(array) as ArrayRef).map_err(Into::into))
}

#[cfg(test)]
mod tests {
    use arrow::array::{BinaryArray, LargeStringArray, StringArray};
    use arrow::compute::interleave_record_batch;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_are_those_of_arrow(
            texts in prop::collection::vec(prop::collection::vec(prop::option::weighted(0.9, "[a-zü]{0,40}|[a-z]{0,6}"), 0..20), 1..4),
            picks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..60),
            offset in 0usize..3,
        ) {
            let batches: Vec<RecordBatch> = texts
                .iter()
                .map(|texts| {
                    let columns: [(&str, ArrayRef); 3] = [
                        ("s", Arc::new(StringArray::from_iter(texts))),
                        ("l", Arc::new(LargeStringArray::from_iter(texts))),
                        ("b", Arc::new(BinaryArray::from_iter(texts.iter().map(|t| t.as_ref().map(String::as_bytes))))),
                    ];
                    let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(n, c)| (n, c, true))).unwrap();
                    let offset = offset.min(texts.len());
                    batch.slice(offset, texts.len() - offset)
                })
                .collect();
            let filled: Vec<usize> = (0..batches.len()).filter(|&i| batches[i].num_rows() > 0).collect();
            let picked: Vec<(usize, usize)> = picks
                .iter()
                .filter(|_| !filled.is_empty())
                .map(|(batch, row)| {
                    let batch = filled[batch.index(filled.len())];
                    (batch, row.index(batches[batch].num_rows()))
                })
                .collect();
            let found = gather(&batches[0].schema(), &batches, &picked).unwrap();
            let expected = interleave_record_batch(&batches.iter().collect::<Vec<_>>(), &picked).unwrap();
            prop_assert_eq!(found, expected);
        }
    }
}
