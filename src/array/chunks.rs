//! How a shape is cut into chunks: functions of values.

use std::fmt;
use std::sync::Arc;

use crate::base::{ByteSize, Error, Result};

/// The sizes of the chunks of an array along each axis.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Chunks(Arc<[Cut]>);

/// How one axis is cut.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
struct Cut {
    sizes: Arc<[usize]>,
    /// Where each chunk begins, and where the last one ends.
    starts: Arc<[usize]>,
}

impl FromIterator<usize> for Cut {
    fn from_iter<I: IntoIterator<Item = usize>>(sizes: I) -> Cut {
        let sizes: Arc<[usize]> = sizes.into_iter().collect();
        let ends = sizes.iter().scan(0usize, |sum, &size| {
            *sum = sum.saturating_add(size);
            Some(*sum)
        });
        Cut { starts: std::iter::once(0).chain(ends).collect(), sizes }
    }
}

impl Cut {
    fn len(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }
}

/// More elements than there are bytes of memory, or more chunks than can be counted, are a mistake.
pub(super) const MOST_CHUNKS: usize = 1 << 28;

/// How an array is to be cut: a number for all axes, one for each, the sizes themselves, a size in bytes, or by itself.
///
/// ```
/// use partita::array::ChunkSpec;
/// let auto = ChunkSpec::Auto.chunks(&[200_000, 4_000], 8)?; // about 128 MiB each
/// assert_eq!((auto.axis(0)[0], *auto.axis(0).last().unwrap(), auto.axis(1)), (4194, 2882, &[4000][..]));
/// let bytes = ChunkSpec::from("100 MiB").chunks(&[100_000, 100_000], 8)?;
/// assert_eq!((bytes.axis(0)[0], bytes.count()), (3620, 784));
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum ChunkSpec {
    /// About 128 MiB each, as square as may be (Dask's `"auto"`).
    #[default]
    Auto,
    /// So many elements along every axis.
    Every(usize),
    /// One chunk (Dask's `-1`).
    Whole,
    /// For each axis on its own.
    Axes(Vec<AxisChunks>),
    /// About so many bytes each, written as people do: `"100MB"`.
    Bytes(String),
}

/// How one axis is to be cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AxisChunks {
    /// So many elements each; the last may have fewer.
    Size(usize),
    /// These sizes.
    Sizes(Vec<usize>),
    /// Not at all (Dask's `-1`).
    Whole,
    /// As it fits the size in bytes.
    Auto,
}

/// The size of a chunk where none is given.
const AUTO: u64 = 128 << 20;

impl ChunkSpec {
    /// The chunks of an array of this shape, whose elements take so many bytes.
    ///
    /// # Errors
    /// `Invalid` for a number of axes that is not that of the shape, for sizes that do not add up to it, for chunks of
    /// nothing, and for a text that is no size.
    pub fn chunks(&self, shape: &[usize], item: usize) -> Result<Chunks> {
        let automatic = vec![AxisChunks::Auto; shape.len()];
        let (axes, bytes) = match self {
            ChunkSpec::Auto => (automatic, AUTO),
            ChunkSpec::Bytes(text) => (automatic, text.parse::<ByteSize>()?.0),
            ChunkSpec::Whole => (vec![AxisChunks::Whole; shape.len()], AUTO),
            ChunkSpec::Every(size) => (vec![AxisChunks::Size(*size); shape.len()], AUTO),
            ChunkSpec::Axes(axes) => (axes.clone(), AUTO),
        };
        if axes.len() != shape.len() {
            let what = format!("chunks are given for {} axes, the shape {shape:?} has {}", axes.len(), shape.len());
            return Err(Error::invalid(what));
        }
        fits(shape, item)?;
        let mut cut: Vec<Option<Cut>> = Vec::with_capacity(axes.len());
        for (axis, (how, &length)) in axes.iter().zip(shape).enumerate() {
            cut.push(match how {
                AxisChunks::Whole => Some(regular(length, length.max(1))?),
                AxisChunks::Size(0) => {
                    return Err(Error::invalid(format!("chunks of axis {axis} have some elements, not 0")));
                }
                AxisChunks::Size(size) => Some(regular(length, *size)?),
                AxisChunks::Sizes(sizes) if sizes.is_empty() => {
                    let what = format!("axis {axis} has no chunks, the shape has {length} elements there");
                    return Err(Error::invalid(what).help("an axis of no elements has one chunk, of 0"));
                }
                AxisChunks::Sizes(sizes) => {
                    let sum = sizes.iter().fold(0usize, |sum, size| sum.saturating_add(*size));
                    if sum != length {
                        let what =
                            format!("the chunks {sizes:?} of axis {axis} add up to {sum}, the shape has {length}");
                        return Err(Error::invalid(what));
                    }
                    Some(sizes.iter().copied().collect())
                }
                AxisChunks::Auto => None,
            });
        }
        fit(&mut cut, shape, bytes as f64 / item.max(1) as f64)?;
        let chunks = Chunks(cut.into_iter().map(Option::unwrap_or_default).collect());
        match chunks.0.iter().try_fold(1usize, |many, cut| many.checked_mul(cut.sizes.len())) {
            Some(many) if many <= MOST_CHUNKS => Ok(chunks),
            _ => Err(too_many(shape)),
        }
    }
}

