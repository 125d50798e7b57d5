//! What a call takes: values, delayed values, futures, and collections of them.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use super::content;
use super::future::Future;
use super::lazy::Delayed;
use super::node::Need;
use crate::base::{Error, Result, Token, Tokenizer};
use crate::graph::Payload;

/// What tasks pass to each other: anything that can be copied and sent between threads. A result that several tasks need
/// is copied for all but the last; put what is costly to copy into an [`Arc`].
pub trait Value: Clone + Send + Sync + 'static {}

impl<T: Clone + Send + Sync + 'static> Value for T {}

/// Something that stands for a `T` in a call: a `T`, a [`Delayed<T>`] or [`Future<T>`] (or a reference to one), and where
/// a list, array, map, option or tuple is expected, one of delayed values or futures.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not stand for a `{T}` in a call",
    note = "give a `{T}`, a `Delayed<{T}>` or `Future<{T}>`, or a collection of them"
)]
pub trait Argument<T: Value> {
    /// Notes what the argument needs, and gives where the value will come from.
    fn bind(self, inputs: &mut Inputs) -> Slot<T>;
}

/// What the arguments of a call need, and their content as far as it can be seen.
pub struct Inputs {
    pub(super) needs: Vec<Need>,
    /// As long as somebody wants it and all of it can be seen.
    content: Option<Tokenizer>,
}

impl Inputs {
    /// None yet; `compared` if their content matters.
    pub(super) fn new(compared: bool) -> Inputs {
        Inputs { needs: Vec::new(), content: compared.then(Tokenizer::new) }
    }

    /// The content of all of them, if it can be seen.
    pub(super) fn content(&self) -> Option<Token> {
        self.content.as_ref().map(Tokenizer::finish)
    }

    fn need(&mut self, need: Need) {
        if let Some(content) = &mut self.content {
            let key = need.key();
            content.token(key.token);
            content.u64(u64::from(key.index));
        }
        self.needs.push(need);
    }

    /// As many as there are of something.
    fn count(&mut self, count: usize) {
        if let Some(content) = &mut self.content {
            content.u64(count as u64);
        }
    }

    /// A value that is here.
    fn value<T: 'static>(&mut self, value: &T) {
        if self.content.as_mut().is_some_and(|content| !content::write(value, content)) {
            self.content = None;
        }
    }
}

/// Where the value of an argument comes from when the call is made.
pub enum Slot<T> {
    /// It is here.
    Value(T),
    /// It is the next of the results that the call needs.
    Next,
    /// It is put together from some of the next results.
    Made(Make<T>),
}

/// Puts an argument together from some of the next results.
type Make<T> = Arc<dyn Fn(&mut Results) -> Result<T> + Send + Sync>;

/// The results that a call needs, in the order of its arguments.
pub struct Results(std::vec::IntoIter<Payload>);

impl Results {
    pub(super) fn new(payloads: Vec<Payload>) -> Results {
        Results(payloads.into_iter())
    }

    fn next<T: Value>(&mut self) -> Result<T> {
        let payload = self.0.next().ok_or_else(|| Error::invalid("a result that a task needs is missing"))?;
        content::take(payload)
    }

    fn list<T: Value>(&mut self, count: usize) -> Result<Vec<T>> {
        (0..count).map(|_| self.next()).collect()
    }
}

impl<T: Value> Slot<T> {
    fn fill(&self, results: &mut Results) -> Result<T> {
        match self {
            Slot::Value(value) => Ok(value.clone()),
            Slot::Next => results.next(),
            Slot::Made(make) => make(results),
        }
    }

    fn made(make: impl Fn(&mut Results) -> Result<T> + Send + Sync + 'static) -> Slot<T> {
        Slot::Made(Arc::new(make))
    }
}

impl<T: Value> Argument<T> for T {
    fn bind(self, inputs: &mut Inputs) -> Slot<T> {
        inputs.value(&self);
        Slot::Value(self)
    }
}

