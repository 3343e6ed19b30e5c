//! Storage of one column: typed vectors with a mark for missing.

use crate::schema::Kind;
use crate::value::Value;

/// The cells of one column, all of one [`Kind`].
///
/// Floats keep missing as NaN inside, so that a table of features costs 8 bytes a cell; nothing outside this module sees that.
#[derive(Debug, Clone)]
pub struct Column {
    cells: Cells,
}

#[derive(Debug, Clone)]
pub(crate) enum Cells {
    Text(Vec<Option<Box<str>>>),
    Int(Vec<Option<i64>>),
    Float(Vec<f64>),
    Bool(Vec<Option<bool>>),
    Floats(Vec<Option<Vec<f64>>>),
    Singles(Vec<Option<Vec<f32>>>),
}

macro_rules! each {
    ($cells:expr, $v:ident => $body:expr) => {
        match $cells {
            Cells::Text($v) => $body,
            Cells::Int($v) => $body,
            Cells::Float($v) => $body,
            Cells::Bool($v) => $body,
            Cells::Floats($v) => $body,
            Cells::Singles($v) => $body,
        }
    };
}

impl Column {
    /// A column of missing cells.
    pub(crate) fn missing(kind: Kind, rows: usize) -> Self {
        let cells = match kind {
            Kind::Text => Cells::Text(vec![None; rows]),
            Kind::Int => Cells::Int(vec![None; rows]),
            Kind::Float => Cells::Float(vec![f64::NAN; rows]),
            Kind::Bool => Cells::Bool(vec![None; rows]),
            Kind::Floats => Cells::Floats(vec![None; rows]),
            Kind::Singles => Cells::Singles(vec![None; rows]),
        };
        Self { cells }
    }

    pub(crate) fn from_cells(cells: Cells) -> Self {
        Self { cells }
    }

    pub(crate) fn cells(&self) -> &Cells {
        &self.cells
    }

    /// The kind of all its cells.
    pub fn kind(&self) -> Kind {
        match &self.cells {
            Cells::Text(_) => Kind::Text,
            Cells::Int(_) => Kind::Int,
            Cells::Float(_) => Kind::Float,
            Cells::Bool(_) => Kind::Bool,
            Cells::Floats(_) => Kind::Floats,
            Cells::Singles(_) => Kind::Singles,
        }
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        each!(&self.cells, v => v.len())
    }

