//! Queues of a few lines of shell, which speak as PBS and LSF do and run each job at once on this machine.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use partita_cluster::deploy::{JobCluster, JobClusterBuilder, Lsf, Pbs, SchedulerFile, System};
use partita_cluster::{Client, PbsCluster};

use crate::{PATIENCE, PROGRAM, TRIPS, names, same, until};

const SUBMIT: &str = r#"
folder=$(cd "$(dirname "$0")" && pwd)
number=$(($(cat "$folder/number" 2> /dev/null || echo 10) + 1))
echo "$number" > "$folder/number"
cat > "$folder/$number.sh"
grep -q "$ASKED" "$folder/$number.sh" || exit 1
env "$VARIABLE=$number.head" setsid bash "$folder/$number.sh" > "$folder/$number.out" 2>&1 < /dev/null &
echo $! > "$folder/$number.pid"
"#;
const CANCEL: &str = r#"
folder=$(cd "$(dirname "$0")" && pwd)
for job; do kill -TERM -- "-$(cat "$folder/${job%%.*}.pid")" || code=1; done
exit ${code:-0}
"#;

fn command(folder: &Path, name: &str, text: String) {
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/usr/bin/env bash\n{text}")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Two jobs, a third one, fewer, none.
fn whole_life<S: System>(folder: &Path, running: &str, more: impl Fn(JobClusterBuilder<S>) -> JobClusterBuilder<S>) {
    let builder = JobCluster::<S>::builder().queue("multiple").cores(2).threads(1).memory("256MB");
    let builder = builder.interface("lo").scheduler_file(folder.join("scheduler.json")).log_directory(folder);
    let builder = more(builder.local_directory(folder.join("place")).program(PROGRAM).commands(folder));
    let mut cluster = builder.start().unwrap();
    assert_eq!(cluster.status().unwrap().len(), cluster.jobs().len());
    cluster.scale(1).unwrap();
    let client = cluster.wait_for_scheduler(PATIENCE).unwrap();
    let each = cluster.workers();
    cluster.scale(2).unwrap();
    client.wait_for_workers(2 * each, PATIENCE).unwrap();
    same(&client, TRIPS.as_ref());
    let jobs = cluster.jobs().to_vec();
    let all = cluster.status().unwrap();
    assert!(all.iter().all(|job| job.state == running), "{all:?}");
    assert_eq!(all.iter().map(|job| &job.id).collect::<Vec<_>>(), jobs.iter().collect::<Vec<_>>());
    assert!(cluster.to_string().contains("2 jobs"), "{cluster}");
    cluster.scale(1).unwrap();
    until("the workers of a job that was ended take their leave", || names(&client).len() == each);
    until("a job has ended", || cluster.status().unwrap()[1].state == "ENDED");
    same(&client, TRIPS.as_ref());
    cluster.close().unwrap();
    until("nothing is left", || !folder.join("scheduler.json").exists());
    let gone = |job: &String| {
        let number = std::fs::read_to_string(folder.join(format!("{}.pid", job.split('.').next().unwrap()))).unwrap();
        !Path::new("/proc").join(number.trim()).join("cmdline").exists()
    };
    until("no job is left", || jobs.iter().all(gone));
}

/// The commands of PBS, in a folder.
fn pbs_in(at: &Path) {
    let first = "export ASKED='^#PBS -l select=1:ncpus=2:mem=245MB$' VARIABLE=PBS_JOBID";
    command(at, "qsub", format!("{first}\n{SUBMIT}\necho $number.head"));
    command(at, "qdel", CANCEL.into());
    let look = r#"
folder=$(cd "$(dirname "$0")" && pwd); shift
for job; do
    if kill -0 "$(cat "$folder/${job%%.*}.pid")" 2> /dev/null; then printf 'Job Id: %s\n    job_state = R\n' "$job"
    else echo "qstat: $job Job has finished" >&2; code=35; fi
done
exit ${code:-0}
"#;
    command(at, "qstat", look.into());
}

#[test]
fn pbs() {
    let folder = tempfile::tempdir().unwrap();
    pbs_in(folder.path());
    // two workers a job
    whole_life::<Pbs>(folder.path(), "RUNNING", |builder| builder.processes(2));
}

/// The folder of a cluster for a process that is killed with it.
const HELD: &str = "PARTITA_HELD";

#[test]
#[ignore = "is what another test kills"]
fn holds_a_job() {
    let folder = std::env::var(HELD).unwrap();
    let at = Path::new(&folder);
    let builder = PbsCluster::builder().cores(2).memory("256MB").interface("lo").commands(at);
    let builder = builder.scheduler_file(at.join("scheduler.json")).local_directory(at.join("place")).program(PROGRAM);
    let mut cluster = builder.log_directory(at).start().unwrap();
    cluster.scale(1).unwrap();
    std::thread::sleep(PATIENCE);
}

#[test]
fn a_program_that_is_killed_leaves_no_job() {
    let folder = tempfile::tempdir().unwrap();
    let (at, file) = (folder.path(), folder.path().join("scheduler.json"));
    pbs_in(at);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "queues::holds_a_job"]).env(HELD, at).stdout(Stdio::null());
    let mut holder = command.spawn().unwrap();
    SchedulerFile::wait(&file, PATIENCE).unwrap();
    Client::from_scheduler_file(&file).unwrap().wait_for_workers(1, PATIENCE).unwrap();
    holder.kill().unwrap();
    holder.wait().unwrap();
    until("the scheduler goes after its program", || !file.exists());
    let job = std::fs::read_to_string(at.join("11.pid")).unwrap();
    until("the job ends after its scheduler", || !Path::new("/proc").join(job.trim()).join("cmdline").exists());
}

#[test]
fn lsf_with_the_scheduler_in_a_job() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let first = "export ASKED='^#BSUB -M 250000$' VARIABLE=LSB_JOBID";
    command(at, "bsub", format!("{first}\n{SUBMIT}\necho \"Job <$number> is submitted to queue <multiple>.\""));
    command(at, "bkill", CANCEL.into());
    let look = r#"
folder=$(cd "$(dirname "$0")" && pwd); shift 4
for job; do kill -0 "$(cat "$folder/$job.pid")" 2> /dev/null && echo "$job|RUN|-|-|-"; done
"#;
    command(at, "bjobs", look.into());
    whole_life::<Lsf>(at, "RUN", |builder| builder.scheduler_in_job(true));
}
