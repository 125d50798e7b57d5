//! Statistics of windows that roll over the rows.

use std::fmt;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef};
use serde::{Deserialize, Serialize};

use super::pieces::{Best, FloatSum, Moments, WholeSum};
use super::slide::{Piece, Slide};
use super::times::nanoseconds;
use super::values::{array_of, numbers};
use super::walk::Walk;
use super::window::Span;
use super::{Reach, Running, Window, Windowed};
use crate::base::schema::logical;
use crate::base::{Deferred, Error, Identity, Result, Tokenizer};
use crate::expr::Portable;
use crate::expr::fns::dt::every::Every;
use crate::expr::folds::{Kind, Number, retyped};
use crate::expr::keys::missing;
use crate::expr::{Arg, Expr, col};

/// A window that rolls over the rows: so many rows, or so much time.
///
/// A number of rows is one: `col("x").rolling_mean(7)`.
#[derive(Clone, Debug)]
pub struct Rolling {
    wide: Deferred<Wide>,
    on: Option<Expr>,
    least: Option<u64>,
    centred: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Wide {
    Rows(u64),
    Nanoseconds(i64),
}

impl Rolling {
    /// This row and those before it, `rows` in all.
    pub fn rows(rows: usize) -> Rolling {
        let wide = match rows {
            0 => Err(Error::invalid("a window of no rows")),
            rows => Ok(Wide::Rows(rows as u64)),
        };
        Rolling { wide: wide.map_err(Arc::new), on: None, least: None, centred: false }
    }

    /// This row and those before it that are less than `span` older by the column `on`: timestamps or dates, in order.
    /// A span is a number and a unit, as in `"2h"`: ns, us, ms, s, m, h, d, w.
    pub fn time(span: &str, on: impl AsRef<str>) -> Rolling {
        let wide = span.parse().and_then(|every| match every {
            Every::Fixed(nanoseconds) => Ok(Wide::Nanoseconds(nanoseconds)),
            Every::Weeks(weeks) => Ok(Wide::Nanoseconds(weeks.saturating_mul(7 * 86_400_000_000_000))),
            Every::Months(_) => Err(Error::invalid(format!("`{span}` is not always equally long"))
                .help("give the window in days, for example `30d`")),
        });
        Rolling { wide: wide.map_err(Arc::new), on: Some(col(on)), least: None, centred: false }
    }

    /// How many values a window must have for a result, by default all its rows, or one in a window of time; null and
    /// NaN are no values.
    #[must_use]
    pub fn min_periods(mut self, values: usize) -> Rolling {
        self.least = Some(values as u64);
        self
    }

    /// The row is in the middle of its window (pandas' `center=True`); of an even number of rows one more lies before it.
    /// Of a span of time half lies before the row and half behind it: rows at its end belong to it, those at its
    /// beginning do not.
    #[must_use]
    pub fn centred(mut self) -> Rolling {
        self.centred = true;
        self
    }
}

impl From<usize> for Rolling {
    fn from(rows: usize) -> Rolling {
        Rolling::rows(rows)
    }
}

/// What is made of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Statistic {
    /// The sum: exact for whole numbers, compensated for floating ones.
    Sum,
    /// The mean.
    Mean,
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
    /// The number of values.
    Count,
    /// The variance, squares divided by n minus this.
    Var(u64),
    /// The standard deviation.
    Std(u64),
}

/// A statistic of rolling windows. It depends on the rows of the window and their numbers alone, to the bit.
#[derive(Clone, Debug)]
pub struct RollingStatistic {
    statistic: Statistic,
    window: Rolling,
}

impl RollingStatistic {
    /// The statistic of `expr` in each window.
    pub fn of(expr: Expr, statistic: Statistic, window: Rolling) -> Expr {
        let mut args = vec![expr];
        args.extend(window.on.clone());
        Windowed::of(RollingStatistic { statistic, window }, args)
    }

    /// What its portable form says. Which column says the time is an argument.
    pub(in crate::expr) fn of_settings(sent: &Portable) -> Result<RollingStatistic> {
        let (statistic, wide, least, centred) = sent.settings::<(Statistic, Wide, Option<u64>, bool)>()?;
        Ok(RollingStatistic { statistic, window: Rolling { wide: Ok(wide), on: None, least, centred } })
    }

    /// How many values a window must have.
    fn least(&self, wide: Wide) -> u64 {
        self.window.least.unwrap_or(match (self.statistic, wide) {
            (Statistic::Count, _) => 0,
            (_, Wide::Rows(rows)) => rows,
            (_, Wide::Nanoseconds(_)) => 1,
        })
    }

