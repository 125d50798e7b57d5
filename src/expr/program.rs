//! Expressions made ready to run over batches: names resolved, types checked, common parts computed once.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use rustc_hash::FxHashMap;

use super::{Expr, ScalarFn, Value};
use crate::base::deep::deep;
use crate::base::schema::{in_layout, index_of};
use crate::base::{Error, Result, Token};

/// A list of expressions over one schema, ready to run. Parts with equal tokens are computed once for each batch, and
/// dropped after their last use.
#[derive(Clone, Debug)]
pub struct Program {
    steps: Vec<Step>,
    outputs: Vec<usize>,
    schema: SchemaRef,
    /// For each step, the last step (or output, counted on from the steps) that uses it.
    last_use: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Step {
    work: Work,
    expr: Expr,
}

#[derive(Clone, Debug)]
enum Work {
    Column(usize),
    Value(Value),
    Call(Arc<dyn ScalarFn>, Vec<usize>),
}

#[derive(Default)]
struct Compiler {
    steps: Vec<Step>,
    known: FxHashMap<Token, usize>,
    tokens: FxHashMap<super::tree::Part, Token>,
}

impl Program {
    /// Compiles `exprs` over columns of `schema`.
    ///
    /// # Errors
    /// `UnknownColumn`, `TypeMismatch`.
    pub fn new(exprs: &[Expr], schema: &Schema) -> Result<Program> {
        let mut compiler = Compiler::default();
        let mut outputs = Vec::with_capacity(exprs.len());
        let mut fields: Vec<FieldRef> = Vec::with_capacity(exprs.len());
        for expr in exprs {
            if !expr.is_rowwise() {
                let error = Error::unsupported("a function of other rows in this place").at_expr(expr);
                return Err(error.help("compute it with with_columns() first, and use the column that it gives"));
            }
            let folded = expr.fold_constants()?;
            let field = expr.to_field(schema)?;
            outputs.push(compiler.compile(&folded, schema)?);
            fields.push(Arc::new(field.as_ref().clone().with_name(expr.name().as_ref())));
        }
        let steps = compiler.steps;
        let mut last_use = vec![0; steps.len()];
        for (i, step) in steps.iter().enumerate() {
            if let Work::Call(_, args) = &step.work {
                args.iter().for_each(|&a| last_use[a] = i);
            }
        }
        outputs.iter().enumerate().for_each(|(k, &o)| last_use[o] = steps.len() + k);
        Ok(Program {
            steps,
            outputs,
            schema: Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())),
            last_use,
        })
    }

    /// The columns that come out.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The values for the rows of `batch`, one for each expression.
    ///
    /// # Errors
    /// Of the functions, with the expression.
    pub fn eval(&self, batch: &RecordBatch) -> Result<Vec<Value>> {
        let mut values: Vec<Option<Value>> = Vec::with_capacity(self.steps.len());
        for (i, step) in self.steps.iter().enumerate() {
            let value = match &step.work {
                Work::Column(index) => Value::Array(batch.column(*index).clone()),
                Work::Value(value) => value.clone(),
                Work::Call(func, args) => {
                    // an argument that is not used again is handed over, so that its memory is free after the call
                    let args: Vec<Value> = args
                        .iter()
                        .enumerate()
                        .filter_map(|(k, &a)| {
                            let last = self.last_use[a] == i && !args[k + 1..].contains(&a);
                            if last { values[a].take() } else { values[a].clone() }
                        })
                        .collect();
                    let result = func.eval(&args, batch.num_rows()).map_err(|e| e.at_expr(&step.expr))?;
                    // only what is constant for the types is a scalar, so that operands meet as they were checked
                    let columns = args.iter().any(|a| matches!(a, Value::Array(_)));
                    if columns { Value::Array(result.into_array(batch.num_rows())?) } else { result }
                }
            };
            values.push(Some(value));
        }
        Ok(self.outputs.iter().filter_map(|&o| values[o].clone()).collect())
    }

    /// The columns for the rows of `batch`.
    ///
    /// # Errors
    /// As [`eval`](Self::eval).
    pub fn run(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let columns: Vec<ArrayRef> =
            self.eval(batch)?.into_iter().map(|v| v.into_array(rows)).collect::<Result<_>>()?;
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(in_layout(&self.schema, &columns), columns, &options)?)
    }
}

impl Compiler {
    fn compile(&mut self, expr: &Expr, schema: &Schema) -> Result<usize> {
        let expr = expr.unaliased();
        let token = expr.token_with(&mut self.tokens);
        if let Some(&known) = self.known.get(&token) {
            return Ok(known);
        }
        let work = match expr {
            Expr::Column(name) => Work::Column(index_of(schema, name)?),
            Expr::Literal(scalar) => Work::Value(Value::Scalar(scalar.clone())),
            Expr::Alias(inner, _) => return self.compile(inner, schema),
            Expr::Call { func, args } => {
                let args = deep(|| args.iter().map(|a| self.compile(a, schema)).collect::<Result<Vec<_>>>())?;
                Work::Call(func.clone(), args)
            }
        };
        self.steps.push(Step { work, expr: expr.clone() });
        self.known.insert(token, self.steps.len() - 1);
        Ok(self.steps.len() - 1)
    }
}
