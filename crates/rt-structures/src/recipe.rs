//! A set of derived structures, as its TOML file says it.
//!
//! ```toml
//! schema = 1
//! name = "pelvis"
//!
//! [[structure]]
//! name = "iliac_area"
//! expression = "iliac_vess + 7"
//!
//! [[structure]]                    # the same in the form of the predecessor
//! name = "pelvic_bones_3mm"
//! operation = "union"
//! sources = ["pelvic_bones"]
//! margin = 3.0                     # mm, or { anterior = 10, posterior = 5, ... }
//! ```

use indexmap::IndexMap;
use rt_image::{Margin, SetOp};
use serde::{Deserialize, Serialize};

use crate::expr::Expr;
use crate::parse::{MAX_DISTANCE_MM, ParseError, parse};

/// The version of the form that is read.
pub const SCHEMA: u32 = 1;

/// A recipe: structures in any order; each may use the others.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// Version of the form, [`SCHEMA`].
    pub schema: Option<u32>,
    /// Name of the set.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The structures.
    #[serde(rename = "structure", alias = "custom_structures")]
    pub structures: Vec<Definition>,
}

/// One derived structure: an expression, or operation, sources and margin.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Definition {
    /// Name in tables.
    pub name: String,
    /// Expression ([`crate::parse()`]).
    pub expression: Option<String>,
    /// Operation over the sources when there is no expression; `union` by default.
    pub operation: Option<Operation>,
    /// Names of structures; `re:` in front makes it a regular expression over the source structures.
    #[serde(alias = "source_structures")]
    pub sources: Vec<String>,
    /// Margin in mm, applied after the operation.
    pub margin: Option<MarginSpec>,
    /// Structures of the expression that may be absent: they count as empty then.
    pub optional: Vec<String>,
    /// `RTROIInterpretedType` of the result.
    #[serde(rename = "type")]
    pub interpreted_type: Option<String>,
    /// What it is for.
    pub description: String,
}

/// The operation of a definition without expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Everything that any source holds.
    Union,
    /// What all sources hold.
    #[serde(alias = "intersect")]
    Intersection,
    /// The first without all others.
    Subtract,
    /// What an odd number of sources holds.
    Xor,
    /// A copy of the one source, for its margin.
    Margin,
}

/// A margin: one distance, or one for each side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MarginSpec {
    /// The same to all sides, mm; negative shrinks.
    Uniform(f64),
    /// By side, mm (`anterior` or `anterior_mm`); `uniform` for those that are not named.
    Sides(IndexMap<String, f64>),
}

/// Why a recipe cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// A form of another version.
    #[error("recipe schema {0} is not known (this program reads {SCHEMA})")]
    Schema(u32),
    /// A structure without a name.
    #[error("structure number {0} has no name")]
    NoName(usize),
    /// Two structures of one name.
    #[error("`{0}` is defined twice")]
    Twice(String),
    /// The definition is incomplete or says two things.
    #[error("`{name}` {what}")]
    Definition {
        /// Name of the structure.
        name: String,
        /// What is wrong.
        what: String,
    },
    /// The expression is no expression.
    #[error("expression of `{name}`, {source}")]
    Expression {
        /// Name of the structure.
        name: String,
        /// What is wrong.
        source: ParseError,
    },
}

impl RecipeError {
    /// Stable code for tables and events.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Schema(_) => "structures.recipe_schema",
            Self::NoName(_) | Self::Twice(_) | Self::Definition { .. } => "structures.recipe",
            Self::Expression { .. } => "structures.expression",
        }
    }
}

impl Recipe {
    /// Checks the recipe: version, names, expressions.
    ///
    /// # Errors
    /// The first [`RecipeError`].
    pub fn validate(&self) -> Result<(), RecipeError> {
        if let Some(other) = self.schema.filter(|s| *s != SCHEMA) {
            return Err(RecipeError::Schema(other));
        }
        for (n, definition) in self.structures.iter().enumerate() {
            if definition.name.trim().is_empty() {
                return Err(RecipeError::NoName(n + 1));
            }
            if self.structures[..n].iter().any(|d| d.name == definition.name) {
                return Err(RecipeError::Twice(definition.name.clone()));
            }
            definition.to_expr()?;
        }
        Ok(())
    }
}

impl Definition {
    /// A definition by an expression.
    pub fn new(name: impl Into<String>, expression: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            expression: Some(expression.into()),
            ..Self::default()
        }
    }

    /// The expression, from whichever form was used.
    ///
    /// # Errors
    /// [`RecipeError`] when the definition is incomplete, says two things, or its expression cannot be read.
    pub fn to_expr(&self) -> Result<Expr, RecipeError> {
        let fault = |what: String| RecipeError::Definition {
            name: self.name.clone(),
            what,
        };
        let expr = match (&self.expression, self.sources.as_slice()) {
            (Some(_), [_, ..]) => return Err(fault("has both an expression and sources: use one".to_owned())),
            (Some(text), []) if self.operation.is_none() => parse(text).map_err(|source| RecipeError::Expression {
                name: self.name.clone(),
                source,
            })?,
            (Some(_), []) => return Err(fault("has both an expression and an operation: use one".to_owned())),
            (None, sources) => self.combined(sources)?,
        };
        let expr = match &self.margin {
            None => expr,
            Some(spec) => Expr::Margin {
                of: Box::new(expr),
                by: spec.to_margin().map_err(fault)?,
            },
        };
        Ok(expr.with_optional(&self.optional))
    }

    fn combined(&self, sources: &[String]) -> Result<Expr, RecipeError> {
        let fault = |what: String| RecipeError::Definition {
            name: self.name.clone(),
            what,
        };
        let mut operands = sources.iter().map(|s| match s.strip_prefix("re:") {
            None => Ok(Expr::Name(s.clone())),
            Some(pattern) => match regex::Regex::new(pattern) {
                Ok(_) => Ok(Expr::Matching(pattern.to_owned())),
                Err(e) => Err(fault(format!("has a source that is no regular expression: {e}"))),
            },
        });
        let op = match self.operation.unwrap_or(Operation::Union) {
            Operation::Union => SetOp::Union,
            Operation::Intersection => SetOp::Intersect,
            Operation::Subtract => SetOp::Subtract,
            Operation::Xor => SetOp::Xor,
            Operation::Margin if sources.len() == 1 => SetOp::Union,
            Operation::Margin => return Err(fault("takes one source for `operation = \"margin\"`".to_owned())),
        };
        match sources.len() {
            0 => Err(fault("has neither an expression nor sources".to_owned())),
            1 => operands.next().unwrap_or_else(|| Err(fault("has no sources".to_owned()))),
            _ => Ok(Expr::Set {
                op,
                operands: operands.collect::<Result<_, _>>()?,
            }),
        }
    }
}

