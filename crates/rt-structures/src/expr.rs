//! Expressions over structures.

use std::collections::BTreeSet;
use std::fmt;

use rt_image::{Holes, Margin, SetOp};

/// What a derived structure is made of. [`fmt::Display`] prints the form that [`crate::parse()`] reads back to the same expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A structure by name.
    Name(String),
    /// A structure that may be absent: then it is empty.
    Optional(String),
    /// All source structures whose name matches a regular expression, united.
    Matching(String),
    /// A set operation over two or more operands, from left to right.
    Set {
        /// The operation.
        op: SetOp,
        /// Operands in order; at least two.
        operands: Vec<Expr>,
    },
    /// The surface moved by a distance per patient direction, mm.
    Margin {
        /// What is moved.
        of: Box<Expr>,
        /// By how much.
        by: Margin,
    },
    /// `of` without what lies within `gap_mm` of `from`.
    Crop {
        /// What is cut.
        of: Box<Expr>,
        /// What it is kept away from.
        from: Box<Expr>,
        /// Distance, mm.
        gap_mm: f64,
    },
    /// The part of `of` that lies at least `gap_mm` inside `within`.
    CropInside {
        /// What is cut.
        of: Box<Expr>,
        /// What it is kept inside of.
        within: Box<Expr>,
        /// Distance, mm.
        gap_mm: f64,
    },
    /// What lies between two distances from the surface, mm, outside being positive.
    Shell {
        /// The structure.
        of: Box<Expr>,
        /// The nearer surface.
        from_mm: f64,
        /// The farther surface; above `from_mm`.
        to_mm: f64,
    },
    /// Holes filled.
    Fill {
        /// The structure.
        of: Box<Expr>,
        /// Which holes.
        holes: Holes,
    },
    /// The largest or smallest connected parts (voxels that share a face, edge or corner).
    Pick {
        /// The structure.
        of: Box<Expr>,
        /// Which end of the order.
        which: Which,
        /// How many parts.
        count: usize,
    },
    /// Without connected parts below a volume.
    MinVolume {
        /// The structure.
        of: Box<Expr>,
        /// Smallest volume kept, cm3.
        cc: f64,
    },
}

/// An end of the order of connected parts by size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The largest first.
    Largest,
    /// The smallest first.
    Smallest,
}

impl Expr {
    /// The expressions directly below this one.
    pub fn children(&self) -> Vec<&Self> {
        match self {
            Self::Name(_) | Self::Optional(_) | Self::Matching(_) => Vec::new(),
            Self::Set { operands, .. } => operands.iter().collect(),
            Self::Crop { of, from, .. } => vec![of, from],
            Self::CropInside { of, within, .. } => vec![of, within],
            Self::Margin { of, .. }
            | Self::Shell { of, .. }
            | Self::Fill { of, .. }
            | Self::Pick { of, .. }
            | Self::MinVolume { of, .. } => vec![of],
        }
    }

    /// Names of all structures that the expression mentions, sorted; with `?` ones too.
    pub fn names(&self) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut open = vec![self];
        while let Some(e) = open.pop() {
            if let Self::Name(name) | Self::Optional(name) = e {
                found.insert(name.as_str());
            }
            open.extend(e.children());
        }
        found
    }

    /// The expression with every name in `optional` allowed to be absent.
    #[must_use]
    pub fn with_optional(self, optional: &[String]) -> Self {
        let again = |e: Box<Self>| Box::new(e.with_optional(optional));
        match self {
            Self::Name(name) if optional.contains(&name) => Self::Optional(name),
            Self::Name(_) | Self::Optional(_) | Self::Matching(_) => self,
            Self::Set { op, operands } => Self::Set {
                op,
                operands: operands.into_iter().map(|e| e.with_optional(optional)).collect(),
            },
            Self::Margin { of, by } => Self::Margin { of: again(of), by },
            Self::Crop { of, from, gap_mm } => Self::Crop {
                of: again(of),
                from: again(from),
                gap_mm,
            },
            Self::CropInside { of, within, gap_mm } => Self::CropInside {
                of: again(of),
                within: again(within),
                gap_mm,
            },
            Self::Shell { of, from_mm, to_mm } => Self::Shell {
                of: again(of),
                from_mm,
                to_mm,
            },
            Self::Fill { of, holes } => Self::Fill { of: again(of), holes },
            Self::Pick { of, which, count } => Self::Pick {
                of: again(of),
                which,
                count,
            },
            Self::MinVolume { of, cc } => Self::MinVolume { of: again(of), cc },
        }
    }
}

/// Whether a name can stand in an expression without quotes.
pub(crate) fn is_plain(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(starts_name) && chars.all(continues_name)
}

pub(crate) fn starts_name(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '~'
}

pub(crate) fn continues_name(c: char) -> bool {
    starts_name(c) || c.is_alphanumeric() || c == '.' || c == '!'
}

/// A name or pattern as it is written in an expression.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.0.chars() {
            if c == '"' || c == '\\' {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        f.write_str("\"")
    }
}

struct Named<'a>(&'a str);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_plain(self.0) {
            f.write_str(self.0)
        } else {
            Quoted(self.0).fmt(f)
        }
    }
}

/// The arguments of a margin: one number, or each side.
struct Sides<'a>(&'a Margin);

impl fmt::Display for Sides<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let m = self.0;
        if *m == Margin::uniform(m.left) {
            return write!(f, "{}", m.left);
        }
        write!(
            f,
            "left={}, right={}, anterior={}, posterior={}, superior={}, inferior={}",
            m.left, m.right, m.anterior, m.posterior, m.superior, m.inferior
        )
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => Named(name).fmt(f),
            Self::Optional(name) => write!(f, "{}?", Named(name)),
            Self::Matching(pattern) => write!(f, "matching({})", Quoted(pattern)),
            Self::Set { op, operands } => {
                let name = match op {
                    SetOp::Union => "union",
                    SetOp::Intersect => "intersect",
                    SetOp::Subtract => "subtract",
                    SetOp::Xor => "xor",
                };
                write!(f, "{name}(")?;
                for (n, e) in operands.iter().enumerate() {
                    write!(f, "{}{e}", if n == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
            Self::Margin { of, by } => write!(f, "margin({of}, {})", Sides(by)),
            Self::Crop { of, from, gap_mm } => write!(f, "crop({of}, {from}, {gap_mm})"),
            Self::CropInside { of, within, gap_mm } => write!(f, "crop_inside({of}, {within}, {gap_mm})"),
            Self::Shell { of, from_mm, to_mm } => write!(f, "shell({of}, {from_mm}, {to_mm})"),
            Self::Fill { of, holes } => match holes {
                Holes::Volume => write!(f, "fill({of})"),
                Holes::Slice => write!(f, "fill_slices({of})"),
            },
            Self::Pick { of, which, count } => match which {
                Which::Largest => write!(f, "largest({of}, {count})"),
                Which::Smallest => write!(f, "smallest({of}, {count})"),
            },
            Self::MinVolume { of, cc } => write!(f, "min_volume({of}, {cc})"),
        }
    }
}
