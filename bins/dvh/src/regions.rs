//! The regions of a course: drawn ones as contours, all others as masks.

use std::collections::BTreeMap;

use camino::Utf8Path;
use rt_cli::Failure;
use rt_cli::masks::read_masks;
use rt_core::Vec3;
use rt_course::manifest::{CourseRecord, StructureSetRecord};
use rt_course::sidecar::{ImageSidecar, MaskIndex};
use rt_course::{CourseDir, read_json};
use rt_dvh::RoiShape;
use rt_image::{Contour, ContourKind, ContourSet, Mask};
use rt_records::parquet;
use rt_records::tables::contours::{ContourRow, from_table};

/// Where a region is.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// As drawn.
    Contours(ContourSet),
    /// Voxels of the planning CT.
    Mask(Mask),
}

/// One region of one source.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    pub(crate) source: String,
    pub(crate) origin: String,
    pub(crate) number: Option<i32>,
    pub(crate) name: String,
    pub(crate) original_name: String,
    /// Standard name that it stands for.
    pub(crate) standard_name: Option<String>,
    pub(crate) interpreted_type: String,
    pub(crate) frame_of_reference: String,
    pub(crate) cropped: bool,
    pub(crate) is_plan_referenced: bool,
    pub(crate) shape: Shape,
    /// Spacing of the slices that it was drawn on, mm.
    pub(crate) slice_mm: Option<f64>,
}

impl Region {
    /// The shape as the engine takes it.
    pub(crate) fn roi_shape(&self) -> RoiShape<'_> {
        match &self.shape {
            Shape::Contours(set) => RoiShape::Contours(set),
            Shape::Mask(mask) => RoiShape::Mask(mask),
        }
    }

    /// Names that goals, models and settings may mean it by.
    pub(crate) fn names(&self) -> Vec<&str> {
        std::iter::once(self.original_name.as_str())
            .chain(self.standard_name.as_deref())
            .collect()
    }
}

/// Every region: those of the primary structure set, then the masks of other sources in the order of their index.
///
/// # Errors
/// When contours or masks cannot be read.
pub(crate) fn read(course: &CourseDir, record: &CourseRecord) -> Result<Vec<Region>, anyhow::Error> {
    let index: Option<MaskIndex> = course.masks_json().exists().then(|| read_json(&course.masks_json())).transpose()?;
    let mut regions = Vec::new();
    if let Some(set) = record.primary_structures() {
        let slice_mm = slice_spacing(course, record, set)?;
        regions.extend(drawn(&course.file(&set.contours)?, set, index.as_ref(), slice_mm)?);
    }
    if index.is_some() {
        let frame = record.planning_ct().map(|ct| ct.frame_of_reference.clone()).unwrap_or_default();
        regions.extend(masked(course, &frame)?);
    }
    Ok(regions)
}

/// Slice spacing of the image that a set was drawn on, else of the planning CT.
fn slice_spacing(course: &CourseDir, record: &CourseRecord, set: &StructureSetRecord) -> Result<Option<f64>, anyhow::Error> {
    let named = record.images.iter().find(|i| set.referenced_series.contains(&i.series_uid));
    let Some(image) = named.or_else(|| record.planning_ct()) else {
        return Ok(None);
    };
    let facts: ImageSidecar = read_json(&course.file(&image.sidecar)?)?;
    Ok((facts.grid.size()[2] > 1).then(|| facts.grid.spacing()[2]))
}

fn drawn(
    path: &Utf8Path,
    set: &StructureSetRecord,
    index: Option<&MaskIndex>,
    slice_mm: Option<f64>,
) -> Result<Vec<Region>, anyhow::Error> {
    let table = parquet::read(path.as_std_path()).map_err(|e| Failure::damaged(path, "organize", e.code(), e))?;
    let mut by_number: BTreeMap<i32, Vec<ContourRow>> = BTreeMap::new();
    for row in from_table(&table)? {
        by_number.entry(row.roi_number).or_default().push(row);
    }
    let regions = by_number.into_iter().filter_map(|(number, rows)| {
        let first = rows.first()?;
        // The border of the image is known once the structure was rasterised.
        let mask = index.and_then(|i| {
            i.rois
                .iter()
                .find(|r| r.source == "Manual" && r.origin == set.id && r.number == Some(number))
        });
        let original_name = if first.roi_name.is_empty() {
            format!("ROI {number}")
        } else {
            first.roi_name.clone()
        };
        Some(Region {
            source: "Manual".to_owned(),
            origin: set.id.clone(),
            number: Some(number),
            name: mask.map_or_else(|| original_name.clone(), |m| m.name.clone()),
            original_name,
            standard_name: None,
            interpreted_type: first.interpreted_type.clone(),
            frame_of_reference: if first.frame_of_reference.is_empty() {
                set.frame_of_reference.clone()
            } else {
                first.frame_of_reference.clone()
            },
            cropped: mask.is_some_and(|m| m.touches_border),
            is_plan_referenced: set.is_plan_referenced,
            shape: Shape::Contours(contour_set(&rows)),
            slice_mm,
        })
    });
    Ok(regions.collect())
}

fn contour_set(rows: &[ContourRow]) -> ContourSet {
    let contours = rows
        .iter()
        .filter(|r| r.contour_index.is_some())
        .map(|r| Contour {
            // A kind that DICOM does not have encloses nothing that could be trusted.
            kind: ContourKind::from_term(&r.kind).unwrap_or(ContourKind::OpenNonplanar),
            points: r.points.iter().map(|p| Vec3::from_array(*p)).collect(),
        })
        .collect();
    ContourSet { contours }
}

fn masked(course: &CourseDir, frame: &str) -> Result<Vec<Region>, anyhow::Error> {
    let automatic = read_masks(&course.masks_json(), &course.masks(), |entry| entry.source != "Manual")?;
    Ok(automatic
        .into_iter()
        .map(|(entry, mask)| Region {
            source: entry.source,
            origin: entry.origin,
            number: entry.number,
            name: entry.name,
            original_name: entry.original_name,
            standard_name: None,
            interpreted_type: entry.interpreted_type,
            frame_of_reference: frame.to_owned(),
            cropped: entry.touches_border,
            is_plan_referenced: false,
            shape: Shape::Mask(mask),
            slice_mm: None,
        })
        .collect())
}
