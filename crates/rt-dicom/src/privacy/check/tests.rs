//! A generated cohort is cleaned and checked; then what the checker must notice is put back, one thing at a time.

use std::fs;
use std::path::{Path, PathBuf};

use dicom::core::{Tag, VR};
use dicom::dictionary_std::tags;
use rt_core::{Silent, Vec3};
use rt_testdata::{Scratch, cohort};

use super::*;
use crate::object::{DataSet, EXPLICIT_LITTLE, Value, read_whole, write_file};
use crate::privacy::{DatePolicy, DeidKey, DeidOptions, Deidentifier, RoiNames};

/// A value of the patient that the tests plant.
const NAME: &str = "Zzphimeier";

struct Cleaning {
    scratch: Scratch,
}

impl Cleaning {
    /// Writes a cohort, with a name where the test says, and cleans it.
    fn new(test: &str, options: &DeidOptions) -> Self {
        let scratch = Scratch::new(test);
        cohort()
            .seed(11)
            .course(|c| {
                let c = c.patient("QX7731").ct([24, 24, 6]).spacing([6.0, 6.0, 5.0]);
                c.sphere("PTV", 12.0)
                    .sphere(NAME, 9.0)
                    .dose_gradient(50.0, Vec3::new(0.0, 0.1, 0.0))
            })
            .write(&scratch.join("in"))
            .unwrap();
        let this = Self { scratch };
        for path in this.files("in") {
            let Ok(mut whole) = read_whole(&path) else { continue };
            for (tag, vr, text) in planted() {
                whole.set.raw(tag, vr, text.as_bytes());
            }
            whole.set.sequence(
                tags::REQUEST_ATTRIBUTES_SEQUENCE,
                vec![{
                    let mut item = DataSet::new();
                    item.text(tags::SCHEDULED_PROCEDURE_STEP_DESCRIPTION, VR::LO, NAME);
                    item
                }],
            );
            save(&path, &whole.set);
        }
        this.clean("out", options, [7; 32]);
        this
    }

    fn files(&self, folder: &str) -> Vec<PathBuf> {
        files(&self.scratch.join(folder)).unwrap()
    }

    fn clean(&self, folder: &str, options: &DeidOptions, key: [u8; 32]) {
        let known = |name: &str| (name == "PTV").then(|| name.to_owned());
        let cleaner = Deidentifier::new(DeidKey::new(key), options.clone(), &known);
        let mut made = 0;
        for path in self.files("in") {
            let Ok(object) = cleaner.clean(&path) else { continue };
            let mut bytes = Vec::new();
            object.write(&mut bytes).unwrap();
            self.scratch.write(&format!("{folder}/{}.dcm", object.sop_uid), bytes);
            made += 1;
        }
        assert!(made >= 9, "6 slices, structures, plan and dose");
    }

    fn check(&self, folder: &str) -> CheckReport {
        check(&self.scratch.join("in"), &self.scratch.join(folder), &Silent).unwrap()
    }
}