impl MarginSpec {
    /// As distances by side.
    ///
    /// # Errors
    /// In words, for a side that does not exist or a distance that is not finite or too far.
    pub fn to_margin(&self) -> Result<Margin, String> {
        let checked = |mm: f64| {
            let ok = mm.is_finite() && mm.abs() <= MAX_DISTANCE_MM;
            ok.then_some(mm)
                .ok_or_else(|| format!("has a margin of {mm} mm; at most {MAX_DISTANCE_MM} mm are possible"))
        };
        let sides = match self {
            Self::Uniform(mm) => return Ok(Margin::uniform(checked(*mm)?)),
            Self::Sides(sides) => sides,
        };
        let side = |name: &str| name.strip_suffix("_mm").unwrap_or(name).to_lowercase();
        let uniform = sides.iter().find(|(name, _)| side(name) == "uniform");
        let mut margin = Margin::uniform(uniform.map_or(Ok(0.0), |(_, mm)| checked(*mm))?);
        for (name, mm) in sides {
            let mm = checked(*mm)?;
            match side(name).as_str() {
                "left" => margin.left = mm,
                "right" => margin.right = mm,
                "anterior" => margin.anterior = mm,
                "posterior" => margin.posterior = mm,
                "superior" => margin.superior = mm,
                "inferior" => margin.inferior = mm,
                "uniform" => {}
                _ => {
                    return Err(format!(
                        "has a margin to `{name}`: the sides are left, right, anterior, posterior, superior, inferior and uniform"
                    ));
                }
            }
        }
        Ok(margin)
    }
}

impl rt_config::Validate for Recipe {
    fn validate(&self) -> Result<(), rt_config::ConfigIssue> {
        Self::validate(self).map_err(|e| rt_config::ConfigIssue::new("structure", format!("is not valid: {e}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Recipe {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn both_forms_say_the_same() {
        let recipe = read(
            r#"
            schema = 1
            name = "test"
            [[structure]]
            name = "a"
            expression = "x | y"
            [[structure]]
            name = "b"
            operation = "union"
            source_structures = ["x", "y"]
            [[structure]]
            name = "c"
            operation = "subtract"
            sources = ["x", "y", "re:^z"]
            margin = { uniform_mm = 2, superior = 5, left_mm = -1 }
            optional = ["y"]
            [[structure]]
            name = "d"
            sources = ["x"]
            margin = 3
            "#,
        );
        recipe.validate().unwrap();
        let printed: Vec<String> = recipe.structures.iter().map(|d| d.to_expr().unwrap().to_string()).collect();
        assert_eq!(printed[0], printed[1]);
        assert_eq!(
            printed[2],
            "margin(subtract(x, y?, matching(\"^z\")), left=-1, right=2, anterior=2, posterior=2, superior=5, inferior=2)"
        );
        assert_eq!(printed[3], "margin(x, 3)");
    }

    #[test]
    fn faults_name_the_structure() {
        for (text, part) in [
            ("schema = 2", "schema 2"),
            ("[[structure]]\nexpression = 'x'", "number 1 has no name"),
            ("[[structure]]\nname = 'a'", "neither an expression nor sources"),
            ("[[structure]]\nname = 'a'\nexpression = 'x'\nsources = ['y']", "both"),
            (
                "[[structure]]\nname = 'a'\nexpression = 'x'\n[[structure]]\nname = 'a'\nexpression = 'y'",
                "twice",
            ),
            ("[[structure]]\nname = 'a'\nexpression = 'x |'", "expression of `a`, column 4"),
            ("[[structure]]\nname = 'a'\nsources = ['x']\nmargin = { up = 3 }", "margin to `up`"),
            ("[[structure]]\nname = 'a'\nsources = ['x']\nmargin = 1e9", "at most"),
            ("[[structure]]\nname = 'a'\nsources = ['re:(']", "no regular expression"),
            (
                "[[structure]]\nname = 'a'\noperation = 'margin'\nsources = ['x', 'y']",
                "one source",
            ),
        ] {
            let e = read(text).validate().unwrap_err();
            assert!(e.to_string().contains(part), "{text}: {e}");
        }
        assert!(toml::from_str::<Recipe>("[[structure]]\nname = 'a'\nexpresion = 'x'").is_err());
    }
}
