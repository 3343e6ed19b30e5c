//! `rtpipeline convert`: plain DICOM files to NIfTI and back, as scripts use it.

use std::fs;
use std::path::{Path, PathBuf};

use rt_image::{Mask, Volume};
use rt_testdata::{Scratch, Vec3, cohort};

use crate::bench::{Ended, rtpipeline};

/// One course with a ball of 20 mm and one of 12 mm inside it, sorted into the files that the command takes.
struct Files {
    scratch: Scratch,
    ct: PathBuf,
    structures: PathBuf,
    dose: PathBuf,
}

impl Files {
    fn new(name: &str) -> Self {
        let scratch = Scratch::new(name);
        cohort()
            .seed(3)
            .course(|c| {
                let c = c.patient("X1").ct([64, 60, 24]).spacing([2.0, 2.5, 3.0]);
                let c = c.sphere("PTV", 20.0).sphere("../boost <b>", 12.0);
                c.dose_gradient(60.0, Vec3::new(0.0, 0.1, 0.2))
            })
            .write(&scratch.join("in"))
            .unwrap();
        let mut files = Self {
            ct: scratch.join("ct"),
            structures: PathBuf::new(),
            dose: PathBuf::new(),
            scratch,
        };
        fs::create_dir_all(&files.ct).unwrap();
        for (n, (path, _)) in rt_testdata::tree(&files.scratch.join("in")).into_iter().enumerate() {
            let path = files.scratch.join("in").join(path);
            let Ok(origin) = rt_dicom::Origin::read(&path) else { continue };
            match origin.sop_class.as_str() {
                "1.2.840.10008.5.1.4.1.1.481.3" => files.structures = path,
                "1.2.840.10008.5.1.4.1.1.481.2" => files.dose = path,
                "1.2.840.10008.5.1.4.1.1.2" => fs::rename(&path, files.ct.join(format!("{n:03}"))).unwrap(),
                _ => {}
            }
        }
        files
    }

    fn convert(&self, arguments: &[&str]) -> Ended {
        let mut command = rtpipeline();
        command.arg("convert").args(arguments).current_dir(self.scratch.path());
        command.output().unwrap().into()
    }

    fn mask(&self, file: &str) -> Mask {
        let volume: Volume<u8> = rt_nifti::read(&self.scratch.join(file)).unwrap();
        Mask::from_array(volume.grid(), volume.data().view(), |v| *v != 0).unwrap()
    }

    fn lines(&self, file: &str) -> Vec<serde_json::Value> {
        serde_json::from_slice(&fs::read(self.scratch.join(file)).unwrap()).unwrap()
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn dicom_becomes_nifti_and_masks_become_dicom_without_losing_a_voxel() {
    let files = Files::new("convert-trip");
    let (ct, rs, rd) = (text(&files.ct), text(&files.structures), text(&files.dose));
    let ended = files.convert(&["--image", ct, "--structures", rs, "--dose", rd, "--output", "a"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines = files.lines("a/masks.json");
    assert_eq!(lines.len(), 2);
    // 4/3 pi 20^3 mm3 = 33.51 cm3; voxels of 15 mm3 by their centres: within 2 %.
    let volume = lines[0]["volume_cc"].as_f64().unwrap();
    assert!((volume - 33.51).abs() < 0.67, "{volume}");
    let names: Vec<&str> = lines.iter().map(|l| l["file"].as_str().unwrap()).collect();
    assert_eq!(names[0], "masks/PTV.nii.gz");
    assert!(names[1].starts_with("masks/") && names[1].matches('/').count() == 1, "{}", names[1]);
    let image: Volume<i16> = rt_nifti::read(&files.scratch.join("a/image.nii.gz")).unwrap();
    assert_eq!(image.grid().size(), [64, 60, 24]);
    let dose: Volume<f32> = rt_nifti::read(&files.scratch.join("a/dose.nii.gz")).unwrap();
    assert!(dose.data().iter().all(|v| (30.0..90.0).contains(v)));

    // Back to DICOM, and to NIfTI again by way of each object.
    let (one, two) = (format!("a/{}", names[0]), format!("a/{}", names[1]));
    let ended = files.convert(&["--image", ct, "--mask", &one, "--mask", &two, "--output", "b"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for (option, object, folder) in [("--structures", "b/RS.dcm", "c"), ("--seg", "b/SEG.dcm", "d")] {
        let ended = files.convert(&["--image", ct, option, object, "--output", folder]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let again = files.lines(&format!("{folder}/masks.json"));
        for (line, before) in again.iter().zip(&names) {
            let file = format!("{folder}/{}", line["file"].as_str().unwrap());
            assert_eq!(files.mask(&file), files.mask(&format!("a/{before}")), "{object} {file}");
        }
    }
}

#[test]
fn a_label_map_says_what_it_cannot_hold() {
    let files = Files::new("convert-labels");
    let (ct, rs) = (text(&files.ct), text(&files.structures));
    let ended = files.convert(&["--image", ct, "--structures", rs, "--multilabel", "--output", "a"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.err.contains("belong to smaller regions"), "{ended:?}");
    let lines = files.lines("a/labels.json");
    let inner = lines[1]["voxels"].as_u64().unwrap();
    assert_eq!(
        lines[0]["voxels_lost_to_overlap"].as_u64(),
        Some(inner),
        "the boost lies in the PTV"
    );
    let volume: Volume<u16> = rt_nifti::read(&files.scratch.join("a/labels.nii.gz")).unwrap();
    assert_eq!(volume.data().iter().filter(|v| **v == 2).count() as u64, inner);
    // The label map goes back with the names that it carries.
    let ended = files.convert(&["--image", ct, "--mask", "a/labels.nii.gz", "--output", "b"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let set = rt_dicom::read_structures(&files.scratch.join("b/RS.dcm")).unwrap();
    let names: Vec<&str> = set.rois.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["PTV", "../boost <b>"]);
}

#[test]
fn what_cannot_be_done_is_said_with_a_remedy_and_nothing_is_written() {
    let files = Files::new("convert-refused");
    let (ct, rs) = (text(&files.ct), text(&files.structures));
    let inside = format!("{ct}/out");
    let cases: [(&[&str], &str); 6] = [
        (&["--output", "x"], "nothing to convert"),
        (&["--structures", rs, "--output", "x"], "--image"),
        (&["--image", ct, "--output", &inside], "outside the input"),
        (&["--image", "missing", "--output", "x"], "cannot be read"),
        (&["--image", ct, "--seg", rs, "--threshold", "2", "--output", "x"], "--threshold"),
        (&["--image", ct, "--series", "1.2.3", "--output", "x"], "no image series 1.2.3"),
    ];
    for (arguments, message) in cases {
        let ended = files.convert(arguments);
        assert!(ended.code == Some(2) && ended.err.contains(message), "{arguments:?}: {ended:?}");
        assert!(!files.scratch.join("x/image.nii.gz").exists());
    }
    let ended = files.convert(&["--image", ct, "--structures", rs, "--roi", "Heart", "--output", "x"]);
    assert!(ended.code == Some(2) && ended.err.contains("PTV"), "{ended:?}");
    let ended = files.convert(&["--image", ct, "--structures", text(&files.dose), "--output", "y"]);
    assert!(ended.code == Some(1) && ended.err.contains("dicom.wrong_kind"), "{ended:?}");
}
