//! One course: reads its objects, writes its folder, returns its record.

use std::collections::HashMap;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use indexmap::IndexMap;
use rayon::prelude::*;
use rt_course::manifest::{CourseRecord, FileRecord, ImageRecord, ImageRole, Prescription, SCHEMA_VERSION, StructureSetRecord, Warning};
use rt_course::{AtomicDir, CourseDir, DicomClass, write_json};
use rt_dicom::Notice;
use rt_dicom::dose_choice::{ChoiceRules, UserRule};
use rt_dicom::fractions::Fraction;
use rt_dicom::image::{ImageSeries, read_series};
use rt_dicom::link::{Course, ImageUse, Linked, LinkedImage};
use rt_dicom::reg::{self, Joined, Registration, read_registration_with};
use rt_dicom::rtdose::{Dose, read_dose_with};
use rt_dicom::rtplan::{Plan, read_plan_with};
use rt_dicom::rtrecord::{TreatmentRecord, read_record_with};
use rt_dicom::rtstruct::{StructureSet, read_structures_with};
use rt_dicom::series::SeriesOptions;

use crate::case::{CaseFacts, case_row};
use crate::config::{OrganizeSections, Placing};
use crate::contours::{roi_records, write_contours};
use crate::delivery;
use crate::objects::{self, Held};
use crate::place::{Placement, fill};
use crate::volumes::{warnings, write_image};

/// One object of a course that could not be read, for the report of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Path below the input folder.
    pub(crate) path: String,
    /// Stable code.
    pub(crate) code: String,
    /// The reason, naming the file.
    pub(crate) message: String,
}

/// What became of a course.
#[derive(Debug)]
pub(crate) struct Organised {
    /// Its record, written as `course.json`.
    pub(crate) record: CourseRecord,
    /// Objects that could not be read.
    pub(crate) lost: Vec<Lost>,
}

/// The names that a course goes by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity<'a> {
    /// Patient as named in tables.
    pub(crate) patient_id: &'a str,
    /// Course as named in tables.
    pub(crate) course_id: &'a str,
    /// Digest of all that it is made from.
    pub(crate) fingerprint: &'a str,
    /// What the user decided about its doses.
    pub(crate) dose_rule: Option<&'a UserRule>,
}

/// Work on one course.
struct Builder<'a> {
    place: &'a CourseDir,
    linked: &'a Course,
    config: &'a OrganizeSections,
    files: Vec<FileRecord>,
    warnings: Vec<Warning>,
    lost: Vec<Lost>,
}

/// Reads the objects of a course and writes its folder; `course.json` comes last.
///
/// An object that cannot be read costs that object: it is named in the result and in the record's warnings.
///
/// # Errors
/// When a file cannot be written: the course is then as it was before, or incomplete without a new `course.json`.
pub(crate) fn organise(
    place: &CourseDir,
    linked: &Course,
    identity: Identity<'_>,
    config: &OrganizeSections,
) -> Result<Organised, anyhow::Error> {
    let mut b = Builder {
        place,
        linked,
        config,
        files: Vec::new(),
        warnings: warnings(&linked.notices),
        lost: Vec::new(),
    };
    let mut record = b.empty_record(identity);
    let registrations = b.registrations()?;
    let images = AtomicDir::create(place.images_dir())?;
    let (image_records, ct) = b.images(images.path(), &registrations)?;
    record.images = image_records;
    let sets = b.structure_sets(&mut record)?;
    let plans = b.plans()?;
    let doses = b.doses(&registrations)?;
    let (records, fractions) = b.records(&plans)?;
    let delivered: Vec<Option<u32>> = plans
        .iter()
        .map(|p| delivery::delivered(&records, &fractions, &p.object.sop_uid))
        .collect();
    let frame = b.frame();
    let rules = ChoiceRules {
        frame: frame.as_deref(),
        fractions: config.organize.fractions,
        user: identity.dose_rule,
    };
    let choice = objects::choose(&plans, &doses, &delivered, &rules);
    record.fractions = delivery::rows(&records, &fractions);
    record.registrations = registrations.iter().flat_map(delivery::registration_records).collect();
    b.warnings.extend(objects::choice_warnings(&choice, &linked.doses));
    record.plans = objects::plan_records(&plans, &choice);
    record.doses = objects::dose_records(&doses, &choice);
    record.prescription = objects::prescription(&plans, &record.plans, &sets);
    let chosen = objects::write_chosen(images.path(), place, &plans, &doses, &choice, &config.organize).context("cannot write the dose")?;
    images.commit()?;
    let (decision, dose) = chosen.unzip();
    record.dose = decision;
    let first = record.plans.first().filter(|r| r.is_selected).map(|r| r.sop_uid.clone());
    let plan = plans
        .iter()
        .map(|h| &h.object)
        .find(|p| first.as_deref() == Some(p.sop_uid.as_str()));
    record.files = b.digested();
    record.warnings = b.warnings;
    record.case = case_row(&CaseFacts {
        record: &record,
        ct: ct.as_ref(),
        plan: plan.or_else(|| plans.first().map(|h| &h.object)),
        dose: dose.as_ref(),
        identifiers: config.privacy.identifiers,
    });
    write_json(place.course_json(), &record)?;
    Ok(Organised { record, lost: b.lost })
}

