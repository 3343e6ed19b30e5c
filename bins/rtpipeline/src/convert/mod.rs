//! `rtpipeline convert`: DICOM to NIfTI, and masks back to DICOM, without a course.
//!
//! The readers, the rasteriser and the writers are those of the stages: what a course computes from the same files is the same.

mod back;
mod image;
mod regions;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use camino::Utf8PathBuf;
use clap::Args;
use rt_cli::command::say;
use rt_cli::{CommonArgs, Exit, Failure, Machine, Resources};
use rt_core::Grid;
use rt_course::{write_atomic, write_json};
use rt_dicom::{Dose, Notice, SegOptions};
use rt_image::{Volume, VolumeView};
use rt_nifti::{Encoding, Sample, WriteOptions};
use serde::Serialize;

use self::image::Image;
use self::regions::Region;

/// Arguments of `rtpipeline convert`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Files written: image.nii.gz and image.json, dose.nii.gz, masks/<name>.nii.gz with masks.json (or labels.nii.gz and \
labels.json), and with --mask RS.dcm and SEG.dcm. Masks are made on the grid of --image; a SEG alone keeps its own.

Examples:
  rtpipeline convert --image CT/ --output nifti
  rtpipeline convert --image CT/ --structures RS.dcm --dose RD.dcm --output nifti
  rtpipeline convert --image CT/ --mask liver.nii.gz --mask organs.nii.gz --output dicom"
)]
pub struct ConvertArgs {
    /// Image: folder of DICOM files, one of its files, or a NIfTI file
    #[arg(long, value_name = "DIR|FILE")]
    pub image: Option<PathBuf>,
    /// `SeriesInstanceUID`, when the folder holds several series
    #[arg(long, value_name = "UID", requires = "image")]
    pub series: Option<String>,
    /// Structure set (RTSTRUCT); its regions become masks on the grid of the image
    #[arg(long, value_name = "FILE", requires = "image")]
    pub structures: Option<PathBuf>,
    /// Dose (RTDOSE), written on its own grid in Gy; repeat it for more
    #[arg(long, value_name = "FILE")]
    pub dose: Vec<PathBuf>,
    /// Segmentation (DICOM SEG)
    #[arg(long, value_name = "FILE")]
    pub seg: Option<PathBuf>,
    /// NIfTI mask or label map to write as RTSTRUCT and SEG on the DICOM image; repeat it for more
    #[arg(long, value_name = "FILE", requires = "image")]
    pub mask: Vec<PathBuf>,
    /// Only the regions of this name or number; repeat it for more
    #[arg(long, value_name = "NAME")]
    pub roi: Vec<String>,
    /// One label map instead of one mask a region; where regions overlap, the smaller one wins
    #[arg(long)]
    pub multilabel: bool,
    /// Share of the largest value from which a voxel of a fractional SEG is inside
    #[arg(long, value_name = "SHARE", default_value_t = 0.5)]
    pub threshold: f64,
    /// Folder to write to
    #[arg(long, value_name = "DIR")]
    pub output: PathBuf,
}

/// A file that was written, for the summary on standard output.
struct Written {
    folder: Utf8PathBuf,
    failed: usize,
}

impl Written {
    /// Writes a volume, gzip-compressed.
    fn volume<T: Sample>(&self, name: &str, view: VolumeView<'_, T>, options: WriteOptions) -> Result<(), anyhow::Error> {
        let options = WriteOptions {
            encoding: Encoding::GZIP,
            ..options
        };
        let path = self.folder.join(name);
        write_atomic(&path, |file| {
            rt_nifti::write_to(file, view, &options).map_err(std::io::Error::other)
        })?;
        self.told(name, &size(view.grid()))
    }

    fn json<T: Serialize>(&self, name: &str, value: &T) -> Result<(), anyhow::Error> {
        write_json(self.folder.join(name), value)?;
        Ok(())
    }

    fn told(&self, name: &str, what: &str) -> Result<(), anyhow::Error> {
        say(&format!("{}  {what}", self.folder.join(name)))
    }
}

fn size(grid: &Grid) -> String {
    let voxels = grid.size().map(|n| n.to_string()).join(" x ");
    let spacing = grid.spacing().map(|s| ((s * 1e4).round() / 1e4).to_string()).join(" x ");
    format!("{voxels} voxels of {spacing} mm")
}

/// Converts what is asked for.
pub fn run(args: &ConvertArgs, common: &CommonArgs) -> ExitCode {
    rt_cli::command::run_command(common, |settings| {
        let threads = Resources::for_one(&settings.resources, Machine::detect()).threads;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .context("cannot start threads")?;
        pool.install(|| convert(args))
    })
}

