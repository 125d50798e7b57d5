//! Functions whose calls are only written down.

use std::fmt;
use std::sync::Arc;

use super::argument::{Argument, Arguments, Inputs, Results, Value};
use super::content;
use super::lazy::Delayed;
use super::node::{Node, NodeWork};
use crate::base::{Result, Token};
use crate::exec::LiveWork;
use crate::graph::Key;

/// A function or closure of up to twelve arguments that returns a value, or a [`Result`] of one: then an error fails the
/// task, and travels to all that need it.
///
/// `M` only tells the two apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no function that can be a task",
    note = "its arguments and its result must be `Clone + Send + Sync + 'static`, and what it captures `Send + Sync + 'static`",
    note = "an error that it returns must become a `partita::Error`: see `Error::other`"
)]
pub trait TaskFn<M>: Send + Sync + 'static {
    /// Its arguments as a tuple.
    type Args: 'static;
    /// What it gives.
    type Output: Value;

    /// Calls it.
    ///
    /// # Errors
    /// Its own.
    fn run(&self, args: Self::Args) -> Result<Self::Output>;
}

/// Marks a function that returns a value.
pub struct Plain;
/// Marks a function that returns a [`Result`].
pub struct Fallible;

/// Makes a function lazy (Dask's `delayed`): its calls give [`Delayed`] values, which stand for the result and can be
/// arguments of other calls; nothing runs before one of them is computed.
///
/// A function that returns a [`Result`] gives a delayed value of what is in it; an error fails the task.
///
/// ```
/// use partita::delayed;
///
/// fn increment(x: i64) -> i64 {
///     x + 1
/// }
/// let increment = delayed(increment);
/// let add = delayed(|x: i64, y: i64| x + y).named("add");
///
/// let total = add.call(increment.call(1), increment.call(2)); // nothing has run
/// assert_eq!(total.compute()?, 5); // both increments at once
/// # Ok::<(), partita::Error>(())
/// ```
pub fn delayed<F: TaskFn<M>, M: 'static>(function: F) -> Function<F::Args, F::Output> {
    Function {
        name: content::name::<F>().into(),
        code: content::code::<F>(),
        captures: size_of::<F>() > 0,
        named: false,
        version: None,
        pure: false,
        run: Arc::new(move |args| function.run(args)),
    }
}

/// The function itself.
type Call<Args, R> = Arc<dyn Fn(Args) -> Result<R> + Send + Sync>;

/// A function whose calls are only written down: see [`delayed`].
pub struct Function<Args, R> {
    name: Arc<str>,
    /// What it does, in this build.
    code: Token,
    /// Whether it does something else for what it captures.
    captures: bool,
    /// Whether somebody gave it a name.
    named: bool,
    version: Option<Arc<str>>,
    pure: bool,
    run: Call<Args, R>,
}

/// A call: what it needs, and what it does.
pub(super) struct Written {
    pub key: Key,
    pub inputs: Inputs,
    pub work: LiveWork,
}