impl Builder<'_> {
    fn empty_record(&self, identity: Identity<'_>) -> CourseRecord {
        CourseRecord {
            schema_version: SCHEMA_VERSION,
            patient_id: identity.patient_id.to_owned(),
            course_id: identity.course_id.to_owned(),
            key: self.linked.key.clone(),
            start: self.linked.start.map(rt_dicom::Date::iso),
            frame_of_reference: self.linked.frames.clone(),
            fingerprint: identity.fingerprint.to_owned(),
            warnings: Vec::new(),
            images: Vec::new(),
            structure_sets: Vec::new(),
            plans: Vec::new(),
            doses: Vec::new(),
            dose: None,
            prescription: Prescription::default(),
            fractions: Vec::new(),
            registrations: Vec::new(),
            case: IndexMap::new(),
            files: Vec::new(),
        }
    }

    /// Frame of reference that doses should stand in: that of the planning CT, else of the course.
    fn frame(&self) -> Option<String> {
        self.linked
            .planning_ct()
            .map(|i| i.series.frame_uid.clone())
            .filter(|f| !f.is_empty())
            .or_else(|| self.linked.frames.first().cloned())
    }

    fn lose(&mut self, path: &str, code: &str, message: String) {
        self.warnings.push(Warning {
            code: code.to_owned(),
            detail: message.clone(),
        });
        self.lost.push(Lost {
            path: path.to_owned(),
            code: code.to_owned(),
            message,
        });
    }

    fn relative(&self, path: &Utf8Path) -> String {
        self.place.stage("organize").relative(path)
    }
}