/// That an array can have this shape, with elements of so many bytes.
///
/// # Errors
/// `Invalid`, in numpy's words, when its bytes cannot be counted.
pub(super) fn fits(shape: &[usize], item: usize) -> Result<()> {
    // an empty axis makes nothing of the others, but they have to be lengths too
    let bytes = shape.iter().filter(|&&len| len > 0).try_fold(item.max(1), |bytes, &len| bytes.checked_mul(len));
    match bytes.filter(|&bytes| isize::try_from(bytes).is_ok()) {
        Some(_) => Ok(()),
        None => Err(Error::invalid(format!("array is too big: the shape {shape:?}"))),
    }
}

fn too_many(shape: &[usize]) -> Error {
    Error::invalid(format!("there are more than {MOST_CHUNKS} chunks in the shape {shape:?}")).help("make them larger")
}

/// Cuts the axes that are left to us so that a chunk has about so many elements (Dask's rule): equal sizes along each of
/// them, but those that are shorter stay whole, and leave more to the others.
fn fit(cut: &mut [Option<Cut>], shape: &[usize], elements: f64) -> Result<()> {
    loop {
        let taken: f64 =
            cut.iter().flatten().map(|c| c.sizes.iter().copied().max().unwrap_or(1).max(1) as f64).product();
        let open: Vec<usize> = (0..cut.len()).filter(|&axis| cut[axis].is_none()).collect();
        if open.is_empty() {
            return Ok(());
        }
        let size = (elements / taken).max(1.0).powf(1.0 / open.len() as f64);
        let short: Vec<usize> = open.iter().copied().filter(|&axis| (shape[axis] as f64) < size).collect();
        if short.is_empty() {
            let size = (size as usize).max(1);
            return open.into_iter().try_for_each(|axis| {
                cut[axis] = Some(regular(shape[axis], size)?);
                Ok(())
            });
        }
        for axis in short {
            cut[axis] = Some(regular(shape[axis], shape[axis].max(1))?);
        }
    }
}

/// Chunks of this size, and what is left.
fn regular(length: usize, size: usize) -> Result<Cut> {
    if length == 0 {
        return Ok(Cut::from_iter([0]));
    }
    match length.div_ceil(size) {
        many if many > MOST_CHUNKS => Err(too_many(&[length])),
        many => Ok((0..many).map(|i| size.min(length - i * size)).collect()),
    }
}

impl Chunks {
    /// These sizes along each axis.
    pub fn new(axes: impl IntoIterator<Item = Vec<usize>>) -> Chunks {
        Chunks(axes.into_iter().map(Cut::from_iter).collect())
    }

    /// The number of axes.
    pub fn ndim(&self) -> usize {
        self.0.len()
    }

    /// The sizes along an axis.
    pub fn axis(&self, axis: usize) -> &[usize] {
        self.0.get(axis).map_or(&[], |cut| &cut.sizes)
    }

    /// The shape that they cut.
    pub fn shape(&self) -> Vec<usize> {
        self.0.iter().map(Cut::len).collect()
    }

