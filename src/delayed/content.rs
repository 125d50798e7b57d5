//! Values as results: their identity where it can be seen, and about how much memory they take.

use std::any::{Any, TypeId};
use std::hash::{Hash, Hasher};
use std::mem::size_of;
use std::sync::Arc;

use crate::base::{Error, Result, Token, Tokenizer};
use crate::exec::{Reservation, TaskContext};
use crate::frame::{DataFrame, Table};
use crate::graph::{Held, Payload};

/// A value that lies between tasks, and the memory that is spoken for by it.
pub(super) struct Kept<T> {
    value: T,
    bytes: u64,
    _reservation: Option<Reservation>,
}

impl<T: Send + Sync + 'static> Held for Kept<T> {
    fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Smaller values are not reserved one by one: a million of them is within what is left to allocators.
const SMALL: u64 = 16 << 10;

/// A result as a payload. A large one is reserved, as far as its size can be seen.
pub(super) fn keep<T: Send + Sync + 'static>(value: T, ctx: &TaskContext) -> Result<Payload> {
    let bytes = memory_of(&value);
    // a table has seen to that itself
    let spoken_for = TypeId::of::<T>() == TypeId::of::<Table>();
    let reservation =
        (bytes > SMALL && !spoken_for).then(|| ctx.budget.reserve("the result of a task", bytes)).transpose()?;
    Ok(Payload::new(Kept { value, bytes, _reservation: reservation }))
}

/// A value that is there already, of which nobody has asked whether there is room.
pub(super) fn hold<T: Send + Sync + 'static>(value: T) -> Payload {
    let bytes = memory_of(&value);
    Payload::new(Kept { value, bytes, _reservation: None })
}

/// The value in a payload: itself for its last holder, a copy for others.
pub(super) fn take<T: Clone + Send + Sync + 'static>(payload: Payload) -> Result<T> {
    match payload.take::<Kept<T>>() {
        Ok(kept) => Ok(kept.value),
        Err(payload) => match payload.get::<Kept<T>>() {
            Some(kept) => Ok(kept.value.clone()),
            None => Err(Error::invalid(format!("a task gave no {}", type_name::<T>()))
                .help("one key stands for one call: give calls of other functions other keys")),
        },
    }
}

/// About how much memory a value takes: what it points to is seen for the usual types only.
fn memory_of<T: 'static>(value: &T) -> u64 {
    let value = value as &dyn Any;
    let mut bytes = size_of::<T>();
    macro_rules! vectors { ($($t:ty),*) => {$(
        if let Some(v) = value.downcast_ref::<Vec<$t>>() { bytes += v.capacity() * size_of::<$t>(); }
        if let Some(v) = value.downcast_ref::<Vec<Vec<$t>>>() { bytes += v.iter().map(|v| v.capacity() * size_of::<$t>() + 24).sum::<usize>(); }
        if let Some(v) = value.downcast_ref::<Arc<Vec<$t>>>() { bytes += v.capacity() * size_of::<$t>(); }
    )*} }
    vectors!(u8, i8, u16, i16, u32, i32, f32, u64, i64, f64, usize, isize, u128, i128, bool, char);
    if let Some(text) = value.downcast_ref::<String>() {
        bytes += text.capacity();
    } else if let Some(texts) = value.downcast_ref::<Vec<String>>() {
        bytes += texts.iter().map(|t| t.capacity() + size_of::<String>()).sum::<usize>();
    } else if let Some(table) = value.downcast_ref::<Table>() {
        bytes += table.batches().iter().map(|batch| batch.get_array_memory_size()).sum::<usize>();
    }
    bytes as u64
}

