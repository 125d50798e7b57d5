//! Frames to delayed partitions and back, and what a client can compute.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;

use super::argument::Value;
use super::client::Client;
use super::content;
use super::future::Future;
use super::lazy::Delayed;
use super::node::{Node, NodeWork, graph};
use super::shared::shared_once;
use crate::base::{Error, ErrorKind, Identity, Result, Token, Tokenizer};
use crate::exec::{LiveOptions, LiveWork, TaskContext};
use crate::frame::{DataFrame, Table};
use crate::graph::Key;
use crate::io::{Batch, Batches, MemorySource, PartitionInfo, Scan, Source};
use crate::plan::lower::is_costly;
use crate::session::Session;

/// What a [`Client`] can compute in the background: frames and delayed values.
pub trait Collection: Clone {
    /// What comes of it.
    type Output: Value;

    /// Computes it in the background of a client.
    fn submit_to(&self, client: &Client) -> Future<Self::Output>;

    /// Starts computing it in a session, and gives at once one that stands for the results.
    ///
    /// # Errors
    /// When something is found wrong at once.
    fn persist_in(&self, session: &Session) -> Result<Self>;
}

impl<T: Value> Collection for Delayed<T> {
    type Output = T;

    fn submit_to(&self, client: &Client) -> Future<T> {
        Future::of(client.submission().call(&self.node))
    }

    fn persist_in(&self, session: &Session) -> Result<Self> {
        self.persist_with(session)
    }
}

impl Collection for DataFrame {
    type Output = Table;

    fn submit_to(&self, client: &Client) -> Future<Table> {
        let frame = self.in_session(client.session());
        let key = named_key("compute", &frame, 0);
        let work: LiveWork = Arc::new(move |_, ctx| content::keep(frame.compute_unless(&ctx.cancel)?, ctx));
        Future::of(client.live().add(key, &"compute".into(), &[], work, LiveOptions::default()))
    }

    fn persist_in(&self, session: &Session) -> Result<Self> {
        self.in_session(session).persist()
    }
}

/// The key of something that is made of a frame.
fn named_key(name: &str, frame: &DataFrame, part: usize) -> Key {
    let token = Token::of(|t| {
        t.str(name);
        t.token(frame.token());
        t.u64(part as u64);
    });
    Key::new(token, 0)
}

/// A frame of which all delayed partitions are computed together, because each needs what the others need: held, by the
/// session, as soon as one of them runs there.
#[derive(Default)]
struct Together(Mutex<Option<(Session, DataFrame)>>);

impl Together {
    fn held(&self, frame: &DataFrame, session: &Session) -> Result<DataFrame> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, frame)) = held.as_ref().filter(|(known, _)| known.is_same(session)) {
            return Ok(frame.clone());
        }
        let made = frame.in_session(session).persist()?;
        *held = Some((session.clone(), made.clone()));
        Ok(made)
    }
}

impl DataFrame {
    /// Its partitions, each as a delayed table, in order. Where rows come from several partitions of a file (after a
    /// join, a sort, a group-by), the first that is computed has all of them computed and held.
    ///
    /// ```
    /// let trips = partita::read_parquet("data/*.parquet")?;
    /// let rows: Vec<_> = trips.to_delayed()?.iter().map(|part| part.map(|t: partita::Table| t.num_rows())).collect();
    /// assert_eq!(partita::compute_all(rows)?.iter().sum::<usize>() as u64, trips.len()?);
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// When an operation is found wrong only now.
    pub fn to_delayed(&self) -> Result<Vec<Delayed<Table>>> {
        let together = is_costly(self.plan()).then(Arc::<Together>::default);
        let part = |i: usize| {
            let (frame, together) = (self.clone(), together.clone());
            let within = move |session: &Session| -> LiveWork {
                let (frame, together, session) = (frame.clone(), together.clone(), session.clone());
                Arc::new(move |_, ctx| {
                    let frame = match &together {
                        Some(together) => together.held(&frame, &session)?,
                        None => frame.in_session(&session),
                    };
                    content::keep(frame.partitions(i..i + 1)?.compute_unless(&ctx.cancel)?, ctx)
                })
            };
            let (key, work) = (named_key("partition", self, i), NodeWork::Within(Arc::new(within)));
            Delayed::of(Node::new(key, "partition".into(), Vec::new(), work))
        };
        Ok((0..self.npartitions()?).map(part).collect())
    }

    /// A frame whose partitions are these tables. The first is computed now, to see its schema, and kept; the others when
    /// they are needed. All must have that schema. What several of them need is computed once and held as long as there is
    /// the frame.
    ///
    /// # Errors
    /// Of the first one; `Invalid` when there are none.
    pub fn from_delayed(parts: impl IntoIterator<Item = Delayed<Table>>) -> Result<DataFrame> {
        let session = Session::current()?;
        let parts: Vec<Delayed<Table>> = parts.into_iter().collect();
        let mut parts = shared_once(&parts.iter().map(|part| part.node.clone()).collect::<Vec<_>>(), &session);
        let Some(first) = parts.first_mut() else {
            return Err(Error::invalid("a frame has at least one partition").doing("make a frame of delayed tables"));
        };
        let kept = Delayed::<Table>::of(first.clone()).persist_with(&session)?;
        let schema = kept.compute_with(&session)?.schema().clone();
        *first = kept.node;
        DataFrame::from_source(Arc::new(DelayedSource::new(schema, parts, &session)), &session)
    }
}

/// Partitions that are delayed tables.
struct DelayedSource {
    schema: SchemaRef,
    parts: Vec<Arc<Node>>,
    infos: Vec<PartitionInfo>,
    session: Session,
}

impl DelayedSource {
    fn new(schema: SchemaRef, parts: Vec<Arc<Node>>, session: &Session) -> DelayedSource {
        let info = |part: &Arc<Node>| PartitionInfo { rows: None, bytes: 0, origin: part.key_text() };
        DelayedSource { infos: parts.iter().map(info).collect(), schema, parts, session: session.clone() }
    }
}

impl Identity for DelayedSource {
    fn token(&self, t: &mut Tokenizer) {
        t.str("delayed");
        t.debug(&self.schema.fields());
        t.list(&self.parts, |t, part| {
            t.token(Token::of(|t| {
                t.token(part.key.token);
                t.u64(u64::from(part.key.index));
            }))
        });
    }
}

impl fmt::Debug for DelayedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DelayedSource({} partitions)", self.parts.len())
    }
}

impl Source for DelayedSource {
    fn describe(&self) -> String {
        match self.parts.len() {
            1 => "1 delayed table".to_string(),
            parts => format!("{parts} delayed tables"),
        }
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn partitions(&self) -> &[PartitionInfo] {
        &self.infos
    }

    fn read(&self, i: usize, scan: &Scan, ctx: &TaskContext) -> Result<Batches> {
        let part = self.parts.get(i).ok_or_else(|| Error::invalid(format!("there is no partition {i}")))?;
        let (graph, wanted) = graph(&[part], &self.session);
        let table: Table = content::take(self.session.run_graph(graph, wanted)?.get_unless(0, &ctx.cancel)?)?;
        if table.schema().fields() != self.schema.fields() {
            let what = format!("the delayed table {} has other columns than the first one", part.key_text());
            return Err(Error::new(ErrorKind::Schema { what }).help("make them alike with select() and astype()"));
        }
        let mut start = 0;
        let batches = table.into_batches().into_iter().map(|record| {
            let batch = Batch::new(record, i as u64, start);
            start += batch.rows() as u64;
            batch
        });
        MemorySource::new(self.schema.clone(), vec![batches.collect()]).read(0, scan, ctx)
    }
}
