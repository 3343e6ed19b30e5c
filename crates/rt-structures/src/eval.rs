//! A recipe over the masks of a course.
//!
//! Definitions are evaluated in order of dependency. Parts of expressions that occur more than once are computed once. A structure
//! that is missing, or has no voxels, stops every operation but a union: a union goes on without it and says so
//! (`design/contract.md`, "Structures and numbers").

use std::collections::HashMap;
use std::sync::Arc;

use rt_core::Progress;
use rt_image::morphology::{Margin, MarginOptions, fill_holes, margin};
use rt_image::{Connectivity, Mask, MaskError, SetOp, combine, components};

use crate::expr::{Expr, Which};
use crate::naming::{NameTable, normalised};
use crate::recipe::{Recipe, RecipeError};
use crate::set::MaskSet;

/// How recipes are evaluated.
#[derive(Debug, Clone, Default)]
pub struct EvalOptions {
    /// How margins are made.
    pub margins: MarginOptions,
    /// What a missing operand does.
    pub missing: Missing,
    /// Which names mean the same.
    pub names: NameTable,
}

/// What a missing operand does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    /// A union goes on, any other operation is skipped.
    #[default]
    UnionGoesOn,
    /// It is an error everywhere.
    Error,
}

/// A structure that was made.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// Its voxels; may be none.
    pub mask: Mask,
    /// Operands that unions went on without, sorted: the structure is partial when there are any.
    pub missing: Vec<String>,
    /// Optional operands that were absent, sorted.
    pub absent: Vec<String>,
}

/// One definition of the recipe and what became of it.
#[derive(Debug, Clone)]
pub struct Derived {
    /// Name in the recipe.
    pub name: String,
    /// The expression in its printed form; empty when it cannot be read.
    pub expression: String,
    /// Place in [`Recipe::structures`].
    pub index: usize,
    /// The structure, or why there is none.
    pub result: Result<Evaluated, EvalError>,
}

/// Why a derived structure could not be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// Operands that are not there or have no voxels.
    #[error("missing: {}", .0.join(", "))]
    MissingOperand(Vec<String>),
    /// Structures that need each other.
    #[error("the structures need each other: {}", .0.join(" -> "))]
    Cycle(Vec<String>),
    /// The definition cannot be read.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// Masks that do not belong together.
    #[error(transparent)]
    Mask(#[from] MaskError),
    /// The user asked to stop.
    #[error("stopped before this structure was made")]
    Cancelled,
}

impl EvalError {
    /// Stable code for tables and events.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingOperand(_) => "structures.missing_operand",
            Self::Cycle(_) => "structures.cycle",
            Self::Recipe(e) => e.code(),
            Self::Mask(_) => "structures.other_grid",
            Self::Cancelled => "structures.cancelled",
        }
    }
}

/// Makes all structures of a recipe; results in the order of the recipe.
pub fn evaluate(recipe: &Recipe, have: &MaskSet<'_>, options: &EvalOptions, progress: &dyn Progress) -> Vec<Derived> {
    progress.begin("derived structures", recipe.structures.len() as u64);
    let mut evaluator = Evaluator::new(recipe, have, options, progress);
    for index in 0..recipe.structures.len() {
        // The outcome is kept with the others.
        drop(evaluator.define(index));
    }
    evaluator.into_results(recipe)
}

type Outcome = Result<Arc<Evaluated>, EvalError>;

struct Evaluator<'a> {
    exprs: Vec<Result<Expr, RecipeError>>,
    by_name: HashMap<String, usize>,
    by_form: HashMap<String, usize>,
    have: &'a MaskSet<'a>,
    options: &'a EvalOptions,
    progress: &'a dyn Progress,
    done: Vec<Option<Outcome>>,
    /// Definitions that are being evaluated, outermost first.
    open: Vec<usize>,
    names: Vec<&'a str>,
    /// How often each part of an expression is still needed, and its result once it is known.
    shared: HashMap<String, (usize, Option<Outcome>)>,
}

impl<'a> Evaluator<'a> {
    fn new(recipe: &'a Recipe, have: &'a MaskSet<'a>, options: &'a EvalOptions, progress: &'a dyn Progress) -> Self {
        let exprs: Vec<_> = recipe.structures.iter().map(crate::recipe::Definition::to_expr).collect();
        let names: Vec<&str> = recipe.structures.iter().map(|d| d.name.as_str()).collect();
        let mut shared: HashMap<String, (usize, Option<Outcome>)> = HashMap::new();
        for expr in exprs.iter().flatten() {
            let mut open = vec![expr];
            while let Some(e) = open.pop() {
                let below = e.children();
                if !below.is_empty() {
                    shared.entry(e.to_string()).or_default().0 += 1;
                    open.extend(below);
                }
            }
        }
        shared.retain(|_, (count, _)| *count > 1);
        let keys = |key: fn(&str) -> String| names.iter().enumerate().rev().map(move |(n, name)| (key(name), n));
        Self {
            by_name: keys(|n| n.trim().to_owned()).collect(),
            by_form: keys(normalised).collect(),
            done: vec![None; exprs.len()],
            exprs,
            have,
            options,
            progress,
            open: Vec::new(),
            names,
            shared,
        }
    }

