//! Features as the Image Biomarker Standardisation Initiative defines them, under its own tags (`cm_contrast_3d_avg`).
//!
//! Knows the whole chain of the IBSI reference manual: interpolation on a centre-aligned grid, rounding, mask interpolation, the two masks
//! (morphological and intensity), re-segmentation, outliers, discretisation, and all feature families with their aggregations. Sources:
//! Zwanenburg et al., Radiology 295, 2020, and the reference manual (arXiv 1612.07003), sections 2 and 3; `spec/radiomics-conventions.md`
//! section 9 lists where PyRadiomics differs.
//!
//! ```
//! use std::sync::Arc;
//! use ndarray::Array3;
//! use rt_core::{Grid, Vec3};
//! use rt_image::{Mask, Volume};
//! use rt_radiomics::ibsi::{IbsiSettings, extract};
//!
//! let grid = Arc::new(Grid::axis_aligned([12, 12, 12], Vec3::ZERO, [2.0; 3])?);
//! let ct = Volume::new(Arc::clone(&grid), Array3::from_shape_fn((12, 12, 12), |(k, j, i)| (k + 2 * j + 3 * i) as i16))?;
//! let lesion = Mask::from_block(&grid, [3, 3, 3], Array3::ones((5, 5, 5)))?;
//! let features = extract(ct.view(), &lesion, &IbsiSettings::default())?;
//! // 125 voxels of 8 mm3; values from 6 x 3 to 6 x 7.
//! assert_eq!(features.get("morph_vol_approx"), Some(1000.0));
//! assert_eq!(features.get("stat_max"), Some(42.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod fft;
mod hull;
mod intensity;
mod local;
mod morphology;
mod prepare;
pub mod response;
mod spatial;
mod textures;
mod zones;

use std::sync::Arc;

use ndarray::Array3;
use rt_image::{Mask, Volume};
use serde::{Deserialize, Serialize};

use crate::diagnostics::Diagnostics;
use crate::error::ExtractError;
use crate::image::{ImageSource, crop};
use crate::prepare::check_grid;
use crate::sample::Samples;
use crate::settings::Binning;
use crate::vector::FeatureVector;

use prepare::Margin;
pub use prepare::{Chain, MaskFacts, VolumeFacts, chain_facts};
pub use response::Filter;

/// How values between voxel centres are found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interpolation {
    /// Linear along each axis.
    #[default]
    Linear,
    /// Cubic spline through the samples.
    Cubic,
}

/// Levels of the intensity-volume histogram.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum IvhLevels {
    /// The intensities as they are.
    #[default]
    AsIs,
    /// Bins of this width from the lower bound of the re-segmentation range, each at its centre.
    Width(f64),
    /// This many bins between the bounds of the region.
    Count(u32),
}

/// How texture matrices of slices and directions become one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Aggregation {
    /// In slices, features of every slice and direction, then their mean (BTW3, for matrices without directions 8QNN).
    #[serde(rename = "2d_avg")]
    SliceMean,
    /// In slices, directions of a slice merged, then the mean over slices (SUJT).
    #[serde(rename = "2d_comb")]
    SliceMerged,
    /// In slices, all slices of a direction merged, then the mean over directions (JJUI, for matrices without directions 62GR).
    #[serde(rename = "2_5d_avg")]
    DirectionMerged,
    /// In slices, everything merged (ZW7Z).
    #[serde(rename = "2_5d_comb")]
    SlicesMerged,
    /// In the volume, the mean over directions (ITBB, for matrices without directions KOBO).
    #[serde(rename = "3d_avg")]
    VolumeMean,
    /// In the volume, directions merged (IAZD).
    #[serde(rename = "3d_comb")]
    VolumeMerged,
}

impl Aggregation {
    /// All of them, in the order of the output.
    pub const ALL: [Self; 6] = [
        Self::SliceMean,
        Self::SliceMerged,
        Self::DirectionMerged,
        Self::SlicesMerged,
        Self::VolumeMean,
        Self::VolumeMerged,
    ];

    /// End of the tags of matrices with directions: `2d_avg`.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::SliceMean => "2d_avg",
            Self::SliceMerged => "2d_comb",
            Self::DirectionMerged => "2_5d_avg",
            Self::SlicesMerged => "2_5d_comb",
            Self::VolumeMean => "3d_avg",
            Self::VolumeMerged => "3d_comb",
        }
    }
}

/// Everything that decides the features of a region.
#[derive(Debug, Clone, PartialEq)]
pub struct IbsiSettings {
    /// New voxel spacing `[i, j, k]` in mm, 0 to keep an axis; `None` for no interpolation.
    pub spacing: Option<[f64; 3]>,
    /// Interpolation of the image; the mask is interpolated linearly.
    pub interpolation: Interpolation,
    /// Round interpolated intensities to whole numbers, as CT asks for.
    pub round: bool,
    /// Least share of a new voxel's interpolated mask that is inside.
    pub mask_threshold: f64,
    /// Intensities that stay in the intensity mask, both bounds included.
    pub range: Option<[f64; 2]>,
    /// Intensities beyond this many standard deviations from the mean leave the intensity mask.
    pub outlier_sigma: Option<f64>,
    /// Discretisation of histogram and textures.
    pub binning: Binning,
    /// Levels of the intensity-volume histogram.
    pub ivh: IvhLevels,
    /// Aggregations of the texture families.
    pub aggregations: Vec<Aggregation>,
    /// Filters by name; intensity statistics of each response come after the other features, `<name>_stat_mean`.
    pub filters: Vec<(String, Filter)>,
}