/// Reading the objects.
impl Builder<'_> {
    /// Reads every image and writes it into the staged folder; returns the records and the planning CT.
    fn images(
        &mut self,
        staged: &Utf8Path,
        registrations: &[Registration],
    ) -> Result<(Vec<ImageRecord>, Option<ImageSeries>), anyhow::Error> {
        let options = SeriesOptions {
            limits: self.config.limits,
            slice_gap: self.config.organize.slice_gap,
        };
        let mut records = Vec::new();
        let mut planning = None;
        let (mut cts, mut mrs, mut pets) = (0, 0, 0);
        for image in &self.linked.images {
            let mut read = match read_series(&image.series, &options) {
                Ok(read) => read,
                Err(error) => {
                    self.lose(&image.series.series_uid, error.code(), error.to_string());
                    continue;
                }
            };
            if let Some(kind) = self.config.organize.suv.kind().filter(|_| image.series.modality == "PT") {
                read = rt_dicom::pet::to_suv(read, &image.series, &options, kind);
            }
            let frame = self.bring_into_frame(&mut read, image, registrations);
            let (role, nifti, dicom_dir) = match (image.usage, image.series.modality.as_str()) {
                (ImageUse::PlanningCt, _) => (ImageRole::PlanningCt, self.place.ct(), self.planning_dir()),
                (ImageUse::Related, "MR") => {
                    mrs += 1;
                    (ImageRole::Mr, self.place.mr(mrs), self.other_dir(DicomClass::Mr, "mr", mrs))
                }
                (ImageUse::Related, "PT") => {
                    pets += 1;
                    (ImageRole::Pet, self.place.pt(pets), self.other_dir(DicomClass::Pt, "pt", pets))
                }
                (ImageUse::Related, _) => {
                    cts += 1;
                    (ImageRole::Ct, self.place.other_ct(cts), self.other_dir(DicomClass::Ct, "ct", cts))
                }
            };
            write_image(&staged.join(nifti.file_name().unwrap_or_default()), &image.series, &frame, &read)?;
            self.warnings.extend(warnings(&read.notices));
            self.place_series(image, &read, &dicom_dir)?;
            records.push(ImageRecord {
                role,
                modality: image.series.modality.clone(),
                series_uid: image.series.series_uid.clone(),
                study_uid: image.series.study_uid.clone(),
                frame_of_reference: frame,
                sidecar: self.relative(&CourseDir::sidecar(&nifti)),
                nifti: self.relative(&nifti),
                dicom_dir: self.placed(&self.relative(&dicom_dir)),
                n_slices: read.slices.len(),
                link: image.link.to_owned(),
            });
            if role == ImageRole::PlanningCt {
                planning = Some(read);
            }
        }
        Ok((records, planning))
    }

    /// Brings a related image of another frame of reference into the course's, where a registration says how; returns its frame.
    fn bring_into_frame(&mut self, read: &mut ImageSeries, image: &LinkedImage, registrations: &[Registration]) -> String {
        let own = image.series.frame_uid.clone();
        let Some(frame) = self.frame().filter(|f| *f != own && image.usage == ImageUse::Related) else {
            return own;
        };
        let moved = match reg::join(registrations, &own, &frame) {
            Joined::Not => return own,
            Joined::Contradicted => None,
            Joined::By(motion) => read.data.moved(&motion),
        };
        let Some(data) = moved else {
            read.notices.push(Notice::new(
                "reg.contradiction",
                format!(
                    "registrations of series {} contradict each other: none was applied",
                    image.series.series_uid
                ),
            ));
            return own;
        };
        read.data = data;
        read.notices.push(Notice::new(
            "image.registered",
            format!(
                "series {} was brought into the frame of the planning CT by a rigid registration",
                image.series.series_uid
            ),
        ));
        frame
    }

    fn planning_dir(&self) -> Utf8PathBuf {
        self.place.dicom(DicomClass::Ct).join("planning")
    }

    fn other_dir(&self, class: DicomClass, stem: &str, number: usize) -> Utf8PathBuf {
        self.place.dicom(class).join(format!("{stem}_{number:02}"))
    }

    /// Slices in the order of the volume, then what the volume left out.
    fn place_series(&mut self, image: &LinkedImage, read: &ImageSeries, folder: &Utf8Path) -> Result<(), anyhow::Error> {
        let order = |sop: &str| read.slices.iter().position(|s| s.sop_uid == sop).unwrap_or(usize::MAX);
        let mut files: Vec<&rt_dicom::series::SeriesFile> = image.series.files.iter().collect();
        files.sort_by_cached_key(|f| {
            let sop = f.entry.object().map_or("", |o| o.sop_uid.as_str());
            (order(sop), f.entry.path.clone())
        });
        let stem = image.series.modality.as_str();
        let stem = if rt_course::is_folder_name(stem) { stem } else { "IM" };
        let mut placements = Vec::with_capacity(files.len());
        for (number, file) in (1..).zip(files) {
            let name = format!("{stem}_{number:05}.dcm");
            self.record_file(&file.entry, &self.placed(&self.relative(&folder.join(&name))));
            placements.push(Placement {
                source: file.path.clone(),
                name,
            });
        }
        fill(folder, &placements, self.config.organize.place)?;
        Ok(())
    }

    fn structure_sets(&mut self, record: &mut CourseRecord) -> Result<Vec<StructureSet>, anyhow::Error> {
        let limits = self.config.limits;
        let linked = self.linked;
        let files: Vec<&Linked> = linked.structures.iter().map(|s| &s.object).collect();
        let held = self.objects(&files, DicomClass::RtStruct, "RS", |path| {
            read_structures_with(path, &limits).map_err(|e| (e.code(), e.to_string()))
        })?;
        let folder = AtomicDir::create(self.place.contours_dir())?;
        let mut sets = Vec::new();
        for (number, (at, set)) in (1..).zip(held) {
            let Some(source) = linked.structures.get(at) else { continue };
            let path = self.place.contours(number);
            write_contours(&folder.path().join(path.file_name().unwrap_or_default()), &set.object)?;
            self.warnings.extend(warnings(&set.object.notices));
            record.structure_sets.push(StructureSetRecord {
                id: format!("rs_{number:02}"),
                contours: self.relative(&path),
                dicom: set.dicom,
                sop_uid: set.object.sop_uid.clone(),
                label: set.object.label.clone(),
                approval: set.object.approval.clone(),
                date: set.object.date.map(rt_dicom::Date::iso),
                is_primary: number == 1,
                is_plan_referenced: source.is_plan_referenced,
                link: source.object.link.to_owned(),
                referenced_series: set.object.series.clone(),
                frame_of_reference: set.object.frames.first().cloned().unwrap_or_default(),
                rois: roi_records(&set.object),
            });
            sets.push(set.object);
        }
        folder.commit()?;
        Ok(sets)
    }

    fn plans(&mut self) -> Result<Vec<Held<Plan>>, anyhow::Error> {
        let limits = self.config.limits;
        let files: Vec<&Linked> = self.linked.plans.iter().collect();
        let held = self.objects(&files, DicomClass::RtPlan, "RP", |path| {
            read_plan_with(path, &limits).map_err(|e| (e.code(), e.to_string()))
        })?;
        for (_, plan) in &held {
            self.warnings.extend(warnings(&plan.object.notices));
        }
        Ok(held.into_iter().map(|(_, h)| h).collect())
    }

    /// The doses, those of other frames of reference brought into the course's where a rigid registration says how.
    fn doses(&mut self, registrations: &[Registration]) -> Result<Vec<Held<Dose>>, anyhow::Error> {
        let limits = self.config.limits;
        let files: Vec<&Linked> = self.linked.doses.iter().collect();
        let held = self.objects(&files, DicomClass::RtDose, "RD", |path| {
            read_dose_with(path, &limits).map_err(|e| (e.code(), e.to_string()))
        })?;
        let frame = self.frame();
        let mut out = Vec::with_capacity(held.len());
        for (_, mut dose) in held {
            if let Some(frame) = &frame {
                dose.object = dose.object.into_frame(registrations, frame);
            }
            self.warnings.extend(warnings(&dose.object.notices));
            out.push(dose);
        }
        Ok(out)
    }

    fn registrations(&mut self) -> Result<Vec<Registration>, anyhow::Error> {
        let limits = self.config.limits;
        let files: Vec<&Linked> = self.linked.registrations.iter().collect();
        let held = self.objects(&files, DicomClass::Reg, "REG", |path| {
            read_registration_with(path, &limits).map_err(|e| (e.code(), e.to_string()))
        })?;
        for (_, registration) in &held {
            self.warnings.extend(warnings(&registration.object.notices));
        }
        Ok(held.into_iter().map(|(_, h)| h.object).collect())
    }

    /// Treatment records with the fractions that they make.
    fn records(&mut self, plans: &[Held<Plan>]) -> Result<(Vec<Held<TreatmentRecord>>, Vec<Fraction>), anyhow::Error> {
        let limits = self.config.limits;
        let files: Vec<&Linked> = self.linked.records.iter().collect();
        let held = self.objects(&files, DicomClass::RtRecord, "RT", |path| {
            read_record_with(path, &limits).map_err(|e| (e.code(), e.to_string()))
        })?;
        let records: Vec<Held<TreatmentRecord>> = held.into_iter().map(|(_, h)| h).collect();
        let plan = plans.first().map_or("", |p| p.object.sop_uid.as_str());
        let objects: Vec<TreatmentRecord> = records.iter().map(|r| r.object.clone()).collect();
        let fractions = rt_dicom::fractions::fractions(&objects, plan);
        self.warnings.extend(delivery::warnings(&fractions));
        Ok((records, fractions))
    }

    /// Reads files of one class and brings them into the course; one that cannot be read is told and left out, its file is kept.
    ///
    /// Returns the place of each in the list, and the object.
    fn objects<T>(
        &mut self,
        files: &[&Linked],
        class: DicomClass,
        stem: &str,
        read: impl Fn(&std::path::Path) -> Result<T, (&'static str, String)>,
    ) -> Result<Vec<(usize, Held<T>)>, anyhow::Error> {
        let folder = self.place.dicom(class);
        let mut held = Vec::new();
        let mut placements = Vec::new();
        for (at, linked) in files.iter().enumerate() {
            let file = &linked.file;
            let name = format!("{stem}_{:02}.dcm", at + 1);
            let dicom = self.placed(&self.relative(&folder.join(&name)));
            self.record_file(&file.entry, &dicom);
            placements.push(Placement {
                source: file.path.clone(),
                name,
            });
            match read(&file.path) {
                Ok(object) => held.push((at, Held { object, dicom })),
                Err((code, message)) => self.lose(&file.entry.path, code, message),
            }
        }
        fill(&folder, &placements, self.config.organize.place)?;
        Ok(held)
    }

    fn record_file(&mut self, entry: &rt_dicom::entry::FileEntry, path: &str) {
        self.files.push(FileRecord {
            path: path.to_owned(),
            source: crate::inventory::escaped(&entry.path),
            sop_uid: entry.object().map(|o| o.sop_uid.clone()).unwrap_or_default(),
            size: entry.size,
            mtime_ns: entry.mtime_ns,
            digest: String::new(),
        });
    }

    /// The files with their digests. They were read a moment ago, so that this costs no disk.
    fn digested(&mut self) -> Vec<FileRecord> {
        let sources: HashMap<String, &std::path::Path> = self
            .linked
            .files()
            .into_iter()
            .map(|(_, f)| (crate::inventory::escaped(&f.entry.path), f.path.as_path()))
            .collect();
        let mut files = std::mem::take(&mut self.files);
        files.par_iter_mut().for_each(|file| {
            let digest = sources.get(&file.source).and_then(|path| crate::manifest::digest_of(path));
            file.digest = digest.unwrap_or_default();
        });
        files
    }

    /// A path of a placed file; empty when files are not placed.
    fn placed(&self, path: &str) -> String {
        if self.config.organize.place == Placing::None {
            String::new()
        } else {
            path.to_owned()
        }
    }
}
