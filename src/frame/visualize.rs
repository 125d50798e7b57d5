//! Pictures of frames.

use super::DataFrame;
use crate::base::Result;
use crate::graph::draw::{Tasks, Visualize};
use crate::plan::lower::first_of;
use crate::plan::{draw, lower};
use crate::session::Session;

/// What there is to see of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// The operations as they were written.
    #[default]
    Plan,
    /// The operations as they will run.
    Optimised,
    /// The tasks that run first, and what they give.
    Tasks,
}

impl DataFrame {
    /// A picture of what is to be computed: the plan as it was written, as it will run ([`View::Optimised`]) or the tasks
    /// of it ([`View::Tasks`]), as SVG, as DOT or as a file. Nothing is computed, and no program is needed.
    ///
    /// Tasks that depend on results of others that run first, as the second pass of `describe`, are not known yet.
    ///
    /// ```
    /// use partita::{View, col, read_parquet};
    ///
    /// let paid = read_parquet("data/*.parquet")?.filter(col("fare_amount").gt(0))?.count()?;
    /// let svg = paid.visualize().view(View::Optimised).left_to_right().svg()?;
    /// assert!(svg.contains("filter"));
    /// let dot = paid.visualize().view(View::Tasks).collapsed().dot()?;
    /// assert!(dot.starts_with("digraph"));
    /// # let folder = tempfile::tempdir().unwrap();
    /// # std::env::set_current_dir(&folder).unwrap();
    /// paid.visualize().write("paid.svg")?;
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// The picture is made when it is asked for; its errors are those of `explain`, and `Unsupported` for more than 1,000
    /// nodes, also collapsed, unless it is forced.
    pub fn visualize(&self) -> Visualize<View> {
        let (frame, counted) = (self.clone(), self.clone());
        let drawn = Visualize::of_views(View::default(), move |view, detail| {
            let name = frame.plan.op().name();
            Ok(match view {
                View::Plan => draw::drawing(&frame.plan, &format!("{name}: plan as written"), detail),
                View::Optimised => {
                    draw::drawing(&frame.session.optimised(&frame.plan)?, &format!("{name}: plan as it runs"), detail)
                }
                View::Tasks => tasks(&frame.session, &frame)?.drawing(&format!("{name}: tasks"), detail),
            })
        });
        drawn.counted(move |view| match view {
            View::Plan => Ok(draw::nodes(&counted.plan)),
            View::Optimised => Ok(draw::nodes(&counted.session.optimised(&counted.plan)?)),
            View::Tasks => Ok(tasks(&counted.session, &counted)?.nodes()),
        })
    }
}

/// The tasks that run first.
fn tasks(session: &Session, frame: &DataFrame) -> Result<Tasks> {
    let first = first_of(&session.optimised(&frame.plan)?)?;
    let lowered = lower(&session.optimised(&first)?, true)?;
    Ok(Tasks::of(&lowered.graph, &lowered.wanted))
}
