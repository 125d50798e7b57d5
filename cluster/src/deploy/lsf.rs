//! LSF: `bsub`, `bjobs`, `bkill`.

use std::path::Path;

use partita::{Error, Result};

use crate::deploy::jobs::JobStatus;
use crate::deploy::reserve::JobClusterBuilder;
use crate::deploy::system::{Reservation, System, listed, quoted, said};

/// The units in which LSF may count memory.
const UNITS: [&str; 5] = ["KB", "MB", "GB", "TB", "PB"];

/// The workload manager LSF.
#[derive(Clone, Copy, Debug)]
pub enum Lsf {}

impl JobClusterBuilder<Lsf> {
    /// In which unit LSF counts memory here: `KB`, `MB`, `GB`, `TB` or `PB`. By default what `LSF_UNIT_FOR_LIMITS` is in
    /// `lsf.conf` (looked up when a job is submitted), else `KB`, as in LSF itself.
    ///
    /// # Errors
    /// `Invalid` for another word.
    pub fn memory_unit(mut self, unit: &str) -> Result<Self> {
        let known = UNITS.into_iter().find(|known| known.eq_ignore_ascii_case(unit));
        let unknown = || Error::invalid(format!("`{unit}` is no unit of memory")).help("KB, MB, GB, TB and PB are");
        self.reservation.memory_unit = Some(known.ok_or_else(unknown)?.to_string());
        Ok(self)
    }
}

impl System for Lsf {
    const NAME: &'static str = "LSF";
    const CLUSTER: &'static str = "LsfCluster";
    const SUBMIT: &'static [&'static str] = &["bsub"];
    const CANCEL: &'static str = "bkill";
    const DIRECTIVE: &'static str = "#BSUB";
    const JOB: &'static str = "LSB_JOBID";

    fn directives(reservation: &Reservation) -> Vec<String> {
        let Reservation { job_name, queue, project, cores, memory, memory_unit, walltime, .. } = reservation;
        let mut lines = vec![format!("-J {}", quoted(job_name))];
        lines.extend(queue.as_ref().map(|queue| format!("-q {}", quoted(queue))));
        lines.extend(project.as_ref().map(|project| format!("-P {}", quoted(project))));
        lines.extend([format!("-n {cores}"), "-R \"span[hosts=1]\"".to_string()]);
        let unit = memory_unit.as_deref().unwrap_or(UNITS[0]);
        lines.extend(memory.map(|memory| format!("-M {}", size(memory.0, unit))));
        // hours and minutes: what is begun counts
        let minutes = walltime.as_secs().div_ceil(60);
        lines.push(format!("-W {:02}:{:02}", minutes / 60, minutes % 60));
        lines.push(format!(
            "-o {}",
            quoted(reservation.log_directory.join(Self::log(reservation).replace('%', "%J")).display())
        ));
        lines
    }

    fn submitted(answer: &str) -> Option<String> {
        // Job <4711> is submitted to queue <normal>.
        said(answer.split_once("Job <")?.1.split('>').next()?)
    }

    fn question(jobs: &[String]) -> Vec<String> {
        let fields = "jobid stat start_time pend_reason exec_host delimiter='|'";
        ["bjobs", "-a", "-noheader", "-o", fields].map(String::from).into_iter().chain(jobs.iter().cloned()).collect()
    }

    fn answer(told: &str) -> Vec<JobStatus> {
        listed(told)
    }

    fn log(reservation: &Reservation) -> String {
        format!("{}-%.log", reservation.job_name)
    }

    fn settle(reservation: &mut Reservation) {
        if reservation.memory_unit.is_none() {
            let folder = std::env::var_os("LSF_ENVDIR").unwrap_or_else(|| "/etc".into());
            let text = std::fs::read_to_string(Path::new(&folder).join("lsf.conf")).unwrap_or_default();
            reservation.memory_unit = unit(&text);
        }
    }
}

/// What `lsf.conf` says of the unit.
fn unit(conf: &str) -> Option<String> {
    let value = |line: &str| {
        Some(line.trim().strip_prefix("LSF_UNIT_FOR_LIMITS")?.trim().strip_prefix('=')?.trim().to_ascii_uppercase())
    };
    conf.lines().filter_map(value).find(|unit| UNITS.contains(&unit.as_str()))
}

/// A number of bytes in a unit, rounded up.
fn size(bytes: u64, unit: &str) -> u64 {
    let power = UNITS.iter().position(|known| *known == unit).unwrap_or(0) as u32 + 1;
    bytes.div_ceil(1024u64.pow(power))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let jobs = Lsf::answer("7|PEND|-|New job is waiting for scheduling;|-\n8|RUN|Jan  5 10:00|-|40*n1\n");
        assert_eq!((jobs[0].id.as_str(), jobs[0].state.as_str(), jobs[0].start.as_deref()), ("7", "PEND", None));
        assert_eq!(jobs[0].reason.as_deref(), Some("New job is waiting for scheduling;"));
        assert_eq!((jobs[1].nodes.as_deref(), jobs[1].start.as_deref()), (Some("40*n1"), Some("Jan  5 10:00")));
        assert_eq!(Lsf::submitted("Job <4711> is submitted to queue <normal>.\n").as_deref(), Some("4711"));
    }

    #[test]
    fn memory_has_a_unit() {
        assert_eq!(unit("# x\nLSF_UNIT_FOR_LIMITS=mb\n").as_deref(), Some("MB"));
        assert_eq!(unit("LSF_UNIT_FOR_LIMITS = stone\n"), None);
        assert_eq!((size(90_000_000_000, "KB"), size(90_000_000_000, "GB")), (87_890_625, 84));
    }
}
