//! What tasks hand to each other.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// A result that is held until everybody who needs it has had it.
pub trait Held: Any + Send + Sync {
    /// Bytes of memory it holds.
    fn bytes(&self) -> u64;

    /// How many rows it is, if it is rows.
    fn rows(&self) -> Option<u64> {
        None
    }
}

/// A held result, shared.
#[derive(Clone)]
pub struct Payload(Arc<dyn Held>);

impl Payload {
    /// Holds `value`.
    pub fn new(value: impl Held) -> Payload {
        Payload(Arc::new(value))
    }

    /// Bytes of memory it holds.
    pub fn bytes(&self) -> u64 {
        self.0.bytes()
    }

    /// How many rows it is, if it is rows.
    pub fn rows(&self) -> Option<u64> {
        self.0.rows()
    }

    /// The value, if it is a `T`.
    pub fn get<T: Held>(&self) -> Option<&T> {
        (self.0.as_ref() as &dyn Any).downcast_ref()
    }

    /// The value, shared, if it is a `T`.
    pub fn share<T: Held>(&self) -> Option<Arc<T>> {
        let any: Arc<dyn Any + Send + Sync> = self.0.clone();
        any.downcast().ok()
    }

    /// The value itself, if it is a `T` and nobody else holds it.
    ///
    /// # Errors
    /// The payload, when it is something else or shared.
    pub fn take<T: Held>(self) -> Result<T, Payload> {
        let any: Arc<dyn Any + Send + Sync> = self.0.clone();
        match any.downcast::<T>() {
            Err(_) => Err(self),
            Ok(value) => {
                // two handles are ours: `value` and `self`
                let back = Payload(value.clone());
                drop(self);
                let shared = Arc::strong_count(&value) > 2;
                if shared {
                    return Err(back);
                }
                drop(back);
                Arc::try_unwrap(value).map_err(|value| Payload(value))
            }
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.bytes())
    }
}

impl Held for () {
    fn bytes(&self) -> u64 {
        0
    }
}

/// A number: how many rows a task has passed on.
impl Held for u64 {
    fn bytes(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Text(String);
    impl Held for Text {
        fn bytes(&self) -> u64 {
            self.0.len() as u64
        }
    }

    #[test]
    fn a_payload_is_taken_only_by_its_last_holder() {
        let payload = Payload::new(Text("abc".into()));
        assert_eq!((payload.bytes(), payload.get::<Text>().unwrap().0.as_str()), (3, "abc"));
        assert!(payload.get::<()>().is_none());
        let other = payload.clone();
        let payload = payload.take::<Text>().err().unwrap();
        drop(other);
        assert_eq!(payload.take::<Text>().ok().unwrap().0, "abc");
    }
}