    /// How many there are along each axis.
    pub fn numblocks(&self) -> Vec<usize> {
        self.0.iter().map(|cut| cut.sizes.len()).collect()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.iter().map(|cut| cut.sizes.len()).product()
    }

    /// The shape of the largest one.
    pub fn largest(&self) -> Vec<usize> {
        self.0.iter().map(|cut| cut.sizes.iter().copied().max().unwrap_or(0)).collect()
    }

    /// Where a chunk is along each axis, from its number; the last axis runs fastest.
    pub fn place(&self, number: usize) -> Vec<usize> {
        let mut left = number;
        let mut place = vec![0; self.ndim()];
        for axis in (0..self.ndim()).rev() {
            let many = self.axis(axis).len().max(1);
            place[axis] = left % many;
            left /= many;
        }
        place
    }

    /// The number of the chunk at this place.
    pub fn number(&self, place: &[usize]) -> usize {
        place.iter().enumerate().fold(0, |number, (axis, &at)| number * self.axis(axis).len() + at)
    }

    /// The first element and the length along each axis of the chunk at this place.
    pub fn range(&self, place: &[usize]) -> Vec<(usize, usize)> {
        let ranges = place.iter().enumerate().map(|(axis, &at)| {
            let part = |of: &[usize]| of.get(at).copied().unwrap_or(0);
            self.0.get(axis).map_or((0, 0), |cut| (part(&cut.starts), part(&cut.sizes)))
        });
        ranges.collect()
    }

    /// Cuts wherever one of both does; along an axis where one has a single element, as the other does.
    ///
    /// ```
    /// use partita::array::Chunks;
    /// let both = Chunks::new([vec![3, 3, 3, 1]]).unified(&Chunks::new([vec![4, 4, 2]]));
    /// assert_eq!(both.axis(0), [3, 1, 2, 2, 1, 1]);
    /// ```
    #[must_use]
    pub fn unified(&self, other: &Chunks) -> Chunks {
        let axes = self.0.iter().zip(other.0.iter()).map(|(a, b)| match (&a.sizes[..], &b.sizes[..]) {
            (x, y) if x == y => a.clone(),
            ([1], _) => b.clone(),
            (_, [1]) => a.clone(),
            _ => {
                let mut all = [&a.starts[1..], &b.starts[1..]].concat();
                all.sort_unstable();
                all.dedup();
                let sizes =
                    all.iter().scan(0, |last, &end| Some(end - std::mem::replace(last, end))).filter(|&s| s > 0);
                // no elements are one chunk
                if all == [0] { Cut::from_iter([0]) } else { sizes.collect() }
            }
        });
        Chunks(axes.collect())
    }

    /// With axes in front, each of one chunk with one element, so that there are so many.
    #[must_use]
    pub fn padded(&self, ndim: usize) -> Chunks {
        let more = ndim.saturating_sub(self.ndim());
        Chunks(std::iter::repeat_n(Cut::from_iter([1]), more).chain(self.0.iter().cloned()).collect())
    }
}

impl fmt::Debug for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// As Dask shows them: `((3, 3, 1), (4,))`.
impl fmt::Display for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tuple = |items: Vec<String>| match items.as_slice() {
            [one] => format!("({one},)"),
            many => format!("({})", many.join(", ")),
        };
        let axes = self.0.iter().map(|cut| tuple(cut.sizes.iter().map(usize::to_string).collect()));
        f.write_str(&tuple(axes.collect()))
    }
}

impl From<usize> for ChunkSpec {
    fn from(size: usize) -> ChunkSpec {
        ChunkSpec::Every(size)
    }
}

/// -1 is one chunk.
impl From<i32> for ChunkSpec {
    fn from(size: i32) -> ChunkSpec {
        usize::try_from(size).map_or(ChunkSpec::Whole, ChunkSpec::Every)
    }
}

/// `"auto"`, or a size in bytes such as `"100MB"`.
impl From<&str> for ChunkSpec {
    fn from(text: &str) -> ChunkSpec {
        if text == "auto" { ChunkSpec::Auto } else { ChunkSpec::Bytes(text.to_string()) }
    }
}

impl From<Chunks> for ChunkSpec {
    fn from(chunks: Chunks) -> ChunkSpec {
        ChunkSpec::Axes(chunks.0.iter().map(|cut| AxisChunks::Sizes(cut.sizes.to_vec())).collect())
    }
}

