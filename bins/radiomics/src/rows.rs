//! From regions to rows.

use std::collections::HashMap;
use std::sync::Arc;

use camino::Utf8Path;
use rt_cli::{Failure, StageContext, StageReport};
use rt_core::Grid;
use rt_course::manifest::CourseRecord;
use rt_course::sidecar::MaskEntry;
use rt_course::{CourseDir, Radiomics as Table, write_atomic};
use rt_image::{Mask, resample_mask};
use rt_radiomics::ibsi::IbsiSettings;
use rt_radiomics::{
    Admission, DiagnosticValue, ExtractError, FeatureVector, Flavour, ImageKind, ImageSource, RadiomicsConfig, Schedule, Settings,
    SettingsError, each_mask, extract_all, ibsi, sample_hash,
};
use rt_records::tables::radiomics as table;
use rt_records::{ColumnDef, FileInfo, Kind, PackedBuilder, RowMut, Value};

use crate::images::{CourseImage, Subject};
use crate::masks::{Region, Regions};
use crate::params;

/// How the images of one kind are measured.
pub(crate) struct Plan {
    method: Method,
    /// `ct`, or the name of the parameter file.
    name: String,
    flavour: Flavour,
    /// For MR, its normalisation.
    normalisation: Option<&'static str>,
}

/// Whose definitions, with their settings.
enum Method {
    /// Settings of all features, and of those of a region above `max_voxels`.
    PyRadiomics(Box<[Settings; 2]>),
    Ibsi(Box<IbsiSettings>),
}

impl Method {
    fn feature_names(&self) -> Vec<String> {
        match self {
            Self::PyRadiomics(settings) => settings[0].feature_names(),
            Self::Ibsi(settings) => settings.feature_names(),
        }
    }
}

impl Plan {
    pub(crate) fn new(config: &RadiomicsConfig, kind: ImageKind) -> Result<Self, anyhow::Error> {
        let file = config.params_of(kind).filter(|_| config.parameters_of(kind).is_none());
        let of_params = file.map(|path| params::read(path)).transpose()?;
        let full = config.settings(kind, of_params.as_ref()).map_err(|e| unusable(&e))?;
        let method = match config.flavour {
            Flavour::Pyradiomics => Method::PyRadiomics(Box::new([full.clone(), full.reduced()])),
            Flavour::Ibsi => Method::Ibsi(Box::new(config.ibsi_settings(kind).map_err(|e| unusable(&e))?)),
        };
        let default = match kind {
            ImageKind::Ct => "ct",
            ImageKind::Mr => "mr",
            ImageKind::Pet => "pet",
            ImageKind::Dose => "dose",
        };
        let of_file = file.and_then(|path| path.file_name()).map(|n| n.to_string_lossy().into_owned());
        Ok(Self {
            method,
            name: of_file.unwrap_or_else(|| default.to_owned()),
            flavour: config.flavour,
            normalisation: (kind == ImageKind::Mr && config.flavour == Flavour::Pyradiomics).then(|| config.mr_normalise.name()),
        })
    }
}

fn unusable(e: &SettingsError) -> Failure {
    Failure::usage(e.code(), format!("section [radiomics]: {e}"))
}

/// What came out for one region.
pub(crate) struct Measured {
    entry: MaskEntry,
    modality: &'static str,
    subject: Subject,
    status: &'static str,
    code: String,
    message: String,
    reduced: bool,
    native: Option<(usize, f64)>,
    features: Option<FeatureVector>,
}

/// Measures all regions of one image.
pub(crate) fn measure(
    cx: &StageContext<'_>,
    config: &RadiomicsConfig,
    plan: &Plan,
    subject: &Subject,
    regions: &Regions,
    report: &mut StageReport,
) -> Result<Vec<Measured>, anyhow::Error> {
    let (image, straightened) = CourseImage::open(subject)?;
    if straightened {
        tracing::warn!(
            event = "warn",
            code = "radiomics.grid_resampled",
            "{}: its grid is not right-angled (gantry tilt); features are taken from a copy resampled to a right-angled grid",
            subject.path
        );
    }
    let source = ImageSource::new(image.samples());
    let masks: Vec<Mask> = regions.0.iter().map(|r| on_grid(r, source.samples().grid())).collect();
    let admissions: Vec<Admission> = regions
        .0
        .iter()
        .zip(&masks)
        .map(|(r, m)| config.admit(&r.entry.original_name, m.count()))
        .collect();
    let hash = sample_hash(source.samples());
    let mut results: HashMap<usize, Result<FeatureVector, ExtractError>> = HashMap::new();
    let schedule = Schedule {
        batch_below: config.batch_below_voxels,
        memory_bytes: config.memory_mb.given().map(|mb| mb << 20),
    };
    for (wanted, reduced) in [(Admission::Full, 0), (Admission::Reduced, 1)] {
        let chosen: Vec<usize> = (0..masks.len())
            .filter(|n| admissions[*n] == wanted && !masks[*n].is_empty())
            .collect();
        let picked: Vec<&Mask> = chosen.iter().map(|n| &masks[*n]).collect();
        let measured = match &plan.method {
            Method::PyRadiomics(settings) => extract_all(&source, &picked, &settings[reduced], schedule, cx.progress),
            // There is no reduced form: a region above the limit is left out.
            Method::Ibsi(_) if wanted == Admission::Reduced => continue,
            Method::Ibsi(settings) => each_mask(&picked, schedule, cx.progress, &|mask| settings.needed_bytes(mask), &|mask| {
                ibsi::extract_from(&source, mask, settings)
            }),
        };
        results.extend(chosen.into_iter().zip(measured));
    }
    if cx.progress.cancelled() {
        return Err(Failure::new("interrupted", "stopped before all regions were measured").into());
    }
    let mut out = Vec::with_capacity(masks.len());
    for (n, region) in regions.0.iter().enumerate() {
        let mut row = judge(subject, region, &masks[n], admissions[n], results.remove(&n), config);
        if let Some(features) = &mut row.features {
            features.diagnostics.set_image_hash(hash.clone());
        }
        if straightened && row.message.is_empty() {
            row.message
                .push_str("measured on a copy of the image resampled to a right-angled grid");
        }
        tell(&row, report);
        out.push(row);
    }
    Ok(out)
}

