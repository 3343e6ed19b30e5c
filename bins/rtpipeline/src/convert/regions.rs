//! Structure sets and segmentations as masks.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use ndarray::s;
use rayon::prelude::*;
use rt_cli::Failure;
use rt_core::{Grid, GridTolerance};
use rt_course::folder_names;
use rt_dicom::SegOptions;
use rt_image::{Mask, RasterOptions, Volume, rasterize, resample_mask};
use rt_nifti::{WriteOptions, label_table};
use serde::Serialize;

use super::{Written, shown, warn};

/// One region and its voxels, or why it has none.
pub(super) struct Region {
    pub(super) number: u32,
    pub(super) name: String,
    pub(super) mask: Result<Mask, (&'static str, String)>,
}

/// The regions of a structure set on a grid.
pub(super) fn of_structures(path: &Path, grid: &Arc<Grid>) -> Result<Vec<Region>, anyhow::Error> {
    let set = rt_dicom::read_structures(path)
        .map_err(|e| Failure::new(e.code(), e.to_string()).hint("give an RTSTRUCT file with --structures"))?;
    warn(&set.notices);
    let region = |roi: &rt_dicom::Roi| {
        let mask = rasterize(&roi.contours, grid, RasterOptions::default());
        Region {
            number: u32::try_from(roi.number).unwrap_or(0),
            name: named(&roi.name, roi.number),
            mask: mask.map(|raster| raster.mask).map_err(|e| (e.code(), e.to_string())),
        }
    };
    Ok(set.rois.par_iter().map(region).collect())
}

/// The segments of a segmentation, on a grid or on its own.
pub(super) fn of_segmentation(path: &Path, onto: Option<&Arc<Grid>>, options: &SegOptions) -> Result<Vec<Region>, anyhow::Error> {
    let read = rt_dicom::read_segmentation(path, options)
        .map_err(|e| Failure::new(e.code(), e.to_string()).hint("give a DICOM segmentation with --seg"))?;
    warn(&read.notices);
    let placed = |mask: Mask| match onto {
        Some(grid) if grid.difference(mask.grid(), GridTolerance::default()).is_some() => resample_mask(&mask, grid),
        _ => mask,
    };
    let region = |segment: rt_dicom::seg::ReadSegment| Region {
        number: segment.number,
        name: named(&segment.label, i32::try_from(segment.number).unwrap_or(0)),
        mask: Ok(placed(segment.mask)),
    };
    Ok(read.segments.into_par_iter().map(region).collect())
}

fn named(name: &str, number: i32) -> String {
    if name.is_empty() {
        format!("ROI {number}")
    } else {
        name.to_owned()
    }
}

/// The regions that were asked for; all without a wish.
///
/// # Errors
/// A wish that no region fulfils.
pub(super) fn chosen(all: Vec<Region>, wishes: &[String]) -> Result<Vec<Region>, anyhow::Error> {
    let fits = |r: &Region, wish: &String| r.name == *wish || r.number.to_string() == *wish;
    if let Some(unknown) = wishes.iter().find(|w| !all.iter().any(|r| fits(r, w))) {
        let names: Vec<String> = all.iter().map(|r| shown(&r.name)).collect();
        return Err(Failure::usage("convert.unknown_roi", format!("no region \"{unknown}\""))
            .hint(format!("there are: {}", names.join(", ")))
            .into());
    }
    Ok(all
        .into_iter()
        .filter(|r| wishes.is_empty() || wishes.iter().any(|w| fits(r, w)))
        .collect())
}

/// One line of `masks.json` or `labels.json`.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    number: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<u16>,
    voxels: usize,
    volume_cc: f64,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    voxels_lost_to_overlap: Option<usize>,
}

impl<'a> Line<'a> {
    fn of(region: &'a Region) -> Self {
        let mut line = Self {
            name: &region.name,
            number: region.number,
            file: None,
            label: None,
            voxels: 0,
            volume_cc: 0.0,
            status: "ok",
            error_code: None,
            message: None,
            voxels_lost_to_overlap: None,
        };
        match &region.mask {
            Ok(mask) if mask.is_empty() => {
                (line.status, line.error_code) = ("skipped", Some("structures.empty"));
                line.message = Some("no voxel of the grid is inside".to_owned());
            }
            Ok(mask) => (line.voxels, line.volume_cc) = (mask.count(), mask.volume().value()),
            Err((code, message)) => {
                line.status = if *code == "structures.empty" { "skipped" } else { "failed" };
                (line.error_code, line.message) = (Some(*code), Some(message.clone()));
            }
        }
        line
    }
}