    /// Evaluates a definition once.
    fn define(&mut self, index: usize) -> Outcome {
        if let Some(known) = &self.done[index] {
            return known.clone();
        }
        if let Some(start) = self.open.iter().position(|o| *o == index) {
            let ring = self.open[start..].iter().chain([&index]);
            return Err(EvalError::Cycle(ring.map(|n| self.names[*n].to_owned()).collect()));
        }
        if self.progress.cancelled() {
            return Err(EvalError::Cancelled);
        }
        self.open.push(index);
        let outcome = match self.exprs[index].clone() {
            Ok(expr) => self.value(&expr),
            Err(e) => Err(e.into()),
        };
        self.open.pop();
        self.done[index] = Some(outcome.clone());
        self.progress.inc(1);
        outcome
    }

    /// Evaluates an expression, or takes the result of the same one.
    fn value(&mut self, expr: &Expr) -> Outcome {
        if expr.children().is_empty() || self.means_itself(expr) {
            return self.compute(expr);
        }
        let key = expr.to_string();
        match self.shared.get(&key) {
            None => self.compute(expr),
            Some((_, Some(known))) => known.clone(),
            Some((_, None)) => {
                let outcome = self.compute(expr);
                if let Some(entry) = self.shared.get_mut(&key) {
                    entry.1 = Some(outcome.clone());
                }
                outcome
            }
        }
    }

    /// Whether the expression holds the name of the definition that it stands in: there, and only there, it means the source.
    fn means_itself(&self, expr: &Expr) -> bool {
        let own = self.open.last().map(|n| normalised(self.names[*n]));
        own.is_some_and(|own| expr.names().iter().any(|name| normalised(name) == own))
    }

    fn compute(&mut self, expr: &Expr) -> Outcome {
        match expr {
            Expr::Name(name) => self.named(name),
            Expr::Optional(name) => match self.named(name) {
                Err(EvalError::MissingOperand(_)) => Ok(Arc::new(Evaluated {
                    mask: Mask::empty(self.have.grid()),
                    missing: Vec::new(),
                    absent: vec![name.clone()],
                })),
                other => other,
            },
            Expr::Matching(pattern) => self.matching(pattern),
            Expr::Set {
                op: SetOp::Union,
                operands,
            } => self.union(operands),
            Expr::Set { op, operands } => {
                let mut parts = operands.iter();
                let first = parts
                    .next()
                    .map_or_else(|| Err(EvalError::MissingOperand(Vec::new())), |e| self.value(e))?;
                parts.try_fold(first, |left, e| {
                    let right = self.value(e)?;
                    let mask = combine(*op, &left.mask, &right.mask)?;
                    Ok(Arc::new(joined(mask, &[&left, &right])))
                })
            }
            Expr::Margin { of, by } => {
                let options = self.options.margins;
                self.changed(of, |m| margin(m, by, options))
            }
            Expr::Crop { of, from, gap_mm } => self.cropped(SetOp::Subtract, of, from, *gap_mm),
            Expr::CropInside { of, within, gap_mm } => self.cropped(SetOp::Intersect, of, within, -*gap_mm),
            Expr::Shell { of, from_mm, to_mm } => {
                let base = self.value(of)?;
                let moved = |mm: f64| margin(&base.mask, &Margin::uniform(mm), self.options.margins);
                let mask = combine(SetOp::Subtract, &moved(*to_mm), &moved(*from_mm))?;
                Ok(Arc::new(joined(mask, &[&base])))
            }
            Expr::Fill { of, holes } => self.changed(of, |m| fill_holes(m, *holes)),
            Expr::Pick { of, which, count } => self.changed(of, |m| match which {
                Which::Largest => components::keep_largest(m, Connectivity::TwentySix, *count),
                Which::Smallest => components::keep_smallest(m, Connectivity::TwentySix, *count),
            }),
            Expr::MinVolume { of, cc } => self.changed(of, |m| {
                let voxels = (cc * 1000.0 / m.grid().voxel_volume_mm3() - 1e-9).ceil().max(0.0);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative; saturates")]
                components::remove_small(m, Connectivity::TwentySix, voxels as usize)
            }),
        }
    }