/// Feeds a value into the tokenizer, if its content can be seen: numbers, texts, and lists, options and pairs of them.
pub(super) fn write<T: 'static>(value: &T, t: &mut Tokenizer) -> bool {
    let value = value as &dyn Any;
    macro_rules! numbers { ($($t:ty => $write:expr),* $(,)?) => {$(
        if let Some(v) = value.downcast_ref::<$t>() {
            t.str(stringify!($t));
            $write(t, *v);
            return true;
        }
        if let Some(list) = value.downcast_ref::<Vec<$t>>() {
            t.str(concat!("list of ", stringify!($t)));
            t.list(list, |t, v| $write(t, *v));
            return true;
        }
        if let Some(v) = value.downcast_ref::<Option<$t>>() {
            t.str(concat!("option of ", stringify!($t)));
            t.u64(u64::from(v.is_some()));
            v.iter().for_each(|v| $write(t, *v));
            return true;
        }
        if let Some((a, b)) = value.downcast_ref::<($t, $t)>() {
            t.str(concat!("pair of ", stringify!($t)));
            $write(t, *a);
            $write(t, *b);
            return true;
        }
    )*} }
    numbers!(
        i64 => |t: &mut Tokenizer, v: i64| t.u64(v as u64),
        u64 => |t: &mut Tokenizer, v: u64| t.u64(v),
        f64 => |t: &mut Tokenizer, v: f64| t.f64(v),
        i32 => |t: &mut Tokenizer, v: i32| t.u64(v as u64),
        u32 => |t: &mut Tokenizer, v: u32| t.u64(u64::from(v)),
        usize => |t: &mut Tokenizer, v: usize| t.u64(v as u64),
        isize => |t: &mut Tokenizer, v: isize| t.u64(v as u64),
        f32 => |t: &mut Tokenizer, v: f32| t.u64(u64::from(v.to_bits())),
        bool => |t: &mut Tokenizer, v: bool| t.u64(u64::from(v)),
        u8 => |t: &mut Tokenizer, v: u8| t.u64(u64::from(v)),
        i8 => |t: &mut Tokenizer, v: i8| t.u64(v as u64),
        u16 => |t: &mut Tokenizer, v: u16| t.u64(u64::from(v)),
        i16 => |t: &mut Tokenizer, v: i16| t.u64(v as u64),
        char => |t: &mut Tokenizer, v: char| t.u64(u64::from(v)),
        i128 => |t: &mut Tokenizer, v: i128| t.bytes(&v.to_le_bytes()),
        u128 => |t: &mut Tokenizer, v: u128| t.bytes(&v.to_le_bytes()),
        &'static str => |t: &mut Tokenizer, v: &str| t.str(v),
    );
    if let Some(text) = value.downcast_ref::<String>() {
        t.str("String");
        t.str(text);
    } else if let Some(texts) = value.downcast_ref::<Vec<String>>() {
        t.str("list of String");
        t.list(texts, |t, text| t.str(text));
    } else if let Some(frame) = value.downcast_ref::<DataFrame>() {
        t.str("DataFrame");
        t.token(frame.token());
    } else if value.is::<()>() {
        t.str("()");
    } else {
        return false;
    }
    true
}

/// What a function does, as far as its code goes: for one that captures nothing that is all. It is another one in the
/// next build.
pub(super) fn code<F: 'static>() -> Token {
    Token::of(|t| {
        t.unstable();
        t.str(std::any::type_name::<F>());
        let mut hasher = rustc_hash::FxHasher::default();
        TypeId::of::<F>().hash(&mut hasher);
        t.u64(hasher.finish());
    })
}

/// What a function is called: the last part of its path.
pub(super) fn name<F: 'static>() -> &'static str {
    let path = std::any::type_name::<F>();
    if path.ends_with("{{closure}}") {
        return "closure";
    }
    if path.starts_with("fn(") || path.starts_with("alloc::boxed") {
        return "function";
    }
    // the last part outside of brackets, without its own
    let (mut depth, mut from) = (0, 0);
    for (i, c) in path.char_indices() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            ':' if depth == 0 => from = i + 1,
            _ => {}
        }
    }
    let last = path.get(from..).unwrap_or(path);
    last.split('<').next().filter(|name| !name.is_empty()).unwrap_or("function")
}

/// The type of a value, as people write it.
pub(super) fn type_name<T: 'static>() -> String {
    let path = std::any::type_name::<T>();
    let mut shown = String::new();
    let mut word = String::new();
    for c in path.chars() {
        match c {
            ':' => word.clear(),
            c if c.is_alphanumeric() || c == '_' => word.push(c),
            c => {
                shown.push_str(&word);
                word.clear();
                shown.push(c);
            }
        }
    }
    shown + &word
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inc(x: i64) -> i64 {
        x + 1
    }

    fn name_of<F: 'static>(_: F) -> &'static str {
        name::<F>()
    }

    fn code_of<F: 'static>(_: F) -> Token {
        code::<F>()
    }

    #[test]
    fn functions_are_called_by_their_last_name() {
        assert_eq!((name_of(inc), name_of(i64::abs), name_of(|x: i64| x)), ("inc", "abs", "closure"));
        assert_eq!((name_of(inc as fn(i64) -> i64), name_of(str::trim)), ("function", "trim"));
        assert_eq!((type_name::<i64>(), type_name::<Vec<String>>()), ("i64".into(), "Vec<String>".into()));
        assert_eq!(type_name::<Option<(f64, Table)>>(), "Option<(f64, Table)>");
    }

    #[test]
    fn code_is_told_apart() {
        assert_eq!(code_of(inc), code_of(inc));
        assert_ne!(code_of(inc), code_of(i64::abs));
        assert_ne!(code_of(|x: i64| x), code_of(|x: i64| x + 1));
    }

    #[test]
    fn content_is_told_apart() {
        let token = |write: &dyn Fn(&mut Tokenizer) -> bool| Token::of(|t| assert!(write(t)));
        let all = [
            token(&|t| write(&1i64, t)),
            token(&|t| write(&1u64, t)),
            token(&|t| write(&1.0f64, t)),
            token(&|t| write(&vec![1i64], t)),
            token(&|t| write(&"1", t)),
            token(&|t| write(&Some(1i64), t)),
            token(&|t| write(&(1i64, 1i64), t)),
        ];
        let different: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        struct Unknown;
        assert!(!write(&Unknown, &mut Tokenizer::new()));
        assert_eq!(hold(vec![0u8; 1000]).bytes(), 24 + 1000);
    }
}
