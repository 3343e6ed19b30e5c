//! The DVH engine beside closed-form truth (`data/dvh-analytic`): every figure of every region of every case.
//!
//! The files go through the same readers that users' files go through, and every case runs with the shipped defaults. Judged as its
//! README says: `prism` with the tolerance `exact` (`ideal` where only that is given), absolute, before any rounding; a truth without
//! value must have none in ours. A second run reads the contours as lofted and is compared with the lofted truth, where there is one.

mod figures;
mod table;

use std::fmt;
use std::path::{Path, PathBuf};

use rt_core::{Gy, Silent};
use rt_dicom::{MetaCache, ScanOptions};
use rt_dvh::{DoseField, DoseTerm, Dvh, DvhConfig, DvhError, Indices, Planes, Response, RoiShape, dvh_in, indices, isodose_volumes};
use rt_testdata::scratch::Scratch;
use serde_json::Value;

pub use figures::Figure;
pub use table::whole_table;

/// Why the cases could not be compared at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConformanceError {
    /// A file or folder could not be read.
    #[error("{path}: {source}")]
    Io {
        /// The path.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A truth or archive is not what its README says.
    #[error("{path}: {reason}")]
    Truth {
        /// The path.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// One of our readers does not take a file of the set.
    #[error("{case}: {reason}")]
    Reading {
        /// The case.
        case: String,
        /// The reader's message.
        reason: String,
    },
}

/// One region of one case (and one quantity, for sums).
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Case, as the folder is named.
    pub case: String,
    /// `ROINumber`.
    pub number: i64,
    /// `ROIName`.
    pub name: String,
    /// `physical sum` or `EQD2 sum`; empty elsewhere.
    pub quantity: String,
    /// All figures, in order of the truth.
    pub figures: Vec<Figure>,
    /// Figures against the smooth body within the wider tolerance `ideal`: how many of how many. Report only.
    pub smooth: [usize; 2],
    /// Message when the region gave no figures though it should, or the reverse.
    pub problem: Option<String>,
}

impl Row {
    /// Figures inside their tolerance.
    pub fn inside(&self) -> usize {
        self.figures.iter().filter(|f| f.is_inside()).count()
    }

    /// The figure that uses most of its tolerance.
    pub fn worst(&self) -> Option<&Figure> {
        self.figures.iter().max_by(|a, b| a.part().total_cmp(&b.part()))
    }
}

/// The whole table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// Rows by case and region.
    pub rows: Vec<Row>,
}

impl Report {
    /// Figures inside their tolerance, and all figures.
    pub fn inside(&self) -> [usize; 2] {
        [
            self.rows.iter().map(Row::inside).sum(),
            self.rows.iter().map(|r| r.figures.len()).sum(),
        ]
    }

    /// Rows with a figure outside, or with a problem.
    pub fn misses(&self) -> Vec<&Row> {
        let misses = |r: &&Row| r.problem.is_some() || r.inside() < r.figures.len();
        self.rows.iter().filter(misses).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = "part of tolerance";
        writeln!(
            f,
            "{:<24} {:>3} {:<18} {:>11} {:>11}  worst figure, {part}",
            "case", "roi", "name", "exact", "smooth"
        )?;
        for row in &self.rows {
            let name = if row.quantity.is_empty() {
                row.name.clone()
            } else {
                format!("{} {}", row.name, row.quantity)
            };
            let exact = format!("{}/{}", row.inside(), row.figures.len());
            let smooth = format!("{}/{}", row.smooth[0], row.smooth[1]);
            write!(f, "{:<24} {:>3} {name:<18} {exact:>11} {smooth:>11}", row.case, row.number)?;
            if let Some(worst) = row.worst() {
                write!(f, "  {} {:.3}", worst.name, worst.part())?;
            }
            if let Some(problem) = &row.problem {
                write!(f, "  {problem}")?;
            }
            writeln!(f)?;
        }
        let [inside, all] = self.inside();
        let cases: std::collections::BTreeSet<&str> = self.rows.iter().map(|r| r.case.as_str()).collect();
        write!(
            f,
            "{inside} of {all} figures inside, {} rows of {} cases",
            self.rows.len(),
            cases.len()
        )
    }
}