impl From<usize> for AxisChunks {
    fn from(size: usize) -> AxisChunks {
        AxisChunks::Size(size)
    }
}

/// -1 is the whole axis.
impl From<i32> for AxisChunks {
    fn from(size: i32) -> AxisChunks {
        usize::try_from(size).map_or(AxisChunks::Whole, AxisChunks::Size)
    }
}

impl<const N: usize> From<[usize; N]> for AxisChunks {
    fn from(sizes: [usize; N]) -> AxisChunks {
        AxisChunks::Sizes(sizes.to_vec())
    }
}

impl From<&[usize]> for AxisChunks {
    fn from(sizes: &[usize]) -> AxisChunks {
        AxisChunks::Sizes(sizes.to_vec())
    }
}

macro_rules! tuples {
    ($($axis:ident)*) => {
        impl<$($axis: Into<AxisChunks>),*> From<($($axis,)*)> for ChunkSpec {
            #[allow(non_snake_case)]
            fn from(($($axis,)*): ($($axis,)*)) -> ChunkSpec {
                ChunkSpec::Axes(vec![$($axis.into()),*])
            }
        }
    };
}

tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);

impl<A: Into<AxisChunks> + Clone, const N: usize> From<[A; N]> for ChunkSpec {
    fn from(axes: [A; N]) -> ChunkSpec {
        ChunkSpec::Axes(axes.into_iter().map(Into::into).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(spec: impl Into<ChunkSpec>, shape: &[usize], item: usize) -> Vec<(usize, usize, usize)> {
        let chunks = spec.into().chunks(shape, item).unwrap();
        let axis = |a| (chunks.axis(a)[0], *chunks.axis(a).last().unwrap(), chunks.axis(a).len());
        (0..shape.len()).map(axis).collect()
    }

    #[test]
    fn sizes_are_those_of_dask() {
        // measured on dask 2026.8
        assert_eq!(ends("auto", &[200_000, 4_000], 8), [(4194, 2882, 48), (4000, 4000, 1)]);
        assert_eq!(ends("100 MiB", &[100_000, 100_000], 8), [(3620, 2260, 28), (3620, 2260, 28)]);
        assert_eq!(ends("100MB", &[100_000, 100_000], 8)[0].0, 3535);
        assert_eq!(ends("auto", &[10, 20, 30], 8), [(10, 10, 1), (20, 20, 1), (30, 30, 1)]);
        assert_eq!(ends("auto", &[1000, 1000, 1000], 8), [(255, 235, 4); 3]);
        assert_eq!(ends("auto", &[100, 100_000, 1000], 4), [(100, 100, 1), (579, 412, 173), (579, 421, 2)]);
        assert_eq!(ends((AxisChunks::Auto, 100), &[100_000, 1000], 8)[0], (100_000, 100_000, 1));
        assert_eq!(ends((1000, -1), &[4000, 70], 8), [(1000, 1000, 4), (70, 70, 1)]);
        assert_eq!(ends(-1, &[4000, 70], 8), [(4000, 4000, 1), (70, 70, 1)]);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let error = |spec: ChunkSpec| spec.chunks(&[10, 4], 8).unwrap_err().to_string();
        assert!(error((3,).into()).contains("given for 1 axes, the shape [10, 4] has 2"));
        assert!(error(([3, 3, 3], 4).into()).contains("[3, 3, 3] of axis 0 add up to 9, the shape has 10"));
        assert!(error(0.into()).contains("not 0"));
        assert!(error("many".into()).contains("many"));
    }

    #[test]
    fn places_and_numbers() {
        let chunks = Chunks::new([vec![3, 3, 1], vec![4, 2]]);
        assert_eq!(
            (chunks.to_string().as_str(), chunks.shape(), chunks.count()),
            ("((3, 3, 1), (4, 2))", vec![7, 6], 6)
        );
        for number in 0..6 {
            assert_eq!(chunks.number(&chunks.place(number)), number);
        }
        assert_eq!((chunks.place(3), chunks.range(&[1, 1])), (vec![1, 1], vec![(3, 3), (4, 2)]));
    }
}
