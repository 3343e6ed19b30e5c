use std::sync::Mutex;

use ndarray::Array3;
use proptest::prelude::*;
use rt_core::{Grid, Silent, Vec3};
use rt_image::{Reference, SetOp};

use super::*;
use crate::naming::NameFile;
use crate::recipe::Definition;

fn grid(n: usize) -> Arc<Grid> {
    Arc::new(Grid::axis_aligned([n, n, n], Vec3::ZERO, [1.0; 3]).unwrap())
}

fn cube(grid: &Arc<Grid>, lo: usize, n: usize) -> Mask {
    Mask::from_block(grid, [lo; 3], Array3::ones((n, n, n))).unwrap()
}

fn recipe(list: &[(&str, &str)]) -> Recipe {
    Recipe {
        structures: list.iter().map(|(name, text)| Definition::new(*name, *text)).collect(),
        ..Recipe::default()
    }
}

fn voxel() -> EvalOptions {
    EvalOptions {
        margins: MarginOptions::voxel(),
        ..EvalOptions::default()
    }
}

/// Voxel counts, or the code of the error.
fn outcome(d: &Derived) -> Result<usize, &'static str> {
    d.result.as_ref().map(|e| e.mask.count()).map_err(EvalError::code)
}

#[test]
fn set_operations_and_shells_counted_by_hand() {
    let g = grid(30);
    let (a, b) = (cube(&g, 10, 6), cube(&g, 13, 6));
    let mut have = MaskSet::new(&g);
    have.push("A", &a);
    have.push("B", &b);
    let list = [
        ("u", "A | B", 216 + 216 - 27),
        ("i", "A & B", 27),
        ("s", "A - B", 216 - 27),
        ("x", "A ^ B", 2 * (216 - 27)),
        // A cube of 6 grown by 1 voxel: six faces of 36 more; shrunk by 1: 4 x 4 x 4.
        ("grown", "A + 1", 216 + 6 * 36),
        ("shrunk", "A - 1", 64),
        ("ring", "ring(A, 0, 1)", 6 * 36),
        ("wall", "wall(A, 1)", 216 - 64),
        ("filled", "fill(wall(A, 1))", 216),
        ("cropped", "crop(A, B)", 216 - 27),
        ("inside", "crop_inside(A | B, A, 1)", 64),
        ("one", "largest((A - B) | (B - (A + 2)))", 216 - 27),
        ("none", "A & (B + 1) - (A | B)", 0),
        ("big", "min_volume(A, 0.216)", 216),
        ("small", "min_volume(A, 0.217)", 0),
    ];
    let derived = evaluate(&recipe(&list.map(|(n, e, _)| (n, e))), &have, &voxel(), &Silent);
    for (d, (name, _, count)) in derived.iter().zip(list) {
        assert_eq!((d.name.as_str(), outcome(d)), (name, Ok(count)));
    }
}

#[test]
fn a_missing_operand_stops_all_but_a_union() {
    let g = grid(10);
    let (a, empty) = (cube(&g, 2, 3), Mask::empty(&g));
    let mut have = MaskSet::new(&g);
    have.push("A", &a);
    have.push("Empty", &empty);
    let list = recipe(&[
        ("u", "A | Nowhere | Empty"),
        ("i", "A & Nowhere"),
        ("s", "A - Nowhere"),
        ("after", "(A | Nowhere) + 1"),
        ("nested", "A | (Nowhere + 3)"),
        ("nothing", "Nowhere | Empty"),
        ("chain", "A - i"),
        ("optional", "A - Nowhere?"),
        ("rib", "matching(\"^rib\")"),
    ]);
    let derived = evaluate(&list, &have, &voxel(), &Silent);
    let missing = Err("structures.missing_operand");
    let expected = [Ok(27), missing, missing, Ok(27 + 54), Ok(27), missing, missing, Ok(27), missing];
    assert_eq!(derived.iter().map(outcome).collect::<Vec<_>>(), expected);
    let made = |n: usize| derived[n].result.as_ref().unwrap();
    assert_eq!(made(0).missing, ["Empty", "Nowhere"]);
    assert_eq!(made(3).missing, ["Nowhere"]);
    assert_eq!((made(7).missing.len(), made(7).absent.as_slice()), (0, &["Nowhere".to_owned()][..]));
    assert_eq!(derived[6].result.as_ref().unwrap_err().to_string(), "missing: i");
    let strict = EvalOptions {
        missing: Missing::Error,
        ..voxel()
    };
    let derived = evaluate(&list, &have, &strict, &Silent);
    assert_eq!(outcome(&derived[0]), missing);
    assert_eq!(outcome(&derived[7]), Ok(27));
}

