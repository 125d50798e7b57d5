//! SLURM: `sbatch`, `squeue`, `scancel`.

use crate::deploy::jobs::JobStatus;
use crate::deploy::system::{Reservation, System, binary, clock, listed, quoted, said};

/// The workload manager SLURM.
#[derive(Clone, Copy, Debug)]
pub enum Slurm {}

impl System for Slurm {
    const NAME: &'static str = "SLURM";
    const CLUSTER: &'static str = "SlurmCluster";
    const SUBMIT: &'static [&'static str] = &["sbatch", "--parsable"];
    const CANCEL: &'static str = "scancel";
    const DIRECTIVE: &'static str = "#SBATCH";
    const JOB: &'static str = "SLURM_JOB_ID";

    fn directives(reservation: &Reservation) -> Vec<String> {
        let Reservation { job_name, queue, project, nodes, cores, memory, walltime, .. } = reservation;
        let mut lines = vec![format!("-J {}", quoted(job_name))];
        lines.extend(queue.as_ref().map(|queue| format!("-p {}", quoted(queue))));
        lines.extend(project.as_ref().map(|project| format!("-A {}", quoted(project))));
        // a task a node, which starts the processes there
        lines.extend([format!("-n {nodes}"), format!("-N {nodes}"), format!("--cpus-per-task={cores}")]);
        lines.extend(memory.map(|memory| format!("--mem={}", binary(memory.0, ["K", "M", "G"]))));
        lines.push(format!("-t {}", clock(*walltime)));
        lines.push(format!(
            "-o {}",
            quoted(reservation.log_directory.join(Self::log(reservation).replace('%', "%j")).display())
        ));
        lines
    }

    fn submitted(answer: &str) -> Option<String> {
        // with several clusters it is `number;cluster`; a site may say something before
        said(answer.trim().lines().last()?.split(';').next()?)
    }

    fn question(jobs: &[String]) -> Vec<String> {
        ["squeue", "-h", "-t", "all", "-o", "%i|%T|%S|%r|%N", "-j"]
            .map(String::from)
            .into_iter()
            .chain([jobs.join(",")])
            .collect()
    }

    fn answer(told: &str) -> Vec<JobStatus> {
        listed(told)
    }

    fn on_every_node(reservation: &Reservation) -> Option<String> {
        // newer ones do not take the number of cores from the job
        Some(format!("srun --ntasks-per-node=1 --cpus-per-task={} --export=ALL", reservation.cores))
    }

    fn log(reservation: &Reservation) -> String {
        format!("{}-%.log", reservation.job_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let told = "17|RUNNING|2026-01-05T10:00:00|None|n[1-2]\n18|PENDING|N/A|Resources|\nnonsense\n";
        let jobs = Slurm::answer(told);
        assert_eq!(jobs.len(), 2);
        assert_eq!((jobs[0].id.as_str(), jobs[0].state.as_str(), jobs[0].reason.as_deref()), ("17", "RUNNING", None));
        assert_eq!((jobs[0].nodes.as_deref(), jobs[0].start.as_deref()), (Some("n[1-2]"), Some("2026-01-05T10:00:00")));
        assert_eq!((jobs[1].start.as_deref(), jobs[1].reason.as_deref()), (None, Some("Resources")));
        assert_eq!(Slurm::submitted("4711;west\n").as_deref(), Some("4711"));
        assert_eq!(Slurm::submitted("\n"), None);
    }
}
