//! rt-radiomics.
