//! The matrices by hand, and those of the reference.

use serde_json::Value;

use super::sizes::SizeEntry;
use super::{LevelField, directions, half_steps, neighbours, zones};
use crate::discretise::{Discretised, discretise};
use crate::features::{ngtdm, size_matrix};
use crate::roi::Roi;
use crate::sample::SampleKind;
use crate::settings::Binning;

/// A region from its grey levels `[k][j][i]`, 0 outside.
struct Scene {
    field: LevelField,
    roi: Roi,
}

impl Scene {
    fn new(levels: &[Vec<Vec<u32>>], reach: usize) -> Self {
        let (nk, nj, ni) = (levels.len(), levels[0].len(), levels[0][0].len());
        let block = ndarray::Array3::from_shape_fn((nk, nj, ni), |(k, j, i)| u8::from(levels[k][j][i] > 0));
        let inside: Vec<u32> = levels.iter().flatten().flatten().copied().filter(|l| *l > 0).collect();
        let mut present = inside.clone();
        present.sort_unstable();
        present.dedup();
        let place = |l: &u32| present.iter().position(|p| p == l).unwrap();
        let discretised = Discretised {
            counts: present.iter().map(|p| inside.iter().filter(|l| *l == p).count() as u64).collect(),
            codes: inside.iter().map(|l| u16::try_from(place(l) + 1).unwrap()).collect(),
            levels: present,
        };
        let roi = Roi::new(block.view(), [1.0; 3]);
        Self {
            field: LevelField::new(&roi, &discretised, reach),
            roi,
        }
    }

    fn level(&self, code: u16) -> u64 {
        u64::from(self.field.levels[usize::from(code) - 1])
    }

    /// (level, size, count) of entries.
    fn listed(&self, entries: &[SizeEntry]) -> Vec<(u64, u64, f64)> {
        entries.iter().map(|e| (self.level(e.code), u64::from(e.size), e.count)).collect()
    }

    /// Pairs and runs along `[k, j, i]`.
    fn along(&self, [k, j, i]: [isize; 3], runs: bool) -> directions::DirectionCounts {
        directions::scan(
            &self.field,
            &self.roi,
            [i, j, k],
            directions::Wanted {
                pairs: true,
                runs: if runs {
                    directions::Runs::OfSharedLines
                } else {
                    directions::Runs::No
                },
            },
        )
    }

    fn around(&self, distances: &[usize], alpha: u32) -> neighbours::Neighbourhood {
        let half = half_steps(distances, self.roi.size, None);
        let offsets: Vec<isize> = half.iter().map(|s| self.field.lattice.offset(*s)).flat_map(|o| [-o, o]).collect();
        neighbours::scan(&self.field, &self.roi, &offsets, alpha)
    }
}

/// One slice:
/// ```text
/// 1 1 2
/// 3 . 2
/// 3 3 1
/// ```
fn hand() -> Scene {
    Scene::new(&[vec![vec![1, 1, 2], vec![3, 0, 2], vec![3, 3, 1]]], 1)
}

#[test]
fn pairs_by_hand() {
    let s = hand();
    // To the right: (1,1), (1,2), (3,3), (3,1). Down: (1,3), (3,3), (2,2), (2,1).
    assert_eq!(s.along([0, 0, 1], false).pairs, [(1, 1, 1), (1, 2, 1), (3, 1, 1), (3, 3, 1)]);
    assert_eq!(s.along([0, 1, 0], false).pairs, [(1, 3, 1), (2, 1, 1), (2, 2, 1), (3, 3, 1)]);
    // Down right: only (1,2) and (3,3); the centre is outside.
    assert_eq!(s.along([0, 1, 1], false).pairs, [(1, 2, 1), (3, 3, 1)]);
}

#[test]
fn runs_by_hand() {
    let s = hand();
    // Rows: 11, 2 | 3 . 2 | 33, 1.
    let right = s.along([0, 0, 1], true).runs;
    assert_eq!(s.listed(&right), [(1, 1, 1.0), (1, 2, 1.0), (2, 1, 2.0), (3, 1, 1.0), (3, 2, 1.0)]);
    // Columns: 1, 33 | 1 . 3 | 22, 1.
    let down = s.along([0, 1, 0], true).runs;
    assert_eq!(s.listed(&down), [(1, 1, 3.0), (2, 2, 1.0), (3, 1, 1.0), (3, 2, 1.0)]);
}

