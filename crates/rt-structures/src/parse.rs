//! The text of expressions.
//!
//! ```text
//! PTV + 5                          all sides 5 mm outwards; PTV - 3 inwards
//! (CTV | LN) - margin(Rectum, 3)   union, difference; & is the intersection, ^ the exclusive or
//! margin(GTV, 7, superior=15)      7 mm, but 15 to the head; also left right anterior posterior inferior
//! crop(PTV, Cord, 3)               PTV without what lies within 3 mm of Cord
//! crop_inside(PTV, BODY, 5)        the part of PTV at least 5 mm inside BODY
//! ring(PTV, 5, 10)                 between 5 and 10 mm outside; wall(Rectum, 3) the inner 3 mm; shell(X, -2, 4) in general
//! fill(X)  fill_slices(X)          holes filled in space, or in each slice
//! largest(X, 2)  smallest(X)       connected parts by size; min_volume(X, 0.5) drops those below 0.5 cm3
//! matching("^rib_")                all source structures whose name matches
//! "Ring 5-10mm"  PTV2?             names with other characters in quotes; ? allows the structure to be absent
//! ```
//!
//! A distance binds closest, then `&`, then `|`, `^` and `-` from left to right.

mod tokens;

use rt_image::{Holes, Margin, SetOp};

use crate::expr::{Expr, Which};
use tokens::{Token, tokens};

/// Largest distance in an expression, mm.
pub const MAX_DISTANCE_MM: f64 = 500.0;
/// Deepest nesting of an expression.
const MAX_DEPTH: usize = 64;

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct ParseError {
    /// Where, in characters from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl ParseError {
    /// Stable code for tables and events.
    pub fn code(&self) -> &'static str {
        "structures.expression"
    }
}

/// Reads an expression.
///
/// ```
/// let e = rt_structures::parse("PTV + 10 - (PTV + 5)")?;
/// assert_eq!(e.to_string(), "subtract(margin(PTV, 10), margin(PTV, 5))");
/// # Ok::<(), rt_structures::ParseError>(())
/// ```
///
/// # Errors
/// [`ParseError`] with the place of the first fault.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    let tokens = tokens(text)?;
    let mut parser = Parser {
        tokens: &tokens,
        at: 0,
        end: text.chars().count() + 1,
        depth: 0,
    };
    let expr = parser.sum()?;
    match parser.peek() {
        None => Ok(expr),
        Some(token) => Err(parser.fault(format!("{token} is not expected here"))),
    }
}

