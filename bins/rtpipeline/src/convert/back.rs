//! NIfTI masks and label maps as an RTSTRUCT and a SEG on a DICOM image.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use rt_cli::Failure;
use rt_core::{Grid, GridTolerance};
use rt_course::write_atomic;
use rt_dicom::{NewRoi, NewSegment, NewSegmentation, NewStructureSet, SegWriteError, write_segmentation, write_structures};
use rt_image::{Label, LabelMap, Mask, TraceOptions, Volume, resample_mask, trace};
use rt_structures_cli::codes;

use super::image::Image;
use super::regions::{Region, chosen};
use super::{Written, shown, stem};

/// What the objects say of their origin.
const MADE_BY: &str = concat!("rtpipeline convert ", env!("CARGO_PKG_VERSION"));

/// Writes `RS.dcm` and `SEG.dcm`.
pub(super) fn write(paths: &[PathBuf], image: &Image, wishes: &[String], out: &mut Written) -> Result<(), anyhow::Error> {
    let Some(origin) = image.origin()? else {
        return Err(
            Failure::usage("convert.no_dicom_image", "--mask needs the DICOM image that the masks belong to")
                .hint("give its folder with --image")
                .into(),
        );
    };
    let mut regions = Vec::new();
    for path in paths {
        regions.extend(read(path, image.grid())?);
    }
    let regions = chosen(regions, wishes)?;
    let empty = |r: &&Region| r.mask.as_ref().is_ok_and(Mask::is_empty);
    for region in regions.iter().filter(empty) {
        tracing::warn!(
            event = "warn",
            code = "structures.empty",
            "{}: no voxel on the grid of the image; not written",
            shown(&region.name)
        );
    }
    let full: Vec<(&Region, &Mask)> = regions
        .iter()
        .filter_map(|r| Some((r, r.mask.as_ref().ok().filter(|m| !m.is_empty())?)))
        .collect();
    let roi = |(region, mask): &(&Region, &Mask)| NewRoi {
        name: region.name.clone(),
        made_by: MADE_BY.to_owned(),
        algorithm: String::new(),
        interpreted_type: String::new(),
        colour: None,
        contours: trace(mask, TraceOptions::default()),
    };
    let set = NewStructureSet {
        label: "Converted".to_owned(),
        description: "Structures from NIfTI (rtpipeline)".to_owned(),
        series_number: 9011,
        name_max: 64,
        rois: full.par_iter().map(roi).collect(),
    };
    write_atomic(out.folder.join("RS.dcm"), |file| write_structures(file, &set, &origin).map(drop))?;
    out.told("RS.dcm", &format!("{} regions", full.len()))?;
    let segmentation = NewSegmentation {
        description: "Structures from NIfTI (rtpipeline)".to_owned(),
        series_number: 9012,
        segments: full.iter().map(|(region, mask)| segment(&region.name, mask)).collect(),
    };
    write_atomic(out.folder.join("SEG.dcm"), |file| {
        match write_segmentation(file, &segmentation, &origin) {
            Ok(_) => Ok(()),
            Err(SegWriteError::Io(e)) => Err(e),
            Err(other) => Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, other)),
        }
    })?;
    out.told("SEG.dcm", &format!("{} segments", full.len()))
}

fn segment<'a>(name: &str, mask: &'a Mask) -> NewSegment<'a> {
    let (code, laterality) = codes::of(name);
    NewSegment {
        name: name.to_owned(),
        algorithm: MADE_BY.to_owned(),
        algorithm_type: "SEMIAUTOMATIC".to_owned(),
        code,
        laterality,
        mask,
    }
}

/// The regions of one file on the image's grid: its labels, named by the table in the file; the stem of the name for a plain mask.
fn read(path: &Path, grid: &Arc<Grid>) -> Result<Vec<Region>, anyhow::Error> {
    let refused = |code: &'static str, message: String| Failure::new(code, message).hint("give a NIfTI mask or label map with --mask");
    let header = rt_nifti::header(path).map_err(|e| refused(e.code(), e.to_string()))?;
    let volume: Volume<f64> = rt_nifti::read(path).map_err(|e| refused(e.code(), e.to_string()))?;
    let whole = |v: &f64| (v.round() - v).abs() < 1e-6 && (0.0..=f64::from(u16::MAX)).contains(v);
    if !volume.data().iter().all(whole) {
        let message = format!(
            "{}: holds values that are no labels (whole numbers from 0 to 65535)",
            path.display()
        );
        return Err(refused("convert.no_labels", message).into());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "every value is a whole number of the range"
    )]
    let volume = volume.map(|v| v.round() as u16);
    let mut present: Vec<u16> = volume.data().iter().copied().filter(|v| *v != 0).collect();
    present.sort_unstable();
    present.dedup();
    let names = rt_nifti::label_names(&header);
    let name = |value: u16| {
        let known = names.iter().find(|(v, _)| *v == u32::from(value)).map(|(_, n)| n.clone());
        known.unwrap_or_else(|| {
            if present.len() <= 1 {
                stem(path)
            } else {
                format!("{}_{value}", stem(path))
            }
        })
    };
    let labels: Vec<Label> = present.iter().map(|v| Label { value: *v, name: name(*v) }).collect();
    let map = LabelMap { volume, labels };
    let masks = map.to_masks().map_err(|e| refused(e.code(), e.to_string()))?;
    let same = grid.difference(map.volume.grid(), GridTolerance::default()).is_none();
    if !same {
        tracing::info!(
            event = "note",
            "{}: on another grid than the image; each voxel of the image takes the nearest one",
            path.display()
        );
    }
    let region = |(label, mask): (&Label, Mask)| Region {
        number: u32::from(label.value),
        name: label.name.clone(),
        mask: Ok(if same { mask } else { resample_mask(&mask, grid) }),
    };
    Ok(map.labels.iter().zip(masks).map(region).collect())
}
