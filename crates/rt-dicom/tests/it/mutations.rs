//! Ten thousand seeded mutations of generated files: cut, flipped, reordered, repeated, with bytes put in. None may panic, and none may cost
//! a file beside it. The readers of every kind get what still looks like theirs.

use std::path::Path;

use rt_core::Silent;
use rt_dicom::entry::ObjectKind;
use rt_dicom::reg::read_registration_with;
use rt_dicom::rtrecord::read_record_with;
use rt_dicom::{
    Limits, LinkRules, MetaCache, ScanOptions, SeriesEntry, SeriesFile, SeriesOptions, link, read_dose, read_plan, read_series,
    read_structures, scan,
};
use rt_testdata::dicom::{DicomFile, Lengths, Syntax, tag};
use rt_testdata::related::{Delivered, beam_record, enhanced, registration};
use rt_testdata::seed::{Seed, Stream};
use rt_testdata::{Kind, Scratch, Vec3, cohort};

/// Mutants of each of the four tests.
const MUTANTS: usize = 2500;

fn mutated(stream: &mut Stream, bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=stream.below(3) {
        if out.len() < 8 {
            return out;
        }
        let at = stream.below(out.len());
        let length = 1 + stream.below(40.min(out.len() - at));
        match stream.below(6) {
            0 => out.truncate(at),
            1 => out[at] ^= 1 << stream.below(8),
            2 => {
                // Two stretches change places.
                let other = stream.below(out.len() - length + 1);
                let piece: Vec<u8> = out[at..at + length].to_vec();
                let second: Vec<u8> = out[other..other + length].to_vec();
                out[at..at + length].copy_from_slice(&second);
                if other + length <= at || at + length <= other {
                    out[other..other + length].copy_from_slice(&piece);
                }
            }
            3 => {
                let piece: Vec<u8> = out[at..at + length].to_vec();
                out.splice(at..at, piece);
            }
            4 => {
                let noise = stream.bytes(length);
                out.splice(at..at, noise);
            }
            _ => {
                // A length field of all ones, wherever it hits.
                let end = (at + 4).min(out.len());
                out[at..end].fill(0xff);
            }
        }
    }
    out
}

/// Reads a file with the reader of its kind; what comes of it does not matter, that it comes back does.
fn read(path: &Path, entry: &std::sync::Arc<rt_dicom::FileEntry>) {
    let limits = Limits::default();
    match entry.object().map(|o| &o.kind) {
        Some(ObjectKind::Structures(_)) => drop(read_structures(path)),
        Some(ObjectKind::Plan(_)) => drop(read_plan(path)),
        Some(ObjectKind::Dose(_)) => drop(read_dose(path)),
        Some(ObjectKind::Record { .. }) => drop(read_record_with(path, &limits)),
        Some(ObjectKind::Registration(_)) => drop(read_registration_with(path, &limits)),
        Some(ObjectKind::Image(_)) => {
            let file = SeriesFile {
                path: path.to_path_buf(),
                entry: std::sync::Arc::clone(entry),
            };
            if let Some(series) = SeriesEntry::new(vec![file]) {
                drop(read_series(&series, &SeriesOptions::default()));
            }
        }
        _ => {}
    }
}

/// Mutants of `seeds` in one folder with a sound course: scanned, linked and read.
fn survives(name: &str, number: u64, seeds: &[Vec<u8>]) {
    let folder = Scratch::new(name);
    let sound = cohort().seed(1000).course(|c| {
        let c = c.patient("SOUND").ct([8, 8, 12]).sphere("PTV", 30.0);
        c.dose_gradient(40.0, Vec3::Z * 0.1)
    });
    sound.write(folder.path()).unwrap();
    let mut stream = Seed::new(number).child(name, 0).stream();
    for n in 0..MUTANTS {
        let seed = &seeds[n % seeds.len()];
        folder.write(&format!("mutants/{n:05}"), mutated(&mut stream, seed));
    }
    let roots = [folder.path().to_path_buf()];
    let index = scan(&roots, &mut MetaCache::default(), &ScanOptions::default(), &Silent).unwrap();
    let mutants = index.files.iter().filter(|f| f.entry.path.starts_with("mutants/")).count();
    assert_eq!(mutants, MUTANTS);
    for file in &index.files {
        assert_ne!(file.verdict.code(), "internal.panic", "{}", file.entry.path);
        if file.entry.path.starts_with("SOUND/") {
            assert_eq!(
                (file.verdict.class.name() == "conflict", file.verdict.usage.name()),
                (false, "used"),
                "{}",
                file.entry.path
            );
        }
    }
    let linkage = link(&index, &LinkRules::default());
    let course = linkage.courses.iter().find(|c| c.patient_id == "SOUND").unwrap();
    assert_eq!((course.plans.len(), course.doses.len(), course.structures.len()), (1, 1, 1));
    assert_eq!(course.images[0].series.files.len(), 12);
    for file in index.files.iter().filter(|f| f.entry.path.starts_with("mutants/")) {
        read(&index.absolute(&file.entry), &file.entry);
    }
}

/// Files of one kind of a small course, in three encodings.
fn of_kind(kind: Kind) -> Vec<Vec<u8>> {
    let encodings = [
        (Syntax::ExplicitLittle, Lengths::Defined),
        (Syntax::ImplicitLittle, Lengths::Undefined),
        (Syntax::ExplicitBig, Lengths::Defined),
    ];
    let made = encodings.iter().flat_map(|(syntax, lengths)| {
        let described = cohort().seed(7).course(|c| {
            let c = c.ct([6, 6, 3]).encoding(*syntax, *lengths).sphere("PTV", 30.0);
            c.dose_grid(rt_testdata::Lattice {
                size: [5, 5, 3],
                spacing: [40.0; 3],
                centre: Vec3::ZERO,
            })
            .dose_gradient(40.0, Vec3::Z * 0.1)
        });
        let objects = described.courses()[0].objects();
        objects
            .into_iter()
            .filter(|o| o.kind == kind)
            .map(|o| o.file.to_bytes())
            .collect::<Vec<_>>()
    });
    made.collect()
}

#[test]
fn mutated_images_cost_no_other_file() {
    let mut seeds = of_kind(Kind::Ct);
    let slices = cohort().seed(8).course(|c| c.ct([6, 6, 3]));
    let sets: Vec<_> = slices.courses()[0].objects().into_iter().map(|o| o.file.set).collect();
    seeds.push(DicomFile::new(enhanced(&sets)).to_bytes());
    survives("image", 1, &seeds);
}

#[test]
fn mutated_structure_sets_cost_no_other_file() {
    survives("structures", 2, &of_kind(Kind::Structures));
}

#[test]
fn mutated_doses_cost_no_other_file() {
    survives("dose", 3, &of_kind(Kind::Dose));
}

#[test]
fn mutated_plans_records_and_registrations_cost_no_other_file() {
    let mut seeds = of_kind(Kind::Plan);
    let beam = Delivered {
        beam: 1,
        fraction: Some(1),
        specified: 10.0,
        delivered: 10.0,
        termination: "NORMAL",
    };
    let matrix = [1.0, 0.0, 0.0, 5.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0];
    for set in [
        beam_record("P", "2.25.61", "2.25.62", "20240101", "1000", &[beam]),
        registration("P", "2.25.63", "2.25.64", "2.25.65", matrix),
    ] {
        assert!(set.text_of(tag::SOP_INSTANCE_UID).is_some());
        seeds.push(DicomFile::new(set).to_bytes());
    }
    survives("plan", 4, &seeds);
}
