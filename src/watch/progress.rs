//! A bar on the terminal.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar as Bar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::exec::{Event, Observer};

/// A progress bar on standard error, as Dask's: `[####    ] | 37% Completed | 309.35 ms`. It shows runs that take
/// longer than a moment, one line each, and the time that is left.
#[derive(Default)]
pub struct ProgressBar {
    bars: Mutex<HashMap<u64, Shown>>,
}

struct Shown {
    bar: Bar,
    begun: Instant,
    ended: u64,
    visible: bool,
}

/// Runs shorter than this are not shown.
const MOMENT: Duration = Duration::from_millis(5);

impl ProgressBar {
    /// A bar for every run that it is told of.
    pub fn new() -> Self {
        ProgressBar::default()
    }
}

fn style() -> ProgressStyle {
    let template = "[{bar:40}] | {percent:>3}% Completed | {taken}{left}  {msg}";
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("## ")
        .with_key("taken", |s: &ProgressState, w: &mut dyn std::fmt::Write| {
            let _ = write!(w, "{}", shown(s.elapsed()));
        })
        .with_key("left", |s: &ProgressState, w: &mut dyn std::fmt::Write| {
            if s.pos() > 0 && !s.is_finished() {
                let _ = write!(w, ", {} left", shown(s.eta()));
            }
        })
}

/// A duration as Dask shows it: `309.35 ms`, `12.3 s`, `2m 5s`.
fn shown(d: Duration) -> String {
    match d.as_secs() {
        0 => format!("{:.2} ms", d.as_secs_f64() * 1e3),
        1..60 => format!("{:.1} s", d.as_secs_f64()),
        s => format!("{}m {}s", s / 60, s % 60),
    }
}

impl Observer for ProgressBar {
    fn notice(&self, event: &Event<'_>) {
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::RunStarted { run, tasks, .. } => {
                let bar = Bar::with_draw_target(Some(*tasks as u64), ProgressDrawTarget::hidden()).with_style(style());
                bars.insert(*run, Shown { bar, begun: Instant::now(), ended: 0, visible: false });
            }
            Event::TaskFinished { run, label, .. } => {
                let Some(shown) = bars.get_mut(run) else { return };
                shown.ended += 1;
                if !shown.visible && shown.begun.elapsed() > MOMENT {
                    shown.visible = true;
                    shown.bar.set_draw_target(ProgressDrawTarget::stderr());
                }
                shown.bar.set_message(label.name.to_string());
                shown.bar.set_position(shown.ended);
            }
            Event::RunFinished { run, failed } => {
                let Some(shown) = bars.remove(run) else { return };
                match failed {
                    true => shown.bar.abandon(),
                    false => shown.bar.finish(),
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_dask_shows_them() {
        assert_eq!(shown(Duration::from_micros(309_350)), "309.35 ms");
        assert_eq!(shown(Duration::from_millis(12_340)), "12.3 s");
        assert_eq!(shown(Duration::from_secs(125)), "2m 5s");
    }
}
