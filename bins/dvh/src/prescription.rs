//! Which prescription the relative figures of a region refer to, and where it comes from.

use rt_dvh::{DvhConfig, RxSetting, is_target};

use crate::regions::Region;

/// A prescription and its origin.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Rx {
    /// Gy.
    pub(crate) gy: Option<f64>,
    /// Word for the column `rx_source`.
    pub(crate) source: String,
}

/// A level that a plan prescribes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Level {
    /// `ReferencedROINumber`, valid for the structure set that the plan refers to.
    pub(crate) roi: Option<i64>,
    /// Name of the region or description of the dose reference.
    pub(crate) name: String,
    /// Gy.
    pub(crate) gy: f64,
}

/// What is known of the prescription of one dose.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Prescribed {
    /// Of the dose as a whole, Gy.
    pub(crate) total_gy: Option<f64>,
    /// Where that comes from.
    pub(crate) source: String,
    /// Levels of single targets; empty where they do not hold for this dose.
    pub(crate) levels: Vec<Level>,
}

/// In order: the configuration's for the structure, the configuration's for all, the plan's level for the structure by number, then by
/// name (targets), the plan's as a whole.
pub(crate) fn rx_of(prescribed: &Prescribed, region: &Region, by_number: bool, config: &DvhConfig) -> Rx {
    let rx = |gy: f64, source: &str| Rx {
        gy: Some(gy),
        source: source.to_owned(),
    };
    let names = region.names();
    if let Some(own) = config.targets.iter().find(|t| names.iter().any(|n| t.roi.matches(n))) {
        return rx(own.rx, "explicit_roi");
    }
    if let RxSetting::Dose(gy) = config.rx {
        return rx(gy.value(), "explicit");
    }
    let numbered = |l: &&Level| by_number && l.roi.is_some() && l.roi == region.number.map(i64::from);
    if let Some(level) = prescribed.levels.iter().find(numbered) {
        return rx(level.gy, &format!("{}_roi", prescribed.source));
    }
    if is_target(&region.original_name, &region.interpreted_type) {
        let described =
            |l: &&Level| l.roi.is_none() && rt_dvh::RoiPattern::new(l.name.replace(['*', '?'], " ")).matches(&region.original_name);
        if let Some(level) = prescribed.levels.iter().find(described) {
            return rx(level.gy, &format!("{}_name", prescribed.source));
        }
    }
    Rx {
        gy: prescribed.total_gy,
        source: prescribed.source.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regions::{Region, Shape};
    use rt_core::Gy;
    use rt_image::ContourSet;

    fn region(name: &str, number: i32) -> Region {
        Region {
            source: "Manual".into(),
            origin: "rs_01".into(),
            number: Some(number),
            name: name.into(),
            original_name: name.into(),
            standard_name: None,
            interpreted_type: String::new(),
            frame_of_reference: String::new(),
            cropped: false,
            is_plan_referenced: true,
            shape: Shape::Contours(ContourSet::default()),
            slice_mm: None,
        }
    }

    #[test]
    fn the_closest_statement_wins_and_is_told() {
        let level = |roi, name: &str, gy| Level {
            roi,
            name: name.into(),
            gy,
        };
        let prescribed = Prescribed {
            total_gy: Some(70.0),
            source: "rtplan_dicom".into(),
            levels: vec![level(Some(4), "x", 66.0), level(None, "PTV 54", 54.0)],
        };
        let mut config = DvhConfig::default();
        let of = |name: &str, number, config: &DvhConfig| {
            let rx = rx_of(&prescribed, &region(name, number), true, config);
            (rx.gy.unwrap(), rx.source)
        };
        assert_eq!(of("Rectum", 9, &config), (70.0, "rtplan_dicom".into()));
        assert_eq!(of("PTV_66", 4, &config), (66.0, "rtplan_dicom_roi".into()));
        assert_eq!(of("PTV_54", 5, &config), (54.0, "rtplan_dicom_name".into()));
        // A number means nothing in another structure set.
        assert_eq!(rx_of(&prescribed, &region("PTV_66", 4), false, &config).gy, Some(70.0));
        config.rx = RxSetting::Dose(Gy(60.0));
        assert_eq!(of("PTV_66", 4, &config), (60.0, "explicit".into()));
        config.targets = vec![rt_dvh::TargetRx {
            roi: rt_dvh::RoiPattern::new("PTV*54"),
            rx: 50.4,
        }];
        assert_eq!(of("PTV_54", 5, &config), (50.4, "explicit_roi".into()));
    }
}
