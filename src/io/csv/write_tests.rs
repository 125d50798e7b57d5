use std::sync::Arc;

use arrow::array::{Date32Array, Float64Array, Int64Array, NullArray, StringArray, TimestampMicrosecondArray};

use super::*;

fn written(batch: &RecordBatch) -> String {
    let mut writer = CsvWriter::new(Vec::new(), &CsvWriteOptions::new());
    writer.write(batch).unwrap();
    String::from_utf8(writer.finish().unwrap()).unwrap()
}

#[test]
fn values_are_written_so_that_they_are_read_back() {
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("i", Arc::new(Int64Array::from(vec![Some(1), None, Some(-3)])) as ArrayRef, true),
        ("x,y", Arc::new(Float64Array::from(vec![1.0, 0.1 + 0.2, 1e21])), true),
        ("s", Arc::new(StringArray::from(vec![Some("a \"b\",\nc"), Some(""), None])), true),
        ("t", Arc::new(TimestampMicrosecondArray::from(vec![0, -1, 1_672_532_770_500_000])), true),
        ("d", Arc::new(Date32Array::from(vec![0, 19_358, -719_468])), true),
        ("n", Arc::new(NullArray::new(3)), true),
    ])
    .unwrap();
    assert_eq!(
        written(&batch),
        "i,\"x,y\",s,t,d,n\n\
         1,1.0,\"a \"\"b\"\",\nc\",1970-01-01 00:00:00,1970-01-01,\n\
         ,0.30000000000000004,\"\",1969-12-31 23:59:59.999999,2023-01-01,\n\
         -3,1e21,,2023-01-01 00:26:10.500000,0000-03-01,\n"
    );
}

#[test]
fn instants_say_so_and_lonely_nulls_are_no_empty_lines() {
    let times = TimestampMicrosecondArray::from(vec![Some(1_672_532_770_000_000), None]).with_timezone("UTC");
    let batch = RecordBatch::try_from_iter_with_nullable([("t", Arc::new(times) as ArrayRef, true)]).unwrap();
    assert_eq!(written(&batch), "t\n2023-01-01 00:26:10+00:00\n\"\"\n");
}

#[test]
fn nested_columns_are_refused_by_name() {
    let nested = arrow::array::ListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(1)])]);
    let batch = RecordBatch::try_from_iter([("l", Arc::new(nested) as ArrayRef)]).unwrap();
    let error = CsvWriter::new(Vec::new(), &CsvWriteOptions::new()).write(&batch).unwrap_err();
    assert_eq!(error.location().column.as_deref(), Some("l"));
}