    /// Whether it has no cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cell of a row; missing beyond the end.
    pub fn value(&self, row: usize) -> Value<'_> {
        match &self.cells {
            Cells::Text(v) => v.get(row).and_then(Option::as_deref).into(),
            Cells::Int(v) => v.get(row).copied().flatten().into(),
            Cells::Float(v) => v.get(row).copied().filter(|x| !x.is_nan()).into(),
            Cells::Bool(v) => v.get(row).copied().flatten().into(),
            Cells::Floats(v) => v.get(row).and_then(Option::as_deref).into(),
            Cells::Singles(v) => v.get(row).and_then(Option::as_deref).into(),
        }
    }

    /// Number of cells that hold a value.
    pub fn count_present(&self) -> usize {
        (0..self.len()).filter(|&row| !self.value(row).is_missing()).count()
    }

    /// Cells, elements of lists counted.
    pub(crate) fn weight(&self) -> usize {
        let elements = match &self.cells {
            Cells::Floats(v) => v.iter().flatten().map(Vec::len).sum(),
            Cells::Singles(v) => v.iter().flatten().map(|list| list.len() / 2).sum(),
            Cells::Text(_) | Cells::Int(_) | Cells::Float(_) | Cells::Bool(_) => 0,
        };
        self.len() + elements
    }

    pub(crate) fn push_missing(&mut self) {
        match &mut self.cells {
            Cells::Text(v) => v.push(None),
            Cells::Int(v) => v.push(None),
            Cells::Float(v) => v.push(f64::NAN),
            Cells::Bool(v) => v.push(None),
            Cells::Floats(v) => v.push(None),
            Cells::Singles(v) => v.push(None),
        }
    }

    /// Sets a cell; `false` when the value is of another kind. An empty text and NaN are missing; a whole number widens to a float.
    pub(crate) fn set(&mut self, row: usize, value: Value<'_>) -> bool {
        match (&mut self.cells, value) {
            (cells, Value::Missing) => match cells {
                Cells::Text(v) => v[row] = None,
                Cells::Int(v) => v[row] = None,
                Cells::Float(v) => v[row] = f64::NAN,
                Cells::Bool(v) => v[row] = None,
                Cells::Floats(v) => v[row] = None,
                Cells::Singles(v) => v[row] = None,
            },
            (Cells::Text(v), Value::Text(text)) => v[row] = (!text.is_empty()).then(|| text.into()),
            (Cells::Int(v), Value::Int(n)) => v[row] = Some(n),
            (Cells::Float(v), Value::Float(x)) => v[row] = x,
            (Cells::Float(v), Value::Int(n)) => v[row] = n as f64,
            (Cells::Bool(v), Value::Bool(b)) => v[row] = Some(b),
            (Cells::Floats(v), Value::Floats(list)) => v[row] = Some(list.to_vec()),
            (Cells::Singles(v), Value::Singles(list)) => v[row] = Some(list.to_vec()),
            _ => return false,
        }
        true
    }

    /// Moves the cells of `other` to the end; `false` when the kinds differ and `other` cannot widen.
    pub(crate) fn append(&mut self, other: Self) -> bool {
        match (&mut self.cells, other.cells) {
            (Cells::Text(a), Cells::Text(mut b)) => a.append(&mut b),
            (Cells::Int(a), Cells::Int(mut b)) => a.append(&mut b),
            (Cells::Float(a), Cells::Float(mut b)) => a.append(&mut b),
            (Cells::Float(a), Cells::Int(b)) => a.extend(b.into_iter().map(|n| n.map_or(f64::NAN, |n| n as f64))),
            (Cells::Bool(a), Cells::Bool(mut b)) => a.append(&mut b),
            (Cells::Floats(a), Cells::Floats(mut b)) => a.append(&mut b),
            (Cells::Singles(a), Cells::Singles(mut b)) => a.append(&mut b),
            _ => return false,
        }
        true
    }

    /// Keeps the first `rows` cells and returns the rest.
    pub(crate) fn split_off(&mut self, rows: usize) -> Self {
        let cells = match &mut self.cells {
            Cells::Text(v) => Cells::Text(v.split_off(rows)),
            Cells::Int(v) => Cells::Int(v.split_off(rows)),
            Cells::Float(v) => Cells::Float(v.split_off(rows)),
            Cells::Bool(v) => Cells::Bool(v.split_off(rows)),
            Cells::Floats(v) => Cells::Floats(v.split_off(rows)),
            Cells::Singles(v) => Cells::Singles(v.split_off(rows)),
        };
        Self { cells }
    }
}

impl PartialEq for Column {
    /// Same kind and same cells; numbers are compared by their bits, so that missing equals missing and -0 differs from 0.
    fn eq(&self, other: &Self) -> bool {
        match (&self.cells, &other.cells) {
            (Cells::Text(a), Cells::Text(b)) => a == b,
            (Cells::Int(a), Cells::Int(b)) => a == b,
            (Cells::Float(a), Cells::Float(b)) => same_bits(a, b),
            (Cells::Bool(a), Cells::Bool(b)) => a == b,
            (Cells::Floats(a), Cells::Floats(b)) => {
                a.len() == b.len()
                    && a.iter().zip(b).all(|(a, b)| match (a, b) {
                        (Some(a), Some(b)) => same_bits(a, b),
                        (None, None) => true,
                        _ => false,
                    })
            }
            (Cells::Singles(a), Cells::Singles(b)) => a == b,
            _ => false,
        }
    }
}

fn same_bits(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()))
}