#[test]
fn a_derived_structure_without_voxels_is_an_operand_like_any_other() {
    let g = grid(12);
    let (a, b) = (cube(&g, 0, 3), cube(&g, 8, 3));
    let mut have = MaskSet::new(&g);
    have.push("A", &a);
    have.push("B", &b);
    let derived = evaluate(&recipe(&[("overlap", "A & B"), ("rest", "A - overlap")]), &have, &voxel(), &Silent);
    assert_eq!(derived.iter().map(outcome).collect::<Vec<_>>(), [Ok(0), Ok(27)]);
}

#[test]
fn order_of_definitions_does_not_matter_and_rings_are_refused() {
    let g = grid(10);
    let a = cube(&g, 2, 3);
    let mut have = MaskSet::new(&g);
    have.push("A", &a);
    let list = recipe(&[
        ("late", "early + 1"),
        ("early", "A - 1"),
        ("p", "q | A"),
        ("q", "r + 1"),
        ("r", "p"),
        ("user", "A | p"),
        ("self", "self + 1"),
    ]);
    let derived = evaluate(&list, &have, &voxel(), &Silent);
    let cycle = Err("structures.cycle");
    assert_eq!(
        derived.iter().map(outcome).collect::<Vec<_>>(),
        [Ok(7), Ok(1), cycle, cycle, cycle, Ok(27), Err("structures.missing_operand")]
    );
    assert_eq!(
        derived[2].result.as_ref().unwrap_err().to_string(),
        "the structures need each other: p -> q -> r -> p"
    );
    assert_eq!(derived[5].result.as_ref().unwrap().missing, ["p"]);
}

#[test]
fn a_definition_may_refine_the_structure_of_its_own_name() {
    let g = grid(10);
    let a = cube(&g, 2, 3);
    let mut have = MaskSet::new(&g);
    have.push("Heart", &a);
    let derived = evaluate(&recipe(&[("Heart", "Heart + 1"), ("PRV", "Heart + 1")]), &have, &voxel(), &Silent);
    // The second uses the refined one: grown twice.
    let once = margin(&a, &Margin::uniform(1.0), MarginOptions::voxel());
    let twice = margin(&once, &Margin::uniform(1.0), MarginOptions::voxel());
    assert_eq!(derived.iter().map(outcome).collect::<Vec<_>>(), [Ok(27 + 54), Ok(twice.count())]);
}

#[test]
fn names_are_found_by_meaning_and_the_first_source_counts() {
    let g = grid(12);
    let (manual, auto, none) = (cube(&g, 1, 2), cube(&g, 5, 4), Mask::empty(&g));
    let file: NameFile = toml::from_str("[[name]]\nname = 'Bladder'\nsynonyms = ['urinary_bladder']").unwrap();
    let mut have = MaskSet::new(&g);
    have.push("BLADDER", &manual);
    have.push("urinary_bladder", &auto);
    have.push("Liver", &none);
    have.push("total--liver__partial", &auto);
    let options = EvalOptions {
        names: NameTable::new([&file]).unwrap(),
        ..voxel()
    };
    let list = recipe(&[("a", "Bladder"), ("b", "urinary_bladder"), ("c", "liver")]);
    let derived = evaluate(&list, &have, &options, &Silent);
    // The empty manual liver is passed over for the automatic one.
    assert_eq!(derived.iter().map(outcome).collect::<Vec<_>>(), [Ok(8), Ok(64), Ok(64)]);
}

#[test]
fn matching_unites_sources() {
    let g = grid(12);
    let (a, b, c) = (cube(&g, 0, 2), cube(&g, 4, 2), cube(&g, 8, 2));
    let mut have = MaskSet::new(&g);
    for (name, m) in [("rib_left_1", &a), ("rib_left_2", &b), ("sternum", &c)] {
        have.push(name, m);
    }
    let derived = evaluate(&recipe(&[("ribs", "matching(\"^rib_\")")]), &have, &voxel(), &Silent);
    assert_eq!(outcome(&derived[0]), Ok(16));
}