struct Parser<'a> {
    tokens: &'a [(Token, usize)],
    at: usize,
    end: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|t| &t.0)
    }

    fn is(&self, ahead: usize, sign: char) -> bool {
        matches!(self.tokens.get(self.at + ahead), Some((Token::Sign(c), _)) if *c == sign)
    }

    fn take(&mut self, sign: char) -> bool {
        let found = self.is(0, sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: char) -> Result<(), ParseError> {
        if self.take(sign) {
            return Ok(());
        }
        let found = self.peek().map_or_else(|| "the end".to_owned(), ToString::to_string);
        Err(self.fault(format!("expected `{sign}`, found {found}")))
    }

    fn fault(&self, message: String) -> ParseError {
        let column = self.tokens.get(self.at).map_or(self.end, |t| t.1);
        ParseError { column, message }
    }

    /// `product (("|" | "^" | "-") product)*`
    fn sum(&mut self) -> Result<Expr, ParseError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fault(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let mut left = self.product()?;
        loop {
            let op = if self.take('|') {
                SetOp::Union
            } else if self.take('^') {
                SetOp::Xor
            } else if self.take('-') {
                SetOp::Subtract
            } else {
                self.depth -= 1;
                return Ok(left);
            };
            left = joined(op, left, self.product()?);
        }
    }

    /// `moved ("&" moved)*`
    fn product(&mut self) -> Result<Expr, ParseError> {
        let mut left = self.moved()?;
        while self.take('&') {
            left = joined(SetOp::Intersect, left, self.moved()?);
        }
        Ok(left)
    }

    /// `primary (("+" | "-") number)*`
    fn moved(&mut self) -> Result<Expr, ParseError> {
        let mut of = self.primary()?;
        while (self.is(0, '+') || self.is(0, '-')) && matches!(self.tokens.get(self.at + 1), Some((Token::Number(_), _))) {
            let mm = self.distance()?;
            of = Expr::Margin {
                of: Box::new(of),
                by: Margin::uniform(mm),
            };
        }
        if self.is(0, '+') {
            return Err(self.fault("`+` takes a distance in mm; structures are united by `|`".to_owned()));
        }
        Ok(of)
    }

    fn primary(&mut self) -> Result<Expr, ParseError> {
        let Some(token) = self.peek().cloned() else {
            return Err(self.fault("a structure is missing".to_owned()));
        };
        match token {
            Token::Sign('(') => {
                self.at += 1;
                let inner = self.sum()?;
                self.expect(')')?;
                Ok(inner)
            }
            Token::Word(word) if self.is(1, '(') => {
                let call = self.at;
                self.at += 2;
                let made = self.call(&word, call)?;
                self.expect(')')?;
                Ok(made)
            }
            Token::Word(name) | Token::Text(name) => {
                if name.trim().is_empty() {
                    return Err(self.fault("the name of a structure is empty".to_owned()));
                }
                self.at += 1;
                Ok(if self.take('?') { Expr::Optional(name) } else { Expr::Name(name) })
            }
            other => Err(self.fault(format!("{other} is no structure"))),
        }
    }

    /// The arguments of a function; the bracket is open.
    fn call(&mut self, function: &str, call: usize) -> Result<Expr, ParseError> {
        if function == "matching" {
            return self.pattern();
        }
        let of = self.sum()?;
        match function {
            "union" => self.operands(SetOp::Union, of),
            "intersect" | "intersection" => self.operands(SetOp::Intersect, of),
            "subtract" => self.operands(SetOp::Subtract, of),
            "xor" => self.operands(SetOp::Xor, of),
            "margin" => {
                self.expect(',')?;
                let by = self.margin()?;
                Ok(Expr::Margin { of: Box::new(of), by })
            }
            "crop" | "crop_inside" => {
                self.expect(',')?;
                let other = Box::new(self.sum()?);
                let gap_mm = if self.take(',') { self.distance()? } else { 0.0 };
                let of = Box::new(of);
                Ok(if function == "crop" {
                    Expr::Crop { of, from: other, gap_mm }
                } else {
                    Expr::CropInside { of, within: other, gap_mm }
                })
            }
            "ring" | "shell" => {
                self.expect(',')?;
                let from_mm = self.distance()?;
                self.expect(',')?;
                let to_mm = self.distance()?;
                self.shell(of, from_mm, to_mm)
            }
            "wall" => {
                self.expect(',')?;
                let inner = self.distance()?;
                let outer = if self.take(',') { self.distance()? } else { 0.0 };
                self.shell(of, -inner, outer)
            }
            "fill" | "fill_slices" => Ok(Expr::Fill {
                of: Box::new(of),
                holes: if function == "fill" { Holes::Volume } else { Holes::Slice },
            }),
            "largest" | "smallest" => {
                let count = if self.take(',') { self.count()? } else { 1 };
                let which = if function == "largest" { Which::Largest } else { Which::Smallest };
                Ok(Expr::Pick {
                    of: Box::new(of),
                    which,
                    count,
                })
            }
            "min_volume" => {
                self.expect(',')?;
                let cc = self.number()?;
                Ok(Expr::MinVolume { of: Box::new(of), cc })
            }
            _ => {
                self.at = call;
                Err(self.fault(format!("there is no operation `{function}`")))
            }
        }
    }

    fn pattern(&mut self) -> Result<Expr, ParseError> {
        let Some(Token::Text(pattern)) = self.peek().cloned() else {
            return Err(self.fault("`matching` takes a regular expression in quotes".to_owned()));
        };
        regex::Regex::new(&pattern).map_err(|e| self.fault(format!("\"{pattern}\" is no regular expression: {e}")))?;
        self.at += 1;
        Ok(Expr::Matching(pattern))
    }

    fn operands(&mut self, op: SetOp, first: Expr) -> Result<Expr, ParseError> {
        let mut operands = vec![first];
        while self.take(',') {
            operands.push(self.sum()?);
        }
        if operands.len() < 2 {
            return Err(self.fault("two structures at least are combined".to_owned()));
        }
        Ok(Expr::Set { op, operands })
    }

    fn shell(&self, of: Expr, from_mm: f64, to_mm: f64) -> Result<Expr, ParseError> {
        if to_mm <= from_mm {
            return Err(self.fault(format!(
                "nothing lies between {from_mm} and {to_mm} mm: the second distance must be larger"
            )));
        }
        Ok(Expr::Shell {
            of: Box::new(of),
            from_mm,
            to_mm,
        })
    }

    /// A number, or sides by name, or a number and the sides that differ.
    fn margin(&mut self) -> Result<Margin, ParseError> {
        let mut by = Margin::default();
        let mut more = true;
        if !matches!(self.peek(), Some(Token::Word(_))) {
            by = Margin::uniform(self.distance()?);
            more = self.take(',');
        }
        while more {
            let Some(Token::Word(side)) = self.peek().cloned() else {
                return Err(self.fault("expected a side: left, right, anterior, posterior, superior or inferior".to_owned()));
            };
            let value = match side.as_str() {
                "left" => &mut by.left,
                "right" => &mut by.right,
                "anterior" => &mut by.anterior,
                "posterior" => &mut by.posterior,
                "superior" => &mut by.superior,
                "inferior" => &mut by.inferior,
                other => {
                    return Err(self.fault(format!(
                        "`{other}` is no side: left, right, anterior, posterior, superior or inferior"
                    )));
                }
            };
            self.at += 1;
            self.expect('=')?;
            *value = self.distance()?;
            more = self.take(',');
        }
        Ok(by)
    }

    /// A signed distance in mm.
    fn distance(&mut self) -> Result<f64, ParseError> {
        let minus = self.take('-');
        if !minus {
            self.take('+');
        }
        let mm = self.number()?;
        if mm > MAX_DISTANCE_MM {
            self.at -= 1;
            return Err(self.fault(format!("{mm} mm is farther than {MAX_DISTANCE_MM} mm")));
        }
        Ok(if minus && mm > 0.0 { -mm } else { mm })
    }

    fn number(&mut self) -> Result<f64, ParseError> {
        match self.peek() {
            Some(Token::Number(n)) => {
                let n = *n;
                self.at += 1;
                Ok(n)
            }
            _ => Err(self.fault("expected a number".to_owned())),
        }
    }

    fn count(&mut self) -> Result<usize, ParseError> {
        let n = self.number()?;
        if n.fract() > 0.0 || !(1.0..=1000.0).contains(&n) {
            self.at -= 1;
            return Err(self.fault(format!("{n} is no number of parts (1 to 1000)")));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number from 1 to 1000")]
        Ok(n as usize)
    }
}

/// Joins two operands; a chain of one operation becomes one list.
fn joined(op: SetOp, left: Expr, right: Expr) -> Expr {
    match left {
        Expr::Set { op: first, mut operands } if first == op => {
            operands.push(right);
            Expr::Set { op, operands }
        }
        left => Expr::Set {
            op,
            operands: vec![left, right],
        },
    }
}

#[cfg(test)]
mod tests;
