//! What `visualize()` gives: choices, then SVG, DOT or a file.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::{Direction, Drawing, State, Tasks};
use crate::base::disk::{self, LocalDisk};
use crate::base::{Error, Result, picture, shown};
use crate::graph::Key;

/// How much of a graph is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Every node.
    #[default]
    Whole,
    /// What does the same is one node.
    Collapsed,
}

/// Drawings of more nodes than this are made only for those who insist.
const MOST_NODES: usize = 1_000;

/// How many nodes the whole drawing of a view would have.
type Count<V> = dyn Fn(&V) -> Result<usize> + Send + Sync;
/// The drawing of a view.
type Draw<V> = dyn Fn(&V, Detail) -> Result<Drawing> + Send + Sync;
/// How far a task is.
type StateOf = dyn Fn(Key) -> Option<State> + Send + Sync;

/// A picture of a graph that is made when it is asked for: as SVG for people and browsers, as DOT for Graphviz, or as a
/// file. `V` is what there is to be seen of the thing; many things have one view.
///
/// It reads from what is needed to what needs it: top down, or [`left_to_right`](Self::left_to_right). Functions are round,
/// data are boxes, results have strong borders, and colours tell operations apart.
///
/// ```
/// use partita::graph::draw::{Drawing, Kind, Node, Visualize};
///
/// let visualize = Visualize::new(|_| {
///     let mut drawing = Drawing::new("hello");
///     let hello = drawing.add(Node::new(Kind::Function, "hello"));
///     let world = drawing.add(Node::new(Kind::Result, "world"));
///     drawing.connect(hello, world);
///     Ok(drawing)
/// });
/// assert!(visualize.left_to_right().dot()?.contains("n0 -> n1"));
/// # Ok::<(), partita::Error>(())
/// ```
pub struct Visualize<V = ()> {
    count: Option<Arc<Count<V>>>,
    draw: Arc<Draw<V>>,
    view: V,
    direction: Direction,
    detail: Detail,
    forced: bool,
    states: Option<Arc<StateOf>>,
}

impl Visualize {
    /// The picture that `draw` gives.
    pub fn new(draw: impl Fn(Detail) -> Result<Drawing> + Send + Sync + 'static) -> Visualize {
        Visualize::of_views((), move |(), detail| draw(detail))
    }

    /// The picture of tasks.
    pub fn of_tasks(title: impl Into<String>, tasks: Tasks) -> Visualize {
        let (title, tasks) = (title.into(), Arc::new(tasks));
        let counted = tasks.clone();
        let visualize = Visualize::new(move |detail| Ok(tasks.drawing(&title, detail)));
        visualize.counted(move |()| Ok(counted.nodes()))
    }
}

impl Tasks {
    /// The drawing of the tasks, in this detail.
    pub fn drawing(&self, title: &str, detail: Detail) -> Drawing {
        match detail {
            Detail::Whole => self.whole(title),
            Detail::Collapsed => self.collapsed(title),
        }
    }
}

impl<V> Visualize<V> {
    /// The pictures that `draw` gives of several views, of which `view` is shown.
    pub fn of_views(view: V, draw: impl Fn(&V, Detail) -> Result<Drawing> + Send + Sync + 'static) -> Visualize<V> {
        let (direction, detail) = Default::default();
        Visualize { count: None, draw: Arc::new(draw), view, direction, detail, forced: false, states: None }
    }

    /// Says how many nodes the whole drawing of a view would have, so that one that is too big need not be made to be refused.
    #[must_use]
    pub fn counted(mut self, count: impl Fn(&V) -> Result<usize> + Send + Sync + 'static) -> Self {
        self.count = Some(Arc::new(count));
        self
    }

    /// Shows this view.
    #[must_use]
    pub fn view(mut self, view: V) -> Self {
        self.view = view;
        self
    }

    /// To be read in this direction.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// What is needed stands to the left of what needs it, instead of above it.
    #[must_use]
    pub fn left_to_right(self) -> Self {
        self.direction(Direction::LeftRight)
    }

    /// What does the same at the same place of the graph is one node, "increment × 9,999". What is left may still be too much to
    /// be drawn: where each task has a name of its own, nothing does the same.
    #[must_use]
    pub fn collapsed(mut self) -> Self {
        self.detail = Detail::Collapsed;
        self
    }

    /// Draws graphs of more than 1,000 nodes too.
    #[must_use]
    pub fn force(mut self) -> Self {
        self.forced = true;
        self
    }

    /// Colours the tasks by how far they are; those of which nothing is known stay as they are.
    #[must_use]
    pub fn progress(mut self, state_of: impl Fn(Key) -> Option<State> + Send + Sync + 'static) -> Self {
        self.states = Some(Arc::new(state_of));
        self
    }

    /// The drawing itself.
    ///
    /// # Errors
    /// `Unsupported` when it has more than 1,000 nodes, collapsed or not, and is not forced; of what is drawn.
    pub fn drawing(&self) -> Result<Drawing> {
        if let (Some(count), Detail::Whole) = (&self.count, self.detail) {
            self.refuse(count(&self.view)?)?;
        }
        let mut drawing = (self.draw)(&self.view, self.detail)?;
        self.refuse(drawing.len())?;
        if let Some(states) = &self.states {
            drawing.colour(|key| states(key));
        }
        Ok(drawing)
    }