fn save(path: &Path, set: &DataSet) {
    let mut bytes = Vec::new();
    write_file(&mut bytes, set, EXPLICIT_LITTLE).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Ten places where names stand.
fn planted() -> [(Tag, VR, &'static str); 10] {
    [
        (tags::PATIENT_NAME, VR::PN, "Zzphimeier^Anna"),
        (tags::OTHER_PATIENT_NAMES, VR::PN, "Zzphimeier"),
        (tags::REFERRING_PHYSICIAN_NAME, VR::PN, "Zzphidoktor^Max"),
        (tags::INSTITUTION_NAME, VR::LO, "Zzphiklinik Zzphistadt"),
        (tags::PATIENT_ADDRESS, VR::LO, "Zzphistrasse 1"),
        (tags::STUDY_DESCRIPTION, VR::LO, "Pelvis Zzphimeier"),
        (tags::PATIENT_COMMENTS, VR::LT, "Zzphimeier called"),
        (tags::ACCESSION_NUMBER, VR::SH, "ZZ99881"),
        (Tag(0x0009, 0x0010), VR::LO, "ZZPHIVENDOR"),
        (Tag(0x0009, 0x1001), VR::LO, "Zzphimeier"),
    ]
}

#[test]
fn a_cleaned_cohort_is_clean_and_whole() {
    for (dates, roi_names) in [
        (DatePolicy::Shift, RoiNames::Map),
        (DatePolicy::Shift, RoiNames::Clean),
        (DatePolicy::Remove, RoiNames::Drop),
    ] {
        let options = DeidOptions {
            dates,
            roi_names,
            retain: vec![],
        };
        let cleaning = Cleaning::new("deid-clean", &options);
        let report = cleaning.check("out");
        assert!(report.is_clean(), "{options:?} {:#?}", report.findings);
        assert!(report.released == 9 && report.paired == 9 && report.secrets > 20, "{report:?}");
        let structures = cleaning
            .files("out")
            .into_iter()
            .find_map(|p| crate::read_structures(&p).ok())
            .unwrap();
        let names: Vec<&str> = structures.rois.iter().map(|r| r.name.as_str()).collect();
        let expected = match roi_names {
            RoiNames::Drop => ["ROI_1", "ROI_2"],
            _ => ["PTV", "ROI_2"],
        };
        assert_eq!(names, expected);
    }
}

#[test]
fn the_same_key_gives_the_same_files_and_another_key_shares_nothing() {
    let options = DeidOptions::default();
    let cleaning = Cleaning::new("deid-keys", &options);
    cleaning.clean("again", &options, [7; 32]);
    cleaning.clean("other", &options, [8; 32]);
    let tree = |folder: &str| rt_testdata::tree(&cleaning.scratch.join(folder));
    assert_eq!(tree("out"), tree("again"));
    let names = |folder: &str| tree(folder).into_iter().map(|(n, _)| n).collect::<BTreeSet<String>>();
    assert!(names("out").is_disjoint(&names("other")));
}

#[test]
fn each_planted_value_that_comes_back_is_found() {
    let cleaning = Cleaning::new("deid-planted", &DeidOptions::default());
    let file = cleaning.files("out").into_iter().next().unwrap();
    let good = read_whole(&file).unwrap().set;
    for (tag, vr, text) in planted() {
        let mut set = good.clone();
        set.raw(tag, vr, text.as_bytes());
        save(&file, &set);
        let report = cleaning.check("out");
        assert!(!report.is_clean(), "{tag} is not noticed");
    }
    save(&file, &good);
    assert!(cleaning.check("out").is_clean());
    // Deep inside, in pixels, in a name, in a file that is no DICOM.
    let mut deep = good.clone();
    let mut item = DataSet::new();
    item.text(tags::RELATED_SERIES_SEQUENCE, VR::LO, "x");
    item.remove(tags::RELATED_SERIES_SEQUENCE);
    item.text(tags::CODE_MEANING, VR::LO, NAME);
    deep.item(tags::ANATOMIC_REGION_SEQUENCE, item);
    save(&file, &deep);
    assert!(!cleaning.check("out").is_clean(), "in an item");
    let mut pixels = good.clone();
    if let Some(Value::Bytes(mut bytes)) = good.get(tags::PIXEL_DATA).cloned() {
        bytes.splice(100..110, NAME.bytes());
        pixels.set(tags::PIXEL_DATA, VR::OW, Value::Bytes(bytes));
        save(&file, &pixels);
        assert!(!cleaning.check("out").is_clean(), "in pixels");
    }
    save(&file, &good);
    let named = cleaning.scratch.write(&format!("out/{NAME}.dcm"), fs::read(&file).unwrap());
    assert!(!cleaning.check("out").is_clean(), "in a file's name");
    fs::remove_file(named).unwrap();
    let stray = cleaning.scratch.write("out/notes.txt", "hello");
    assert!(!cleaning.check("out").is_clean(), "a file that cannot be checked");
    fs::remove_file(stray).unwrap();
    assert!(cleaning.check("out").is_clean());
}

#[test]
fn every_listed_element_that_comes_back_is_noticed() {
    // A mutation of the de-identifier for each rule that an object of the cohort meets: the original element is put back.
    let cleaning = Cleaning::new("deid-mutations", &DeidOptions::default());
    let originals: Vec<DataSet> = cleaning.files("in").iter().filter_map(|p| Some(read_whole(p).ok()?.set)).collect();
    let mut tried = 0;
    for file in cleaning.files("out") {
        let good = read_whole(&file).unwrap().set;
        let class = good.code(tags::SOP_CLASS_UID);
        let Some(original) = originals.iter().find(|o| o.code(tags::SOP_CLASS_UID) == class) else {
            continue;
        };
        for (tag, vr, value) in original.iter() {
            let listed = crate::privacy::table::row(tag).is_some() || tag.group() % 2 == 1;
            // Times of day stay with shifted dates; labels may hold words that may stay.
            let label = crate::privacy::table::row(tag).is_some_and(|r| r.option(crate::privacy::table::Column::Descriptors).is_some());
            let stays = vr == VR::TM || good.get(tag) == Some(value) || matches!(value, Value::Bytes(b) if b.is_empty()) || label;
            if !listed || stays || vr == VR::SQ {
                continue;
            }
            let mut set = good.clone();
            set.set(tag, vr, value.clone());
            save(&file, &set);
            let report = cleaning.check("out");
            assert!(!report.is_clean(), "{tag} {vr} of {class} came back unnoticed");
            tried += 1;
        }
        save(&file, &good);
        if tried > 60 {
            break;
        }
    }
    assert!(tried > 30, "{tried}");
}
