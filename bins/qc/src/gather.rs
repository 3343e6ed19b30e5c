//! Facts of a course from the files of its folder.

use std::collections::HashMap;

use camino::Utf8PathBuf;
use rt_cli::StageReport;
use rt_core::Grid;
use rt_course::manifest::{CourseRecord, DoseRecord, ImageRecord, ImageRole};
use rt_course::sidecar::{DoseSidecar, ImageSidecar, MaskEntry, MaskIndex};
use rt_course::{CourseDir, read_json};
use rt_image::contour::ContourKind;
use rt_qc::{CourseFacts, Cut, DoseFact, DoseObjectFact, ImageFact, IndexBox, RoiFact, StructureSetFact};
use rt_records::tables::{contours, dvh};

use crate::stages;

/// Files that the facts come from, beside `course.json` and stamps. What cannot be named yet is not listed.
pub(crate) fn files(course: &CourseDir) -> Vec<Utf8PathBuf> {
    let mut files = vec![course.masks_json(), course.masks(), course.dvh_metrics()];
    if let Ok(record) = course.read_record() {
        let images = record.images.iter().flat_map(|i| [&i.nifti, &i.sidecar]);
        let dose = record.dose.iter().flat_map(|d| [&d.nifti, &d.sidecar]);
        let sets = record.structure_sets.iter().map(|s| &s.contours);
        files.extend(images.chain(dose).chain(sets).filter_map(|name| course.file(name).ok()));
    }
    files
}

/// Gathers all facts. A file that is there but cannot be read becomes a failed item; one that is missing is told by the stage that made it.
pub(crate) fn facts(course: &CourseDir, record: &CourseRecord, items: &mut StageReport) -> CourseFacts {
    let mut reader = Reader { course, items };
    let images: Vec<ImageFact> = ordered(&record.images).filter_map(|i| reader.image(i)).collect();
    let grid = images.first().map(|i| i.recorded.clone());
    let masks: Option<MaskIndex> = reader.json(&course.masks_json());
    let doses = reader.dose_lines();
    let extents = grid.as_ref().map(|g| reader.extents(record, g)).unwrap_or_default();
    let counts = contour_counts(record);
    let rois = masks.iter().flat_map(|m| m.rois.iter().map(|e| (e, &m.grid)));
    CourseFacts {
        patient_id: record.patient_id.clone(),
        course_id: record.course_id.clone(),
        stages: stages::facts(course),
        structure_sets: record
            .structure_sets
            .iter()
            .map(|s| StructureSetFact {
                id: s.id.clone(),
                is_primary: s.is_primary,
                frame_of_reference: s.frame_of_reference.clone(),
            })
            .collect(),
        plans: record.plans.len(),
        dose_objects: record.doses.iter().map(dose_object).collect(),
        dose: reader.dose(record),
        mask_grid: masks.as_ref().map(|m| reader.mask_grid(m)),
        rois: rois.map(|(entry, grid)| roi(entry, grid, &doses, &extents, &counts)).collect(),
        notes: record.warnings.iter().map(|w| (w.code.clone(), w.detail.clone())).collect(),
        images,
    }
}

/// The planning CT first, the others in stored order. Without a planning CT there is nothing to compare with.
fn ordered(images: &[ImageRecord]) -> impl Iterator<Item = &ImageRecord> {
    let is_planning = |i: &&ImageRecord| i.role == ImageRole::PlanningCt;
    let planning = images.iter().find(is_planning);
    let others = images.iter().filter(move |i| planning.is_some() && !is_planning(i));
    planning.into_iter().chain(others)
}

fn dose_object(dose: &DoseRecord) -> DoseObjectFact {
    let file = dose.dicom.rsplit('/').next().filter(|name| !name.is_empty());
    DoseObjectFact {
        name: file.unwrap_or(&dose.sop_uid).to_owned(),
        frame_of_reference: dose.frame_of_reference.clone(),
        is_selected: dose.is_selected,
        why: dose.why.clone(),
    }
}

/// A region of a structure set.
type RoiKey = (String, i32);
/// Source, name as drawn, and number where there is one.
type LineKey = (String, String, Option<i64>);
/// Covered share and mean dose.
type DoseLine = (Option<f64>, Option<f64>);

fn contour_counts(record: &CourseRecord) -> HashMap<RoiKey, usize> {
    let sets = record.structure_sets.iter();
    sets.flat_map(|s| s.rois.iter().map(|r| ((s.id.clone(), r.number), r.n_contours)))
        .collect()
}

fn roi(
    entry: &MaskEntry,
    grid: &Grid,
    doses: &HashMap<LineKey, DoseLine>,
    extents: &HashMap<RoiKey, IndexBox>,
    counts: &HashMap<RoiKey, usize>,
) -> RoiFact {
    let key = entry.number.map(|n| (entry.origin.clone(), n));
    let line_key = (entry.source.clone(), entry.original_name.clone(), entry.number.map(i64::from));
    let (covered_fraction, mean_gy) = doses.get(&line_key).copied().unwrap_or_default();
    RoiFact {
        source: entry.source.clone(),
        origin: entry.origin.clone(),
        number: entry.number,
        name: entry.name.clone(),
        interpreted_type: entry.interpreted_type.clone(),
        voxels: entry.voxels,
        volume_cc: entry.volume_cc,
        cut: cut(entry, grid),
        extent: key.as_ref().and_then(|k| extents.get(k)).copied(),
        mean_gy,
        n_contours: key.as_ref().and_then(|k| counts.get(k)).copied(),
        covered_fraction,
    }
}

