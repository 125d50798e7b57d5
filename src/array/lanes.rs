//! Loops compiled for the widest vectors that every machine has, and once more for those of newer ones.

/// Runs a loop with the widest vectors of this machine. Only the width differs: a product and a sum are rounded one by one
/// everywhere, so results are the same to the bit.
///
/// Closures have to say `#[inline(always)]`, or they are compiled for the narrowest vectors.
#[inline]
pub(in crate::array) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}
