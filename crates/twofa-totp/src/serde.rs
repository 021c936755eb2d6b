//! serde, checked on the way in: what cannot be built by hand cannot be read either. [`Secret`](crate::Secret) has
//! neither direction, [`Code`] only the inward one, so that no secret is ever written.

use core::fmt;

use ::serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Unexpected, Visitor},
};
use twofa_types::UnixTime;

use crate::{
    Algorithm, Code, Counter, Digits, Drift, LastStep, LookAhead, Params, Period, Scan, Step,
    Window,
};

/// A type that is one integer outside: written by the first function, read and checked by the second.
macro_rules! integer {
    ($($type:ident as $integer:ty: $write:expr, $read:expr;)*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let write: fn(Self) -> $integer = $write;
                write(*self).serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let read: fn($integer) -> Result<Self, crate::OutOfBounds> = $read;
                read(<$integer>::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }
    )*};
}

integer! {
    Digits as u8: Self::get, Self::try_from;
    Period as u16: Self::secs, Self::new;
    LookAhead as u8: Self::counters, Self::new;
    Step as u64: Self::value, |value| Ok(Self::from_value(value));
    Counter as u64: Self::value, |value| Ok(Self::from_value(value));
    Drift as i8: Self::steps, |steps| {
        let drift = Self::new(steps);
        if drift.steps() == steps { Ok(drift) } else { Err(crate::OutOfBounds::Drift) }
    };
}

impl Serialize for LastStep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.step().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LastStep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::from_step)
    }
}

impl Serialize for Algorithm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Algorithm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl Visitor<'_> for Name {
            type Value = Algorithm;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("SHA1, SHA256 or SHA512")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Algorithm, E> {
                name.parse()
                    .map_err(|_| E::invalid_value(Unexpected::Str(name), &self))
            }
        }

        deserializer.deserialize_str(Name)
    }
}

/// Read only, by [`Code::parse`]; what was typed never appears in the error.
impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Typed;

        impl Visitor<'_> for Typed {
            type Value = Code;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a code as text")
            }

            fn visit_str<E: Error>(self, typed: &str) -> Result<Code, E> {
                Code::parse(typed).map_err(E::custom)
            }

            // The default implementations would put the number into the error.
            fn visit_u64<E: Error>(self, _: u64) -> Result<Code, E> {
                Err(E::invalid_type(Unexpected::Other("a number"), &self))
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<Code, E> {
                Err(E::invalid_type(Unexpected::Other("a number"), &self))
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Code, E> {
                Err(E::invalid_type(Unexpected::Other("a number"), &self))
            }

            fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<Code, E> {
                Err(E::invalid_type(Unexpected::Other("bytes"), &self))
            }
        }

        // Asked for text alone, a format that meets a number instead quotes it in an error of its own.
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(Typed)
        } else {
            deserializer.deserialize_str(Typed)
        }
    }
}

/// [`Params`] as text writes it; what is left out has its default.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Params", default, deny_unknown_fields)]
struct RawParams {
    algorithm: Algorithm,
    digits: Digits,
    period: Period,
    t0: u64,
}

impl Default for RawParams {
    fn default() -> Self {
        Params::default().into()
    }
}

impl From<Params> for RawParams {
    fn from(params: Params) -> Self {
        Self {
            algorithm: params.algorithm(),
            digits: params.digits(),
            period: params.period(),
            t0: params.t0().as_secs(),
        }
    }
}

impl Serialize for Params {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawParams::from(*self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Params {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawParams::deserialize(deserializer)?;
        Ok(Self::default()
            .with_algorithm(raw.algorithm)
            .with_digits(raw.digits)
            .with_period(raw.period)
            .with_t0(UnixTime::from_secs(raw.t0)))
    }
}

/// [`Window`] and [`Scan`] as text writes them.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Window", deny_unknown_fields)]
struct Sides<T> {
    past: T,
    future: T,
}

macro_rules! sides {
    ($($type:ident)*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Sides { past: self.past(), future: self.future() }.serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let sides = Sides::deserialize(deserializer)?;
                Self::new(sides.past, sides.future).map_err(D::Error::custom)
            }
        }
    )*};
}

sides! { Window Scan }
