//! Parts of a plan that run in one place: operations of ours over files, or over rows that were brought together.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, DFSchemaRef, Result as Outcome};
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{
    Expr as TheirExpr, LogicalPlan, TableType, UserDefinedLogicalNode, UserDefinedLogicalNodeCore,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};
use partita::ops::portable::PortablePlan;
use partita::plan::Plan;
use partita::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::bridge::to_theirs;
use crate::work::{Working, numbers};

/// Operations that run in one place, and what they have from elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Piece {
    /// The operations.
    pub plan: PortablePlan,
    /// Which rows of each input there are where the operations run.
    pub needs: Vec<Need>,
}

/// Which rows of an input a task has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Need {
    /// Those of a partition.
    Apart,
    /// Those with the same keys, which are the last column, as bytes.
    Keys,
    /// All, which may be read several times, in the order of so many last columns.
    All(usize),
    /// All, once, in the order of so many last columns.
    Sorted(usize),
}

impl Piece {
    /// The piece that is a plan in which [`Given`](partita::ops::portable::Given) stands for its inputs.
    ///
    /// # Errors
    /// `Unsupported`, naming it, for what cannot be sent.
    pub fn new(plan: &Plan, needs: Vec<Need>) -> Result<Piece> {
        Ok(Piece { plan: PortablePlan::of(plan)?, needs })
    }

    /// All that it is, as bytes.
    ///
    /// # Errors
    /// Never in practice.
    pub fn write(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(Error::other)
    }

    /// What [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// `Invalid` for bytes that it did not write.
    pub fn read(bytes: &[u8]) -> Result<Piece> {
        serde_json::from_slice(bytes).map_err(|e| Error::invalid(e.to_string()).doing("read a part of a plan"))
    }
}

/// Some partitions of a piece over files, as a table.
#[derive(Clone, Debug)]
pub struct Files {
    piece: Piece,
    schema: SchemaRef,
    partitions: Range<usize>,
}

#[derive(Serialize, Deserialize)]
struct Sent {
    piece: Piece,
    partitions: Range<usize>,
}

impl Files {
    /// These partitions of a plan over files.
    ///
    /// # Errors
    /// `Unsupported`, naming it, for what cannot be sent.
    pub fn new(plan: &Plan, partitions: Range<usize>) -> Result<Files> {
        let piece = Piece::new(plan, Vec::new())?;
        Ok(Files { piece, schema: to_theirs::schema(plan.schema())?, partitions })
    }

    /// All that it is, but for its columns.
    ///
    /// # Errors
    /// Never in practice.
    pub fn write(&self) -> Result<Vec<u8>> {
        let sent = Sent { piece: self.piece.clone(), partitions: self.partitions.clone() };
        serde_json::to_vec(&sent).map_err(Error::other)
    }

    /// What [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// `Invalid` for bytes that it did not write.
    pub fn read(bytes: &[u8], schema: SchemaRef) -> Result<Files> {
        let sent: Sent = serde_json::from_slice(bytes).map_err(Error::other)?;
        Ok(Files { piece: sent.piece, schema, partitions: sent.partitions })
    }
}

#[async_trait]
impl TableProvider for Files {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[TheirExpr],
        _limit: Option<usize>,
    ) -> Outcome<Arc<dyn ExecutionPlan>> {
        let numbers = numbers(self.partitions.clone())?;
        let working = Working::new(self.piece.clone(), self.schema.clone(), projection.cloned(), vec![numbers])?;
        Ok(Arc::new(working))
    }
}

/// A piece over the rows of other plans.
#[derive(Clone, Debug)]
pub struct Meeting {
    piece: Piece,
    inputs: Vec<LogicalPlan>,
    schema: DFSchemaRef,
    text: Vec<u8>,
}

impl Meeting {
    /// The rows that a piece gives, which have these columns.
    ///
    /// # Errors
    /// For columns that DataFusion does not take.
    pub fn new(piece: Piece, inputs: Vec<LogicalPlan>, schema: &SchemaRef) -> Result<Meeting> {
        let schema = DFSchema::try_from(schema.clone()).map_err(crate::error::to_ours)?;
        let text = piece.write()?;
        Ok(Meeting { piece, inputs, schema: Arc::new(schema), text })
    }

    /// The piece.
    pub fn piece(&self) -> &Piece {
        &self.piece
    }
}

impl PartialEq for Meeting {
    fn eq(&self, other: &Meeting) -> bool {
        self.text == other.text && self.inputs == other.inputs
    }
}

impl Eq for Meeting {}

impl PartialOrd for Meeting {
    fn partial_cmp(&self, other: &Meeting) -> Option<Ordering> {
        self.text.partial_cmp(&other.text)
    }
}

impl Hash for Meeting {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
        self.inputs.hash(state);
    }
}

impl UserDefinedLogicalNodeCore for Meeting {
    fn name(&self) -> &str {
        "Partita"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        self.inputs.iter().collect()
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<TheirExpr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Partita: {} columns", self.schema.fields().len())
    }

    fn with_exprs_and_inputs(&self, _exprs: Vec<TheirExpr>, inputs: Vec<LogicalPlan>) -> Outcome<Self> {
        Ok(Meeting { inputs, ..self.clone() })
    }
}

/// How a scheduler plans what is ours.
#[derive(Debug)]
pub struct Planner;

#[async_trait]
impl QueryPlanner for Planner {
    async fn create_physical_plan(
        &self,
        logical: &LogicalPlan,
        state: &dyn Session,
    ) -> Outcome<Arc<dyn ExecutionPlan>> {
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(Planner)]);
        planner.create_physical_plan(logical, state).await
    }
}

#[async_trait]
impl ExtensionPlanner for Planner {
    async fn plan_extension(
        &self,
        _planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical: &[&LogicalPlan],
        physical: &[Arc<dyn ExecutionPlan>],
        _state: &dyn Session,
        _context: &PhysicalPlanningContext,
    ) -> Outcome<Option<Arc<dyn ExecutionPlan>>> {
        let Some(meeting) = node.as_any().downcast_ref::<Meeting>() else { return Ok(None) };
        let schema = Arc::new(meeting.schema.as_arrow().clone());
        Ok(Some(Arc::new(Working::new(meeting.piece.clone(), schema, None, physical.to_vec())?)))
    }
}
