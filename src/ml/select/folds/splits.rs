//! The splits of rows that are counted.

use crate::base::{Error, Result};
use crate::ml::select::permutation::Permutation;

/// What has to be known of all rows before they can be divided; nothing is filled in that nobody asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Rows.
    pub rows: u64,
    /// Rows of each class, by its number.
    pub classes: Vec<u64>,
    /// The numbers of the classes that occur, in the order of their first rows.
    pub order: Vec<usize>,
    /// Rows of each group, by its number: groups are numbered in rising order of their labels.
    pub groups: Vec<u64>,
}

/// Rows that follow each other.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stretch<'a> {
    /// The place of the first among all rows.
    pub first: u64,
    /// How many there are.
    pub rows: usize,
    /// How many rows of each class come before them.
    pub before: &'a [u64],
    /// The class of each.
    pub classes: &'a [u32],
    /// The group of each.
    pub groups: &'a [u32],
}

/// Rows in blocks, and for each split the blocks that it trains on and those that it tests on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Splits {
    ways: Ways,
    /// Rows of each block.
    rows: Vec<u64>,
    /// By split, then by block.
    roles: Vec<Vec<Role>>,
}

/// What a row of a block does in a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Trains,
    Tests,
    Rests,
}

/// What decides about a row's block.
#[derive(Clone, Debug, PartialEq)]
enum Ways {
    /// Its place: where blocks end.
    Place { ends: Vec<u64>, shuffle: Option<Permutation> },
    /// Its place among the rows of its class.
    Class { deal: Deal, shuffle: Vec<Permutation> },
    /// Its group: the block of each.
    Group(Vec<u32>),
}

/// Where the rows of each class go: a pure function of how many rows each class has. Rows may then be dealt one
/// partition after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deal {
    /// By class: the rank at which each fold's run of rows ends.
    pub(super) ends: Vec<Vec<u64>>,
}

impl Totals {
    /// The totals of these rows, given the class of each.
    pub fn of_classes(classes: &[u32]) -> Totals {
        let mut totals = Totals::default();
        totals.update(classes);
        totals
    }

    /// Counts rows, given the class of each.
    pub fn update(&mut self, classes: &[u32]) {
        self.rows += classes.len() as u64;
        for &class in classes {
            let class = class as usize;
            if class >= self.classes.len() {
                self.classes.resize(class + 1, 0);
            }
            if self.classes[class] == 0 {
                self.order.push(class);
            }
            self.classes[class] += 1;
        }
    }
}

impl Splits {
    /// Blocks that end at these places.
    pub(super) fn by_place(ends: Vec<u64>, shuffle: Option<Permutation>) -> Splits {
        let starts = std::iter::once(&0).chain(&ends);
        let rows = ends.iter().zip(starts).map(|(end, start)| end - start).collect();
        Splits { ways: Ways::Place { ends, shuffle }, rows, roles: Vec::new() }
    }

    /// Blocks that classes are dealt to; with a seed, the rows of each class are shuffled.
    pub(super) fn by_class(deal: Deal, folds: usize, seed: Option<u64>) -> Splits {
        let mut rows = vec![0; folds];
        for ends in &deal.ends {
            let starts = std::iter::once(&0).chain(ends);
            for (rows, (end, start)) in rows.iter_mut().zip(ends.iter().zip(starts)) {
                *rows += end - start;
            }
        }
        let of_class = |seed: u64| {
            let rows = deal.ends.iter().map(|ends| ends.last().copied().unwrap_or(0));
            rows.enumerate().map(|(c, n)| Permutation::new(crate::base::mixed(seed, c as u64), n)).collect()
        };
        let shuffle = seed.map(of_class).unwrap_or_default();
        Splits { ways: Ways::Class { deal, shuffle }, rows, roles: Vec::new() }
    }

    /// Blocks that groups belong to.
    pub(super) fn by_group(block_of: Vec<u32>, rows: Vec<u64>) -> Splits {
        Splits { ways: Ways::Group(block_of), rows, roles: Vec::new() }
    }

    /// Each block is tested on in one split, and trained on in all others.
    pub(super) fn each_held_out(mut self) -> Splits {
        let blocks = self.rows.len();
        let role = |split, block| if split == block { Role::Tests } else { Role::Trains };
        self.roles = (0..blocks).map(|split| (0..blocks).map(|block| role(split, block)).collect()).collect();
        self
    }

    /// These roles, by split and by block.
    pub(super) fn with_roles(mut self, roles: Vec<Vec<Role>>) -> Splits {
        self.roles = roles;
        self
    }

    /// The number of splits.
    pub fn len(&self) -> usize {
        self.roles.len()
    }

    /// The number of blocks.
    pub fn blocks(&self) -> usize {
        self.rows.len()
    }

    /// Whether a split trains on the rows of a block.
    pub fn trains(&self, split: usize, block: usize) -> bool {
        self.roles[split][block] == Role::Trains
    }

    /// Whether a split tests on the rows of a block.
    pub fn tests(&self, split: usize, block: usize) -> bool {
        self.roles[split][block] == Role::Tests
    }

    /// The rows that a split tests on.
    pub fn test_rows(&self, split: usize) -> u64 {
        (0..self.blocks()).filter(|block| self.tests(split, *block)).map(|block| self.rows[block]).sum()
    }

