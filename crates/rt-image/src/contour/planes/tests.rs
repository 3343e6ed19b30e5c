use super::*;
use crate::contour::ContourKind;
use proptest::prelude::*;

fn contour(kind: ContourKind, points: &[[f64; 3]]) -> Contour {
    Contour {
        kind,
        points: points.iter().map(|p| Vec3::from_array(*p)).collect(),
    }
}

/// Square of the given half width around (0, 0) at z.
fn square(z: f64, half: f64) -> Contour {
    contour(
        ContourKind::ClosedPlanar,
        &[[-half, -half, z], [half, -half, z], [half, half, z], [-half, half, z]],
    )
}

fn stack(contours: Vec<Contour>) -> PlaneStack {
    PlaneStack::new(&ContourSet { contours }, &StackOptions::default()).unwrap()
}

fn assert_close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-9 * b.abs().max(1.0), "{a} against {b}");
}

#[test]
fn slabs_reach_to_the_middle_of_gaps_and_half_a_gap_beyond_the_ends() {
    // Planes at 0, 1, 3, 6 with area 4: slabs -0.5..0.5..2..4.5..7.5, volume 4 * 8.
    let s = stack([3.0, 0.0, 6.0, 1.0].map(|z| square(z, 1.0)).to_vec());
    let slabs: Vec<[f64; 2]> = s.planes.iter().map(|p| p.slab_mm).collect();
    assert_eq!(s.nominal_gap_mm, Some(1.0));
    // Gap 3 is more than 2.5 nominal gaps: a break; 3 ends half its gap of 2 above, 6 has none and takes the nominal gap.
    assert_eq!(slabs, vec![[-0.5, 0.5], [0.5, 2.0], [2.0, 4.0], [5.5, 6.5]]);
    assert_eq!((s.notes.breaks, s.planes.len()), (1, 4));
    assert_close(s.volume_mm3(), 4.0 * (1.0 + 1.5 + 2.0 + 1.0));
    assert_close(s.notes.largest_gap_mm, 3.0);
}

#[test]
fn uneven_planes_without_a_break_tile_space() {
    // Gaps 2, 2, 4: 4 <= 2.5 * 2.
    let s = stack([0.0, 2.0, 4.0, 8.0].map(|z| square(z, 1.0)).to_vec());
    assert_close(s.volume_mm3(), 4.0 * (1.0 + 8.0 + 2.0));
    assert!(s.planes.windows(2).all(|w| w[0].slab_mm[1].to_bits() == w[1].slab_mm[0].to_bits()));
    assert_close(s.plane_at(5.9).unwrap().position_mm, 4.0);
    assert_close(s.plane_at(6.0).unwrap().position_mm, 8.0);
    assert!(s.plane_at(10.0).is_none() && s.plane_at(-1.1).is_none());
}

#[test]
fn without_ends_a_stack_stops_at_its_outer_planes() {
    let contours = [0.0, 2.0, 4.0].map(|z| square(z, 1.0)).to_vec();
    let options = StackOptions {
        ends: SlabEnds::None,
        ..StackOptions::default()
    };
    assert_close(PlaneStack::new(&ContourSet { contours }, &options).unwrap().volume_mm3(), 16.0);
}

#[test]
fn a_single_plane_needs_a_thickness_from_outside() {
    let set = ContourSet {
        contours: vec![square(5.0, 1.0), square(5.0, 0.5)],
    };
    let none = PlaneStack::new(&set, &StackOptions::default());
    assert_eq!(none, Err(PlaneError::ThicknessUnknown));
    let options = StackOptions {
        single_plane_thickness_mm: Some(2.0),
        ..StackOptions::default()
    };
    let s = PlaneStack::new(&set, &options).unwrap();
    assert_close(s.planes[0].slab_mm[0], 4.0);
    assert_close(s.volume_mm3(), (4.0 - 1.0) * 2.0);
}

#[test]
fn inner_contours_are_holes_and_islands_are_filled_in_any_winding() {
    let mut inner = square(0.0, 3.0);
    inner.points.reverse();
    let per_plane = |z: f64| {
        [5.0, 3.0, 1.0].map(|half| {
            let mut c = square(z, half);
            c.points.rotate_left(1);
            c
        })
    };
    // 100 - 36 + 4 = 68 mm2, two planes 2 mm apart: 4 mm.
    let s = stack([0.0, 2.0].into_iter().flat_map(per_plane).collect());
    assert_close(s.volume_mm3(), 68.0 * 4.0);
    let s = stack(vec![square(0.0, 5.0), inner, square(2.0, 5.0)]);
    assert_close(s.volume_mm3(), (64.0 + 100.0) * 2.0);
}

#[test]
fn contours_that_enclose_nothing_are_counted_and_move_no_plane() {
    let mut closed_twice = square(0.0, 1.0);
    closed_twice.points.push(closed_twice.points[0]);
    let line = contour(ContourKind::ClosedPlanar, &[[0.0, 0.0, 1.0], [1.0, 1.0, 1.0], [3.0, 3.0, 1.0]]);
    let two = contour(ContourKind::ClosedPlanar, &[[0.0, 0.0, 0.3], [1.0, 1.0, 0.3]]);
    let same = contour(ContourKind::ClosedPlanar, &[[1.0, 1.0, 0.5]; 5]);
    let odd = contour(ContourKind::ClosedPlanar, &[[f64::NAN, 1.0, 0.5], [0.0, 0.0, 0.5], [1.0, 0.0, 0.5]]);
    let point = contour(ContourKind::Point, &[[0.0, 0.0, 0.7]]);
    let s = stack(vec![point, closed_twice, line, two, same, odd, square(2.0, 1.0)]);
    assert_eq!((s.planes.len(), s.notes.open_contours, s.notes.degenerate_contours), (2, 1, 4));
    assert_eq!(s.planes[0].polygons[0].len(), 4);
    assert_close(s.volume_mm3(), 16.0);
    let none = PlaneStack::new(&ContourSet::default(), &StackOptions::default()).unwrap_err();
    assert_eq!((none.code(), none), ("empty", PlaneError::Empty { skipped: 0 }));
}

