//! Tables for the terminal.

/// Lays cells out in columns; the first row is the head. Columns of numbers are right-aligned.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cell = |row: &Vec<String>, c: usize| row.get(c).map(String::as_str).unwrap_or_default().to_owned();
    let width = |c: usize| rows.iter().map(|row| cell(row, c).chars().count()).max().unwrap_or(0);
    let numeric = |c: usize| {
        rows.iter()
            .skip(1)
            .all(|row| cell(row, c).chars().all(|x| x.is_ascii_digit() || ". -".contains(x)))
    };
    let shape: Vec<(usize, bool)> = (0..columns).map(|c| (width(c), c > 0 && numeric(c))).collect();
    let line = |row: &Vec<String>| {
        let cells = shape.iter().enumerate().map(|(c, (width, right))| {
            let text = cell(row, c);
            if *right {
                format!("{text:>width$}")
            } else {
                format!("{text:<width$}")
            }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A row from anything that can be shown.
pub fn row<const N: usize>(cells: [&dyn std::fmt::Display; N]) -> Vec<String> {
    cells.iter().map(ToString::to_string).collect()
}

/// `1 course`, `2 courses`.
pub fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_right_words_left() {
        let rows = [
            row([&"stage", &"ran", &"note"]),
            row([&"dvh", &12, &"x"]),
            row([&"aggregate", &3, &""]),
        ];
        assert_eq!(table(&rows), "stage      ran  note\ndvh         12  x\naggregate    3");
        assert_eq!((count(1, "course"), count(0, "course")), ("1 course".into(), "0 courses".into()));
    }
}