#[test]
fn a_direction_without_two_voxels_on_a_line_has_no_runs() {
    // Two voxels on a diagonal: along the other diagonal, rows and columns no line holds two.
    let s = Scene::new(&[vec![vec![1, 0], vec![0, 1]]], 1);
    assert!(s.along([0, 0, 1], true).runs.is_empty());
    assert!(s.along([0, 1, -1], true).runs.is_empty());
    assert_eq!(s.listed(&s.along([0, 1, 1], true).runs), [(1, 2, 1.0)]);
    // With a gap between them they are on one line all the same: two runs of one.
    let gap = Scene::new(&[vec![vec![1, 0, 1]]], 1);
    assert_eq!(gap.listed(&gap.along([0, 0, 1], true).runs), [(1, 1, 2.0)]);
}

#[test]
fn zones_by_hand() {
    let s = hand();
    // The 1s above and below right do not touch; the 2s touch; the 3s touch.
    assert_eq!(
        s.listed(&zones::scan(&s.field, &s.roi, None)),
        [(1, 1, 1.0), (1, 2, 1.0), (2, 2, 1.0), (3, 3, 1.0)]
    );
    // A staircase of corners is one zone in three dimensions and three in the plane.
    let stairs = Scene::new(
        &[
            vec![vec![5, 0], vec![0, 0]],
            vec![vec![0, 0], vec![0, 5]],
            vec![vec![5, 0], vec![0, 0]],
        ],
        1,
    );
    assert_eq!(stairs.listed(&zones::scan(&stairs.field, &stairs.roi, None)), [(5, 3, 1.0)]);
    assert_eq!(stairs.listed(&zones::scan(&stairs.field, &stairs.roi, Some(2))), [(5, 1, 3.0)]);
}

#[test]
fn dependences_by_hand() {
    let s = hand();
    // Voxels with an equal neighbour: both upper 1s (1 each), the lower 1 (0), the 2s (1 each), the 3s: the corner has 2, the others too.
    let expected = [(1, 1, 1.0), (1, 2, 2.0), (2, 2, 2.0), (3, 3, 3.0)];
    assert_eq!(s.listed(&size_matrix::dependences(&s.around(&[1], 0))), expected);
    // With alpha 2 every neighbour counts: corners of the ring have 2, edges have 4.
    let all = size_matrix::dependences(&s.around(&[1], 2));
    assert_eq!(
        s.listed(&all),
        [(1, 3, 2.0), (1, 5, 1.0), (2, 3, 1.0), (2, 5, 1.0), (3, 3, 1.0), (3, 5, 2.0)]
    );
}

#[test]
fn grey_tone_differences_by_hand() {
    let s = hand();
    // Level 1: upper left 1 has (1, 3): |1 - 2| = 1; upper middle has (1, 2, 3, 2): |1 - 2| = 1; lower right has (2, 3): 1.5. Sum 3.5.
    // Level 2: upper right has (1, 2): 0.5; right middle has (1, 2, 3, 1): 0.25. Sum 0.75.
    // Level 3: left middle has (1, 1, 3, 3): 1; lower left has (3, 3): 0; lower middle has (3, 3, 1, 2): 0.75. Sum 1.75.
    let sums = ngtdm::differences(&s.around(&[1], 0), 3);
    assert!(sums.iter().zip([3.5, 0.75, 1.75]).all(|(a, b)| (a - b).abs() < 1e-14), "{sums:?}");
}

/// Counts of a golden list, by everything but the last number.
fn golden(list: &Value) -> std::collections::BTreeMap<Vec<u64>, f64> {
    let number = |v: &Value| v.as_f64().unwrap();
    list.as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let row = row.as_array().unwrap();
            let (count, key) = row.split_last().unwrap();
            (key.iter().map(|v| number(v).to_string().parse().unwrap()).collect(), number(count))
        })
        .collect()
}

fn steps_of(matrix: &Value) -> Vec<[isize; 3]> {
    let signed = |v: &Value| isize::try_from(v.as_i64().unwrap()).unwrap();
    let three = |v: &Value| std::array::from_fn(|a| signed(&v[a]));
    matrix["angles_zyx"].as_array().unwrap().iter().map(three).collect()
}

