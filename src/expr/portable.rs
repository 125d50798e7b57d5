//! Functions, aggregates and expressions as plain data, for an engine that runs elsewhere.

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

use super::tree::{Part, part};
use super::{Expr, Scalar, registry};
use crate::base::deep::deep;
use crate::base::{Error, Result};

/// A function or an aggregate as a name and its settings: what every process of this library finds again in its
/// registry. Code of a user's own has no such form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Portable {
    /// The name in the registry.
    pub name: String,
    /// What the name does not say.
    pub settings: serde_json::Value,
}

impl Portable {
    /// The form of something with these settings.
    pub(crate) fn of(name: &str, settings: &impl Serialize) -> Option<Portable> {
        Some(Portable { name: name.to_string(), settings: serde_json::to_value(settings).ok()? })
    }

    /// The settings again.
    ///
    /// # Errors
    /// `Invalid` for settings of something else.
    pub(crate) fn settings<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(self.settings.clone())
            .map_err(|e| Error::invalid(format!("these are no settings of `{}`: {e}", self.name)))
    }
}

/// A part of an expression; arguments are positions of earlier parts, so that what is shared is written once.
#[derive(Serialize, Deserialize)]
enum Piece {
    Column(String),
    Literal(Scalar),
    Alias(usize, String),
    Call(Portable, Vec<usize>),
}