    /// Fails when so many nodes are too many.
    fn refuse(&self, nodes: usize) -> Result<()> {
        if self.forced || nodes <= MOST_NODES {
            return Ok(());
        }
        let (nodes, most) = (shown::count(nodes as u64), shown::count(MOST_NODES as u64));
        let error = Error::unsupported(format!("a drawing of {nodes} nodes, more than {most},")).doing("visualize");
        Err(match self.detail {
            Detail::Whole => error.help("collapsed() draws what does the same as one, force() all of it"),
            Detail::Collapsed => error.help("draw all of it with force()"),
        })
    }

    /// The picture as SVG: one self-contained text, for light and dark surroundings.
    ///
    /// # Errors
    /// As [`drawing`](Self::drawing).
    pub fn svg(&self) -> Result<String> {
        Ok(self.drawing()?.svg(self.direction))
    }

    /// The graph in the language of Graphviz.
    ///
    /// # Errors
    /// As [`drawing`](Self::drawing).
    pub fn dot(&self) -> Result<String> {
        Ok(self.drawing()?.dot(self.direction))
    }

    /// Writes the picture as a file: `.svg`, `.png` (with the feature `png`) or `.dot` by the end of its name. A file that is
    /// there is replaced at once and as a whole.
    ///
    /// # Errors
    /// `Invalid` when the name ends otherwise; `Io`; `Unsupported` for PNG without the feature; as [`drawing`](Self::drawing).
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let ending = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        let text = match ending.as_deref() {
            Some("svg" | "png") => return picture::write(&self.svg()?, path),
            Some("dot" | "gv") => self.dot()?,
            _ => {
                let error = Error::invalid("it is not known what to write").doing("write").at_path(path.display());
                return Err(error.help("let the name end in .svg or .png for a picture, or in .dot for Graphviz"));
            }
        };
        let written = disk::replace(&LocalDisk, path, text.as_bytes());
        written.map_err(|e| Error::io(path.display(), e).doing("write"))
    }
}

impl<V: Clone> Clone for Visualize<V> {
    fn clone(&self) -> Self {
        Visualize {
            count: self.count.clone(),
            draw: self.draw.clone(),
            view: self.view.clone(),
            states: self.states.clone(),
            ..*self
        }
    }
}

impl<V> fmt::Display for Visualize<V> {
    /// What it would be a picture of. Big ones are not made for that: of them there is the number of nodes that the whole has.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.count.as_ref().map(|count| count(&self.view));
        if let (Some(Ok(nodes)), true) = (&whole, self.forced || self.detail == Detail::Collapsed)
            && *nodes > MOST_NODES
        {
            let nodes = shown::count(*nodes as u64);
            let collapsed = if self.detail == Detail::Collapsed { ", collapsed" } else { "" };
            return write!(f, "<Visualize: {nodes} nodes{collapsed}>");
        }
        match self.drawing() {
            Ok(drawing) => {
                let (nodes, edges) = (drawing.len(), drawing.edges());
                write!(f, "<Visualize: {}, {nodes} nodes, {edges} edges>", drawing.title)
            }
            Err(error) => write!(f, "<Visualize: {error}>"),
        }
    }
}

impl<V> fmt::Debug for Visualize<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{ErrorKind, Token};
    use crate::graph::Label;
    use crate::graph::draw::{Kind, Node};

    fn many(count: usize) -> Visualize {
        let mut tasks = Tasks::new();
        for i in 0..count {
            tasks.add(Key::new(Token(1), i), &Label { name: "work".into(), partition: i as u32 }, &[]);
        }
        Visualize::of_tasks("many", tasks)
    }

    #[test]
    fn more_than_a_thousand_nodes_are_refused() {
        assert!(many(500).svg().is_ok());
        let error = many(501).svg().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }));
        assert_eq!(
            error.to_string(),
            "failed to visualize: a drawing of 1,002 nodes, more than 1,000, is not supported; \
             collapsed() draws what does the same as one, force() all of it"
        );
        assert_eq!(many(501).force().drawing().unwrap().len(), 1_002);
        assert_eq!(many(100_000).collapsed().drawing().unwrap().len(), 1);
        assert_eq!(many(3).to_string(), "<Visualize: many, 6 nodes, 3 edges>");
        assert_eq!(many(501).force().to_string(), "<Visualize: 1,002 nodes>");
        assert_eq!(many(501).collapsed().to_string(), "<Visualize: 1,002 nodes, collapsed>");
    }

    #[test]
    fn views_are_chosen() {
        let visualize = Visualize::of_views(1, |view, _| {
            let mut drawing = Drawing::new("");
            for _ in 0..*view {
                drawing.add(Node::new(Kind::Data, "x"));
            }
            Ok(drawing)
        });
        assert_eq!(visualize.clone().view(3).drawing().unwrap().len(), 3);
        assert_eq!(visualize.drawing().unwrap().len(), 1);
    }
}