/// The region on the grid that is measured: its own, or the nearest voxels of it.
fn on_grid(region: &Region, grid: &Arc<Grid>) -> Mask {
    let same = region.mask.grid().same_as(grid, rt_core::GridTolerance::default());
    match same.then(|| Mask::from_block(grid, region.mask.lo(), region.mask.block().to_owned())) {
        Some(Ok(mask)) => mask,
        _ => resample_mask(&region.mask, grid),
    }
}

/// Status, code and message of a region.
fn judge(
    subject: &Subject,
    region: &Region,
    mask: &Mask,
    admission: Admission,
    result: Option<Result<FeatureVector, ExtractError>>,
    config: &RadiomicsConfig,
) -> Measured {
    let entry = &region.entry;
    let voxels = mask.count();
    let mut row = Measured {
        entry: entry.clone(),
        modality: subject.modality(),
        subject: subject.clone(),
        status: "ok",
        code: String::new(),
        message: String::new(),
        reduced: admission == Admission::Reduced,
        native: (voxels > 0).then(|| (voxels, mask.volume().value())),
        features: None,
    };
    let mut end = |status, code: &str, message: String| {
        row.status = status;
        code.clone_into(&mut row.code);
        row.message = message;
    };
    match (admission, result) {
        (_, None) if entry.layer.is_none() && !entry.error_code.is_empty() => {
            let status = if entry.status == "failed" { "failed" } else { "skipped" };
            end(status, &entry.error_code, entry.message.clone());
        }
        (Admission::Listed, _) => end("skipped", admission.code(), "its name is on radiomics.skip_rois".into()),
        (_, None) if voxels == 0 => end("skipped", "radiomics.empty", "it has no voxel on this image".into()),
        (Admission::Reduced, None) => {
            let message = format!(
                "{voxels} voxels, radiomics.max_voxels is {}; flavour \"ibsi\" has no reduced form",
                config.max_voxels
            );
            end("skipped", "radiomics.too_large", message);
        }
        (Admission::TooSmall, _) => {
            let message = format!("{voxels} voxels, radiomics.min_voxels is {}", config.min_voxels);
            end("skipped", admission.code(), message);
        }
        (_, Some(Err(error))) => end(if error.is_skip() { "skipped" } else { "failed" }, error.code(), error.to_string()),
        (_, None) => end("failed", "internal.no_result", "it was not measured; please report this".into()),
        (Admission::Reduced, Some(Ok(features))) => {
            let message = format!(
                "{voxels} voxels, radiomics.max_voxels is {}: shape and first order at 2 mm",
                config.max_voxels
            );
            end("partial", admission.code(), message);
            row.features = Some(features);
        }
        (Admission::Full, Some(Ok(features))) => {
            if entry.status == "partial" {
                end("partial", &entry.error_code, entry.message.clone());
            } else if let Some(warning) = features.warnings.first() {
                end("ok", "", format!("{}: {}", warning.image_type, warning.message));
            }
            row.features = Some(features);
        }
    }
    row
}

fn tell(row: &Measured, report: &mut StageReport) {
    let name = format!("{}:{}:{}", row.subject.name(), row.entry.source, row.entry.name);
    match row.status {
        "ok" => report.done(name),
        "partial" => report.partial(name, &row.code, &row.message),
        "skipped" => report.skip(name, &row.code, &row.message),
        _ => report.failed(name, &row.code, &row.message),
    }
}

