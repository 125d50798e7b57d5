//! The processes of a cluster: `partita-cluster scheduler`, `partita-cluster worker`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use partita::{ByteSize, Error, Result};
use partita_cluster::serve::{SchedulerOptions, WorkerOptions, end_with_parent, scheduler, worker};

const HELP: &str = "\
partita-cluster scheduler [--listen 127.0.0.1:50050] [--with-parent]
partita-cluster worker [--scheduler 127.0.0.1:50050] [--host 127.0.0.1] [--name NAME] [--threads N]
                       [--folder PATH] [--memory-limit 2GB] [--with-parent]

There is no authentication: whoever reaches these ports may read the files that the processes read and run plans.
They listen on the loopback unless told otherwise. --with-parent ends a process when its standard input does.
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let task = words.next().unwrap_or_default();
    let mut given = Given::read(words)?;
    match task.as_str() {
        "scheduler" => {
            let listen = given.parsed("--listen", "127.0.0.1:50050")?;
            given.done()?;
            scheduler(&SchedulerOptions { listen })
        }
        "worker" => {
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            let folder = std::env::temp_dir().join(format!("partita-worker-{}", std::process::id()));
            let options = WorkerOptions {
                scheduler: given.parsed("--scheduler", "127.0.0.1:50050")?,
                host: given.parsed("--host", "127.0.0.1")?,
                name: given.values.remove("--name"),
                threads: given.parsed("--threads", &threads.to_string())?,
                folder: given.parsed::<PathBuf>("--folder", &folder.to_string_lossy())?,
                memory_limit: given
                    .values
                    .remove("--memory-limit")
                    .map(|t| t.parse::<ByteSize>())
                    .transpose()?
                    .map(|b| b.0),
            };
            given.done()?;
            worker(&options)
        }
        _ => {
            print!("{HELP}");
            Ok(())
        }
    }
}

/// What was said on the command line.
struct Given {
    values: BTreeMap<String, String>,
}

impl Given {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Given> {
        let mut values = BTreeMap::new();
        while let Some(name) = words.next() {
            if name == "--with-parent" {
                end_with_parent();
                continue;
            }
            let value = words.next().ok_or_else(|| Error::invalid(format!("`{name}` needs a value")))?;
            values.insert(name, value);
        }
        Ok(Given { values })
    }

    fn parsed<T: std::str::FromStr>(&mut self, name: &str, otherwise: &str) -> Result<T> {
        let text = self.values.remove(name).unwrap_or_else(|| otherwise.to_string());
        text.parse().map_err(|_| Error::invalid(format!("`{text}` is no value of {name}")))
    }

    fn done(&self) -> Result<()> {
        match self.values.keys().next() {
            None => Ok(()),
            Some(name) => {
                Err(Error::invalid(format!("there is no option `{name}`")).help("partita-cluster help lists them"))
            }
        }
    }
}
