//! JSON payloads and scalars, read as ECMAScript reads them, so that a condition on
//! a payload holds here just when it holds for the actor: numbers are doubles,
//! texts are UTF-16, of two equal keys the last counts.

pub mod read;
pub mod scalar;

use std::collections::HashMap;

use self::scalar::Scalar;

/// A text as UTF-16 units: an escape can stand for half of a surrogate pair.
pub type Text = Vec<u16>;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// Everything but lists and objects.
    Scalar(Scalar),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(HashMap<Text, Json>),
}
