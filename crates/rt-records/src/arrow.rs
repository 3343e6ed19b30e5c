//! Columns <-> Arrow arrays. The only module that names Arrow types; none of them leaves the crate.

use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, PrimitiveBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::column::{Cells, Column};
use crate::error::ReadError;
use crate::schema::{Kind, TableSchema};
use crate::table::Table;

pub(crate) fn to_arrow(schema: &TableSchema) -> SchemaRef {
    let fields: Vec<Field> = schema
        .columns()
        .iter()
        .map(|c| Field::new(c.name.as_ref(), data_type(c.kind), true))
        .collect();
    Arc::new(Schema::new(fields))
}

fn data_type(kind: Kind) -> DataType {
    let list = |item| DataType::List(Arc::new(Field::new_list_field(item, true)));
    match kind {
        Kind::Text => DataType::Utf8,
        Kind::Int => DataType::Int64,
        Kind::Float => DataType::Float64,
        Kind::Bool => DataType::Boolean,
        Kind::Floats => list(DataType::Float64),
        Kind::Singles => list(DataType::Float32),
    }
}

/// The kind that a stored type becomes; `None` for types that tables do not have.
pub(crate) fn kind_of(stored: &DataType) -> Option<Kind> {
    match stored {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Null => Some(Kind::Text),
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64 => Some(Kind::Int),
        DataType::Float32 | DataType::Float64 => Some(Kind::Float),
        DataType::Boolean => Some(Kind::Bool),
        DataType::List(item) => match item.data_type() {
            DataType::Float64 => Some(Kind::Floats),
            DataType::Float32 => Some(Kind::Singles),
            _ => None,
        },
        _ => None,
    }
}

pub(crate) fn to_batch(table: &Table, schema: &SchemaRef) -> Result<RecordBatch, String> {
    let arrays = table.columns().iter().map(to_array).collect();
    RecordBatch::try_new(schema.clone(), arrays).map_err(|e| e.to_string())
}

fn to_array(column: &Column) -> ArrayRef {
    match column.cells() {
        Cells::Text(v) => {
            let mut b = StringBuilder::new();
            for text in v {
                b.append_option(text.as_deref());
            }
            Arc::new(b.finish())
        }
        Cells::Int(v) => Arc::new(Int64Array::from(v.clone())),
        Cells::Float(v) if v.iter().any(|x| x.is_nan()) => {
            Arc::new(v.iter().map(|&x| (!x.is_nan()).then_some(x)).collect::<Float64Array>())
        }
        Cells::Float(v) => Arc::new(Float64Array::from(v.clone())),
        Cells::Bool(v) => Arc::new(BooleanArray::from(v.clone())),
        Cells::Floats(v) => Arc::new(list_array::<Float64Type>(v)),
        Cells::Singles(v) => Arc::new(list_array::<Float32Type>(v)),
    }
}

fn list_array<T: ArrowPrimitiveType>(lists: &[Option<Vec<T::Native>>]) -> arrow_array::ListArray {
    let mut b = ListBuilder::new(PrimitiveBuilder::<T>::new());
    for list in lists {
        if let Some(list) = list {
            b.values().append_slice(list);
        }
        b.append(list.is_some());
    }
    b.finish()
}

pub(crate) fn from_batch(batch: &RecordBatch, schema: &TableSchema, path: &Path) -> Result<Table, ReadError> {
    let mut columns = Vec::with_capacity(schema.len());
    for (def, array) in schema.columns().iter().zip(batch.columns()) {
        let column = from_array(array, def.kind).ok_or_else(|| ReadError::ColumnType {
            path: path.to_owned(),
            column: def.name.to_string(),
            kind: array.data_type().to_string(),
        })?;
        columns.push(column);
    }
    Ok(Table::from_columns(schema.clone(), columns, batch.num_rows()))
}

fn from_array(array: &ArrayRef, kind: Kind) -> Option<Column> {
    let cells = match kind {
        Kind::Text => Cells::Text(texts(array)?),
        Kind::Int => Cells::Int(ints(array)?),
        Kind::Float => Cells::Float(match array.data_type() {
            DataType::Float32 => floats::<Float32Type>(array),
            _ => floats::<Float64Type>(array),
        }),
        Kind::Bool => Cells::Bool(array.as_boolean_opt()?.iter().collect()),
        Kind::Floats => Cells::Floats(lists::<Float64Type>(array)?),
        Kind::Singles => Cells::Singles(lists::<Float32Type>(array)?),
    };
    Some(Column::from_cells(cells))
}

fn texts(array: &ArrayRef) -> Option<Vec<Option<Box<str>>>> {
    let keep = |text: Option<&str>| text.filter(|t| !t.is_empty()).map(Box::from);
    match array.data_type() {
        DataType::Null => Some(vec![None; array.len()]),
        DataType::LargeUtf8 => Some(array.as_string_opt::<i64>()?.iter().map(keep).collect()),
        _ => Some(array.as_string_opt::<i32>()?.iter().map(keep).collect()),
    }
}

fn floats<T: ArrowPrimitiveType<Native: Into<f64>>>(array: &ArrayRef) -> Vec<f64> {
    array.as_primitive::<T>().iter().map(|x| x.map_or(f64::NAN, Into::into)).collect()
}

fn ints(array: &ArrayRef) -> Option<Vec<Option<i64>>> {
    fn wide<T: ArrowPrimitiveType<Native: TryInto<i64>>>(array: &ArrayRef) -> Option<Vec<Option<i64>>> {
        // A value beyond i64 makes the column unreadable rather than wrong.
        array
            .as_primitive::<T>()
            .iter()
            .map(|n| n.map_or(Some(None), |n| n.try_into().ok().map(Some)))
            .collect()
    }
    match array.data_type() {
        DataType::Int8 => wide::<Int8Type>(array),
        DataType::Int16 => wide::<Int16Type>(array),
        DataType::Int32 => wide::<Int32Type>(array),
        DataType::Int64 => wide::<Int64Type>(array),
        DataType::UInt8 => wide::<UInt8Type>(array),
        DataType::UInt16 => wide::<UInt16Type>(array),
        DataType::UInt32 => wide::<UInt32Type>(array),
        DataType::UInt64 => wide::<UInt64Type>(array),
        _ => None,
    }
}

fn lists<T: ArrowPrimitiveType>(array: &ArrayRef) -> Option<Vec<Option<Vec<T::Native>>>> {
    let lists = array.as_list_opt::<i32>()?;
    let mut all = Vec::with_capacity(lists.len());
    for list in lists {
        let Some(list) = list else {
            all.push(None);
            continue;
        };
        let values = list.as_primitive_opt::<T>()?;
        if values.null_count() > 0 {
            return None;
        }
        all.push(Some(values.values().to_vec()));
    }
    Some(all)
}