    fn name(&self) -> &'static str {
        match self.statistic {
            Statistic::Sum => "rolling_sum",
            Statistic::Mean => "rolling_mean",
            Statistic::Min => "rolling_min",
            Statistic::Max => "rolling_max",
            Statistic::Count => "rolling_count",
            Statistic::Var(_) => "rolling_var",
            Statistic::Std(_) => "rolling_std",
        }
    }

    fn kind(&self, data_type: &DataType) -> Result<Kind> {
        match self.statistic {
            Statistic::Count => Ok(Kind::of(data_type).unwrap_or(Kind::Text)),
            Statistic::Min | Statistic::Max => Kind::of_type(data_type, self.name(), Kind::ORDERED),
            _ => Kind::of_type(data_type, self.name(), Kind::NUMBERS),
        }
    }

    fn result(&self, data_type: &DataType) -> Result<DataType> {
        let kind = self.kind(data_type)?;
        Ok(match (self.statistic, kind) {
            (Statistic::Min | Statistic::Max, _) => logical(data_type),
            (Statistic::Count, _) => DataType::Int64,
            (Statistic::Sum, Kind::Signed | Kind::Bool) => DataType::Int64,
            (Statistic::Sum, Kind::Unsigned) => DataType::UInt64,
            _ => DataType::Float64,
        })
    }
}

impl fmt::Display for RollingStatistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match &self.window.wide {
            Ok(Wide::Rows(rows)) => write!(f, "({rows}")?,
            Ok(Wide::Nanoseconds(ns)) => write!(f, "({} s", *ns as f64 / 1e9)?,
            Err(_) => f.write_str("(?")?,
        }
        if let Some(least) = self.window.least {
            write!(f, ", at least {least}")?;
        }
        f.write_str(if self.window.centred { ", centred)" } else { ")" })
    }
}

impl Identity for RollingStatistic {
    fn token(&self, t: &mut Tokenizer) {
        t.str("rolling");
        t.debug(&(self.statistic, &self.window.wide, self.window.least, self.window.centred));
    }
}

impl Window for RollingStatistic {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let wide = self.window.wide.clone()?;
        let [value, on @ ..] = args else { return Err(Error::invalid("a rolling window has no column")) };
        if let (Wide::Nanoseconds(_), [on]) = (wide, on)
            && nanoseconds(on.data_type()).is_none()
        {
            let what = format!("`{}` is {}, no timestamp and no date", on.field.name(), on.data_type());
            return Err(Error::types(what).help("convert it with astype(), or use a window of rows"));
        }
        let nullable = self.statistic != Statistic::Count || self.window.least.is_some();
        Ok(Arc::new(Field::new(value.field.name(), self.result(value.data_type())?, nullable)))
    }

    fn portable(&self) -> Option<Portable> {
        let Rolling { wide, least, centred, .. } = &self.window;
        Portable::of("rolling", &(self.statistic, wide.as_ref().ok()?, least, centred))
    }

    fn reach(&self) -> Reach {
        let centred = self.window.centred;
        match self.window.wide {
            Ok(Wide::Rows(rows)) => {
                let after = if centred { (rows - 1) / 2 } else { 0 };
                Reach::Rows { before: rows - 1 - after, after }
            }
            Ok(Wide::Nanoseconds(width)) => Reach::Time(Span { width, centred }),
            Err(_) => Reach::Rows { before: 0, after: 0 },
        }
    }

    fn start(&self, args: &[DataType], first: u64) -> Result<Box<dyn Running>> {
        let wide = self.window.wide.clone()?;
        let data_type = args.first().ok_or_else(|| Error::invalid("a rolling window has no column"))?;
        let (least, to) = (self.least(wide), self.result(data_type)?);
        let run = Start { walk: Walk::new(self.reach(), first), first };
        let kind = self.kind(data_type)?;
        Ok(match (self.statistic, kind) {
            (Statistic::Count, _) => run.run(
                |array| {
                    let missing = missing(std::slice::from_ref(array))?;
                    let one = |row| missing.as_ref().is_none_or(|m| !m.value(row)).then_some(1i64);
                    Ok((0..array.len()).map(|row| WholeSum::of(one(row))).collect())
                },
                move |p| Ok(array_of(p.iter().map(|p| (p.n >= least).then_some(p.n as i64)).collect())),
            ),
            (Statistic::Min, Kind::Float) => run.extreme::<f64, false>(least, to),
            (Statistic::Min, Kind::Unsigned) => run.extreme::<u64, false>(least, to),
            (Statistic::Min, _) => run.extreme::<i64, false>(least, to),
            (Statistic::Max, Kind::Float) => run.extreme::<f64, true>(least, to),
            (Statistic::Max, Kind::Unsigned) => run.extreme::<u64, true>(least, to),
            (Statistic::Max, _) => run.extreme::<i64, true>(least, to),
            (Statistic::Sum, Kind::Float) => run.run(
                |array| Ok(numbers::<f64>(array)?.into_iter().map(FloatSum::of).collect()),
                move |p| Ok(array_of(p.iter().map(|p| (p.n >= least).then(|| p.sum())).collect())),
            ),
            (Statistic::Mean, Kind::Float) => run.run(
                |array| Ok(numbers::<f64>(array)?.into_iter().map(FloatSum::of).collect()),
                move |p| {
                    let mean = |p: &FloatSum| (p.n >= least.max(1)).then(|| p.sum() / p.n as f64);
                    Ok(array_of(p.iter().map(mean).collect()))
                },
            ),
            (Statistic::Sum, Kind::Unsigned) => run.run(whole::<u64>, move |p| {
                Ok(array_of(p.iter().map(|p| fits::<u64>(p, least)).collect::<Result<_>>()?))
            }),
            (Statistic::Sum, _) => run.run(whole::<i64>, move |p| {
                Ok(array_of(p.iter().map(|p| fits::<i64>(p, least)).collect::<Result<_>>()?))
            }),
            (Statistic::Mean, Kind::Unsigned) => run.run(whole::<u64>, move |p| Ok(means(&p, least))),
            (Statistic::Mean, _) => run.run(whole::<i64>, move |p| Ok(means(&p, least))),
            (Statistic::Var(ddof), kind) => run.moments(kind, move |p| p.var(ddof).filter(|_| p.n >= least)),
            (Statistic::Std(ddof), kind) => {
                run.moments(kind, move |p| p.var(ddof).map(f64::sqrt).filter(|_| p.n >= least))
            }
        })
    }
}