/// One that is delayed or in the background, and collections of such.
macro_rules! lazies {
    ($lazy:ident) => {
        impl<T: Value> Argument<T> for $lazy<T> {
            fn bind(self, inputs: &mut Inputs) -> Slot<T> {
                (&self).bind(inputs)
            }
        }

        impl<T: Value> Argument<T> for &$lazy<T> {
            fn bind(self, inputs: &mut Inputs) -> Slot<T> {
                inputs.need(self.need());
                Slot::Next
            }
        }

        impl<T: Value> Argument<Vec<T>> for Vec<$lazy<T>> {
            fn bind(self, inputs: &mut Inputs) -> Slot<Vec<T>> {
                self.as_slice().bind(inputs)
            }
        }

        impl<T: Value> Argument<Vec<T>> for &Vec<$lazy<T>> {
            fn bind(self, inputs: &mut Inputs) -> Slot<Vec<T>> {
                self.as_slice().bind(inputs)
            }
        }

        impl<T: Value> Argument<Vec<T>> for &[$lazy<T>] {
            fn bind(self, inputs: &mut Inputs) -> Slot<Vec<T>> {
                let count = self.len();
                inputs.count(count);
                self.iter().for_each(|item| inputs.need(item.need()));
                Slot::made(move |results| results.list(count))
            }
        }

        impl<T: Value> Argument<Vec<Vec<T>>> for Vec<Vec<$lazy<T>>> {
            fn bind(self, inputs: &mut Inputs) -> Slot<Vec<Vec<T>>> {
                let counts: Vec<usize> = self.iter().map(Vec::len).collect();
                inputs.count(counts.len());
                for list in &self {
                    inputs.count(list.len());
                    list.iter().for_each(|item| inputs.need(item.need()));
                }
                Slot::made(move |results| counts.iter().map(|&count| results.list(count)).collect())
            }
        }

        impl<T: Value, const N: usize> Argument<[T; N]> for [$lazy<T>; N] {
            fn bind(self, inputs: &mut Inputs) -> Slot<[T; N]> {
                self.iter().for_each(|item| inputs.need(item.need()));
                Slot::made(|results| {
                    let items = results.list(N)?;
                    items.try_into().map_err(|_| Error::invalid("an array has lost an item"))
                })
            }
        }

        impl<T: Value> Argument<Option<T>> for Option<$lazy<T>> {
            fn bind(self, inputs: &mut Inputs) -> Slot<Option<T>> {
                inputs.count(usize::from(self.is_some()));
                match self {
                    None => Slot::Value(None),
                    Some(item) => {
                        inputs.need(item.need());
                        Slot::made(|results| results.next().map(Some))
                    }
                }
            }
        }

        impl<K: Value + Ord, T: Value> Argument<BTreeMap<K, T>> for BTreeMap<K, $lazy<T>> {
            fn bind(self, inputs: &mut Inputs) -> Slot<BTreeMap<K, T>> {
                let keys = keyed(self.iter().map(|(key, item)| (key, item.need())), inputs);
                Slot::made(move |results| keys.iter().map(|key| Ok((key.clone(), results.next()?))).collect())
            }
        }

        impl<K: Value + Eq + Hash, T: Value> Argument<HashMap<K, T>> for HashMap<K, $lazy<T>> {
            fn bind(self, inputs: &mut Inputs) -> Slot<HashMap<K, T>> {
                let keys = keyed(self.iter().map(|(key, item)| (key, item.need())), inputs);
                Slot::made(move |results| keys.iter().map(|key| Ok((key.clone(), results.next()?))).collect())
            }
        }

        tuples!($lazy: A B);
        tuples!($lazy: A B C);
        tuples!($lazy: A B C D);
        tuples!($lazy: A B C D E);
        tuples!($lazy: A B C D E F);
    };
}

/// Notes the values of a map; gives its keys.
fn keyed<'a, K: Value>(items: impl ExactSizeIterator<Item = (&'a K, Need)>, inputs: &mut Inputs) -> Vec<K> {
    inputs.count(items.len());
    let items = items.map(|(key, need)| {
        inputs.value(key);
        inputs.need(need);
        key.clone()
    });
    items.collect()
}

macro_rules! tuples {
    ($lazy:ident: $($name:ident)*) => {
        impl<$($name: Value),*> Argument<($($name,)*)> for ($($lazy<$name>,)*) {
            #[allow(non_snake_case)]
            fn bind(self, inputs: &mut Inputs) -> Slot<($($name,)*)> {
                let ($($name,)*) = self;
                $(inputs.need($name.need());)*
                Slot::made(|results| Ok(($(results.next::<$name>()?,)*)))
            }
        }
    };
}

lazies!(Delayed);
lazies!(Future);

/// The arguments of a call as a tuple: of one `(10,)`, of two `(x, 3)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` are no arguments for a function of `{Args}`",
    note = "give a tuple with one item for each parameter, for example `(10,)` for one"
)]
pub trait Arguments<Args> {
    /// Notes what they need, and gives where the values will come from.
    fn bind(self, inputs: &mut Inputs) -> Box<dyn Slots<Args>>;
}

/// Where the values of all arguments of a call come from.
pub trait Slots<Args>: Send + Sync {
    /// The values, from the results that the call needs.
    ///
    /// # Errors
    /// When a result is missing or of another type.
    fn fill(&self, results: &mut Results) -> Result<Args>;
}

macro_rules! arguments {
    ($(($name:ident $given:ident))*) => {
        impl<$($name: Value, $given: Argument<$name>),*> Arguments<($($name,)*)> for ($($given,)*) {
            #[allow(non_snake_case, unused_variables)]
            fn bind(self, inputs: &mut Inputs) -> Box<dyn Slots<($($name,)*)>> {
                let ($($given,)*) = self;
                Box::new(($($given.bind(inputs),)*))
            }
        }

        impl<$($name: Value),*> Slots<($($name,)*)> for ($(Slot<$name>,)*) {
            #[allow(non_snake_case, unused_variables, clippy::unused_unit)]
            fn fill(&self, results: &mut Results) -> Result<($($name,)*)> {
                let ($($name,)*) = self;
                Ok(($($name.fill(results)?,)*))
            }
        }
    };
}

arguments!();
arguments!((A XA));
arguments!((A XA)(B XB));
arguments!((A XA)(B XB)(C XC));
arguments!((A XA)(B XB)(C XC)(D XD));
arguments!((A XA)(B XB)(C XC)(D XD)(E XE));
arguments!((A XA)(B XB)(C XC)(D XD)(E XE)(F XF));
arguments!((A XA)(B XB)(C XC)(D XD)(E XE)(F XF)(G XG));
arguments!((A XA)(B XB)(C XC)(D XD)(E XE)(F XF)(G XG)(H XH));
arguments!((A XA)(B XB)(C XC)(D XD)(E XE)(F XF)(G XG)(H XH)(I XI));
arguments!((A XA)(B XB)(C XC)(D XD)(E XE)(F XF)(G XG)(H XH)(I XI)(J XJ));
arguments!((A XA)(B XB)(C XC)(D XD)(E XE)(F XF)(G XG)(H XH)(I XI)(J XJ)(K XK));
arguments!((A XA)(B XB)(C XC)(D XD)(E XE)(F XF)(G XG)(H XH)(I XI)(J XJ)(K XK)(L XL));
