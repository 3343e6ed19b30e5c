//! The image: a DICOM series or a NIfTI file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rt_cli::Failure;
use rt_core::{Grid, Silent};
use rt_dicom::entry::ObjectKind;
use rt_dicom::{FileClass, ImageData, ImageSeries, MetaCache, Origin, OriginSlice, ScanOptions, SeriesEntry, SeriesFile, SeriesOptions};
use rt_nifti::WriteOptions;
use serde::Serialize;

use super::{Written, is_nifti, shown, warn};

/// What masks are made on.
pub(super) enum Image {
    /// A DICOM series.
    Series(Box<(SeriesEntry, ImageSeries)>),
    /// A NIfTI file: its lattice alone is needed.
    Lattice(Arc<Grid>),
}

/// `image.json`, in the manner of BIDS.
#[derive(Serialize)]
struct Facts<'a> {
    #[serde(rename = "Modality")]
    modality: &'a str,
    #[serde(rename = "SeriesInstanceUID")]
    series_uid: &'a str,
    #[serde(rename = "FrameOfReferenceUID")]
    frame_uid: &'a str,
    #[serde(rename = "Manufacturer", skip_serializing_if = "Option::is_none")]
    manufacturer: Option<&'a str>,
    #[serde(rename = "ManufacturersModelName", skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(rename = "ConvolutionKernel", skip_serializing_if = "Option::is_none")]
    kernel: Option<&'a str>,
    #[serde(rename = "KVP", skip_serializing_if = "Option::is_none")]
    kvp: Option<f64>,
    #[serde(rename = "SliceThickness", skip_serializing_if = "Option::is_none")]
    thickness_mm: Option<f64>,
    #[serde(rename = "Units")]
    unit: &'a str,
    #[serde(rename = "GantryTiltDegrees")]
    tilt_deg: f64,
    #[serde(rename = "SlicesResampled")]
    resampled: bool,
    #[serde(rename = "Warnings")]
    warnings: Vec<String>,
}

impl Image {
    /// Reads a NIfTI header, or the series in a folder or around a file.
    ///
    /// # Errors
    /// When there is no series, or several and none was named, or it cannot be read.
    pub(super) fn read(path: &Path, wanted: Option<&str>) -> Result<Self, anyhow::Error> {
        if is_nifti(path) {
            let volume = rt_nifti::read_any(path).map_err(|e| Failure::new(e.code(), e.to_string()))?;
            return Ok(Self::Lattice(Arc::clone(volume.grid())));
        }
        let (folder, of_file) = if path.is_dir() {
            (path.to_path_buf(), None)
        } else {
            let origin = Origin::read(path).map_err(|e| Failure::new(e.code(), e.to_string()))?;
            let parent = path.parent().map(Path::to_path_buf).filter(|p| !p.as_os_str().is_empty());
            (parent.unwrap_or_else(|| PathBuf::from(".")), Some(origin.series_uid))
        };
        let series = one_of(series_in(&folder)?, wanted.or(of_file.as_deref()), &folder)?;
        let image = rt_dicom::read_series(&series, &SeriesOptions::default()).map_err(|e| Failure::new(e.code(), e.to_string()))?;
        warn(&image.notices);
        Ok(Self::Series(Box::new((series, image))))
    }

    /// Its lattice.
    pub(super) fn grid(&self) -> &Arc<Grid> {
        match self {
            Self::Series(series) => series.1.data.grid(),
            Self::Lattice(grid) => grid,
        }
    }

    /// Writes the volume and its facts; a NIfTI file is there already.
    pub(super) fn write(&self, out: &Written) -> Result<(), anyhow::Error> {
        let Self::Series(read) = self else { return Ok(()) };
        let (series, image) = read.as_ref();
        match &image.data {
            ImageData::I16(v) => out.volume("image.nii.gz", v.view(), WriteOptions::default())?,
            ImageData::F32(v) => out.volume("image.nii.gz", v.view(), WriteOptions::default())?,
        }
        let header = &image.header;
        out.json(
            "image.json",
            &Facts {
                modality: &series.modality,
                series_uid: &series.series_uid,
                frame_uid: &series.frame_uid,
                manufacturer: header.manufacturer.as_deref(),
                model: header.model.as_deref(),
                kernel: header.kernel.as_deref(),
                kvp: header.kvp,
                thickness_mm: header.thickness_mm,
                unit: &header.unit,
                tilt_deg: image.gantry_tilt_deg,
                resampled: image.resampled_slices,
                warnings: image.notices.iter().map(|n| format!("{}: {}", n.code, n.detail)).collect(),
            },
        )
    }

