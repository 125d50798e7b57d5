//! Plans that are run to see what their operations do.

use std::time::{Duration, Instant};

use super::Session;
use crate::base::Result;
use crate::graph::Payload;
use crate::plan::lower::resolve;
use crate::plan::rules::optimise;
use crate::plan::{Meter, Plan};

/// A plan that has run: what a plan depends on runs first, as a step of its own.
pub(crate) struct Step {
    /// The plan as it ran.
    pub plan: Plan,
    /// What its operations did.
    pub meter: Meter,
    /// How long it took.
    pub wall: Duration,
}

impl Session {
    /// Runs a plan for its figures: results are dropped as they come. The last step is the plan itself.
    ///
    /// # Errors
    /// As [`start`](Self::start), and of the tasks.
    pub(crate) fn analyse(&self, plan: &Plan) -> Result<Vec<Step>> {
        self.only_here("the figures of operations")?;
        let mut steps = Vec::new();
        self.measured(plan, Some(self.threads() + 1), &mut steps, &mut |_| ())?;
        Ok(steps)
    }

    fn measured(
        &self,
        plan: &Plan,
        window: Option<usize>,
        steps: &mut Vec<Step>,
        take: &mut dyn FnMut(Payload),
    ) -> Result<()> {
        // small results, which all are wanted at once, may be the rows that others draw from
        let origins = window.is_none();
        let resolved = resolve(&optimise(plan, origins)?, &mut |first| {
            let mut results = Vec::new();
            self.measured(first, None, steps, &mut |result| results.push(result))?;
            Ok(results)
        })?;
        let plan = optimise(&resolved, origins)?;
        let meter = Meter::new(&plan);
        let begun = Instant::now();
        for result in self.submit(&plan, window, Some(&meter))? {
            take(result?);
        }
        steps.push(Step { plan, meter, wall: begun.elapsed() });
        Ok(())
    }
}
