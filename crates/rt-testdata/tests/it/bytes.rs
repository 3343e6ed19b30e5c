//! Files are the same for a seed, whatever the number of threads.

use rt_testdata::{Kind, Preset, Scratch, cohort};

fn written(threads: usize, seed: u64) -> Vec<(String, Vec<u8>)> {
    let scratch = Scratch::new("bytes");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| Preset::Tiny.cohort(seed).write(scratch.path()).unwrap());
    scratch.tree()
}

#[test]
fn one_and_seven_threads_write_the_same_bytes() {
    let (one, seven) = (written(1, 5), written(7, 5));
    assert!(one == seven, "the bytes depend on the number of threads");
    assert!(one != written(7, 6), "the seed changes nothing");
}

#[test]
fn every_file_but_the_truth_is_dicom_with_its_own_uid() {
    let files = written(2, 5);
    let mut uids = std::collections::BTreeSet::new();
    for (path, bytes) in files.iter().filter(|(path, _)| path != "truth.json") {
        assert_eq!(&bytes[128..132], b"DICM", "{path}");
        // (0002,0003) starts at a fixed place: after group length, version and class, whose UID has 25 to 30 characters.
        let at = bytes.windows(6).position(|w| w == [0x02, 0x00, 0x03, 0x00, b'U', b'I']).unwrap();
        let length = usize::from(u16::from_le_bytes([bytes[at + 6], bytes[at + 7]]));
        assert!(uids.insert(bytes[at + 8..at + 8 + length].to_vec()), "{path} repeats a UID");
    }
    assert_eq!(uids.len() + 1, files.len());
}

#[test]
fn edits_drop_change_and_repeat_objects() {
    let described = cohort().course(|c| {
        c.ct([8, 8, 6])
            .sphere("PTV", 20.0)
            .edit(|mut object| match (object.kind, object.index) {
                (Kind::Ct, 2) => vec![],
                (Kind::Ct, 3) => {
                    let mut twin = object.clone();
                    twin.path = "twin.dcm".into();
                    vec![object, twin]
                }
                _ => {
                    object.set_mut().remove(rt_testdata::dicom::tag::SERIES_DESCRIPTION);
                    vec![object]
                }
            })
    });
    let objects = described.courses()[0].objects();
    assert_eq!(objects.iter().filter(|o| o.kind == Kind::Ct).count(), 6);
    assert!(objects.iter().all(|o| o.kind != Kind::Ct || o.index != 2));
    assert!(objects[0].file.set.get(rt_testdata::dicom::tag::SERIES_DESCRIPTION).is_none());
}