/// Writes one mask a region, or one label map.
pub(super) fn write(regions: &[Region], multilabel: bool, out: &mut Written) -> Result<(), anyhow::Error> {
    let mut lines: Vec<Line<'_>> = regions.iter().map(Line::of).collect();
    for line in lines.iter().filter(|l| l.status != "ok") {
        out.failed += usize::from(line.status == "failed");
        let (code, why) = (line.error_code.unwrap_or_default(), line.message.as_deref().unwrap_or_default());
        tracing::warn!(event = "warn", code, "{}: {why}", shown(line.name));
    }
    if multilabel {
        labels(regions, &mut lines, out)?;
        return out.json("labels.json", &lines);
    }
    std::fs::create_dir_all(out.folder.join("masks"))?;
    // Names that repeat are told apart by their numbers, then made safe as file names.
    let mut seen = BTreeSet::new();
    let mut repeated = BTreeSet::new();
    for region in regions {
        if !seen.insert(region.name.as_str()) {
            repeated.insert(region.name.as_str());
        }
    }
    let texts: Vec<String> = regions
        .iter()
        .map(|r| {
            if repeated.contains(r.name.as_str()) {
                format!("{}_{}", r.name, r.number)
            } else {
                r.name.clone()
            }
        })
        .collect();
    let names = folder_names(texts.iter().map(String::as_str));
    for ((region, text), line) in regions.iter().zip(&texts).zip(&mut lines) {
        let Some(mask) = region.mask.as_ref().ok().filter(|m| !m.is_empty()) else {
            continue;
        };
        let file = format!("masks/{}.nii.gz", names.get(text.as_str()).map_or("roi", String::as_str));
        let mut volume = Volume::filled(Arc::clone(mask.grid()), 0_u8);
        paint(&mut volume, mask, 1);
        out.volume(&file, volume.view(), WriteOptions::default())?;
        line.file = Some(file);
    }
    out.json("masks.json", &lines)
}

fn labels(regions: &[Region], lines: &mut [Line<'_>], out: &Written) -> Result<(), anyhow::Error> {
    let Some(grid) = regions.iter().find_map(|r| r.mask.as_ref().ok()).map(|m| Arc::clone(m.grid())) else {
        return Ok(());
    };
    let mut volume = Volume::filled(grid, 0_u16);
    let mut present: Vec<usize> = (0..regions.len()).filter(|n| lines[*n].voxels > 0).collect();
    for (label, n) in (1_u16..).zip(&present) {
        lines[*n].label = Some(label);
    }
    let table: Vec<(u16, &str)> = lines.iter().filter_map(|l| Some((l.label?, l.name))).collect();
    // Larger ones first, so that smaller ones lie on top; equal ones in order of the file.
    present.sort_by_key(|n| (std::cmp::Reverse(lines[*n].voxels), *n));
    for n in &present {
        if let (Ok(mask), Some(label)) = (&regions[*n].mask, lines[*n].label) {
            paint(&mut volume, mask, label);
        }
    }
    let mut kept = vec![0_usize; table.len() + 1];
    volume.data().iter().for_each(|v| kept[usize::from(*v)] += 1);
    for line in lines.iter_mut() {
        let Some(label) = line.label else { continue };
        let lost = line.voxels - kept[usize::from(label)];
        if lost > 0 {
            line.voxels_lost_to_overlap = Some(lost);
            tracing::warn!(
                event = "warn",
                code = "convert.overlap",
                "{}: {lost} of {} voxels belong to smaller regions in the label map; without --multilabel every region is whole",
                shown(line.name),
                line.voxels
            );
        }
    }
    let options = WriteOptions {
        extensions: vec![label_table(&table)],
        ..WriteOptions::default()
    };
    out.volume("labels.nii.gz", volume.view(), options)
}

fn paint<T: Copy>(volume: &mut Volume<T>, mask: &Mask, value: T) {
    let (lo, size) = (mask.lo(), mask.size());
    let part = s![lo[2]..lo[2] + size[2], lo[1]..lo[1] + size[1], lo[0]..lo[0] + size[0]];
    let mut target = volume.data_mut().slice_mut(part);
    target.zip_mut_with(&mask.block(), |voxel, inside| {
        if *inside != 0 {
            *voxel = value;
        }
    });
}
