//! What of a plan is ours, as bytes and back; the rest is left to Ballista.

use std::sync::Arc;

use ballista_core::serde::{BallistaLogicalExtensionCodec, BallistaPhysicalExtensionCodec};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::{Result, TableReference};
use datafusion::datasource::file_format::FileFormatFactory;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{AggregateUDF, Extension, LogicalPlan, ScalarUDF};
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::logical_plan::LogicalExtensionCodec;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};

use crate::error::to_theirs;
use crate::fold::{self, Folding};
use crate::rowwise::{self, Rowwise};
use crate::scan::{Files, Reading};

/// What our plan nodes begin with.
const MARK: &[u8] = b"partita\0";

fn write_udf(node: &ScalarUDF, buf: &mut Vec<u8>) -> bool {
    let own = node.inner().downcast_ref::<Rowwise>();
    own.inspect(|own| buf.extend_from_slice(own.text().as_bytes())).is_some()
}

fn read_udf(buf: &[u8]) -> Result<Arc<ScalarUDF>> {
    Ok(Rowwise::read(buf).map_err(to_theirs)?.into_udf())
}

fn write_udaf(node: &AggregateUDF, buf: &mut Vec<u8>) -> bool {
    let own = node.inner().downcast_ref::<Folding>();
    own.inspect(|own| buf.extend_from_slice(own.text().as_bytes())).is_some()
}

fn read_udaf(buf: &[u8]) -> Result<Arc<AggregateUDF>> {
    Ok(Folding::read(buf).map_err(to_theirs)?.into_udaf())
}

fn is_fold(name: &str) -> bool {
    name.starts_with(fold::NAME)
}

/// Functions and aggregates are written alike in logical and physical plans.
macro_rules! functions {
    () => {
        fn try_decode_udf(&self, name: &str, buf: &[u8]) -> Result<Arc<ScalarUDF>> {
            if name == rowwise::NAME { read_udf(buf) } else { self.0.try_decode_udf(name, buf) }
        }

        fn try_encode_udf(&self, node: &ScalarUDF, buf: &mut Vec<u8>) -> Result<()> {
            if write_udf(node, buf) { Ok(()) } else { self.0.try_encode_udf(node, buf) }
        }

        fn try_decode_udaf(&self, name: &str, buf: &[u8]) -> Result<Arc<AggregateUDF>> {
            if is_fold(name) { read_udaf(buf) } else { self.0.try_decode_udaf(name, buf) }
        }

        fn try_encode_udaf(&self, node: &AggregateUDF, buf: &mut Vec<u8>) -> Result<()> {
            if write_udaf(node, buf) { Ok(()) } else { self.0.try_encode_udaf(node, buf) }
        }
    };
}

/// Logical plans.
#[derive(Debug, Default)]
pub struct Logical(BallistaLogicalExtensionCodec);

impl LogicalExtensionCodec for Logical {
    fn try_decode(&self, buf: &[u8], inputs: &[LogicalPlan], ctx: &TaskContext) -> Result<Extension> {
        self.0.try_decode(buf, inputs, ctx)
    }

    fn try_encode(&self, node: &Extension, buf: &mut Vec<u8>) -> Result<()> {
        self.0.try_encode(node, buf)
    }

    fn try_decode_table_provider(
        &self,
        buf: &[u8],
        table_ref: &TableReference,
        schema: SchemaRef,
        ctx: &TaskContext,
    ) -> Result<Arc<dyn TableProvider>> {
        match buf.strip_prefix(MARK) {
            Some(own) => Ok(Arc::new(Files::read(own, schema).map_err(to_theirs)?.0)),
            None => self.0.try_decode_table_provider(buf, table_ref, schema, ctx),
        }
    }

    fn try_encode_table_provider(
        &self,
        table_ref: &TableReference,
        node: Arc<dyn TableProvider>,
        buf: &mut Vec<u8>,
    ) -> Result<()> {
        match node.downcast_ref::<Files>() {
            Some(files) => {
                buf.extend_from_slice(MARK);
                buf.extend(files.write(None).map_err(to_theirs)?);
                Ok(())
            }
            None => self.0.try_encode_table_provider(table_ref, node, buf),
        }
    }

    fn try_decode_file_format(&self, buf: &[u8], ctx: &TaskContext) -> Result<Arc<dyn FileFormatFactory>> {
        self.0.try_decode_file_format(buf, ctx)
    }

    fn try_encode_file_format(&self, buf: &mut Vec<u8>, node: Arc<dyn FileFormatFactory>) -> Result<()> {
        self.0.try_encode_file_format(buf, node)
    }

    functions!();
}

/// Physical plans.
#[derive(Debug, Default)]
pub struct Physical(BallistaPhysicalExtensionCodec);

impl PhysicalExtensionCodec for Physical {
    fn try_decode(
        &self,
        buf: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        ctx: &TaskContext,
        proto_converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(own) = buf.strip_prefix(MARK) else { return self.0.try_decode(buf, inputs, ctx, proto_converter) };
        let damaged = || datafusion::common::internal_datafusion_err!("a plan node of ours is cut short");
        let (length, rest) = own.split_first_chunk::<8>().ok_or_else(damaged)?;
        let (schema, files) = rest.split_at_checked(u64::from_le_bytes(*length) as usize).ok_or_else(damaged)?;
        let schema = datafusion::arrow::ipc::reader::StreamReader::try_new(schema, None)?.schema();
        let (files, projection) = Files::read(files, schema).map_err(to_theirs)?;
        let [numbers] = inputs else { return Err(damaged()) };
        Ok(Arc::new(Reading::new(files, projection, numbers.clone())?))
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        buf: &mut Vec<u8>,
        proto_converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let Some(reading) = node.downcast_ref::<Reading>() else {
            return self.0.try_encode(node, buf, proto_converter);
        };
        let files = reading.files();
        let mut schema = datafusion::arrow::ipc::writer::StreamWriter::try_new(Vec::new(), files.schema())?;
        schema.finish()?;
        let schema = schema.into_inner()?;
        buf.extend_from_slice(MARK);
        buf.extend((schema.len() as u64).to_le_bytes());
        buf.extend(schema);
        buf.extend(files.write(reading.projection()).map_err(to_theirs)?);
        Ok(())
    }

    functions!();
}
