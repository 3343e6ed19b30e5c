//! The elements that the gate let through, read by the `dicom` crate and given out as plain values.

use dicom::core::Tag;
use dicom::core::value::{PrimitiveValue, Value};
use dicom::dictionary_std::tags;
use dicom::encoding::TransferSyntaxIndex as _;
use dicom::encoding::text::SpecificCharacterSet;
use dicom::object::InMemDicomObject;
use dicom::transfer_syntax::TransferSyntaxRegistry;

use crate::charset::Charset;
use crate::gate::{Fault, GateError, Gated};
use crate::value::{self, Date, Time};

/// A parsed data set with its character set.
#[derive(Debug)]
pub(crate) struct Dataset {
    object: InMemDicomObject,
    charset: Charset,
}

impl Dataset {
    /// Reads what the gate collected.
    ///
    /// # Errors
    /// [`GateError::Rejected`] when the reader refuses it all the same.
    pub(crate) fn of(gated: &Gated) -> Result<Self, GateError> {
        let refuse = |detail: String| GateError::Rejected {
            fault: Fault {
                code: "dicom.structure",
                offset: gated.content_start,
                tag: None,
                detail,
            },
        };
        let syntax = TransferSyntaxRegistry
            .get(gated.encoding.uid())
            .ok_or_else(|| refuse("no reader for its encoding".to_owned()))?;
        // Latin-1 maps each byte to the character of the same number: bytes come back whole and are decoded in `charset`.
        let object = InMemDicomObject::read_dataset_with_ts_cs(gated.header.as_slice(), syntax, SpecificCharacterSet::ISO_IR_100)
            .map_err(|e| refuse(format!("the reader refuses it: {e}")))?;
        Ok(Self {
            object,
            charset: Charset::of(&gated.charset),
        })
    }

    /// The root elements.
    pub(crate) fn fields(&self) -> Fields<'_> {
        Fields {
            object: &self.object,
            charset: &self.charset,
        }
    }

    /// Its character set.
    pub(crate) fn charset(&self) -> &Charset {
        &self.charset
    }
}

/// One level of a data set: the root or an item.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    object: &'a InMemDicomObject,
    charset: &'a Charset,
}

impl<'a> Fields<'a> {
    fn primitive(self, tag: Tag) -> Option<&'a PrimitiveValue> {
        match self.object.get(tag)?.value() {
            Value::Primitive(value) => Some(value),
            Value::Sequence(_) | Value::PixelSequence(_) => None,
        }
    }

    /// Stored bytes of a text or byte element.
    pub(crate) fn bytes(self, tag: Tag) -> Option<Vec<u8>> {
        let latin1 = |text: &str| {
            text.chars()
                .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
                .collect::<Vec<u8>>()
        };
        match self.primitive(tag)? {
            PrimitiveValue::Str(text) => Some(latin1(text)),
            PrimitiveValue::Strs(parts) => Some(latin1(&parts.join("\\"))),
            PrimitiveValue::U8(bytes) => Some(bytes.to_vec()),
            PrimitiveValue::Empty => None,
            other => Some(latin1(&other.to_str())),
        }
    }

    /// Whether the element is there, with or without a value.
    pub(crate) fn has(self, tag: Tag) -> bool {
        self.object.get(tag).is_some()
    }

    /// Text without padding; `None` when missing or empty.
    pub(crate) fn text(self, tag: Tag) -> Option<String> {
        let text = self.charset.decode(&self.bytes(tag)?);
        let text = text.replace('\0', " ");
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// All values of a text element, each without padding.
    pub(crate) fn texts(self, tag: Tag) -> Vec<String> {
        self.text(tag)
            .map(|t| t.split('\\').map(|v| v.trim().to_owned()).collect())
            .unwrap_or_default()
    }

    /// First value of a code, identifier or UID, without padding; `None` when missing or empty.
    pub(crate) fn code(self, tag: Tag) -> Option<String> {
        self.texts(tag).into_iter().next().filter(|t| !t.is_empty())
    }

    /// All numbers of an element, whatever its VR; `None` when missing, empty, or when one of them is no finite number.
    pub(crate) fn f64s(self, tag: Tag) -> Option<Vec<f64>> {
        let value = self.primitive(tag)?;
        let numbers: Option<Vec<f64>> = match value {
            PrimitiveValue::Str(text) => text.split('\\').map(|t| value::decimal(t.as_bytes())).collect(),
            PrimitiveValue::Strs(parts) => parts.iter().map(|t| value::decimal(t.as_bytes())).collect(),
            PrimitiveValue::Empty => None,
            other => other.to_multi_float64().ok(),
        };
        numbers.filter(|list| !list.is_empty() && list.iter().all(|v| v.is_finite()))
    }

    /// Exactly `N` numbers (more are cut); `None` when there are fewer or they do not parse.
    pub(crate) fn array<const N: usize>(self, tag: Tag) -> Option<[f64; N]> {
        self.f64s(tag)?.get(..N)?.try_into().ok()
    }

    /// First number of an element.
    pub(crate) fn f64(self, tag: Tag) -> Option<f64> {
        match self.primitive(tag)? {
            PrimitiveValue::Str(text) => value::decimal(text.split('\\').next()?.as_bytes()),
            PrimitiveValue::Strs(parts) => value::decimal(parts.first()?.as_bytes()),
            PrimitiveValue::Empty => None,
            other => other.to_float64().ok().filter(|v| v.is_finite()),
        }
    }

    /// First integer of an element, of an integer VR or an integer string.
    pub(crate) fn integer(self, tag: Tag) -> Option<i64> {
        match self.primitive(tag)? {
            PrimitiveValue::Str(text) => value::integer(text.split('\\').next()?.as_bytes()),
            PrimitiveValue::Strs(parts) => value::integer(parts.first()?.as_bytes()),
            PrimitiveValue::Empty => None,
            other => other.to_int::<i64>().ok(),
        }
    }

    /// First integer that fits an unsigned type.
    pub(crate) fn unsigned<T: TryFrom<i64>>(self, tag: Tag) -> Option<T> {
        self.integer(tag).and_then(|v| T::try_from(v).ok())
    }

    /// A day; `None` when missing or no date.
    pub(crate) fn date(self, tag: Tag) -> Option<Date> {
        Date::parse(&self.code(tag)?)
    }

    /// A time of day; `None` when missing or no time.
    pub(crate) fn time(self, tag: Tag) -> Option<Time> {
        Time::parse(&self.code(tag)?)
    }

    /// Items of a sequence; empty when missing.
    pub(crate) fn items(self, tag: Tag) -> impl Iterator<Item = Fields<'a>> {
        let items = match self.object.get(tag).map(dicom::core::DataElement::value) {
            Some(Value::Sequence(sequence)) => sequence.items(),
            _ => &[],
        };
        items.iter().map(move |object| Fields {
            object,
            charset: self.charset,
        })
    }

    /// First item of a sequence.
    pub(crate) fn item(self, tag: Tag) -> Option<Fields<'a>> {
        self.items(tag).next()
    }

    /// `ReferencedSOPInstanceUID` of every item of a sequence.
    pub(crate) fn references(self, sequence: Tag) -> Vec<String> {
        self.items(sequence)
            .filter_map(|item| item.code(tags::REFERENCED_SOP_INSTANCE_UID))
            .collect()
    }
}
