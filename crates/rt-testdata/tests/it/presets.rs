//! The named cohorts have the sizes that the optimisation brief asks for.

use rt_testdata::{Preset, Scratch};

#[test]
fn sizes_are_those_of_the_brief() {
    for (preset, courses, structures) in [(Preset::Small, 10, 50), (Preset::Medium, 50, 100), (Preset::Large, 200, 150)] {
        let cohort = preset.cohort(1);
        assert_eq!(cohort.courses().len(), courses, "{preset}");
        let truth = cohort.courses()[courses / 2].truth();
        assert_eq!(truth.structures.len(), structures, "{preset}");
        assert!(truth.ct_size[0] >= 256 && truth.ct_size[1] >= 256 && truth.ct_size[2] >= 100);
        let volumes = truth.structures.iter().map(|s| s.volume_cc);
        assert!(volumes.clone().fold(f64::MAX, f64::min) <= 0.51);
        assert!(volumes.fold(0.0, f64::max) > 10_000.0, "the body is among them");
        let filled = truth.structures.iter().filter(|s| s.name.starts_with("Structure_"));
        for s in filled {
            assert!((0.49..1501.0).contains(&s.volume_cc), "{}: {} cm3", s.name, s.volume_cc);
            assert!(s.contours > 0, "{} has no contour", s.name);
        }
    }
}

#[test]
fn every_structure_of_every_preset_is_drawn() {
    for preset in [Preset::Tiny, Preset::Demo, Preset::Small] {
        for course in preset.cohort(42).truth().courses {
            for s in &course.structures {
                assert!(s.contours > 0, "{preset} {} {} has no contour", course.patient, s.name);
            }
        }
    }
}

#[test]
fn the_demo_is_what_it_says() {
    let scratch = Scratch::new("demo");
    let truth = Preset::Demo.cohort(42).write(scratch.path()).unwrap();
    let bytes: usize = scratch.tree().iter().map(|(_, b)| b.len()).sum();
    assert!(bytes < 30_000_000, "{bytes} bytes");
    let plans: Vec<(usize, usize)> = truth
        .courses
        .iter()
        .map(|c| (c.plans.len(), c.plans.iter().filter(|p| p.dose.is_some()).count()))
        .collect();
    assert_eq!(plans, [(2, 2), (1, 1), (1, 0)]);
    assert!(truth.courses[1].mr_series_uid.is_some() && truth.courses[0].mr_series_uid.is_none());
}

#[test]
fn names_of_presets_round_trip() {
    for preset in Preset::ALL {
        assert_eq!(preset.to_string().parse(), Ok(preset));
    }
    let unknown = "huge".parse::<Preset>().unwrap_err();
    assert!(unknown.to_string().contains("`huge`"));
}
