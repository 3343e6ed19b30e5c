use super::*;
use proptest::prelude::*;

fn printed(text: &str) -> String {
    parse(text).unwrap().to_string()
}

#[test]
fn operators_bind_as_documented() {
    assert_eq!(printed("PTV + 10 - PTV + 5"), "subtract(margin(PTV, 10), margin(PTV, 5))");
    assert_eq!(printed("a | b & c - d"), "subtract(union(a, intersect(b, c)), d)");
    assert_eq!(printed("a | b | c"), "union(a, b, c)");
    assert_eq!(printed("a - b - c"), "subtract(a, b, c)");
    assert_eq!(printed("a - (b - c)"), "subtract(a, subtract(b, c))");
    assert_eq!(printed("PTV - 3mm"), "margin(PTV, -3)");
    assert_eq!(printed("a + 5 + 2"), "margin(margin(a, 5), 2)");
}

#[test]
fn functions_and_their_short_forms() {
    assert_eq!(
        printed("margin(GTV, 7, superior=15)"),
        "margin(GTV, left=7, right=7, anterior=7, posterior=7, superior=15, inferior=7)"
    );
    assert_eq!(
        printed("margin(GTV, left = 3mm)"),
        "margin(GTV, left=3, right=0, anterior=0, posterior=0, superior=0, inferior=0)"
    );
    assert_eq!(printed("ring(PTV, 5, 10)"), "shell(PTV, 5, 10)");
    assert_eq!(printed("wall(Rectum, 3)"), "shell(Rectum, -3, 0)");
    assert_eq!(printed("wall(Rectum, 3, 1)"), "shell(Rectum, -3, 1)");
    assert_eq!(printed("largest(x)"), "largest(x, 1)");
    assert_eq!(printed("crop(PTV, Cord)"), "crop(PTV, Cord, 0)");
    assert_eq!(printed("min_volume(x, 0.5cc)"), "min_volume(x, 0.5)");
    assert_eq!(printed("matching('^rib_\\\\d+$')"), "matching(\"^rib_\\\\d+$\")");
    assert_eq!(printed("\"Ring 5-10mm\" | union?"), "union(\"Ring 5-10mm\", union?)");
}

#[test]
fn faults_say_where_and_what() {
    for (text, column, part) in [
        ("", 1, "a structure is missing"),
        ("PTV +", 5, "takes a distance"),
        ("PTV | ", 7, "a structure is missing"),
        ("(PTV", 5, "expected `)`"),
        ("PTV Rectum", 5, "not expected"),
        ("grow(PTV, 5)", 1, "no operation `grow`"),
        ("margin(PTV, up=5)", 13, "`up` is no side"),
        ("PTV + 5cm", 7, "distances are in mm"),
        ("ring(PTV, 5, 5)", 15, "must be larger"),
        ("PTV + 9999", 7, "farther than"),
        ("largest(PTV, 1.5)", 14, "no number of parts"),
        ("union(PTV)", 10, "two structures"),
        ("matching(\"(\")", 10, "no regular expression"),
        ("'PTV", 1, "not closed"),
        ("PTV # 5", 5, "`#` means nothing"),
        ("5", 1, "no structure"),
        ("'  '", 1, "empty"),
    ] {
        let e = parse(text).unwrap_err();
        assert!(e.column == column && e.message.contains(part), "{text}: {e}");
    }
}

#[test]
fn deep_nesting_is_refused_not_a_crash() {
    let deep = format!("{}x{}", "(".repeat(100_000), ")".repeat(100_000));
    assert!(parse(&deep).unwrap_err().message.contains("deeper"));
}

fn expr() -> impl Strategy<Value = Expr> {
    let name = prop_oneof!["[A-Za-z_~][A-Za-z0-9_.!~]{0,6}", "[A-Za-z0-9 \\-+\"\\\\^]{1,6}x"];
    let distance = prop_oneof![-20i32..20, Just(0)].prop_map(|v| f64::from(v) / 4.0);
    let leaf = prop_oneof![
        name.clone().prop_map(Expr::Name),
        name.prop_map(Expr::Optional),
        Just(Expr::Matching("^a\\d\"?".to_owned())),
    ];
    leaf.prop_recursive(4, 24, 3, move |inner| {
        let (d, boxed) = (distance.clone(), inner.clone().prop_map(Box::new));
        let op = prop_oneof![Just(SetOp::Union), Just(SetOp::Intersect), Just(SetOp::Subtract), Just(SetOp::Xor)];
        prop_oneof![
            (op, prop::collection::vec(inner, 2..4)).prop_map(|(op, operands)| Expr::Set { op, operands }),
            (boxed.clone(), prop::array::uniform6(d.clone())).prop_map(|(of, s)| Expr::Margin {
                of,
                by: Margin::from_sides(s)
            }),
            (boxed.clone(), d.clone()).prop_map(|(of, mm)| Expr::Margin {
                of,
                by: Margin::uniform(mm)
            }),
            (boxed.clone(), boxed.clone(), d.clone()).prop_map(|(of, from, gap_mm)| Expr::Crop { of, from, gap_mm }),
            (boxed.clone(), d.clone()).prop_map(|(of, mm)| Expr::Shell {
                of,
                from_mm: mm,
                to_mm: mm + 2.5
            }),
            (boxed.clone(), 1usize..9).prop_map(|(of, count)| Expr::Pick {
                of,
                which: Which::Smallest,
                count
            }),
            boxed.clone().prop_map(|of| Expr::Fill { of, holes: Holes::Slice }),
            boxed.prop_map(|of| Expr::MinVolume { of, cc: 0.25 }),
        ]
    })
}

proptest! {
    #[test]
    fn printed_expressions_read_back_the_same(e in expr()) {
        prop_assert_eq!(parse(&e.to_string()), Ok(e));
    }

    #[test]
    fn any_text_is_an_expression_or_a_fault_inside_it(text in "[a-zPTV0-9 ()|&^+\\-,=?.'\"\\\\é]{0,40}") {
        if let Err(e) = parse(&text) {
            prop_assert!(e.column >= 1 && e.column <= text.chars().count() + 1);
        }
    }
}
