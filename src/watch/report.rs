//! A profile as one page for a browser: nothing else is needed to look at it, no network either.

use std::time::SystemTime;

use rustc_hash::FxHashMap;
use serde_json::{Value, json};

use super::profile::Profile;
use super::record::{RunState, Sample, TaskSpan};
use super::trace::threads;
use crate::base::shown;

const PAGE: &str = include_str!("report/page.html");
const STYLE: &str = include_str!("report/page.css");
const SCRIPT: &str = include_str!("report/page.js");

/// So many tasks are drawn, the longest ones.
const MOST_TASKS: usize = 20_000;
/// So many samples are drawn.
const MOST_SAMPLES: usize = 1000;
/// So many runs are listed, the last ones.
const MOST_RUNS: usize = 100;

/// What a report is about, beside the profile.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// What stands above it.
    pub title: String,
    /// Which program it is about.
    pub program: String,
    /// Versions and settings: what, and its value.
    pub settings: Vec<(String, String)>,
    /// Drawings and what is written above them. They are trusted: SVG as it is to stand in the page.
    pub pictures: Vec<(String, String)>,
}

impl Profile {
    /// The profile as one page for a browser: summary, task stream, operations, memory and processors over time, runs,
    /// settings. It needs nothing but itself.
    pub fn to_html(&self, about: &About) -> String {
        let pictures = about
            .pictures
            .iter()
            .map(|(caption, svg)| format!("<figure><figcaption>{}</figcaption>{svg}</figure>", shown::markup(caption)));
        let pictures: String = pictures.collect();
        let data = in_script(&data(self, about).to_string());
        let title = shown::markup(&about.title);
        let parts = [
            ("title", title.as_str()),
            ("style", STYLE),
            ("pictures", pictures.as_str()),
            ("data", data.as_str()),
            ("script", SCRIPT),
        ];
        fill(PAGE, &parts)
    }
}

/// The page with `{{name}}` replaced, each once and in this order, so that nothing that was put in is looked at again.
fn fill(page: &str, parts: &[(&str, &str)]) -> String {
    let (mut out, mut rest) = (String::new(), page);
    for (name, value) in parts {
        if let Some((before, after)) = rest.split_once(&format!("{{{{{name}}}}}")) {
            out.push_str(before);
            out.push_str(value);
            rest = after;
        }
    }
    out + rest
}

/// JSON as it stands in a script: nothing in it can end the script.
fn in_script(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out
}

/// What the script of the page draws. Times are microseconds.
fn data(profile: &Profile, about: &About) -> Value {
    let places: FxHashMap<&str, usize> =
        profile.operations.iter().enumerate().map(|(i, o)| (&*o.operation, i)).collect();
    let rows = threads(&profile.tasks);
    let mut names: Vec<(usize, &String)> = rows.values().map(|(place, name)| (*place, name)).collect();
    names.sort();
    let drawn = longest(&profile.tasks);
    let tasks = drawn.iter().map(|t| {
        json!([
            places.get(&*t.operation).copied().unwrap_or(0),
            rows.get(&t.thread).map_or(0, |(place, _)| *place),
            micros(t.start.as_nanos()),
            micros(t.end.saturating_sub(t.start).as_nanos()),
            t.partition,
            t.bytes,
            t.rows.map_or(-1, |rows| i64::try_from(rows).unwrap_or(i64::MAX)),
            u8::from(t.failed),
            t.depth,
        ])
    });
    let operations = profile.operations.iter().map(|o| {
        json!({
            "name": &*o.operation, "done": o.done, "failed": o.failed, "rows": o.rows, "bytes": o.bytes,
            "busy": micros(o.busy.as_nanos()), "longest": micros(o.longest.as_nanos()),
        })
    });
    let failures = profile.failures.iter().take(MOST_RUNS).map(|f| {
        json!({
            "at": micros(f.at.as_nanos()), "operation": &*f.operation, "partition": f.partition, "error": f.error,
        })
    });
    let limit = profile.samples.last().map_or(0, |s| s.usage.limit);
    json!({
        "title": about.title,
        "subtitle": subtitle(profile, about),
        "wall": micros(profile.wall.as_nanos()),
        "cpu": profile.cpu().map(|cpu| micros(cpu.as_nanos())),
        "threads": profile.threads,
        "occupancy": profile.occupancy(),
        "ended": profile.ended(),
        "peak": profile.peak(),
        "limit": if limit == u64::MAX { 0 } else { limit },
        "resident": profile.resident(),
        "spilled": profile.spilled(),
        "read_back": profile.read_back(),
        "rows": names.into_iter().map(|(_, name)| name).collect::<Vec<_>>(),
        "tasks": tasks.collect::<Vec<_>>(),
        "omitted": profile.left_out + (profile.tasks.len() - drawn.len()) as u64,
        "operations": operations.collect::<Vec<_>>(),
        "samples": samples(profile),
        "runs": runs(profile),
        "failures": failures.collect::<Vec<_>>(),
        "settings": about.settings,
    })
}