    /// What DICOM objects on it take from it; `None` for a NIfTI file.
    ///
    /// # Errors
    /// When its first file cannot be read.
    pub(super) fn origin(&self) -> Result<Option<Origin>, anyhow::Error> {
        let Self::Series(read) = self else { return Ok(None) };
        let (series, image) = read.as_ref();
        let first = image.slices.first().map(|s| s.sop_uid.as_str());
        let of_first = |f: &&SeriesFile| f.entry.object().map(|o| o.sop_uid.as_str()) == first;
        let Some(file) = series.files.iter().find(of_first).or_else(|| series.files.first()) else {
            return Ok(None);
        };
        let mut origin = Origin::read(&file.path).map_err(|e| Failure::new(e.code(), e.to_string()))?;
        let grid = image.data.grid();
        let normal = grid.normal();
        origin.normal = if normal.dot(grid.direction().z_axis) < 0.0 {
            -normal
        } else {
            normal
        };
        let slice = |s: &rt_dicom::image::SlicePosition| OriginSlice {
            sop_uid: s.sop_uid.clone(),
            position_mm: s.position_mm,
        };
        origin.slices = image.slices.iter().map(slice).collect();
        Ok(Some(origin))
    }
}

/// The image series of a folder, by UID.
fn series_in(folder: &Path) -> Result<Vec<SeriesEntry>, anyhow::Error> {
    let index = rt_dicom::scan(&[folder.to_path_buf()], &mut MetaCache::default(), &ScanOptions::default(), &Silent)
        .map_err(|e| Failure::new(e.code(), e.to_string()).hint("give a folder of DICOM files, one of its files, or a NIfTI file"))?;
    let mut by_uid: BTreeMap<String, Vec<SeriesFile>> = BTreeMap::new();
    for file in &index.files {
        let class = file.verdict.class;
        if matches!(class, FileClass::Duplicate | FileClass::Conflict) {
            continue;
        }
        if let Some(object) = file.entry.object().filter(|o| matches!(o.kind, ObjectKind::Image(_))) {
            by_uid.entry(object.series_uid.clone()).or_default().push(SeriesFile {
                path: index.absolute(&file.entry),
                entry: Arc::clone(&file.entry),
            });
        }
    }
    Ok(by_uid.into_values().filter_map(SeriesEntry::new).collect())
}

fn one_of(mut all: Vec<SeriesEntry>, wanted: Option<&str>, folder: &Path) -> Result<SeriesEntry, anyhow::Error> {
    if let Some(uid) = wanted {
        return all
            .into_iter()
            .find(|s| s.series_uid == uid)
            .ok_or_else(|| Failure::usage("convert.series", format!("{}: no image series {uid}", folder.display())).into());
    }
    match (all.pop(), all.len()) {
        (Some(only), 0) => Ok(only),
        (None, _) => Err(
            Failure::new("convert.no_image", format!("{}: no CT, MR or PET image", folder.display()))
                .hint("--image takes a folder of DICOM files, one of its files, or a NIfTI file")
                .into(),
        ),
        (Some(another), _) => {
            all.push(another);
            let list: Vec<String> = all
                .iter()
                .map(|s| {
                    format!(
                        "{} ({}, {} slices, {})",
                        s.series_uid,
                        s.modality,
                        s.slice_count(),
                        shown(&s.description)
                    )
                })
                .collect();
            Err(
                Failure::usage("convert.series", format!("{}: {} image series", folder.display(), all.len()))
                    .hint(format!("name one with --series: {}", list.join("; ")))
                    .into(),
            )
        }
    }
}