impl Expr {
    /// The expression as text, which [`from_portable`](Self::from_portable) reads in any process.
    ///
    /// ```
    /// use partita::{Expr, col};
    /// let tip = (col("tip") / col("fare")).gt(0.2);
    /// assert_eq!(Expr::from_portable(&tip.to_portable()?)?.to_string(), tip.to_string());
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Unsupported`, naming the function, when one of them is code of a user's own or looks at other rows.
    pub fn to_portable(&self) -> Result<String> {
        let mut pieces = Vec::new();
        self.write_down(&mut pieces, &mut FxHashMap::default())?;
        serde_json::to_string(&pieces).map_err(|e| Error::invalid(e.to_string()).at_expr(self))
    }

    /// The expression that [`to_portable`](Self::to_portable) wrote.
    ///
    /// # Errors
    /// `Invalid` for a text that is none, or names a function that this version does not have.
    pub fn from_portable(text: &str) -> Result<Expr> {
        let damaged = || Error::invalid("the text is not an expression").doing("read an expression");
        let pieces: Vec<Piece> = serde_json::from_str(text).map_err(|_| damaged())?;
        let mut done: Vec<Expr> = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let earlier = |at: usize| done.get(at).cloned().ok_or_else(damaged);
            let expr = match piece {
                Piece::Column(name) => Expr::Column(name.into()),
                Piece::Literal(scalar) => Expr::Literal(scalar),
                Piece::Alias(inner, name) => Expr::Alias(Arc::new(earlier(inner)?), name.into()),
                Piece::Call(function, args) => Expr::Call {
                    func: registry::function(&function)?,
                    args: args.into_iter().map(earlier).collect::<Result<_>>()?,
                },
            };
            done.push(expr);
        }
        done.pop().ok_or_else(damaged)
    }

    fn write_down(&self, pieces: &mut Vec<Piece>, done: &mut FxHashMap<Part, usize>) -> Result<usize> {
        let piece = match self {
            Expr::Column(name) => Piece::Column(name.to_string()),
            Expr::Literal(scalar) => Piece::Literal(scalar.clone()),
            Expr::Alias(inner, name) => Piece::Alias(deep(|| inner.write_down(pieces, done))?, name.to_string()),
            Expr::Call { func, args } => {
                let id = part(func, args);
                if let Some(known) = done.get(&id) {
                    return Ok(*known);
                }
                let function = func.portable().filter(|_| func.is_rowwise()).ok_or_else(|| {
                    let error = Error::unsupported(format!("sending `{func}` to another process"));
                    error
                        .at_expr(self)
                        .help("write it with the functions of the library, or compute it in this process")
                })?;
                let args = deep(|| args.iter().map(|a| a.write_down(pieces, done)).collect::<Result<_>>())?;
                done.insert(id, pieces.len());
                Piece::Call(function, args)
            }
        };
        pieces.push(piece);
        Ok(pieces.len() - 1)
    }
}

/// An expression is the text of [`Expr::to_portable`].
impl Serialize for Expr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_portable().map_err(serde::ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Expr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Expr, D::Error> {
        Expr::from_portable(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// A value is a column of one row in Arrow's own form, so that every type has one and floats keep their bits.
impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let schema = Arc::new(Schema::new(vec![Field::new("", self.data_type().clone(), true)]));
        let record = RecordBatch::try_new(schema, vec![self.array().clone()]).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(&recorded::text(&record).map_err(serde::ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Scalar, D::Error> {
        let record = recorded::read(&String::deserialize(deserializer)?);
        let record = record.filter(|record| record.num_rows() == 1 && record.num_columns() == 1);
        let record = record.ok_or_else(|| serde::de::Error::custom("not a value"))?;
        Ok(Scalar::of(record.column(0), 0))
    }
}

/// Aggregates by their names in the registry.
pub(crate) mod folded {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Portable;
    use crate::expr::folds::Fold;
    use crate::expr::registry;

    pub(crate) fn serialize<S: Serializer>(fold: &Arc<dyn Fold>, serializer: S) -> Result<S::Ok, S::Error> {
        let sent =
            fold.portable().ok_or_else(|| serde::ser::Error::custom(format!("`{fold}` has no portable form")))?;
        sent.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<dyn Fold>, D::Error> {
        registry::fold(&Portable::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Functions of other rows by their names in the registry.
pub(crate) mod windowed {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Portable;
    use crate::expr::registry;
    use crate::expr::windows::Window;

    pub(crate) fn serialize<S: Serializer>(window: &Arc<dyn Window>, serializer: S) -> Result<S::Ok, S::Error> {
        let sent = window.portable();
        let sent = sent.ok_or_else(|| serde::ser::Error::custom(format!("`{window}` has no portable form")))?;
        sent.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<dyn Window>, D::Error> {
        registry::window(&Portable::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Records in Arrow's own form, written in hexadecimal digits.
pub(crate) mod recorded {
    use arrow::array::RecordBatch;
    use arrow::error::ArrowError;
    use arrow::ipc::reader::StreamReader;
    use arrow::ipc::writer::StreamWriter;

    pub(crate) fn text(record: &RecordBatch) -> Result<String, ArrowError> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut writer = StreamWriter::try_new(Vec::new(), &record.schema())?;
        writer.write(record)?;
        let bytes = writer.into_inner()?;
        let digits = bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|d| char::from(DIGITS[usize::from(d)]));
        Ok(digits.collect())
    }

    pub(crate) fn read(text: &str) -> Option<RecordBatch> {
        let digit = |d: &u8| char::from(*d).to_digit(16);
        let byte = |pair: &[u8]| Some((digit(pair.first()?)? * 16 + digit(pair.get(1)?)?) as u8);
        let bytes: Vec<u8> = text.as_bytes().chunks(2).map(byte).collect::<Option<_>>()?;
        StreamReader::try_new(bytes.as_slice(), None).ok()?.next()?.ok()
    }
}

/// Types by their names.
pub(crate) mod typed {
    use arrow::datatypes::DataType;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(data_type: &DataType, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(data_type)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DataType, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Types by the names of columns.
pub(crate) mod typed_by_name {
    use std::collections::BTreeMap;

    use arrow::datatypes::DataType;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        types: &BTreeMap<String, DataType>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(types.iter().map(|(name, data_type)| (name, data_type.to_string())))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, DataType>, D::Error> {
        let texts = BTreeMap::<String, String>::deserialize(deserializer)?;
        let typed = |(name, text): (String, String)| Ok((name, text.parse().map_err(serde::de::Error::custom)?));
        texts.into_iter().map(typed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Token;
    use crate::expr::fns::Map;
    use crate::{col, lit, when};
    use arrow::datatypes::{DataType, TimeUnit};

    fn token(e: &Expr) -> Token {
        Token::of(|t| t.identity(e))
    }

    #[test]
    fn expressions_come_back_as_they_were() {
        let ratio = col("tip") / col("fare");
        let at = || col("at");
        let zone: Option<std::sync::Arc<str>> = Some("Europe/Paris".into());
        for e in [
            ratio.clone().gt(0.2).fillna(false).alias("high"),
            (-(col("a") + 1 - col("b") * 2.5 % 3)).abs().round(2).clip(0, 10),
            at().dt().weekday() * 24 + at().dt().hour(),
            at().dt().floor("15min").dt().strftime("%H:%M"),
            at().dt().date().is_in([chrono::NaiveDate::default()]),
            col("x").cast(DataType::Timestamp(TimeUnit::Microsecond, zone)),
            col("x").cast(DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8))),
            when(col("a").is_null().or(col("b").is_nan())).then(f64::NAN).otherwise(ratio.clone().sqrt().pow(-0.0)),
            !col("s").str().matches("^a+").and(col("s").str().replace("a", "b").str().len().lt(3)),
            lit(Scalar::null()).eq(col("s")),
        ] {
            let back = Expr::from_portable(&e.to_portable().unwrap()).unwrap();
            assert_eq!((token(&back), back.to_string(), back.name()), (token(&e), e.to_string(), e.name()));
        }
    }

    #[test]
    fn what_is_shared_is_written_once() {
        let mut e = col("x");
        for _ in 0..60 {
            e = e.clone() + e;
        }
        let text = e.to_portable().unwrap();
        assert!(text.len() < 20_000, "{}", text.len());
        assert_eq!(token(&Expr::from_portable(&text).unwrap()), token(&e));
    }

    #[test]
    fn closures_stay_where_they_are() {
        let own = Map::new("own", DataType::Float64, |a| Ok(a[0].clone())).of([col("x")]);
        let error = own.to_portable().unwrap_err().to_string();
        assert!(error.contains("sending `own` to another process"), "{error}");
        assert!(col("x").shift(1).to_portable().is_err());
        for text in ["", "[]", "[{\"Column\":3}]", "[{\"Call\":[{\"name\":\"?\",\"settings\":null},[]]}]"] {
            assert!(Expr::from_portable(text).is_err(), "{text}");
        }
    }
}