#[test]
fn a_sphere_of_twenty_mm_with_five_mm_is_within_one_percent() {
    let g = grid(60);
    let block = Array3::from_shape_fn(g.shape(), |(k, j, i)| {
        u8::from((g.centre(i, j, k) - Vec3::splat(29.6)).length() <= 20.0)
    });
    let sphere = Mask::from_block(&g, [0; 3], block).unwrap();
    let mut have = MaskSet::new(&g);
    have.push("GTV", &sphere);
    let derived = evaluate(&recipe(&[("PTV", "GTV + 5")]), &have, &EvalOptions::default(), &Silent);
    let truth = 4.0 / 3.0 * std::f64::consts::PI * 25.0_f64.powi(3) / 1000.0;
    let got = derived[0].result.as_ref().unwrap().mask.volume().value();
    assert_eq!(EvalOptions::default().margins.reference, Reference::Surface);
    assert!((got / truth - 1.0).abs() < 0.01, "{got} against {truth} cm3");
}

#[test]
fn faults_in_a_definition_are_its_own() {
    let g = grid(6);
    let a = cube(&g, 1, 2);
    let mut have = MaskSet::new(&g);
    have.push("A", &a);
    let derived = evaluate(
        &recipe(&[("bad", "A |"), ("user", "bad + 1"), ("good", "A")]),
        &have,
        &voxel(),
        &Silent,
    );
    let expected = [Err("structures.expression"), Err("structures.missing_operand"), Ok(8)];
    assert_eq!(derived.iter().map(outcome).collect::<Vec<_>>(), expected);
    assert_eq!((derived[0].expression.as_str(), derived[2].expression.as_str()), ("", "A"));
}

struct StopAfter(Mutex<u64>);

impl Progress for StopAfter {
    fn begin(&self, _what: &str, _total: u64) {}
    fn inc(&self, steps: u64) {
        *self.0.lock().unwrap() -= steps;
    }
    fn note(&self, _message: &str) {}
    fn cancelled(&self) -> bool {
        *self.0.lock().unwrap() == 0
    }
}

#[test]
fn a_stop_is_heard_between_structures() {
    let g = grid(6);
    let a = cube(&g, 1, 2);
    let mut have = MaskSet::new(&g);
    have.push("A", &a);
    let list = recipe(&[("x", "A"), ("y", "A"), ("z", "A")]);
    let derived = evaluate(&list, &have, &voxel(), &StopAfter(Mutex::new(2)));
    assert_eq!(
        derived.iter().map(outcome).collect::<Vec<_>>(),
        [Ok(8), Ok(8), Err("structures.cancelled")]
    );
}

fn mask() -> impl Strategy<Value = Mask> {
    prop::collection::vec(0u8..3, 125).prop_map(|bits| {
        let block = Array3::from_shape_vec((5, 5, 5), bits).unwrap().mapv(|v| u8::from(v == 0));
        Mask::from_block(&grid(9), [2; 3], block).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn laws_of_sets_hold(a in mask(), b in mask(), c in mask()) {
        prop_assume!(!a.is_empty() && !b.is_empty() && !c.is_empty());
        let g = Arc::clone(a.grid());
        let (b, c) = (Mask::from_block(&g, b.lo(), b.block().to_owned()).unwrap(), Mask::from_block(&g, c.lo(), c.block().to_owned()).unwrap());
        let mut have = MaskSet::new(&g);
        for (name, m) in [("a", &a), ("b", &b), ("c", &c)] {
            have.push(name, m);
        }
        let pairs = [
            ("a - b - c", "a - (b | c)"),
            ("a & (b | c)", "a & b | a & c"),
            ("a ^ b", "(a | b) - (a & b)"),
            ("a ^ b ^ c", "c ^ (b ^ a)"),
            ("(a | b) + 2", "a + 2 | b + 2"),
            ("ring(a, 1, 3)", "(a + 3) - (a + 1)"),
        ];
        for (left, right) in pairs {
            let derived = evaluate(&recipe(&[("l", left), ("r", right)]), &have, &voxel(), &Silent);
            let (l, r) = (derived[0].result.as_ref().unwrap(), derived[1].result.as_ref().unwrap());
            prop_assert!(combine(SetOp::Xor, &l.mask, &r.mask).unwrap().is_empty(), "{} against {}", left, right);
        }
    }
}