impl<Args: 'static, R: Value> Function<Args, R> {
    /// What its tasks are called, in keys, drawings and errors.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.into();
        self.named = true;
        self
    }

    /// Says that it gives the same for the same arguments, and has no effects: calls with equal arguments have the same
    /// key and are run once in a graph (Dask's `pure=True`).
    ///
    /// Arguments are compared by content where it can be seen: numbers, texts, lists, options and pairs of them, and other
    /// delayed values by their key. A closure that captures something is told apart from others by [`version`](Self::version).
    #[must_use]
    pub fn pure(mut self) -> Self {
        self.pure = true;
        self
    }

    /// Says that it gives the same as any other of this name, version and types: for closures that capture something,
    /// whose content cannot be seen. With a [name](Self::named) that holds for this program and the next; without one,
    /// for the same closure in this program.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        self.version = Some(version.into());
        self.pure()
    }

    /// What its tasks are called.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// A call with these arguments as a tuple: [`call`](Function::call) is the same with one parameter for each.
    pub fn apply(&self, args: impl Arguments<Args>) -> Delayed<R> {
        let Written { key, inputs, work } = self.write(args, None);
        Delayed::of(Node::new(key, self.name.clone(), inputs.needs, NodeWork::Call(work)))
    }

    pub(super) fn write(&self, args: impl Arguments<Args>, key: Option<Key>) -> Written {
        let identity = if key.is_none() && self.pure { self.identity() } else { None };
        let mut inputs = Inputs::new(identity.is_some());
        let slots = args.bind(&mut inputs);
        let key = key.unwrap_or_else(|| Key::new(token(identity, &inputs), 0));
        let run = self.run.clone();
        let work: LiveWork = Arc::new(move |payloads, ctx| {
            let args = slots.fill(&mut Results::new(payloads))?;
            content::keep(run(args)?, ctx)
        });
        Written { key, inputs, work }
    }

    /// What tells it apart from other functions, if that can be seen.
    fn identity(&self) -> Option<Token> {
        let Some(version) = &self.version else {
            return (!self.captures).then_some(self.code);
        };
        Some(Token::of(|t| {
            t.str("version");
            t.str(version);
            match self.named {
                true => t.str(&self.name),
                false => t.token(self.code),
            }
            t.str(std::any::type_name::<fn(Args) -> R>());
        }))
    }
}

/// The token of a call: of its content, or one of its own.
fn token(identity: Option<Token>, inputs: &Inputs) -> Token {
    match (identity, inputs.content()) {
        (Some(identity), Some(content)) => Token::of(|t| {
            t.str("call");
            t.token(identity);
            t.token(content);
        }),
        _ => Token::fresh(),
    }
}

impl<Args, R> Clone for Function<Args, R> {
    fn clone(&self) -> Self {
        Function { name: self.name.clone(), version: self.version.clone(), run: self.run.clone(), ..*self }
    }
}

impl<Args, R> fmt::Debug for Function<Args, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Function({})", self.name)
    }
}

macro_rules! functions {
    ($($name:ident)*) => {
        impl<Func, $($name: Value,)* R: Value> TaskFn<(Plain, fn($($name),*) -> R)> for Func
        where
            Func: Fn($($name),*) -> R + Send + Sync + 'static,
        {
            type Args = ($($name,)*);
            type Output = R;

            #[allow(non_snake_case)]
            fn run(&self, args: Self::Args) -> Result<R> {
                let ($($name,)*) = args;
                Ok(self($($name),*))
            }
        }

        impl<Func, $($name: Value,)* R: Value, Error> TaskFn<(Fallible, fn($($name),*) -> Result<R, Error>)> for Func
        where
            Func: Fn($($name),*) -> Result<R, Error> + Send + Sync + 'static,
            Error: Into<crate::base::Error>,
        {
            type Args = ($($name,)*);
            type Output = R;

            #[allow(non_snake_case)]
            fn run(&self, args: Self::Args) -> Result<R> {
                let ($($name,)*) = args;
                self($($name),*).map_err(Into::into)
            }
        }

        impl<$($name: Value,)* R: Value> Function<($($name,)*), R> {
            /// A call with these arguments: values, delayed values, futures, or collections of them. Nothing runs yet.
            #[allow(non_snake_case, clippy::too_many_arguments)]
            pub fn call(&self, $($name: impl Argument<$name>),*) -> Delayed<R> {
                self.apply(($($name,)*))
            }
        }
    };
}

functions!();
functions!(A);
functions!(A B);
functions!(A B C);
functions!(A B C D);
functions!(A B C D E);
functions!(A B C D E F);
functions!(A B C D E F G);
functions!(A B C D E F G H);
functions!(A B C D E F G H I);
functions!(A B C D E F G H I J);
functions!(A B C D E F G H I J K);
functions!(A B C D E F G H I J K L);
