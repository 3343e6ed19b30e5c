//! The words, numbers and signs of an expression.

use std::fmt;

use super::ParseError;
use crate::expr::{continues_name, starts_name};

/// A piece of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Word(String),
    Text(String),
    Number(f64),
    Sign(char),
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(w) => write!(f, "`{w}`"),
            Self::Text(t) => write!(f, "\"{t}\""),
            Self::Number(n) => write!(f, "{n}"),
            Self::Sign(c) => write!(f, "`{c}`"),
        }
    }
}

/// Tokens and the column of each.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, ParseError> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let (c, start) = (chars[at], at);
        let fault = |message: String| ParseError {
            column: start + 1,
            message,
        };
        let run = |from: usize, keep: fn(char) -> bool| chars[from..].iter().take_while(|c| keep(**c)).count();
        if c.is_whitespace() {
            at += 1;
            continue;
        }
        let token = if starts_name(c) {
            at += run(at, continues_name);
            Token::Word(chars[start..at].iter().collect())
        } else if c.is_ascii_digit() || c == '.' {
            at += run(at, |c| c.is_ascii_digit() || c == '.');
            let digits: String = chars[start..at].iter().collect();
            let value = digits.parse().map_err(|_| fault(format!("`{digits}` is no number")))?;
            // A unit may follow at once; which one is right is known from the place.
            let unit: String = chars[at..].iter().take_while(|c| c.is_alphabetic()).collect();
            if !["", "mm", "cc", "ml"].contains(&unit.as_str()) {
                return Err(fault(format!(
                    "`{digits}{unit}`: distances are in mm, volumes in cc; put names in quotes"
                )));
            }
            at += unit.chars().count();
            Token::Number(value)
        } else if c == '"' || c == '\'' {
            let (inner, length) = quoted(&chars[at..]).ok_or_else(|| fault(format!("the {c} is not closed")))?;
            at += length;
            Token::Text(inner)
        } else if "()|&^+-,=?".contains(c) {
            at += 1;
            Token::Sign(c)
        } else {
            return Err(fault(format!("`{c}` means nothing here; put names with such characters in quotes")));
        };
        tokens.push((token, start + 1));
    }
    Ok(tokens)
}

/// The text between the quotes that `chars` begins with, and the characters used.
fn quoted(chars: &[char]) -> Option<(String, usize)> {
    let mut inner = String::new();
    let mut at = 1;
    loop {
        match chars.get(at)? {
            c if *c == chars[0] => return Some((inner, at + 1)),
            '\\' => {
                at += 1;
                inner.push(*chars.get(at)?);
            }
            c => inner.push(*c),
        }
        at += 1;
    }
}
