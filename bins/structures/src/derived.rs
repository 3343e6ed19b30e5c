//! Structures made from others by the recipe.

use std::sync::Arc;

use rt_core::{Grid, Progress};
use rt_structures::eval::Missing;
use rt_structures::{Definition, Derived, EvalError, EvalOptions, MaskSet, NameTable, Recipe, StructuresConfig, evaluate};

use crate::recipes::LoadedRecipe;
use crate::region::{Absence, Identity, Made, Region};

/// Value of `Segmentation_Source` for derived structures.
pub const SOURCE: &str = "Custom";

/// Evaluates the recipe over the structures of the course; manual ones count before automatic ones of the same meaning.
pub fn regions(
    loaded: &LoadedRecipe,
    have: &[Region],
    grid: &Arc<Grid>,
    names: NameTable,
    config: &StructuresConfig,
    progress: &dyn Progress,
) -> Vec<Region> {
    let mut set = MaskSet::new(grid);
    for region in have {
        set.push(region.entry.original_name.as_str(), &region.mask);
    }
    let mut recipe = loaded.recipe.clone();
    let missing = if config.strict || loaded.only_complete {
        Missing::Error
    } else {
        Missing::UnionGoesOn
    };
    if loaded.only_complete {
        // What a person or a model has made under this name already is not made again.
        let there = |d: &Definition| have.iter().any(|r| r.entry.original_name == d.name && !r.mask.is_empty());
        recipe.structures.retain(|d| !there(d));
    }
    let options = EvalOptions {
        margins: config.margin_options(),
        missing,
        names,
    };
    evaluate(&recipe, &set, &options, progress)
        .into_iter()
        .filter(|d| !(loaded.only_complete && matches!(d.result, Err(EvalError::MissingOperand(_)))))
        .map(|d| region(d, &recipe, grid, config))
        .collect()
}

fn region(derived: Derived, recipe: &Recipe, grid: &Arc<Grid>, config: &StructuresConfig) -> Region {
    let Derived {
        name,
        expression,
        index,
        result,
    } = derived;
    let definition = &recipe.structures[index];
    let identity = Identity {
        source: SOURCE.to_owned(),
        name,
        interpreted_type: definition.interpreted_type.clone().unwrap_or_default(),
        // Never empty: a definition that cannot be read shows its own text.
        expression: if expression.is_empty() {
            definition.expression.clone().unwrap_or_else(|| "?".to_owned())
        } else {
            expression
        },
        ..Identity::default()
    };
    let made = match result {
        Ok(e) => Ok(Made {
            remarks: e
                .absent
                .iter()
                .map(|name| format!("{name} is absent and counts as empty"))
                .collect(),
            missing: e.missing,
            ..Made::new(e.mask)
        }),
        Err(e @ EvalError::MissingOperand(_)) if !config.strict => Err(Absence::skipped(e.code(), e.to_string())),
        Err(e) => Err(Absence::failed(e.code(), e.to_string())),
    };
    Region::new(identity, grid, made)
}