    /// The blocks of rows that follow each other, one after the other into `ids`.
    pub fn block_ids(&self, rows: &Stretch<'_>, ids: &mut Vec<u32>) {
        match &self.ways {
            Ways::Place { ends, shuffle: None } => {
                let mut at = rows.first;
                let last = at + rows.rows as u64;
                let first = ends.partition_point(|end| *end <= at);
                for (block, end) in ends.iter().enumerate().skip(first) {
                    let end = (*end).min(last);
                    ids.extend(std::iter::repeat_n(block as u32, (end - at) as usize));
                    at = end;
                }
            }
            Ways::Place { ends, shuffle: Some(shuffle) } => {
                let places = rows.first..rows.first + rows.rows as u64;
                let block = |place| ends.partition_point(|end| *end <= shuffle.at(place)) as u32;
                ids.extend(places.map(block));
            }
            Ways::Class { deal, shuffle } => {
                let mut ranks = rows.before.to_vec();
                ranks.resize(deal.ends.len(), 0);
                ids.extend(rows.classes.iter().map(|class| {
                    let class = *class as usize;
                    let rank = ranks[class];
                    ranks[class] += 1;
                    deal.fold_of(class, shuffle.get(class).map_or(rank, |shuffle| shuffle.at(rank)))
                }));
            }
            Ways::Group(block_of) => ids.extend(rows.groups.iter().map(|group| block_of[*group as usize])),
        }
    }

    /// The blocks of all rows, if only their places count.
    pub(super) fn ids_of_places(&self, rows: usize) -> Vec<u32> {
        let mut ids = Vec::with_capacity(rows);
        self.block_ids(&Stretch { rows, ..Stretch::default() }, &mut ids);
        ids
    }

    /// The blocks of all rows, given the class of each.
    pub fn ids_of_classes(&self, classes: &[u32]) -> Vec<u32> {
        let mut ids = Vec::with_capacity(classes.len());
        self.block_ids(&Stretch { rows: classes.len(), classes, ..Stretch::default() }, &mut ids);
        ids
    }
}

impl Deal {
    /// The fold of the row that has `rank` rows of its class before it.
    pub fn fold_of(&self, class: usize, rank: u64) -> u32 {
        self.ends[class].partition_point(|end| *end <= rank) as u32
    }
}

pub(super) fn expect_folds(folds: usize, rows: u64) -> Result<()> {
    if folds < 2 {
        return Err(Error::invalid(format!("cross-validation needs 2 folds or more, not {folds}")));
    }
    if (folds as u64) > rows {
        let help = match rows {
            0 => "look at what filters and samples leave, with len()",
            _ => "use fewer folds, or draw a larger sample",
        };
        return Err(Error::model(format!("{rows} rows cannot be divided into {folds} folds")).help(help));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::select::folds::{Cv, GroupKFold, IntoCv, KFold, StratifiedKFold, TimeSeriesSplit};
    use proptest::prelude::*;

    fn ways(k: usize) -> Vec<Cv> {
        vec![
            k.into_cv(),
            KFold::new(k).into_cv(),
            KFold::new(k).shuffle(5).into_cv(),
            StratifiedKFold::new(k).shuffle(5).into_cv(),
            GroupKFold::by("g", k).into_cv(),
            TimeSeriesSplit::new(k).gap(1).into_cv(),
        ]
    }

    proptest! {
        #[test]
        fn any_chunks_give_the_same_blocks(
            rows in prop::collection::vec((0..4_u32, 0..5_u32), 1..120),
            cuts in prop::collection::vec(0..120_usize, 0..4),
            k in 2..6_usize,
        ) {
            let (classes, groups): (Vec<u32>, Vec<u32>) = rows.into_iter().unzip();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(classes.len())).collect();
            cuts.extend([0, classes.len()]);
            cuts.sort_unstable();
            let mut totals = Totals::of_classes(&classes);
            totals.groups = groups.iter().fold(vec![0; 5], |mut sizes, g| {
                sizes[*g as usize] += 1;
                sizes
            });
            totals.groups.retain(|rows| *rows > 0);
            let numbers: Vec<u32> = groups.iter().map(|g| (0..*g).filter(|o| groups.contains(o)).count() as u32).collect();
            for cv in ways(k) {
                let Ok(splits) = cv.splits(&totals) else { continue };
                let ids_of = |cuts: &[usize]| {
                    let (mut ids, mut before) = (Vec::new(), vec![0_u64; 4]);
                    for cut in cuts.windows(2) {
                        let (first, last) = (cut[0], cut[1]);
                        let stretch = Stretch {
                            first: first as u64,
                            rows: last - first,
                            before: &before,
                            classes: &classes[first..last],
                            groups: &numbers[first..last],
                        };
                        splits.block_ids(&stretch, &mut ids);
                        classes[first..last].iter().for_each(|class| before[*class as usize] += 1);
                    }
                    ids
                };
                let ids = ids_of(&[0, classes.len()]);
                prop_assert_eq!(&ids_of(&cuts), &ids);
                prop_assert_eq!(ids.len(), classes.len());
                for split in 0..splits.len() {
                    let rows = |chosen: &dyn Fn(usize) -> bool| ids.iter().filter(|id| chosen(**id as usize)).count();
                    let tested = rows(&|block| splits.tests(split, block));
                    prop_assert_eq!(splits.test_rows(split), tested as u64);
                    prop_assert!(tested > 0 && rows(&|block| splits.trains(split, block)) > 0);
                }
            }
        }
    }
}
