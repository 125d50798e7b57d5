//! The command line of the taxi program.

use std::path::PathBuf;

use partita::{ByteSize, Error, Result, Scheduler, Session};

/// What the program is told.
pub struct Options {
    pub paths: Vec<String>,
    pub sample_frac: f64,
    pub seed: u64,
    pub all_rows: bool,
    pub one_hot: bool,
    pub scheduler: Option<Scheduler>,
    pub memory_limit: Option<String>,
    pub batch_rows: Option<usize>,
    pub block_size: Option<ByteSize>,
    pub fuse: bool,
    pub json: Option<PathBuf>,
    pub output: PathBuf,
    pub explain: bool,
    pub progress: bool,
    pub storage: Vec<(String, String)>,
}

const USAGE: &str = "usage: taxi [PATHS…] [options]

  PATHS                  Parquet or CSV files, folders, patterns or addresses (default: the sample in data/)
  --storage NAME=VALUE   how stores are reached (with the feature cloud): anon=true, endpoint=http://localhost:9000
  --sample-frac F        the fraction of the rows that the search sees (default 0.02)
  --seed N               the seed of the sample (default 42)
  --all-rows             search over all rows
  --one-hot              let the model see the one-hot columns too
  --threads N            how many threads (default: one for each core)
  --scheduler NAME       threads or synchronous
  --memory-limit SIZE    for example 512MB
  --batch-rows N         rows of a batch; the answer does not depend on it
  --block-size SIZE      bytes of a CSV partition; the answer does not depend on it
  --no-fuse              every operation a task of its own; the answer does not depend on it
  --json FILE            write the answers to a file
  --output FOLDER        where the model and pictures go (default: partita-taxi among temporary files)
  --explain              show the plan
  --no-progress          no progress bar";

impl Options {
    /// The options in `args`.
    pub fn parse(args: impl Iterator<Item = String>) -> Result<Options> {
        let mut options = Options {
            paths: Vec::new(),
            sample_frac: 0.02,
            seed: 42,
            all_rows: false,
            one_hot: false,
            scheduler: None,
            memory_limit: None,
            batch_rows: None,
            block_size: None,
            fuse: true,
            json: None,
            output: std::env::temp_dir().join("partita-taxi"),
            explain: false,
            progress: true,
            storage: Vec::new(),
        };
        let mut args = args;
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| Error::invalid(format!("{arg} needs a value")).help(USAGE));
            match arg.as_str() {
                "--sample-frac" => options.sample_frac = number(&arg, value()?)?,
                "--seed" => options.seed = number(&arg, value()?)?,
                "--all-rows" => options.all_rows = true,
                "--one-hot" => options.one_hot = true,
                "--threads" => options.scheduler = Some(Scheduler::Threads(number(&arg, value()?)?)),
                "--scheduler" => match value()?.as_str() {
                    "synchronous" => options.scheduler = Some(Scheduler::Synchronous),
                    "threads" => {}
                    other => return Err(Error::invalid(format!("there is no scheduler {other}")).help(USAGE)),
                },
                "--memory-limit" => options.memory_limit = Some(value()?),
                "--batch-rows" => options.batch_rows = Some(number(&arg, value()?)?),
                "--block-size" => options.block_size = Some(value()?.parse()?),
                "--no-fuse" => options.fuse = false,
                "--output" => options.output = value()?.into(),
                "--json" => options.json = Some(value()?.into()),
                "--storage" => {
                    let pair = value()?;
                    let (name, value) =
                        pair.split_once('=').ok_or_else(|| Error::invalid(format!("{pair} is no NAME=VALUE")))?;
                    options.storage.push((name.to_string(), value.to_string()));
                }
                "--explain" => options.explain = true,
                "--no-progress" => options.progress = false,
                "--help" | "-h" => {
                    println!("{USAGE}");
                    std::process::exit(0);
                }
                flag if flag.starts_with("--") => {
                    return Err(Error::invalid(format!("there is no option {flag}")).help(USAGE));
                }
                path => options.paths.push(path.to_string()),
            }
        }
        if options.paths.is_empty() {
            options.paths.push(concat!(env!("CARGO_MANIFEST_DIR"), "/data/trips.parquet").to_string());
        }
        options.paths.sort();
        Ok(options)
    }

    /// The session that these options ask for.
    pub fn session(&self) -> Result<Session> {
        let mut builder = Session::builder().progress(self.progress).fuse(self.fuse);
        if let Some(scheduler) = self.scheduler {
            builder = builder.scheduler(scheduler);
        }
        if let Some(limit) = &self.memory_limit {
            builder = builder.memory_limit(limit.as_str());
        }
        for (scheme, _) in self.paths.iter().filter_map(|path| path.split_once("://")) {
            builder = builder.storage_options(scheme, self.storage.clone());
        }
        if let Some(rows) = self.batch_rows {
            builder = builder.batch_rows(rows);
        }
        builder.build()
    }
}

fn number<T: std::str::FromStr>(option: &str, text: String) -> Result<T> {
    text.parse().map_err(|_| Error::invalid(format!("{option} needs a number, not `{text}`")).help(USAGE))
}
