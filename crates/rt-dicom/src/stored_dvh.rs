//! Dose-volume histograms that a planning system stored inside its RTDOSE (PS3.3 C.8.8.4, RT DVH Module).

use dicom::dictionary_std::tags;

use crate::dataset::Fields;
use crate::notice::Notice;

/// One stored histogram, cumulative, as written: no unit is trusted or changed here.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDvh {
    /// `ReferencedROINumber`s that are included.
    pub rois: Vec<i64>,
    /// Whether regions are excluded from it: then it is the histogram of no single region.
    pub excludes: bool,
    /// `DoseUnits` of the histogram.
    pub dose_units: String,
    /// `DVHVolumeUnits`: `CM3`, `PERCENT` or `PER_U`.
    pub volume_units: String,
    /// `DVHType` as stored; differential ones are summed up while they are read.
    pub kind: String,
    /// Doses at which volumes stand, ascending, `DVHDoseScaling` applied.
    pub dose: Vec<f64>,
    /// Volume with that dose or more.
    pub volume: Vec<f64>,
    /// `DVHMinimumDose`, `DVHMaximumDose`, `DVHMeanDose`.
    pub min: Option<f64>,
    /// Largest dose.
    pub max: Option<f64>,
    /// Mean dose.
    pub mean: Option<f64>,
}

/// All histograms of a dose; those that cannot be read are told and left out.
pub(crate) fn stored_dvhs(f: Fields<'_>, notices: &mut Vec<Notice>) -> Vec<StoredDvh> {
    let mut unreadable = 0;
    let found = f
        .items(tags::DVH_SEQUENCE)
        .filter_map(|item| {
            let one = read(item);
            unreadable += usize::from(one.is_none());
            one
        })
        .collect();
    if unreadable > 0 {
        notices.push(Notice::new(
            "dose.stored_dvh",
            format!("{unreadable} stored histograms have no usable DVHData and were left out"),
        ));
    }
    found
}

fn read(item: Fields<'_>) -> Option<StoredDvh> {
    let included = |f: &Fields<'_>| f.code(tags::DVHROI_CONTRIBUTION_TYPE).is_none_or(|c| c != "EXCLUDED");
    let references: Vec<Fields<'_>> = item.items(tags::DVH_REFERENCED_ROI_SEQUENCE).collect();
    let rois = references
        .iter()
        .filter(|f| included(f))
        .filter_map(|f| f.integer(tags::REFERENCED_ROI_NUMBER));
    let kind = item.code(tags::DVH_TYPE).unwrap_or_else(|| "CUMULATIVE".to_owned());
    let scaling = item.f64(tags::DVH_DOSE_SCALING).filter(|s| *s > 0.0).unwrap_or(1.0);
    let (dose, volume) = cumulative(&item.f64s(tags::DVH_DATA)?, &kind, scaling)?;
    Some(StoredDvh {
        rois: rois.collect(),
        excludes: !references.iter().all(included),
        dose_units: item.code(tags::DOSE_UNITS).unwrap_or_default(),
        volume_units: item.code(tags::DVH_VOLUME_UNITS).unwrap_or_default(),
        kind,
        dose,
        volume,
        min: item.f64(tags::DVH_MINIMUM_DOSE),
        max: item.f64(tags::DVH_MAXIMUM_DOSE),
        mean: item.f64(tags::DVH_MEAN_DOSE),
    })
}

/// `DVHData` holds pairs of a bin's width and its volume; the widths add up to the dose. Cumulative: volume at the bin's lower edge.
fn cumulative(data: &[f64], kind: &str, scaling: f64) -> Option<(Vec<f64>, Vec<f64>)> {
    let mut bins: Vec<(f64, f64)> = Vec::with_capacity(data.len() / 2);
    for pair in data.chunks_exact(2) {
        let [width, volume] = pair.try_into().unwrap_or([f64::NAN; 2]);
        if !(width >= 0.0 && volume >= 0.0) {
            return None;
        }
        bins.push((width * scaling, volume));
    }
    let mut edge = 0.0;
    let mut dose = Vec::with_capacity(bins.len() + 1);
    for (width, _) in &bins {
        dose.push(edge);
        edge += width;
    }
    let mut volume: Vec<f64> = bins.iter().map(|b| b.1).collect();
    if kind == "DIFFERENTIAL" {
        let mut above = 0.0;
        for v in volume.iter_mut().rev() {
            above += *v;
            *v = above;
        }
    }
    let whole = volume.first().copied()?;
    dose.push(edge);
    volume.push(0.0);
    (whole > 0.0 && edge > 0.0).then_some((dose, volume))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_add_up_to_doses_and_differential_bins_to_volumes() {
        let (dose, volume) = cumulative(&[1.0, 8.0, 0.5, 4.0, 0.5, 2.0], "CUMULATIVE", 2.0).unwrap();
        assert_eq!(dose, [0.0, 2.0, 3.0, 4.0]);
        assert_eq!(volume, [8.0, 4.0, 2.0, 0.0]);
        let (_, volume) = cumulative(&[1.0, 4.0, 0.5, 2.0, 0.5, 2.0], "DIFFERENTIAL", 1.0).unwrap();
        assert_eq!(volume, [8.0, 4.0, 2.0, 0.0]);
        assert!(cumulative(&[], "CUMULATIVE", 1.0).is_none() && cumulative(&[1.0, 0.0], "CUMULATIVE", 1.0).is_none());
    }
}