#[test]
fn a_contour_drawn_twice_counts_once() {
    let mut again = square(0.0, 1.0);
    again.points.rotate_left(2);
    again.points.reverse();
    again.points[0].x += 0.001;
    let s = stack(vec![square(0.0, 1.0), again, square(2.0, 1.0)]);
    assert_eq!(s.notes.duplicate_contours, 1);
    assert_eq!(s.planes[0].contours, vec![0]);
    assert_close(s.volume_mm3(), 16.0);
}

#[test]
fn noise_in_z_makes_no_planes_of_its_own() {
    // Outer and inner contour of a plane 0.008 mm apart, planes 2 mm apart: one plane each, the inner one is a hole.
    let contours: Vec<Contour> = [0.0, 2.0, 4.0]
        .iter()
        .flat_map(|z| [square(z - 0.004, 5.0), square(z + 0.004, 1.0)])
        .collect();
    let s = stack(contours);
    assert_eq!(s.planes.len(), 3);
    assert_close(s.volume_mm3(), 96.0 * 6.0);
    assert_close(s.planes[1].position_mm, 2.0);
    // Planes 0.2 mm apart keep apart although 0.01 mm is all they may vary.
    let thin: Vec<Contour> = (0..5).map(|k| square(f64::from(k) * 0.2, 5.0)).collect();
    assert_eq!(stack(thin).planes.len(), 5);
}

#[test]
fn sagittal_and_oblique_stacks_keep_their_volume() {
    let sagittal = |p: Vec3| Vec3::new(p.z, p.x, p.y);
    let (s, c) = 0.3f64.sin_cos();
    let oblique = |p: Vec3| Vec3::new(p.x, c * p.y - s * p.z, s * p.y + c * p.z);
    for (turn, normal) in [(&sagittal as &dyn Fn(Vec3) -> Vec3, Vec3::X), (&oblique, Vec3::new(0.0, -s, c))] {
        let contours = [0.0, 3.0, 6.0].map(|z| {
            let mut sq = square(z, 10.0);
            sq.points.iter_mut().for_each(|p| *p = turn(*p));
            sq
        });
        let st = stack(contours.to_vec());
        assert!((st.frame.n - normal).length() < 1e-12, "{:?}", st.frame);
        assert!((st.frame.u.cross(st.frame.v) - st.frame.n).length() < 1e-12);
        assert!((st.volume_mm3() - 3600.0).abs() < 1e-8);
        let p = Vec3::new(1.0, 2.0, 3.0);
        assert!((st.frame.lift(st.frame.project(p)) - p).length() < 1e-12);
    }
}

#[test]
fn planes_may_follow_the_axis_of_a_grid() {
    let axis = Vec3::new(0.6, 0.8, 0.3);
    let options = StackOptions {
        axis: Some(axis),
        ..StackOptions::default()
    };
    let set = ContourSet {
        contours: vec![square(0.0, 5.0), square(2.0, 5.0)],
    };
    let s = PlaneStack::new(&set, &options).unwrap();
    assert!(
        (s.frame.u - Vec3::new(0.6, 0.8, 0.0)).length() < 1e-12 && s.frame.n == Vec3::Z,
        "{:?}",
        s.frame
    );
    assert_close(s.volume_mm3(), 400.0);
    // A direction across the planes says nothing.
    assert_eq!(PlaneFrame::AXIAL.along(Vec3::NEG_Z), PlaneFrame::AXIAL);
}

#[test]
fn contours_in_planes_of_different_direction_are_refused() {
    let coronal = contour(
        ContourKind::ClosedPlanar,
        &[[-1.0, 0.0, -1.0], [1.0, 0.0, -1.0], [1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]],
    );
    let set = ContourSet {
        contours: vec![square(0.0, 5.0), coronal, square(2.0, 5.0)],
    };
    let error = PlaneStack::new(&set, &StackOptions::default()).unwrap_err();
    assert_eq!(error.code(), "mixed_planes");
    assert!(matches!(error, PlaneError::MixedPlanes { contour: 1, .. }));
}

#[test]
fn a_figure_of_eight_has_an_area() {
    let eight = |z: f64| {
        contour(
            ContourKind::ClosedPlanar,
            &[[0.0, 0.0, z], [2.0, 2.0, z], [2.0, 0.0, z], [0.0, 2.0, z]],
        )
    };
    assert_close(stack(vec![eight(0.0), eight(1.0)]).volume_mm3(), 2.0 * 2.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn order_and_shift_change_no_volume(
        halves in prop::collection::vec(1.0f64..20.0, 2..8), shift in -500.0f64..500.0, seed in 0usize..100,
    ) {
        let contours: Vec<Contour> = halves.iter().enumerate().map(|(k, h)| square(k as f64 * 2.5, *h)).collect();
        let volume = stack(contours.clone()).volume_mm3();
        let mut other: Vec<Contour> = contours.into_iter().rev().collect();
        let n = other.len();
        other.rotate_left(seed % n);
        for p in other.iter_mut().flat_map(|c| c.points.iter_mut()) {
            *p += Vec3::splat(shift);
        }
        prop_assert!((stack(other).volume_mm3() - volume).abs() < 1e-6 * volume);
    }
}
