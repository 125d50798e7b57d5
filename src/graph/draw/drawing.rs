//! Nodes and edges, how they look, how far they are.

use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::{Direction, dot, svg};
use crate::graph::Key;

/// What a node is; its shape says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Something that is done: an ellipse, or a box with round ends where the text is long.
    Function,
    /// Something that is there: a box.
    Data,
    /// Something that was asked for: a box with a strong border.
    Result,
    /// Where data comes from: a drum.
    Source,
}

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Not begun.
    Pending,
    /// Begun.
    Running,
    /// Ended well, after so long.
    Done(Duration),
    /// Ended badly, after so long.
    Failed(Duration),
}

/// How far the tasks of a node are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Tasks not begun.
    pub pending: u64,
    /// Tasks begun.
    pub running: u64,
    /// Tasks that ended well.
    pub done: u64,
    /// Tasks that ended badly.
    pub failed: u64,
    /// How long those that have ended took together.
    pub took: Duration,
}

impl Progress {
    /// Counts a task.
    pub fn count(&mut self, state: State) {
        match state {
            State::Pending => self.pending += 1,
            State::Running => self.running += 1,
            State::Done(_) => self.done += 1,
            State::Failed(_) => self.failed += 1,
        }
        if let State::Done(took) | State::Failed(took) = state {
            self.took = self.took.saturating_add(took);
        }
    }

    /// All tasks that were counted.
    pub fn tasks(&self) -> u64 {
        self.pending + self.running + self.done + self.failed
    }

    /// The state of all of them as one: failed as soon as one has, done when all are.
    pub fn state(&self) -> State {
        match self {
            Progress { failed: 1.., .. } => State::Failed(self.took),
            Progress { running: 0, done: 0, .. } => State::Pending,
            Progress { running: 0, pending: 0, .. } => State::Done(self.took),
            _ => State::Running,
        }
    }
}

/// The place of a node in its drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(super) u32);

/// A node: a text in a shape.
#[derive(Clone, Debug)]
pub struct Node {
    pub(super) kind: Kind,
    pub(super) label: String,
    pub(super) class: Option<Arc<str>>,
    pub(super) note: Option<String>,
    pub(super) tooltip: Option<String>,
    pub(super) times: u64,
    pub(super) progress: Option<Progress>,
}

impl Node {
    /// A node of this kind, with this text in it.
    pub fn new(kind: Kind, label: impl Into<String>) -> Node {
        Node { kind, label: label.into(), class: None, note: None, tooltip: None, times: 1, progress: None }
    }

    /// What it belongs to: nodes of one class have one colour. Without, it is grey.
    #[must_use]
    pub fn class(mut self, class: impl Into<Arc<str>>) -> Node {
        self.class = Some(class.into());
        self
    }

    /// A small text below the label.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Node {
        self.note = Some(note.into());
        self
    }

    /// What is told of it to whoever points at it; its label, by default.
    #[must_use]
    pub fn tooltip(mut self, tooltip: impl Into<String>) -> Node {
        self.tooltip = Some(tooltip.into());
        self
    }

    /// It stands for so many that are alike.
    #[must_use]
    pub fn times(mut self, times: u64) -> Node {
        self.times = times;
        self
    }
}

/// An edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub from: u32,
    pub to: u32,
    /// How many it stands for.
    pub times: u64,
}

/// A picture of a graph: nodes and the edges between them, still without places. [`svg`](Self::svg) and
/// [`dot`](Self::dot) draw it. It should have no cycles; if it has, some edges run backwards.
///
/// ```
/// use partita::graph::draw::{Direction, Drawing, Kind, Node};
///
/// let mut drawing = Drawing::new("one and two");
/// let [one, two] = ["1", "2"].map(|text| drawing.add(Node::new(Kind::Data, text)));
/// let add = drawing.add(Node::new(Kind::Function, "add").class("add"));
/// drawing.connect(one, add);
/// drawing.connect(two, add);
/// assert!(drawing.svg(Direction::TopDown).starts_with("<svg "));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Drawing {
    pub(super) title: String,
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
    /// Whose state the nodes show.
    shown: Vec<(Key, u32)>,
}

impl Drawing {
    /// An empty drawing; its title is for those who cannot see it.
    pub fn new(title: impl Into<String>) -> Drawing {
        Drawing { title: title.into(), ..Drawing::default() }
    }