    /// A structure by name: a definition of exactly this name, else a source, else a definition of a name alike. A definition that
    /// names itself means the source.
    fn named(&mut self, name: &str) -> Outcome {
        let own = self.open.last().copied();
        let other = |n: &usize| Some(*n) != own;
        let exact = self.by_name.get(name.trim()).copied().filter(other);
        let alike = self.by_form.get(&normalised(name)).copied().filter(other);
        let index = match (exact, self.have.find(name, &self.options.names)) {
            (Some(index), _) => index,
            (None, Some(mask)) => {
                return Ok(Arc::new(Evaluated {
                    mask: mask.clone(),
                    missing: Vec::new(),
                    absent: Vec::new(),
                }));
            }
            (None, None) => alike.ok_or_else(|| EvalError::MissingOperand(vec![name.to_owned()]))?,
        };
        match self.define(index) {
            // Why an operand is not there is said at the operand itself.
            Err(EvalError::MissingOperand(_) | EvalError::Recipe(_) | EvalError::Mask(_)) => {
                Err(EvalError::MissingOperand(vec![name.to_owned()]))
            }
            Err(EvalError::Cycle(ring)) if !own.is_some_and(|n| ring.iter().any(|r| r == self.names[n])) => {
                Err(EvalError::MissingOperand(vec![name.to_owned()]))
            }
            other => other,
        }
    }

    fn matching(&self, pattern: &str) -> Outcome {
        let label = format!("matching(\"{pattern}\")");
        let found = regex::Regex::new(pattern).map(|p| self.have.matching(&p)).unwrap_or_default();
        let mut masks = found.into_iter();
        let first = masks.next().ok_or_else(|| EvalError::MissingOperand(vec![label]))?;
        let mask = masks.try_fold(first.clone(), |all, m| combine(SetOp::Union, &all, m))?;
        Ok(Arc::new(joined(mask, &[])))
    }

    fn union(&mut self, operands: &[Expr]) -> Outcome {
        let mut parts: Vec<Arc<Evaluated>> = Vec::new();
        let mut missing = Vec::new();
        for e in operands {
            match self.value(e) {
                Ok(part) => parts.push(part),
                Err(EvalError::MissingOperand(names)) => missing.extend(names),
                Err(other) => return Err(other),
            }
        }
        if parts.is_empty() || (!missing.is_empty() && self.options.missing == Missing::Error) {
            return Err(EvalError::MissingOperand(missing));
        }
        let mut mask = Mask::empty(self.have.grid());
        for part in &parts {
            mask = combine(SetOp::Union, &mask, &part.mask)?;
        }
        let mut out = joined(mask, &parts.iter().map(Arc::as_ref).collect::<Vec<_>>());
        out.missing.extend(missing);
        out.missing.sort();
        out.missing.dedup();
        Ok(Arc::new(out))
    }

    fn changed(&mut self, of: &Expr, change: impl FnOnce(&Mask) -> Mask) -> Outcome {
        let base = self.value(of)?;
        Ok(Arc::new(joined(change(&base.mask), &[&base])))
    }

    fn cropped(&mut self, op: SetOp, of: &Expr, by: &Expr, mm: f64) -> Outcome {
        let (base, border) = (self.value(of)?, self.value(by)?);
        let moved = margin(&border.mask, &Margin::uniform(mm), self.options.margins);
        let mask = combine(op, &base.mask, &moved)?;
        Ok(Arc::new(joined(mask, &[&base, &border])))
    }

    fn into_results(self, recipe: &Recipe) -> Vec<Derived> {
        let exprs = self.exprs.iter();
        let expressions: Vec<String> = exprs.map(|e| e.as_ref().map(ToString::to_string).unwrap_or_default()).collect();
        drop(self.shared);
        let results = self.done.into_iter().zip(expressions).zip(&recipe.structures).enumerate();
        results
            .map(|(index, ((outcome, expression), definition))| Derived {
                name: definition.name.clone(),
                expression,
                index,
                result: match outcome {
                    Some(Ok(made)) => Ok(Arc::try_unwrap(made).unwrap_or_else(|shared| (*shared).clone())),
                    Some(Err(e)) => Err(e),
                    None => Err(EvalError::Cancelled),
                },
            })
            .collect()
    }
}

/// A mask with what its parts were missing.
fn joined(mask: Mask, parts: &[&Evaluated]) -> Evaluated {
    let gather = |list: fn(&Evaluated) -> &Vec<String>| {
        let mut all: Vec<String> = parts.iter().flat_map(|p| list(p).iter().cloned()).collect();
        all.sort();
        all.dedup();
        all
    };
    Evaluated {
        mask,
        missing: gather(|e| &e.missing),
        absent: gather(|e| &e.absent),
    }
}

#[cfg(test)]
mod tests;