/// Which faces of the image a mask's box touches.
fn cut(entry: &MaskEntry, grid: &Grid) -> Cut {
    let touches = |a: usize| entry.lo[a] == 0 || entry.lo[a] + entry.size[a] >= grid.size()[a];
    match entry.voxels {
        0 => Cut::Free,
        _ if touches(0) || touches(1) => Cut::Sides,
        _ if touches(2) => Cut::Ends,
        _ => Cut::Free,
    }
}

/// Reads files; what fails becomes an item.
struct Reader<'a> {
    course: &'a CourseDir,
    items: &'a mut StageReport,
}

impl Reader<'_> {
    fn fail(&mut self, path: &Utf8PathBuf, code: &str, reason: &dyn std::fmt::Display) {
        let name = path.strip_prefix(self.course.root()).unwrap_or(path);
        self.items.failed(name.as_str(), code, format!("cannot be looked at: {reason}"));
    }

    /// A JSON file; `None` when it is missing or damaged.
    fn json<T: serde::de::DeserializeOwned>(&mut self, path: &Utf8PathBuf) -> Option<T> {
        if !path.exists() {
            return None;
        }
        read_json(path).map_err(|e| self.fail(path, e.code(), &e)).ok()
    }

    /// The grid that a volume's own header says; `None` when it is missing or damaged.
    fn stored_grid(&mut self, path: &Utf8PathBuf) -> Option<Grid> {
        if !path.exists() {
            return None;
        }
        let header = rt_nifti::header(path.as_std_path());
        header
            .map(|h| h.grid.as_ref().clone())
            .map_err(|e| self.fail(path, e.code(), &e))
            .ok()
    }

    fn image(&mut self, image: &ImageRecord) -> Option<ImageFact> {
        let sidecar: ImageSidecar = self.json(&self.course.file(&image.sidecar).ok()?)?;
        let stored = self.stored_grid(&self.course.file(&image.nifti).ok()?);
        Some(ImageFact {
            path: image.nifti.clone(),
            frame_of_reference: image.frame_of_reference.clone(),
            stored: stored.unwrap_or_else(|| sidecar.grid.clone()),
            recorded: sidecar.grid,
        })
    }

    fn dose(&mut self, record: &CourseRecord) -> Option<DoseFact> {
        let dose = record.dose.as_ref()?;
        let sidecar: DoseSidecar = self.json(&self.course.file(&dose.sidecar).ok()?)?;
        let stored = self.stored_grid(&self.course.file(&dose.nifti).ok()?);
        Some(DoseFact {
            path: dose.nifti.clone(),
            frame_of_reference: dose.frame_of_reference.clone(),
            stored: stored.unwrap_or_else(|| sidecar.grid.clone()),
            recorded: sidecar.grid,
        })
    }

    fn mask_grid(&mut self, masks: &MaskIndex) -> Grid {
        self.stored_grid(&self.course.masks()).unwrap_or_else(|| masks.grid.clone())
    }

    /// Covered share and mean dose of every structure under the evaluated dose.
    fn dose_lines(&mut self) -> HashMap<LineKey, DoseLine> {
        let path = self.course.dvh_metrics();
        if !path.exists() {
            return HashMap::new();
        }
        let table = match rt_records::parquet::read(path.as_std_path()) {
            Ok(table) => table,
            Err(e) => {
                self.fail(&path, e.code(), &e);
                return HashMap::new();
            }
        };
        let of_course = table.iter().filter(|r| r.text(&dvh::DOSE).is_none_or(|d| d == "course"));
        of_course
            .map(|r| {
                let text = |column| r.text(column).unwrap_or_default().to_owned();
                let number = r.int(&dvh::ROI_NUMBER).filter(|n| *n >= 0);
                let key = (text(&dvh::SEGMENTATION_SOURCE), text(&dvh::ROI_ORIGINAL_NAME), number);
                (key, (r.float(&dvh::COVERED_FRACTION), r.float(&dvh::DMEAN_GY)))
            })
            .collect()
    }

    /// Boxes around the closed contours of every drawn region, in voxel indices of the planning image.
    fn extents(&mut self, record: &CourseRecord, grid: &Grid) -> HashMap<RoiKey, IndexBox> {
        let mut boxes = HashMap::new();
        for set in &record.structure_sets {
            let Ok(path) = self.course.file(&set.contours) else { continue };
            if !path.exists() {
                continue;
            }
            let table = rt_records::parquet::read(path.as_std_path());
            let rows = match table.map_err(anyhow::Error::from).and_then(|t| Ok(contours::from_table(&t)?)) {
                Ok(rows) => rows,
                Err(e) => {
                    self.fail(&path, "qc.contours", &format!("{e:#}"));
                    continue;
                }
            };
            let mut points: HashMap<i32, Vec<[f64; 3]>> = HashMap::new();
            for row in rows
                .into_iter()
                .filter(|r| ContourKind::from_term(&r.kind).is_some_and(ContourKind::is_closed))
            {
                let indices = row.points.iter().map(|p| grid.world_to_index((*p).into()).to_array());
                points.entry(row.roi_number).or_default().extend(indices);
            }
            let found = points
                .into_iter()
                .filter_map(|(n, p)| Some(((set.id.clone(), n), IndexBox::around(p)?)));
            boxes.extend(found);
        }
        boxes
    }
}