impl Default for IbsiSettings {
    fn default() -> Self {
        Self {
            spacing: None,
            interpolation: Interpolation::Linear,
            round: false,
            mask_threshold: 0.5,
            range: None,
            outlier_sigma: None,
            binning: Binning::Width(25.0),
            ivh: IvhLevels::AsIs,
            aggregations: vec![Aggregation::VolumeMean, Aggregation::VolumeMerged],
            filters: Vec::new(),
        }
    }
}

impl IbsiSettings {
    /// Memory that a region needs, estimated from its box and the new spacing: the autocorrelation's two complex boxes of twice the size
    /// along each axis are the most of it.
    pub fn needed_bytes(&self, mask: &Mask) -> u64 {
        let old = mask.grid().spacing();
        let sides = (0..3).map(|a| {
            let wanted = self.spacing.map_or(0.0, |s| s[a]);
            let ratio = if wanted > 0.0 { old[a] / wanted } else { 1.0 };
            mask.size()[a] as f64 * ratio + 2.0
        });
        crate::course::bounded(sides.product::<f64>() * 8.0 * 3.0 * 16.0)
    }

    /// Tags of all features, in output order.
    pub fn feature_names(&self) -> Vec<String> {
        let fixed = [
            morphology::TAGS,
            local::TAGS,
            intensity::STATISTICS,
            intensity::HISTOGRAM,
            intensity::IVH,
        ];
        let mut out: Vec<String> = fixed.iter().flat_map(|tags| tags.iter().map(|t| (*t).to_owned())).collect();
        out.extend(textures::names(&self.aggregations));
        for (name, _) in &self.filters {
            out.extend(intensity::STATISTICS.iter().map(|tag| format!("{name}_{tag}")));
        }
        out
    }
}

/// Extracts the features of one region. `image` is a [`rt_image::VolumeView`] of any sample type, `mask` a region on its grid.
///
/// # Errors
/// [`ExtractError`] for empty regions, grids that do not fit, values that are not finite, and ranges that leave nothing.
pub fn extract<'a>(image: impl Into<Samples<'a>>, mask: &Mask, settings: &IbsiSettings) -> Result<FeatureVector, ExtractError> {
    extract_from(&ImageSource::new(image), mask, settings)
}

/// [`extract`] from an image that several regions share.
///
/// # Errors
/// As [`extract`].
pub fn extract_from(source: &ImageSource<'_>, mask: &Mask, settings: &IbsiSettings) -> Result<FeatureVector, ExtractError> {
    let region = prepare::prepare(source, mask, settings)?;
    let levels = prepare::discretise(&region, settings)?;
    let mut out = FeatureVector::new(Diagnostics::default());
    out.voxels = region.morphological.count;
    let (plain, textures) = rayon::join(
        || {
            let (shape, local) = rayon::join(|| morphology::features(&region), || local::features(&region));
            let statistics = intensity::statistics(&region.values);
            let histogram = intensity::histogram(&levels);
            let ivh = intensity::volume_histogram(&region.values, settings);
            [shape, local, statistics, histogram, ivh].concat()
        },
        || textures::features(&region, &levels, &settings.aggregations),
    );
    let mut responses = Vec::new();
    for (_, filter) in &settings.filters {
        responses.extend(response_statistics(source, mask, settings, filter)?);
    }
    let values = plain.into_iter().chain(textures).chain(responses);
    for (name, value) in settings.feature_names().into_iter().zip(values) {
        out.push(name, value);
    }
    Ok(out)
}

/// Intensity statistics of a filter's response in the intensity mask of the image itself.
///
/// # Errors
/// As [`extract`], and [`ExtractError::Setting`] for a filter that does not exist.
pub fn response_statistics(
    source: &ImageSource<'_>,
    mask: &Mask,
    settings: &IbsiSettings,
    filter: &Filter,
) -> Result<Vec<f64>, ExtractError> {
    let margin = |spacing| filter.reach(spacing).map_or(Margin::Image, Margin::Voxels);
    let region = prepare::prepare_with(source, mask, settings, margin)?;
    let response = response::respond(&region.field, filter).map_err(|e| ExtractError::Setting(e.to_string()))?;
    Ok(intensity::statistics(&response.values(region.at, &region.intensity)))
}

/// Tags of the values of [`response_statistics`].
pub fn statistics_tags() -> &'static [&'static str] {
    intensity::STATISTICS
}

/// The response map of a whole image as it is.
///
/// # Errors
/// [`ExtractError`] for grids that are not right-angled and filters that do not exist.
pub fn response_map<'a>(image: impl Into<Samples<'a>>, filter: &Filter) -> Result<Volume<f64>, ExtractError> {
    let samples = image.into();
    let grid = samples.grid();
    check_grid(grid)?;
    let field = crop(&samples, None, [0; 3], samples.size());
    let response = response::respond(&field, filter).map_err(|e| ExtractError::Setting(e.to_string()))?;
    let data = Array3::from_shape_vec(grid.shape(), response.data).map_err(|e| ExtractError::Internal(e.to_string()))?;
    Volume::new(Arc::clone(grid), data).map_err(|e| ExtractError::Internal(e.to_string()))
}