fn convert(args: &ConvertArgs) -> Result<Exit, anyhow::Error> {
    check(args)?;
    let folder = Utf8PathBuf::from_path_buf(args.output.clone()).map_err(|p| {
        Failure::usage(
            "convert.output",
            format!("{} is not valid Unicode; choose another output folder", p.display()),
        )
    })?;
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {folder}"))?;
    let mut out = Written { folder, failed: 0 };
    let image = args
        .image
        .as_deref()
        .map(|path| Image::read(path, args.series.as_deref()))
        .transpose()?;
    if let Some(image) = &image {
        image.write(&out)?;
    }
    for (number, path) in (1..).zip(&args.dose) {
        let name = if args.dose.len() == 1 {
            "dose.nii.gz".to_owned()
        } else {
            format!("dose_{number:02}.nii.gz")
        };
        dose(path, &name, &out)?;
    }
    let mut found: Vec<Region> = Vec::new();
    let grid = image.as_ref().map(|i| Arc::clone(i.grid()));
    if let (Some(path), Some(grid)) = (&args.structures, &grid) {
        found.extend(regions::of_structures(path, grid)?);
    }
    if let Some(path) = &args.seg {
        let options = SegOptions {
            threshold: args.threshold,
            ..SegOptions::default()
        };
        found.extend(regions::of_segmentation(path, grid.as_ref(), &options)?);
    }
    if args.structures.is_some() || args.seg.is_some() {
        let chosen = regions::chosen(found, &args.roi)?;
        regions::write(&chosen, args.multilabel, &mut out)?;
    }
    if let (false, Some(image)) = (args.mask.is_empty(), &image) {
        back::write(&args.mask, image, &args.roi, &mut out)?;
    }
    Ok(if out.failed > 0 { Exit::Partial } else { Exit::Done })
}

/// What cannot be done is said before anything is written.
fn check(args: &ConvertArgs) -> Result<(), anyhow::Error> {
    if args.image.is_none() && args.dose.is_empty() && args.seg.is_none() {
        return Err(Failure::usage("convert.nothing", "nothing to convert")
            .hint("give --image, --structures (with --image), --dose or --seg")
            .into());
    }
    if !(args.threshold > 0.0 && args.threshold <= 1.0) {
        return Err(Failure::usage(
            "convert.threshold",
            format!("--threshold {} is no share above 0 and at most 1", args.threshold),
        )
        .into());
    }
    let inputs = [&args.image, &args.structures, &args.seg];
    let inputs = inputs.into_iter().flatten().chain(&args.dose).chain(&args.mask);
    let output = args.output.canonicalize().unwrap_or_else(|_| args.output.clone());
    for input in inputs {
        let at = input
            .canonicalize()
            .map_err(|e| Failure::usage("convert.input", format!("{} cannot be read: {e}", input.display())))?;
        if at.is_dir() && output.starts_with(&at) {
            let message = format!("the output {} lies in the input {}", output.display(), at.display());
            return Err(Failure::usage("convert.output", message)
                .hint("choose a folder outside the input")
                .into());
        }
    }
    Ok(())
}

fn dose(path: &Path, name: &str, out: &Written) -> Result<(), anyhow::Error> {
    let dose: Dose =
        rt_dicom::read_dose(path).map_err(|e| Failure::new(e.code(), e.to_string()).hint("give an RTDOSE file with --dose"))?;
    warn(&dose.notices);
    if !dose.volume.grid().is_uniform() {
        let volume = even(&dose.volume);
        tracing::warn!(
            event = "warn",
            code = "dose.resampled",
            "{}: its frames are unevenly spaced, which NIfTI cannot say: resampled linearly to the smallest gap",
            path.display()
        );
        return out.volume(name, volume.view(), WriteOptions::default());
    }
    out.volume(name, dose.volume.view(), WriteOptions::default())
}

/// A volume with uneven slices on the lattice of its smallest gap; the same volume when that lattice cannot be.
fn even(volume: &Volume<f32>) -> Volume<f32> {
    let grid = volume.grid();
    let [ni, nj, nk] = grid.size();
    let step = gap(grid);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of slices: a float to integer cast saturates"
    )]
    let slices = ((grid.offset(nk - 1) - grid.offset(0)) / step).round() as usize + 1;
    let [si, sj, _] = grid.spacing();
    match Grid::new([ni, nj, slices], grid.centre(0, 0, 0), [si, sj, step], grid.direction()) {
        Ok(even) => {
            let options = rt_image::ResampleOptions {
                kernel: rt_image::Kernel::Linear,
                outside: 0.0,
                rim: rt_image::Rim::None,
            };
            rt_image::resample(volume.view(), &Arc::new(even), options)
        }
        Err(_) => volume.clone(),
    }
}

fn gap(grid: &Grid) -> f64 {
    (1..grid.size()[2])
        .map(|k| grid.offset(k) - grid.offset(k - 1))
        .fold(f64::INFINITY, f64::min)
}

fn warn(notices: &[Notice]) {
    for notice in notices {
        tracing::warn!(event = "warn", code = notice.code, "{}", notice.detail);
    }
}

/// Text of the user's files for the terminal.
fn shown(text: &str) -> String {
    rt_cli::exit::escape(text)
}

/// The stem of a file name without `.nii` and `.nii.gz`.
fn stem(path: &Path) -> String {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.strip_suffix(".nii").unwrap_or(name).to_owned()
}

/// Whether a path names a NIfTI file.
fn is_nifti(path: &Path) -> bool {
    let name = path.to_string_lossy().to_ascii_lowercase();
    [".nii", ".nii.gz"].iter().any(|end| name.ends_with(end))
}
