//! What of a plan is ours, as bytes and back; the rest is left to Ballista.

use std::sync::Arc;

use ballista_core::serde::{BallistaLogicalExtensionCodec, BallistaPhysicalExtensionCodec};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::ipc::reader::StreamReader;
use datafusion::arrow::ipc::writer::StreamWriter;
use datafusion::catalog::TableProvider;
use datafusion::common::{Result, TableReference};
use datafusion::datasource::file_format::FileFormatFactory;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{AggregateUDF, Extension, LogicalPlan, ScalarUDF, UserDefinedLogicalNodeCore};
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::logical_plan::LogicalExtensionCodec;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use serde::{Deserialize, Serialize};

use crate::error::to_theirs;
use crate::fold::{self, Folding};
use crate::key::{self, Key};
use crate::piece::{Files, Meeting, Piece};
use crate::work::Working;

/// What our plan nodes begin with.
const MARK: &[u8] = b"partita\0";

/// A step of a physical plan on its way.
#[derive(Serialize, Deserialize)]
struct Sent {
    piece: Piece,
    projection: Option<Vec<usize>>,
}

fn write_with_schema(schema: &SchemaRef, bytes: &[u8], buf: &mut Vec<u8>) -> Result<()> {
    let mut writer = StreamWriter::try_new(Vec::new(), schema)?;
    writer.finish()?;
    let schema = writer.into_inner()?;
    buf.extend((schema.len() as u64).to_le_bytes());
    buf.extend(schema);
    buf.extend(bytes);
    Ok(())
}

fn read_with_schema(own: &[u8]) -> Result<(SchemaRef, &[u8])> {
    let damaged = || datafusion::common::internal_datafusion_err!("a plan node of ours is cut short");
    let (length, rest) = own.split_first_chunk::<8>().ok_or_else(damaged)?;
    let (schema, rest) = rest.split_at_checked(u64::from_le_bytes(*length) as usize).ok_or_else(damaged)?;
    Ok((StreamReader::try_new(schema, None)?.schema(), rest))
}

fn write_udf(node: &ScalarUDF, buf: &mut Vec<u8>) -> bool {
    let own = node.inner().downcast_ref::<Key>();
    own.inspect(|own| buf.extend_from_slice(own.text().as_bytes())).is_some()
}

fn read_udf(buf: &[u8]) -> Result<Arc<ScalarUDF>> {
    Ok(Key::read(buf).map_err(to_theirs)?.into_udf())
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
            if name == key::NAME { read_udf(buf) } else { self.0.try_decode_udf(name, buf) }
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
        let Some(own) = buf.strip_prefix(MARK) else { return self.0.try_decode(buf, inputs, ctx) };
        let (schema, piece) = read_with_schema(own)?;
        let piece = Piece::read(piece).map_err(to_theirs)?;
        let meeting = Meeting::new(piece, inputs.to_vec(), &schema).map_err(to_theirs)?;
        Ok(Extension { node: Arc::new(meeting) })
    }

    fn try_encode(&self, node: &Extension, buf: &mut Vec<u8>) -> Result<()> {
        let Some(meeting) = node.node.as_any().downcast_ref::<Meeting>() else { return self.0.try_encode(node, buf) };
        buf.extend_from_slice(MARK);
        let schema = Arc::new(meeting.schema().as_arrow().clone());
        write_with_schema(&schema, &meeting.piece().write().map_err(to_theirs)?, buf)
    }

    fn try_decode_table_provider(
        &self,
        buf: &[u8],
        table_ref: &TableReference,
        schema: SchemaRef,
        ctx: &TaskContext,
    ) -> Result<Arc<dyn TableProvider>> {
        match buf.strip_prefix(MARK) {
            Some(own) => Ok(Arc::new(Files::read(own, schema).map_err(to_theirs)?)),
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
                buf.extend(files.write().map_err(to_theirs)?);
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
        let (schema, sent) = read_with_schema(own)?;
        let sent: Sent = serde_json::from_slice(sent).map_err(|e| to_theirs(partita::Error::other(e)))?;
        Ok(Arc::new(Working::new(sent.piece, schema, sent.projection, inputs.to_vec())?))
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        buf: &mut Vec<u8>,
        proto_converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let Some(working) = node.downcast_ref::<Working>() else {
            return self.0.try_encode(node, buf, proto_converter);
        };
        let projection = working.projection().map(<[usize]>::to_vec);
        let sent = Sent { piece: working.piece().clone(), projection };
        buf.extend_from_slice(MARK);
        write_with_schema(
            working.whole(),
            &serde_json::to_vec(&sent).map_err(|e| to_theirs(partita::Error::other(e)))?,
            buf,
        )
    }

    functions!();
}