fn whole<N: Number + Into<i128>>(array: &ArrayRef) -> Result<Vec<WholeSum>> {
    Ok(numbers::<N>(array)?.into_iter().map(WholeSum::of).collect())
}

fn fits<N: TryFrom<i128>>(sum: &WholeSum, least: u64) -> Result<Option<N>> {
    if sum.n < least {
        return Ok(None);
    }
    let fits = N::try_from(sum.sum);
    fits.map(Some).map_err(|_| Error::value(format!("the rolling sum {} does not fit into 64 bits", sum.sum)))
}

fn means(sums: &[WholeSum], least: u64) -> ArrayRef {
    array_of(sums.iter().map(|p| (p.n >= least.max(1)).then(|| p.sum as f64 / p.n as f64)).collect())
}

struct Start {
    walk: Walk,
    first: u64,
}

impl Start {
    fn run<P: Piece + 'static>(
        self,
        pieces: fn(&ArrayRef) -> Result<Vec<P>>,
        finish: impl Fn(Vec<P>) -> Result<ArrayRef> + Send + 'static,
    ) -> Box<dyn Running> {
        let slide = Slide::new(self.first);
        Box::new(Rows { walk: self.walk, slide, pieces, finish: Box::new(finish) })
    }

    fn extreme<N: Number, const MAX: bool>(self, least: u64, to: DataType) -> Box<dyn Running> {
        self.run(
            |array| Ok(numbers::<N>(array)?.into_iter().map(|v| Best::<MAX>::of(v.map(N::key))).collect()),
            move |p| {
                let best = |p: &Best<MAX>| p.key().filter(|_| p.n >= least).map(N::of_key);
                retyped(array_of(p.iter().map(best).collect()), &to)
            },
        )
    }

    fn moments(self, kind: Kind, result: impl Fn(&Moments) -> Option<f64> + Send + 'static) -> Box<dyn Running> {
        fn of<N: Number>(array: &ArrayRef) -> Result<Vec<Moments>> {
            Ok(numbers::<N>(array)?.into_iter().map(|v| Moments::of(v.map(N::float))).collect())
        }
        let pieces = match kind {
            Kind::Float => of::<f64>,
            Kind::Unsigned => of::<u64>,
            _ => of::<i64>,
        };
        self.run(pieces, move |p| Ok(array_of(p.iter().map(&result).collect())))
    }
}

type Finish<P> = Box<dyn Fn(Vec<P>) -> Result<ArrayRef> + Send>;

struct Rows<P> {
    walk: Walk,
    slide: Slide<P>,
    pieces: fn(&ArrayRef) -> Result<Vec<P>>,
    finish: Finish<P>,
}

impl<P: Piece> Rows<P> {
    fn take_in(&mut self, args: &[ArrayRef]) -> Result<()> {
        let Some(values) = args.first() else { return Err(Error::invalid("a rolling window has no column")) };
        self.walk.push(args, self.slide.next())?;
        self.slide.extend((self.pieces)(values)?);
        Ok(())
    }

    fn results(&mut self, last: bool) -> Result<ArrayRef> {
        let end = self.slide.next();
        let mut results = Vec::new();
        while let Some((low, high)) = self.walk.window(end, last) {
            results.push(self.slide.window(low, high));
        }
        (self.finish)(results)
    }
}

impl<P: Piece> Running for Rows<P> {
    fn push(&mut self, args: &[ArrayRef], _rows: usize) -> Result<ArrayRef> {
        self.take_in(args)?;
        self.results(false)
    }

    fn lead_in(&mut self, args: &[ArrayRef], rows: usize) -> Result<()> {
        self.walk.skip(rows as u64);
        self.take_in(args)
    }

    fn run_out(&mut self, args: &[ArrayRef], _rows: usize) -> Result<ArrayRef> {
        self.walk.stop_at(self.slide.next());
        self.push(args, 0)
    }

    fn end(&mut self) -> Result<ArrayRef> {
        self.results(true)
    }

    fn bytes(&self) -> usize {
        self.slide.bytes() + self.walk.bytes()
    }
}
