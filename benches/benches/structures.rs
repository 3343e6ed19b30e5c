//! A recipe over organs of a CT of 512 x 512 x 160 voxels, and packing of 150 masks into layers.
#![allow(missing_docs, clippy::expect_used, reason = "a bench")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use ndarray::Array3;
use rt_core::{Grid, Silent, Vec3};
use rt_image::Mask;
use rt_structures::{Definition, EvalOptions, MaskSet, Recipe, evaluate, pack, parse};

fn grid() -> Arc<Grid> {
    let origin = Vec3::new(-250.0, -250.0, -200.0);
    Arc::new(Grid::axis_aligned([512, 512, 160], origin, [0.976_562_5, 0.976_562_5, 2.5]).expect("a valid grid"))
}

/// A ball around voxel `c` with a radius of `r` mm.
fn ball(grid: &Arc<Grid>, c: [usize; 3], r: f64) -> Mask {
    let s = grid.spacing();
    let half = [0, 1, 2].map(|a| (1..200).take_while(|n| f64::from(*n) * s[a] <= r).count());
    let lo = [0, 1, 2].map(|a| c[a].saturating_sub(half[a]));
    let size = [0, 1, 2].map(|a| (c[a] + half[a] + 1).min(grid.size()[a]) - lo[a]);
    let block = Array3::from_shape_fn((size[2], size[1], size[0]), |(k, j, i)| {
        let d = [i, j, k];
        let off = (0..3).map(|a| ((lo[a] + d[a]) as f64 - c[a] as f64) * s[a]);
        u8::from(off.map(|v| v * v).sum::<f64>() <= r * r)
    });
    Mask::from_block(grid, lo, block).expect("a block inside the grid")
}

fn recipes(c: &mut Criterion) {
    let grid = grid();
    let (ptv, cord, bladder) = (
        ball(&grid, [256, 256, 80], 30.0),
        ball(&grid, [256, 330, 80], 12.0),
        ball(&grid, [256, 200, 90], 35.0),
    );
    let mut have = MaskSet::new(&grid);
    for (name, mask) in [("PTV", &ptv), ("Cord", &cord), ("Bladder", &bladder)] {
        have.push(name, mask);
    }
    let list = [
        ("Ring1", "ring(PTV, 0, 10)"),
        ("Ring2", "ring(PTV, 10, 20)"),
        ("Cord_PRV", "Cord + 5"),
        ("PTV_crop", "crop(PTV, Cord, 3) - Bladder"),
        ("Wall", "wall(Bladder, 4)"),
        ("PTV_uneven", "margin(PTV, 7, superior=15)"),
    ];
    let recipe = Recipe {
        structures: list.iter().map(|(name, text)| Definition::new(*name, *text)).collect(),
        ..Recipe::default()
    };
    let mut group = c.benchmark_group("structures");
    group.sample_size(10);
    group.bench_function("recipe_of_six", |b| {
        b.iter(|| evaluate(black_box(&recipe), &have, &EvalOptions::default(), &Silent));
    });
    let masks: Vec<Mask> = (0..150)
        .map(|n| ball(&grid, [60 + 30 * (n % 13), 60 + 37 * (n % 11), 20 + 9 * (n % 14)], 20.0))
        .collect();
    let views: Vec<&Mask> = masks.iter().collect();
    group.bench_function("pack_150", |b| b.iter(|| pack(black_box(&views))));
    group.bench_function("parse", |b| {
        b.iter(|| parse(black_box("(CTV | LN) + 5 - margin(Rectum, 3, anterior=1) & BODY")));
    });
    group.finish();
}

criterion_group!(benches, recipes);
criterion_main!(benches);
