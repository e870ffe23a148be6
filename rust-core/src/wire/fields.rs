//! Protobuf, field by field, read strictly where prost is lenient: unknown fields,
//! repeated singular fields, two members of a oneof, foreign wire types, numbers
//! beyond their type, too many elements and bad UTF-8 are faults. Knows no schema:
//! who reads a message names each of its fields.

use thiserror::Error;

/// Most bytes of a tag or a length, 32 bits, and of a number, 64 bits.
const VARINT32_BYTES_MAX: u32 = 5;
const VARINT64_BYTES_MAX: u32 = 10;

/// Why bytes are not the message that they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FormFault {
    /// Something runs beyond the end.
    #[error("it is cut short")]
    CutShort,
    /// A number, a tag or a length is larger than its type.
    #[error("a number does not fit its type")]
    Overflow,
    /// This version has no such field.
    #[error("there is no field {0} in this version")]
    UnknownField(u32),
    /// A field is not of the wire type that it should be.
    #[error("field {0} has the wrong wire type")]
    WireType(u32),
    /// A field, or a second member of a oneof, is set again.
    #[error("a field is set twice")]
    SetTwice,
    /// A repeated field has more elements than it may.
    #[error("a field has more than {0} elements")]
    TooMany(usize),
    /// A text is not UTF-8.
    #[error("field {0} is not UTF-8")]
    NotUtf8(u32),
}

#[derive(Clone, Copy, Debug)]
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// One field as it stands in a message.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// Its number, above 0.
    pub number: u32,
    value: Value<'a>,
}

impl<'a> Field<'a> {
    /// Bytes, or a message within.
    ///
    /// # Errors
    /// When it is a number.
    pub fn bytes(&self) -> Result<&'a [u8], FormFault> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            Value::Number(_) => Err(FormFault::WireType(self.number)),
        }
    }

    /// A text.
    ///
    /// # Errors
    /// When it is a number, or not UTF-8.
    pub fn text(&self) -> Result<&'a str, FormFault> {
        std::str::from_utf8(self.bytes()?).map_err(|_| FormFault::NotUtf8(self.number))
    }

    /// A number of 64 bits.
    ///
    /// # Errors
    /// When it has a length.
    pub fn u64(&self) -> Result<u64, FormFault> {
        match self.value {
            Value::Number(number) => Ok(number),
            Value::Bytes(_) => Err(FormFault::WireType(self.number)),
        }
    }

    /// A number of 32 bits, or of an enum: none has values below 0.
    ///
    /// # Errors
    /// When it has a length, or more bits.
    pub fn u32(&self) -> Result<u32, FormFault> {
        u32::try_from(self.u64()?).map_err(|_| FormFault::Overflow)
    }

    /// A bool.
    ///
    /// # Errors
    /// When it has a length, or is neither 0 nor 1.
    pub fn flag(&self) -> Result<bool, FormFault> {
        match self.u64()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(FormFault::Overflow),
        }
    }

    /// Of a message that has no such field.
    ///
    /// # Errors
    /// Always.
    pub fn unknown<T>(&self) -> Result<T, FormFault> {
        Err(FormFault::UnknownField(self.number))
    }
}

/// The fields of a message, in the order in which they stand.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Of the bytes of one message, without its own tag and length.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next one; `None` at the end.
    ///
    /// # Errors
    /// Where the bytes go on, but not with a field. Groups and fixed-size numbers
    /// are in no message of the wire.
    pub fn read(&mut self) -> Result<Option<Field<'a>>, FormFault> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint32()?;
        let number = tag >> 3;
        let value = match tag & 7 {
            _ if number == 0 => return Err(FormFault::UnknownField(0)),
            0 => Value::Number(self.varint(VARINT64_BYTES_MAX)?),
            2 => Value::Bytes(self.delimited()?),
            _ => return Err(FormFault::WireType(number)),
        };
        Ok(Some(Field { number, value }))
    }

    fn delimited(&mut self) -> Result<&'a [u8], FormFault> {
        let length = usize::try_from(self.varint32()?).map_err(|_| FormFault::Overflow)?;
        let (bytes, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(FormFault::CutShort)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn varint32(&mut self) -> Result<u32, FormFault> {
        u32::try_from(self.varint(VARINT32_BYTES_MAX)?).map_err(|_| FormFault::Overflow)
    }

    fn varint(&mut self, bytes_max: u32) -> Result<u64, FormFault> {
        let mut value = 0_u64;
        for at in 0..bytes_max {
            let (byte, rest) = self.rest.split_first().ok_or(FormFault::CutShort)?;
            self.rest = rest;
            let bits = u64::from(byte & 0x7f);
            let shifted = bits << (7 * at);
            if shifted >> (7 * at) != bits {
                return Err(FormFault::Overflow);
            }
            value |= shifted;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(FormFault::Overflow)
    }
}

/// Sets what may be set once.
///
/// # Errors
/// When it is set already.
pub fn set<T>(slot: &mut Option<T>, value: T) -> Result<(), FormFault> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(FormFault::SetTwice),
    }
}

/// Adds an element to a repeated field.
///
/// # Errors
/// When it has `most` already.
pub fn add<T>(list: &mut Vec<T>, value: T, most: usize) -> Result<(), FormFault> {
    if list.len() >= most {
        return Err(FormFault::TooMany(most));
    }
    list.push(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<(u32, u64)>, FormFault> {
        let mut fields = Fields::of(bytes);
        let mut seen = Vec::new();
        while let Some(field) = fields.read()? {
            seen.push((field.number, field.u64()?));
        }
        Ok(seen)
    }

    #[test]
    fn numbers_are_read_in_any_length_that_fits_their_type() {
        assert_eq!(all(&[0x08, 0x01]), Ok(vec![(1, 1)]));
        assert_eq!(all(&[0x88, 0x80, 0x00, 0x81, 0x00]), Ok(vec![(1, 1)]));
        let mut most = vec![0x08];
        most.extend([0xff; 9]);
        most.push(0x01);
        assert_eq!(all(&most), Ok(vec![(1, u64::MAX)]));
    }

    #[test]
    fn what_others_would_cut_or_skip_is_a_fault() {
        let mut beyond = vec![0x08];
        beyond.extend([0xff; 9]);
        beyond.push(0x03);
        assert_eq!(all(&beyond), Err(FormFault::Overflow));
        assert_eq!(
            all(&[0x88, 0x80, 0x80, 0x80, 0x10, 1]),
            Err(FormFault::Overflow)
        );
        assert_eq!(
            all(&[0x0a, 0x80, 0x80, 0x80, 0x80, 0x10]),
            Err(FormFault::Overflow)
        );
        assert_eq!(all(&[0x00, 0x01]), Err(FormFault::UnknownField(0)));
        assert_eq!(all(&[0x0b, 0x0c]), Err(FormFault::WireType(1)));
        assert_eq!(all(&[0x0d, 0, 0, 0, 0]), Err(FormFault::WireType(1)));
        assert_eq!(all(&[0x0a, 0x02, 0x00]), Err(FormFault::CutShort));
        assert_eq!(all(&[0x08]), Err(FormFault::CutShort));
        assert_eq!(all(&[0x0a, 0x00]), Err(FormFault::WireType(1)));
    }
}