/// Grey levels of a case from its image and mask, cut to the box of the mask.
fn levels_of(cases: &std::path::Path, case: &str, width: f64) -> Vec<Vec<Vec<u32>>> {
    let image = rt_nifti::read::<i16>(&cases.join(format!("{case}_image.nii.gz"))).unwrap();
    let labels = rt_nifti::read::<u8>(&cases.join(format!("{case}_mask.nii.gz"))).unwrap();
    let mask = rt_image::Mask::from_array(labels.grid(), labels.data().view(), |v| *v == 1).unwrap();
    let part = image.view().crop(mask.lo(), mask.size()).unwrap();
    let inside = part.data().iter().zip(mask.block()).filter(|(_, m)| **m != 0);
    let values: Vec<f64> = inside.map(|(v, _)| f64::from(*v)).collect();
    let binned = discretise(&values, SampleKind::I16, Binning::Width(width)).unwrap();
    let mut codes = binned.codes.iter();
    let mut level = |inside: &u8| {
        if *inside == 0 {
            0
        } else {
            binned.levels[usize::from(*codes.next().unwrap()) - 1]
        }
    };
    let block = mask.block();
    let rows = |plane: ndarray::ArrayView2<'_, u8>, level: &mut dyn FnMut(&u8) -> u32| {
        plane.outer_iter().map(|row| row.iter().map(&mut *level).collect()).collect()
    };
    block.outer_iter().map(|plane| rows(plane, &mut level)).collect()
}

fn compare_with_golden(golden_file: &Value, cases: &std::path::Path) {
    let levels: Vec<Vec<Vec<u32>>> = match &golden_file["binned_zyx"] {
        Value::Null => levels_of(
            cases,
            golden_file["case"].as_str().unwrap(),
            golden_file["binWidth"].as_f64().unwrap(),
        ),
        given => serde_json::from_value(given.clone()).unwrap(),
    };
    let s = Scene::new(&levels, 2);
    for (name, distances) in [("[1]", vec![1]), ("[1, 2]", vec![1, 2])] {
        let matrix = &golden_file[format!("glcm_dist{name}")];
        let mut pairs = std::collections::BTreeMap::new();
        for (angle, step) in (0..).zip(steps_of(matrix)) {
            for (a, b, count) in s.along(step, false).pairs {
                pairs.insert(vec![s.level(a), s.level(b), angle], f64::from(count));
            }
        }
        let total: f64 = pairs.values().sum();
        assert!((total - matrix["total"].as_f64().unwrap()).abs() < 0.5, "glcm {name}");
        // Where the matrix is large only its total is stored.
        if matrix["nonzero"].is_array() {
            assert_eq!(pairs, golden(&matrix["nonzero"]), "glcm {name}");
        }
        let around = s.around(&distances, 0);
        let listed = s.listed(&size_matrix::dependences(&around));
        let dependences: std::collections::BTreeMap<_, _> = listed.into_iter().map(|(l, d, n)| (vec![l, d], n)).collect();
        assert_eq!(dependences, golden(&golden_file[format!("gldm_dist{name}_alpha0")]), "gldm {name}");
        let sums = ngtdm::differences(&around, s.field.n());
        for (sum, row) in sums.iter().zip(golden_file[format!("ngtdm_dist{name}")].as_array().unwrap()) {
            assert!((sum - row[2].as_f64().unwrap()).abs() < 1e-9, "ngtdm {name}");
        }
    }
    let mut runs = std::collections::BTreeMap::new();
    for (angle, step) in (0..).zip(steps_of(&golden_file["glrlm"])) {
        let own = s.along(step, true).runs;
        runs.extend(s.listed(&own).into_iter().map(|(l, r, n)| (vec![l, r, angle], n)));
    }
    assert_eq!(runs, golden(&golden_file["glrlm"]["gray_run_angle_count"]), "glrlm");
    let listed = s.listed(&zones::scan(&s.field, &s.roi, None));
    let found: std::collections::BTreeMap<_, _> = listed.into_iter().map(|(l, z, n)| (vec![l, z], n)).collect();
    assert_eq!(found, golden(&golden_file["glszm_gray_size_count"]), "glszm");
}

#[test]
fn all_matrices_equal_those_of_the_reference() {
    let root = std::env::var("RT_SHARED").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
    for case in ["ibsi_digital", "syn_border", "syn_line"] {
        let path = format!("{root}/data/radiomics-golden/matrices__{case}.json");
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let cases = std::path::Path::new(&root).join("data/radiomics-golden/cases");
                compare_with_golden(&serde_json::from_str(&text).unwrap(), &cases);
            }
            Err(_) => println!("skipped: {path} is not there"),
        }
    }
}
