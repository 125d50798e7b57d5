//! PBS: `qsub`, `qstat`, `qdel`.

use crate::deploy::jobs::JobStatus;
use crate::deploy::system::{Reservation, System, binary, clock, quoted, said};

/// The workload manager PBS, of the OpenPBS kind.
#[derive(Clone, Copy, Debug)]
pub enum Pbs {}

impl System for Pbs {
    const NAME: &'static str = "PBS";
    const CLUSTER: &'static str = "PbsCluster";
    const SUBMIT: &'static [&'static str] = &["qsub"];
    const CANCEL: &'static str = "qdel";
    const DIRECTIVE: &'static str = "#PBS";
    const JOB: &'static str = "PBS_JOBID";

    fn directives(reservation: &Reservation) -> Vec<String> {
        let Reservation { job_name, queue, project, cores, memory, walltime, log_directory, .. } = reservation;
        let mut lines = vec![format!("-N {}", quoted(job_name))];
        lines.extend(queue.as_ref().map(|queue| format!("-q {}", quoted(queue))));
        lines.extend(project.as_ref().map(|project| format!("-A {}", quoted(project))));
        let memory = memory.map_or(String::new(), |memory| format!(":mem={}", binary(memory.0, ["KB", "MB", "GB"])));
        lines.push(format!("-l select=1:ncpus={cores}{memory}"));
        lines.push(format!("-l walltime={}", clock(*walltime)));
        // a folder: the name of the file is the job's number
        lines.push(format!("-j oe -o {}", quoted(format!("{}/", log_directory.display()))));
        lines
    }

    fn submitted(answer: &str) -> Option<String> {
        said(answer.lines().last()?)
    }

    fn question(jobs: &[String]) -> Vec<String> {
        ["qstat", "-f"].map(String::from).into_iter().chain(jobs.iter().cloned()).collect()
    }

    fn answer(told: &str) -> Vec<JobStatus> {
        // a line that begins with a tab goes on with the one before
        let told = told.replace("\n\t", "");
        let mut jobs: Vec<JobStatus> = Vec::new();
        for line in told.lines() {
            if let Some(id) = line.strip_prefix("Job Id:") {
                jobs.push(JobStatus::of(id.trim(), "Q"));
            } else if let (Some(job), Some((name, value))) = (jobs.last_mut(), line.split_once(" = ")) {
                match name.trim() {
                    "job_state" => job.state = value.trim().to_string(),
                    "comment" => job.reason = said(value),
                    "estimated.start_time" | "stime" => job.start = said(value),
                    "exec_host" => job.nodes = said(value),
                    _ => {}
                }
            }
        }
        for job in &mut jobs {
            job.state = word(&job.state).to_string();
        }
        jobs
    }

    fn log(_reservation: &Reservation) -> String {
        "%.OU".to_string()
    }
}

/// The word for a letter.
fn word(state: &str) -> &str {
    match state {
        "Q" => "QUEUED",
        "R" => "RUNNING",
        "E" => "ENDING",
        "F" | "C" => "ENDED",
        "H" => "HELD",
        "S" => "SUSPENDED",
        "W" => "WAITING",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let told = "Job Id: 12.head\n    Job_Name = partita-worker\n    job_state = Q\n    estimated.start_time = Mon Jan  5 10:00:00 2026\n    \
                    comment = Not Running: Insufficient amount of resource: ncp\n\tus\n\nJob Id: 13.head\n    job_state = R\n    \
                    exec_host = n1/0*40\n";
        let jobs = Pbs::answer(told);
        assert_eq!(jobs.len(), 2);
        assert_eq!((jobs[0].id.as_str(), jobs[0].state.as_str()), ("12.head", "QUEUED"));
        assert_eq!(jobs[0].reason.as_deref(), Some("Not Running: Insufficient amount of resource: ncpus"));
        assert_eq!(jobs[0].start.as_deref(), Some("Mon Jan  5 10:00:00 2026"));
        assert_eq!((jobs[1].state.as_str(), jobs[1].nodes.as_deref()), ("RUNNING", Some("n1/0*40")));
        assert_eq!(Pbs::submitted("12.head\n").as_deref(), Some("12.head"));
    }
}
