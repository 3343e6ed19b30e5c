//! Bones: dense voxels joined to very dense ones.

use ndarray::{Array3, Zip};
use rt_image::{Components, Connectivity};

use super::Scene;
use super::ball::Ball;
use super::measure::{Extent, Greys, greys};
use super::params::BoneParams;
use super::plane::{Holes, fill_holes};

/// Bones in patient axes.
#[derive(Debug, Clone)]
pub(crate) struct Bones {
    pub(crate) bone: Array3<u8>,
    /// Volume in mL of 150 to 500 HU in components that no surely bony voxel belongs to: it may be contrast medium.
    pub(crate) doubtful_ml: f64,
}

/// Finds the bones of the body, away from `not_bone` (lungs and airway).
pub(crate) fn find(scene: &Scene<'_>, body: &Array3<u8>, not_bone: &[&Array3<u8>], p: &BoneParams) -> Bones {
    let dim = scene.hu.dim();
    let mut dense = body.clone();
    Zip::from(&mut dense)
        .and(scene.hu)
        .par_for_each(|d, v| *d &= u8::from(*v > p.low_hu));
    let mut core = dense.clone();
    Zip::from(&mut core)
        .and(scene.hu)
        .par_for_each(|c, v| *c &= u8::from(*v > p.high_hu));
    let near = Ball::new(p.reach_mm, scene.spacing).dilate(&core);
    Zip::from(&mut dense).and(&near).par_for_each(|d, n| *d &= n);
    let found = Components::find(dense.view(), Connectivity::TwentySix, |v| v != 0);
    drop(dense);
    let greys = greys(&found, scene.hu, scene.voxels(p.min_ml));
    let peaks: Vec<Option<i32>> = greys.iter().map(|g| g.as_ref().and_then(Greys::max)).collect();
    let is_bone: Vec<bool> = peaks.iter().map(|peak| peak.is_some_and(|hu| hu > i32::from(p.high_hu))).collect();
    let doubtful: usize = greys
        .iter()
        .zip(&is_bone)
        .zip(&peaks)
        .filter(|((_, bone), peak)| **bone && peak.is_some_and(|hu| hu <= p.surely_bone_hu))
        .filter_map(|((g, _), _)| g.as_ref().map(|g| g.between(150, 500)))
        .sum();
    let mut bone = found.to_block(|c| is_bone[c]);
    if let Some(extent) = Extent::of(&bone) {
        let near = extent.grown(2.0 * p.closing_mm, scene.spacing, dim);
        let mut local = Ball::new(p.closing_mm, scene.spacing).close(&near.cut(&bone));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand pixels")]
        let hole = (p.max_hole_cm2 * 100.0 / (scene.spacing[0] * scene.spacing[1])) as usize;
        fill_holes(&mut local, Holes::UpTo(hole));
        bone = near.put(&local, dim);
    }
    Zip::from(&mut bone).and(body).par_for_each(|b, inside| *b &= inside);
    for other in not_bone {
        Zip::from(&mut bone).and(*other).par_for_each(|b, o| *b &= 1 - o);
    }
    Bones {
        bone,
        doubtful_ml: scene.ml(doubtful),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_with_marrow_is_one_bone_and_soft_tissue_is_none() {
        // A tube of cortex (800 HU, radius 10 to 13 mm) around marrow of 60 HU; a lump of 180 HU without a dense core; both in water.
        let dim = (20, 80, 80);
        let hu = Array3::from_shape_fn(dim, |(_, j, i)| {
            let tube = (i as f64 - 25.0).hypot(j as f64 - 25.0);
            let lump = (i as f64 - 60.0).hypot(j as f64 - 55.0);
            match () {
                () if tube <= 10.0 => 60,
                () if tube <= 13.0 => 800,
                () if lump <= 12.0 => 180,
                () => 20,
            }
        });
        let scene = Scene {
            hu: &hu,
            spacing: [1.0; 3],
        };
        let bones = find(&scene, &Array3::ones(dim), &[], &BoneParams::default());
        let inside = bones.bone.iter().filter(|v| **v != 0).count() as f64;
        let truth = hu
            .indexed_iter()
            .filter(|((_, j, i), _)| (*i as f64 - 25.0).hypot(*j as f64 - 25.0) <= 13.0)
            .count() as f64;
        assert!((inside / truth - 1.0).abs() < 0.02, "{inside} of {truth}");
        assert!(bones.doubtful_ml.abs() < 1e-12);
    }

    #[test]
    fn a_skull_is_not_filled_with_brain() {
        let dim = (10, 160, 160);
        let hu = Array3::from_shape_fn(dim, |(_, j, i)| {
            let r = (i as f64 - 80.0).hypot(j as f64 - 80.0);
            if (64.0..70.0).contains(&r) { 900 } else { 35 }
        });
        let scene = Scene {
            hu: &hu,
            spacing: [1.0; 3],
        };
        let bones = find(&scene, &Array3::ones(dim), &[], &BoneParams::default());
        assert_eq!(bones.bone[[5, 80, 80]], 0);
        assert_eq!(bones.bone[[5, 80, 147]], 1);
    }

    #[test]
    fn bright_vessels_are_flagged() {
        // A lump of 300 HU and 64 mL: taken as bone, but doubtful.
        let hu = Array3::from_shape_fn(
            (60, 60, 60),
            |(k, j, i)| if [k, j, i].iter().all(|x| (10..50).contains(x)) { 300 } else { 20 },
        );
        let scene = Scene {
            hu: &hu,
            spacing: [1.0; 3],
        };
        let bones = find(&scene, &Array3::ones(hu.dim()), &[], &BoneParams::default());
        assert!((bones.doubtful_ml - 64.0).abs() < 1e-9);
    }
}
