//! Driver of the radiomics stage.
