//! The processes that `mpirun` or `srun` starts: the first is the scheduler, the others are workers. No library of MPI is
//! needed: whoever starts processes tells each its number in its environment.

use partita::{Error, Result};

/// The variables in which Open MPI, MPICH and Intel MPI, PMIx and SLURM tell a process its number.
const RANK: [&str; 4] = ["OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID"];
/// Those in which they tell how many there are in all.
const ALL: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS"];
/// Those in which they tell how many there are on this machine.
const HERE: [&str; 3] = ["OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "SLURM_TASKS_PER_NODE"];

/// Which of the processes this one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rank {
    /// Its number, from 0.
    pub rank: usize,
    /// How many there are in all, if that is told.
    pub all: Option<usize>,
    /// How many there are on this machine, if that is told.
    pub here: Option<usize>,
}

impl Rank {
    /// That of this process.
    ///
    /// # Errors
    /// `Invalid` when nobody told it.
    pub fn of_this_process() -> Result<Rank> {
        Rank::told(|name| std::env::var(name).ok())
    }

    /// What variables say.
    fn told(variable: impl Fn(&str) -> Option<String>) -> Result<Rank> {
        // SLURM writes `2(x3)` for two on each of three nodes
        let number = |text: String| text.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
        let first = |names: &[&str]| names.iter().find_map(|name| number(variable(name)?));
        let rank: Option<usize> = first(&RANK);
        let rank = rank.ok_or_else(|| {
            let error = Error::invalid("nobody told this process its number").doing("start a cluster by MPI");
            error.help("start it by `mpirun -n 3 partita-cluster mpi …` or by srun")
        })?;
        Ok(Rank { rank, all: first(&ALL), here: first(&HERE) })
    }

    /// Whether all of them are on this machine.
    pub fn alone(&self) -> bool {
        self.all.is_some() && self.all == self.here
    }

    /// Which part of this machine's cores is meant for a worker: the scheduler needs none of its own.
    pub fn threads(&self, cores: usize) -> usize {
        let workers = self.here.unwrap_or(1) - usize::from(self.alone());
        (cores / workers.max(1)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pairs: &[(&str, &str)]) -> Result<Rank> {
        Rank::told(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string()))
    }

    #[test]
    fn processes_know_their_number() {
        let open = [("OMPI_COMM_WORLD_RANK", "1"), ("OMPI_COMM_WORLD_SIZE", "3"), ("OMPI_COMM_WORLD_LOCAL_SIZE", "3")];
        let rank = told(&open).unwrap();
        assert_eq!(rank, Rank { rank: 1, all: Some(3), here: Some(3) });
        assert!(rank.alone());
        assert_eq!((rank.threads(8), rank.threads(1)), (4, 1));
        let slurm = told(&[("SLURM_PROCID", "5"), ("SLURM_NTASKS", "6"), ("SLURM_TASKS_PER_NODE", "2(x3)")]).unwrap();
        assert_eq!((slurm.rank, slurm.alone(), slurm.threads(40)), (5, false, 20));
        assert_eq!(told(&[("PMI_RANK", "0")]).unwrap().threads(4), 4);
        assert!(told(&[]).unwrap_err().to_string().contains("mpirun"));
    }
}