/// Writes the table of one kind of image.
pub(crate) fn write(
    target: &Utf8Path,
    kind: Table,
    record: &CourseRecord,
    course: &CourseDir,
    plan: &Plan,
    rows: Vec<Measured>,
) -> Result<(), anyhow::Error> {
    let name = format!("radiomics_{}", kind.name());
    let diagnostics = diagnostic_columns(&rows);
    let mut builder = PackedBuilder::new(&table::schema(&name), plan.method.feature_names(), diagnostics);
    for row in &rows {
        let features = row.features.as_ref();
        let facts: Vec<(&str, OwnedValue)> = features
            .into_iter()
            .flat_map(|f| f.diagnostics.iter())
            .map(|(name, value)| (name, OwnedValue::of(value)))
            .collect();
        builder.row(
            |cells| fill(cells, row, record, course, plan),
            facts.iter().map(|(name, value)| (*name, value.as_value())),
            features.into_iter().flat_map(FeatureVector::iter),
        );
    }
    let packed = builder.finish()?;
    let info = FileInfo::new(env!("CARGO_PKG_VERSION"));
    write_atomic(target, |file| packed.write(file, &info).map(drop).map_err(std::io::Error::other))?;
    Ok(())
}

/// Columns of all diagnostics that any row has, in the order of their first appearance.
fn diagnostic_columns(rows: &[Measured]) -> Vec<ColumnDef> {
    let mut found: Vec<(String, Option<Kind>)> = Vec::new();
    for (name, value) in rows.iter().filter_map(|r| r.features.as_ref()).flat_map(|f| f.diagnostics.iter()) {
        let kind = match value {
            DiagnosticValue::Missing => None,
            DiagnosticValue::Number(_) => Some(Kind::Float),
            DiagnosticValue::Count(_) => Some(Kind::Int),
            DiagnosticValue::Text(_) | DiagnosticValue::Numbers(_) | DiagnosticValue::Counts(_) => Some(Kind::Text),
        };
        match found.iter_mut().find(|f| f.0 == name) {
            Some(known) => known.1 = known.1.or(kind),
            None => found.push((name.to_owned(), kind)),
        }
    }
    found
        .into_iter()
        .map(|(name, kind)| ColumnDef::new(name, kind.unwrap_or(Kind::Text), "", ""))
        .collect()
}

/// A diagnostic as a cell: sequences become text.
enum OwnedValue {
    Missing,
    Text(String),
    Float(f64),
    Int(i64),
}

impl OwnedValue {
    fn of(value: &DiagnosticValue) -> Self {
        match value {
            DiagnosticValue::Missing => Self::Missing,
            DiagnosticValue::Number(v) => Self::Float(*v),
            DiagnosticValue::Count(n) => Self::Int(i64::try_from(*n).unwrap_or(i64::MAX)),
            DiagnosticValue::Text(_) | DiagnosticValue::Numbers(_) | DiagnosticValue::Counts(_) => Self::Text(value.to_string()),
        }
    }

    fn as_value(&self) -> Value<'_> {
        match self {
            Self::Missing => Value::Missing,
            Self::Text(text) => Value::Text(text),
            Self::Float(v) => Value::Float(*v),
            Self::Int(n) => Value::Int(*n),
        }
    }
}

fn fill(cells: &mut RowMut<'_>, row: &Measured, record: &CourseRecord, course: &CourseDir, plan: &Plan) {
    let entry = &row.entry;
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    cells
        .set(&table::PATIENT_ID, record.patient_id.as_str())
        .set(&table::COURSE_ID, record.course_id.as_str())
        .set(&table::MODALITY, row.modality)
        .set(&table::SEGMENTATION_SOURCE, entry.source.as_str())
        .set(&table::ROI_NAME, entry.name.as_str())
        .set(&table::ROI_ORIGINAL_NAME, entry.original_name.as_str())
        .set(&table::COURSE_DIR, course.token())
        .set(&table::STRUCTURE_CROPPED, entry.touches_border)
        .set(&table::SERIES_DIR, given(&row.subject.series_dir).as_deref())
        .set(&table::SERIES_UID, given(&row.subject.series_uid).as_deref())
        .set(&table::NIFTI_PATH, row.subject.path.as_str())
        .set(&table::IMAGE_MODALITY, row.modality)
        .set(&table::ROI_NUMBER, i64::from(entry.number.unwrap_or(-1)))
        .set(&table::SETTINGS, if row.reduced { "reduced" } else { plan.name.as_str() })
        .set(
            &table::FLAVOUR,
            match plan.flavour {
                Flavour::Pyradiomics => "pyradiomics",
                Flavour::Ibsi => "ibsi",
            },
        )
        .set(&table::MR_NORMALISATION, plan.normalisation)
        .set(&table::VOLUME_CC, row.native.map(|n| n.1))
        .set(&table::VOXELS_NATIVE, row.native.map(|n| count(n.0)))
        .set(&table::VOXELS_RESAMPLED, row.features.as_ref().map(|f| count(f.voxels)))
        .set(&table::SEGMENTATION_ENGINE, engine_of(&entry.origin))
        .set(&table::INTERPRETED_TYPE, given(&entry.interpreted_type).as_deref())
        .set(&table::STATUS, row.status)
        .set(&table::ERROR_CODE, given(&row.code).as_deref())
        .set(&table::MESSAGE, given(&row.message).as_deref());
}

/// `classical` of `seg/classical-body`.
fn engine_of(origin: &str) -> Option<&str> {
    origin.strip_prefix("seg/")?.split('-').next()
}