fn subtitle(profile: &Profile, about: &About) -> String {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let when = chrono::DateTime::from_timestamp(i64::try_from(seconds).unwrap_or(0), 0);
    let when = when.map_or(String::new(), |at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string());
    let runs = profile.runs.len() as u64;
    let runs = format!("{} run{}", shown::count(runs), if runs == 1 { "" } else { "s" });
    [about.program.clone(), when, runs].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// The tasks that are drawn, in the order of their ends.
fn longest(tasks: &[TaskSpan]) -> Vec<&TaskSpan> {
    let mut drawn: Vec<&TaskSpan> = tasks.iter().collect();
    if drawn.len() > MOST_TASKS {
        drawn.sort_by_key(|t| std::cmp::Reverse(t.end.saturating_sub(t.start)));
        drawn.truncate(MOST_TASKS);
        drawn.sort_by_key(|t| t.number);
    }
    drawn
}

/// Of every k samples the one with the most memory, the first and the last; how many processors were busy since the one before.
fn samples(profile: &Profile) -> Vec<Value> {
    let every = profile.samples.len().div_ceil(MOST_SAMPLES).max(1);
    let (first, rest) = profile.samples.split_at(profile.samples.len().min(1));
    let (rest, last) = rest.split_at(rest.len().saturating_sub(1));
    let most = rest.chunks(every).filter_map(|some| some.iter().max_by_key(|s| s.usage.held));
    let mut before: Option<&Sample> = None;
    let mut out = Vec::new();
    for sample in first.iter().chain(most).chain(last) {
        let busy = before.and_then(|b| {
            let spent = sample.cpu?.checked_sub(b.cpu?)?;
            Some(spent.as_secs_f64() / sample.at.saturating_sub(b.at).as_secs_f64().max(1e-9))
        });
        let resident = sample.resident.map_or(-1, |r| i64::try_from(r).unwrap_or(i64::MAX));
        let at = micros(sample.at.as_nanos());
        let busy = busy.map_or(-1.0, |b| (b * 1000.0).round() / 1000.0);
        out.push(json!([at, sample.usage.held, sample.usage.spilled, resident, busy]));
        before = Some(sample);
    }
    // nothing is known about the time before the first
    if let [first, second, ..] = out.as_mut_slice() {
        first[4] = second[4].clone();
    }
    out
}

fn runs(profile: &Profile) -> Vec<Value> {
    let from = profile.runs.len().saturating_sub(MOST_RUNS);
    let run = profile.runs[from..].iter().map(|r| {
        let operations: Vec<String> =
            r.operations.iter().map(|o| format!("{} × {}", shown::count(o.planned), o.operation)).collect();
        json!({
            "run": r.run,
            "start": micros(r.start.as_nanos()),
            "took": r.end.map(|end| micros(end.saturating_sub(r.start).as_nanos())),
            "ended": r.ended(),
            "state": match r.state {
                RunState::Running => "running",
                RunState::Finished => "finished",
                RunState::Failed => "failed",
            },
            "operations": operations.join(", "),
        })
    });
    run.collect()
}

fn micros(nanoseconds: u128) -> f64 {
    (nanoseconds / 10) as f64 / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::Recorder;

    #[test]
    fn the_peak_is_in_the_curve() {
        let recorder = Recorder::new();
        for i in 0..5000u64 {
            let (held, peak) = (i % 3, if i < 2345 { 2 } else { 9_909_043 });
            recorder.sample(crate::exec::event::Usage { held, peak, ..Default::default() });
        }
        let profile = Profile::of(&recorder, 1);
        let drawn = samples(&profile);
        assert!(drawn.len() <= MOST_SAMPLES + 2, "{}", drawn.len());
        let most = drawn.iter().map(|s| s[1].as_u64().unwrap()).max();
        assert_eq!(most, Some(profile.peak()), "9.45 MiB on the card and in the curve");
    }

    #[test]
    fn what_is_put_in_is_not_looked_at_again() {
        let filled = fill("a {{x}} b {{y}} c", &[("x", "{{y}}"), ("y", "Y {{x}}")]);
        assert_eq!(filled, "a {{y}} b Y {{x}} c");
    }

    #[test]
    fn nothing_in_a_name_becomes_markup() {
        let evil = r#"</script><img src=x onerror="alert('1')">&"#;
        assert_eq!(super::shown::markup("<a b='c'>&\""), "&lt;a b=&#39;c&#39;&gt;&amp;&quot;");
        let text = in_script(&json!(evil).to_string());
        assert!(!text.contains(['<', '>', '&']), "{text}");
        let back: String = serde_json::from_str(&text).unwrap();
        assert_eq!(back, evil);
    }
}
