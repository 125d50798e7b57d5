//! Recursion of any depth: plans and expressions of 10⁵ chained operations must not overflow a stack.

/// Calls `f`, first growing the stack when little of it is left.
pub fn deep<R>(f: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(128 * 1024, 4 * 1024 * 1024, f)
}