/// Runs every case below a folder with the shipped defaults: case folders with a `truth.json`, or the archive that holds them.
///
/// # Errors
/// [`ConformanceError`] when a truth or file cannot be read. A figure outside its tolerance is a row, not an error.
pub fn run(folder: &Path) -> Result<Report, ConformanceError> {
    run_with(folder, &DvhConfig::default())
}

/// The same with another configuration, which holds for every case. With [`Planes::Loft`] the truth is the lofted one; regions
/// without it have no row.
///
/// # Errors
/// As [`run`].
pub fn run_with(folder: &Path, config: &DvhConfig) -> Result<Report, ConformanceError> {
    let mut cases = cases_below(folder)?;
    let scratch;
    if cases.is_empty() {
        scratch = unpacked(folder)?;
        cases = cases_below(scratch.path())?;
    }
    let mut report = Report::default();
    for case in cases {
        report.rows.extend(run_case(&case, config)?);
    }
    Ok(report)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, ConformanceError> {
    let wrap = |source| ConformanceError::Io {
        path: folder.to_path_buf(),
        source,
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(wrap)? {
        paths.push(entry.map_err(wrap)?.path());
    }
    paths.sort();
    Ok(paths)
}

/// Folders with a truth, directly below or one level deeper.
fn cases_below(folder: &Path) -> Result<Vec<PathBuf>, ConformanceError> {
    let is_case = |p: &PathBuf| p.join("truth.json").is_file();
    let mut cases = Vec::new();
    for path in entries(folder)?.into_iter().filter(|p| p.is_dir()) {
        if is_case(&path) {
            cases.push(path);
        } else {
            cases.extend(entries(&path)?.into_iter().filter(is_case));
        }
    }
    Ok(cases)
}

fn unpacked(folder: &Path) -> Result<Scratch, ConformanceError> {
    let archive = entries(folder)?.into_iter().find(|p| p.to_string_lossy().ends_with(".tar.gz"));
    let problem = |path: &Path, reason: &str| ConformanceError::Truth {
        path: path.to_path_buf(),
        reason: reason.to_owned(),
    };
    let archive = archive.ok_or_else(|| problem(folder, "neither cases nor an archive of them"))?;
    let bytes = std::fs::read(&archive).map_err(|source| ConformanceError::Io {
        path: archive.clone(),
        source,
    })?;
    let scratch = Scratch::new("dvh-analytic");
    rt_testdata::archive::unpack_tar_gz(&bytes, scratch.path()).ok_or_else(|| problem(&archive, "no tar archive"))?;
    Ok(scratch)
}

/// Everything read of one case.
struct Case {
    name: String,
    truth: Value,
    structures: rt_dicom::StructureSet,
    doses: Vec<rt_dicom::Dose>,
    slice_thickness_mm: Option<f64>,
}

fn read_case(folder: &Path) -> Result<Case, ConformanceError> {
    let name = folder.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let problem = |reason: String| ConformanceError::Reading {
        case: name.clone(),
        reason,
    };
    let path = folder.join("truth.json");
    let text = std::fs::read(&path).map_err(|source| ConformanceError::Io {
        path: path.clone(),
        source,
    })?;
    let truth = serde_json::from_slice(&text).map_err(|e| ConformanceError::Truth {
        path,
        reason: e.to_string(),
    })?;
    let index = rt_dicom::scan(&[folder.to_path_buf()], &mut MetaCache::default(), &ScanOptions::default(), &Silent);
    let index = index.map_err(|e| problem(e.to_string()))?;
    let structures = rt_dicom::read_structures(&folder.join("RS.dcm")).map_err(|e| problem(e.to_string()))?;
    let mut doses = Vec::new();
    for path in entries(folder)? {
        let file = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if file.starts_with("RD") {
            doses.push(rt_dicom::read_dose(&path).map_err(|e| problem(e.to_string()))?);
        }
    }
    Ok(Case {
        slice_thickness_mm: rt_dicom::slice_spacing_mm(&index, &structures.series),
        name,
        truth,
        structures,
        doses,
    })
}

fn run_case(folder: &Path, config: &DvhConfig) -> Result<Vec<Row>, ConformanceError> {
    let case = read_case(folder)?;
    let rois = case.truth["rois"].as_array().cloned().unwrap_or_default();
    let judged = rois
        .iter()
        .filter(|truth| config.planes != Planes::Loft || truth["models"]["loft"].is_object());
    judged.map(|truth| run_roi(&case, truth, config)).collect()
}

fn run_roi(case: &Case, truth: &Value, config: &DvhConfig) -> Result<Row, ConformanceError> {
    let number = truth["number"].as_i64().unwrap_or_default();
    let quantity = truth["quantity"].as_str().unwrap_or_default();
    let problem = |reason: String| ConformanceError::Reading {
        case: case.name.clone(),
        reason,
    };
    let roi = case.structures.rois.iter().find(|r| i64::from(r.number) == number);
    let roi = roi.ok_or_else(|| problem(format!("no structure with number {number}")))?;
    let field = DoseField::new(terms(case, quantity), config.rim, config.sum_missing).map_err(|e| problem(e.to_string()))?;
    let mut options = config.options();
    options.slice_thickness_mm = case.slice_thickness_mm;
    let found = dvh_in(&field, RoiShape::Contours(&roi.contours), &options);
    let mut row = Row {
        case: case.name.clone(),
        number,
        name: roi.name.clone(),
        quantity: quantity.to_owned(),
        figures: Vec::new(),
        smooth: [0, 0],
        problem: None,
    };
    let model = match config.planes {
        Planes::Loft => Some("loft"),
        Planes::Prism | Planes::PrismNocap => truth["default"]["model"].as_str(),
    };
    match (&found, model) {
        (Ok(dvh), Some(model)) => {
            row.figures = figures::of_model(dvh, &truth["models"][model], &truth["tolerance"]["exact"]);
            let smooth = figures::of_model(dvh, &truth["models"]["ideal"], &truth["tolerance"]["ideal"]);
            row.smooth = [smooth.iter().filter(|f| f.is_inside()).count(), smooth.len()];
            row.figures.extend(extra(&field, dvh, truth));
        }
        (Err(DvhError::NoOverlap { volume_cc }), None) => row.figures = figures::of_outside(*volume_cc, truth),
        (Ok(_), None) => row.problem = Some("figures for a region without dose".to_owned()),
        (Err(e), _) => row.problem = Some(e.to_string()),
    }
    Ok(row)
}

/// The doses of a case; for an EQD2 sum each with its own fractions. RELATIVE doses are compared in their own unit.
fn terms<'a>(case: &'a Case, quantity: &str) -> Vec<DoseTerm<'a>> {
    let alpha_beta = case.truth["alpha_beta"].as_f64();
    let response = |i: usize| match (quantity, alpha_beta, case.truth["fractions"][i].as_f64()) {
        ("EQD2 sum", Some(alpha_beta), Some(fractions)) => Response::Eqd2 { fractions, alpha_beta },
        _ => Response::Physical,
    };
    let term = |(i, dose): (usize, &'a rt_dicom::Dose)| DoseTerm {
        response: response(i),
        ..DoseTerm::physical(dose.volume.view())
    };
    case.doses.iter().enumerate().map(term).collect()
}

/// Coverage and indices, where the row has them.
fn extra(field: &DoseField<'_>, dvh: &Dvh, truth: &Value) -> Vec<Figure> {
    let rx = truth["prescription_gy"].as_f64().map(Gy);
    let conformity: Option<([f64; 2], Indices)> = rx.and_then(|rx| {
        let volumes = isodose_volumes(field, &[rx, Gy(0.5 * rx.value())]);
        let indices = indices(dvh, rx, volumes[0], volumes[1])?;
        Some(([volumes[0].value(), volumes[1].value()], indices))
    });
    figures::of_extra(dvh, conformity, truth)
}