    /// Adds a node.
    pub fn add(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        NodeId(self.nodes.len() as u32 - 1)
    }

    /// Adds an edge.
    pub fn connect(&mut self, from: NodeId, to: NodeId) {
        self.connect_times(from, to, 1);
    }

    /// Adds an edge that stands for `times` edges. An edge from a node to itself is not drawn.
    pub fn connect_times(&mut self, from: NodeId, to: NodeId, times: u64) {
        debug_assert!(from.0.max(to.0) < self.nodes.len() as u32, "nodes of another drawing");
        if from != to && from.0.max(to.0) < self.nodes.len() as u32 {
            self.edges.push(Edge { from: from.0, to: to.0, times });
        }
    }

    /// The node is to show how far the task of this result is. A node may show many tasks, and several nodes the same.
    pub fn shows(&mut self, node: NodeId, key: Key) {
        self.shown.push((key, node.0));
    }

    /// Asks for the state of every result that is shown, and colours the nodes by it: what is not begun is pale, what runs has a
    /// strong border, what is done its colour, what has failed is red. Results without a state are left as they are.
    pub fn colour(&mut self, state_of: impl Fn(Key) -> Option<State>) {
        let mut counted: FxHashMap<u32, Progress> = FxHashMap::default();
        for &(key, node) in &self.shown {
            if let Some(state) = state_of(key) {
                counted.entry(node).or_default().count(state);
            }
        }
        for (at, progress) in counted {
            if let Some(node) = self.nodes.get_mut(at as usize) {
                node.progress = Some(progress);
            }
        }
    }

    /// Sets how far a node is, for those who have no keys.
    pub fn set_progress(&mut self, node: NodeId, progress: Progress) {
        if let Some(node) = self.nodes.get_mut(node.0 as usize) {
            node.progress = Some(progress);
        }
    }

    /// The number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The number of edges that are drawn; each may stand for many.
    pub fn edges(&self) -> usize {
        self.edges.len()
    }

    /// The picture as SVG: one self-contained text, for light and for dark surroundings, with everything it says as text. Its
    /// style sheet concerns only what is in an element of the class `partita-graph`, so that it may stand inside a page.
    pub fn svg(&self, direction: Direction) -> String {
        svg::write(self, direction)
    }

    /// The graph in the language of Graphviz.
    pub fn dot(&self, direction: Direction) -> String {
        dot::write(self, direction)
    }

    /// The colour of each node, by its class, in the order in which classes first appear.
    pub(super) fn colours(&self) -> Vec<usize> {
        let mut known: FxHashMap<&str, usize> = FxHashMap::default();
        let grey = super::palette::LIGHT.classes.len() - 1;
        let colours = self.nodes.iter().map(|node| match &node.class {
            Some(class) => {
                let next = known.len() % grey;
                *known.entry(class).or_insert(next)
            }
            None => grey,
        });
        colours.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Token;

    #[test]
    fn progress_is_one_state() {
        let second = Duration::from_secs(1);
        let of = |states: &[State]| {
            let mut progress = Progress::default();
            states.iter().for_each(|&s| progress.count(s));
            progress.state()
        };
        assert_eq!(of(&[State::Pending, State::Pending]), State::Pending);
        assert_eq!(of(&[State::Pending, State::Done(second)]), State::Running);
        assert_eq!(of(&[State::Done(second), State::Done(second)]), State::Done(2 * second));
        assert_eq!(of(&[State::Running, State::Failed(second)]), State::Failed(second));
    }

    #[test]
    fn nodes_are_coloured_by_the_states_of_their_tasks() {
        let mut drawing = Drawing::new("");
        let node = drawing.add(Node::new(Kind::Function, "f"));
        let other = drawing.add(Node::new(Kind::Function, "g"));
        (0..3).for_each(|i| drawing.shows(node, Key::new(Token(1), i)));
        drawing.shows(other, Key::new(Token(2), 0));
        drawing.colour(|key| (key.token == Token(1)).then_some(State::Done(Duration::from_secs(1))));
        let expected = Progress { done: 3, took: Duration::from_secs(3), ..Progress::default() };
        assert_eq!((drawing.nodes[0].progress, drawing.nodes[1].progress), (Some(expected), None));
    }
}
