//! The values of the Python pipeline that this one succeeds, so that a group sees why its numbers change.
//!
//! Not how a DVH should be computed: voxel centres of the dose grid inside the polygon, one dose plane per contour plane, 0.01 Gy bins
//! whose cumulative values are read at bin centres, contours moved to dose planes first. The rules are facts about the predecessor
//! (`spec/analysis.md` 1.7 to 1.10); `data/golden/dvh_reference.json` holds values that it computed. All else is [`crate::roi`].

use rt_core::Gy;
use rt_image::{ContourSet, Mask, VolumeView};

use crate::error::DvhError;
use crate::metric::{DoseFigure, Metric, VolumeUnit};

/// Whether contours are moved to the nearest dose plane, as the predecessor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Snapping {
    /// Within 1 mm and 0.49 of the smallest plane distance.
    #[default]
    ToDosePlanes,
    /// Never.
    None,
}

/// The histogram of one region, 0.01 Gy bins.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceDvh {
    /// Cumulative volume at the lower edge of each bin, cm3; read as if it were at the middle.
    cumulative_cc: Vec<f64>,
    mean: f64,
    min: f64,
    max: f64,
}

/// Bins a gray.
const BINS_PER_GY: f64 = 100.0;
/// Masks below this have no row, cm3.
const SMALLEST_MASK_CC: f64 = 0.001;
/// A dose plane this close to a contour plane is taken as it is, mm.
const SAME_PLANE_MM: f64 = 0.5;
/// Contours are moved no further than this, mm.
const SNAP_MM: f64 = 1.0;

/// The dose of the predecessor: upright, with planes along z.
struct Lattice<'a> {
    dose: VolumeView<'a, f32>,
    /// Positions of columns and rows, mm.
    xs: Vec<f64>,
    ys: Vec<f64>,
    /// Positions of planes, mm.
    zs: Vec<f64>,
    /// Whether i runs along x; else along y.
    straight: bool,
    /// Gy of one stored unit.
    scaling: f64,
}

impl<'a> Lattice<'a> {
    fn new(dose: VolumeView<'a, f32>, scaling: Option<f64>) -> Result<Self, DvhError> {
        let grid = dose.grid();
        let (d, [ni, nj, nk]) = (grid.direction(), grid.size());
        let along = |v: rt_core::Vec3, axis: rt_core::Vec3| v.cross(axis).length() < 1e-4;
        let (x, y, z) = (rt_core::Vec3::X, rt_core::Vec3::Y, rt_core::Vec3::Z);
        let straight = along(d.x_axis, x) && along(d.y_axis, y);
        if !(along(d.z_axis, z) && (straight || along(d.x_axis, y) && along(d.y_axis, x))) {
            return Err(DvhError::ReferenceGeometry);
        }
        let first: Vec<rt_core::Vec3> = (0..ni).map(|i| grid.centre(i, 0, 0)).collect();
        let second: Vec<rt_core::Vec3> = (0..nj).map(|j| grid.centre(0, j, 0)).collect();
        let (xs, ys) = if straight {
            (first.iter().map(|p| p.x).collect(), second.iter().map(|p| p.y).collect())
        } else {
            (second.iter().map(|p| p.x).collect(), first.iter().map(|p| p.y).collect())
        };
        Ok(Self {
            dose,
            xs,
            ys,
            zs: (0..nk).map(|k| grid.centre(0, 0, k).z).collect(),
            straight,
            scaling: scaling.filter(|s| s.is_finite() && *s > 0.0).unwrap_or(1.0),
        })
    }

    /// Stored value of a sample: whole where the scaling is known.
    fn stored(&self, [i, j, k]: [usize; 3]) -> f64 {
        let index = if self.straight { [k, j, i] } else { [k, i, j] };
        let value = f64::from(self.dose.data()[index]);
        if self.scaling.total_cmp(&1.0).is_eq() {
            value
        } else {
            (value / self.scaling).round()
        }
    }

    fn nearest(&self, z: f64) -> usize {
        (0..self.zs.len()).fold(0, |best, k| {
            if (self.zs[k] - z).abs() < (self.zs[best] - z).abs() {
                k
            } else {
                best
            }
        })
    }

    fn smallest_gap(&self) -> f64 {
        self.zs.windows(2).map(|w| (w[1] - w[0]).abs()).fold(f64::INFINITY, f64::min)
    }

    /// Planes and weights that give the dose at a height; `None` beyond the planes.
    fn plane(&self, z: f64) -> Option<[(usize, f64); 2]> {
        let nearest = self.nearest(z);
        if (self.zs[nearest] - z).abs() < SAME_PLANE_MM {
            return Some([(nearest, 1.0), (nearest, 0.0)]);
        }
        let (lo, hi) = self
            .zs
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), z| (a.min(*z), b.max(*z)));
        if z < lo || z > hi {
            return None;
        }
        let others = (0..self.zs.len()).filter(|k| *k != nearest);
        let second = others.min_by(|a, b| (self.zs[*a] - z).abs().total_cmp(&(self.zs[*b] - z).abs()))?;
        let (below, above) = if self.zs[nearest] < self.zs[second] {
            (nearest, second)
        } else {
            (second, nearest)
        };
        let part = (z - self.zs[below]) / (self.zs[above] - self.zs[below]);
        Some([(below, 1.0 - part), (above, part)])
    }

    /// Columns and rows whose centre lies inside an odd number of polygons.
    fn inside(&self, polygons: &[Vec<[f64; 2]>]) -> Vec<[usize; 2]> {
        let mut found = Vec::new();
        for (j, &y) in self.ys.iter().enumerate() {
            let sides: Vec<[[f64; 2]; 2]> = polygons
                .iter()
                .flat_map(|p| p.iter().zip(p.iter().cycle().skip(1)).map(|(a, b)| [*a, *b]))
                .filter(|[a, b]| (a[1] >= y) != (b[1] >= y))
                .collect();
            if sides.is_empty() {
                continue;
            }
            for (i, &x) in self.xs.iter().enumerate() {
                let crossed = |[a, b]: &&[[f64; 2]; 2]| ((b[1] - y) * (a[0] - b[0]) >= (b[0] - x) * (a[1] - b[1])) == (b[1] >= y);
                if sides.iter().filter(crossed).count() % 2 == 1 {
                    found.push([i, j]);
                }
            }
        }
        found
    }
}

/// Contour polygons by plane position rounded to 0.01 mm, ascending.
fn planes(set: &ContourSet, lattice: &Lattice<'_>, snapping: Snapping) -> Vec<(f64, Vec<Vec<[f64; 2]>>)> {
    let reach = SNAP_MM.min(0.49 * lattice.smallest_gap());
    let height = |z: f64| {
        let plane = lattice.zs[lattice.nearest(z)];
        let distance = (plane - z).abs();
        if snapping == Snapping::ToDosePlanes && distance <= reach && distance > 1e-3 {
            (plane * 1e6).round() / 1e6
        } else {
            z
        }
    };
    let mut all: Vec<(f64, Vec<Vec<[f64; 2]>>)> = Vec::new();
    for contour in set.contours.iter().filter(|c| c.kind.is_closed()) {
        let Some(first) = contour.points.first() else { continue };
        let z = (height(first.z) * 100.0).round() / 100.0;
        let polygon = contour.points.iter().map(|p| [p.x, p.y]).collect();
        match all.iter_mut().find(|(other, _)| (other - z).abs() < 1e-6) {
            Some((_, polygons)) => polygons.push(polygon),
            None => all.push((z, vec![polygon])),
        }
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all
}

impl ReferenceDvh {
    /// The predecessor's histogram of drawn contours. `scaling` is `DoseGridScaling`: with it stored whole numbers come back exactly.
    ///
    /// # Errors
    /// [`DvhError::ReferenceGeometry`] for a dose grid that is not upright, [`DvhError::ReferenceDropped`] where the predecessor has no
    /// row: a single contour plane, or no voxel centre with a dose inside.
    pub fn of_contours(dose: VolumeView<'_, f32>, set: &ContourSet, scaling: Option<f64>, snapping: Snapping) -> Result<Self, DvhError> {
        let lattice = Lattice::new(dose, scaling)?;
        let planes = planes(set, &lattice, snapping);
        let gap = planes.windows(2).map(|w| w[1].0 - w[0].0).fold(f64::INFINITY, f64::min);
        let [dx, dy] = [&lattice.xs, &lattice.ys].map(|p| p.get(1).map_or(0.0, |second| (second - p[0]).abs()));
        if !gap.is_finite() || dx * dy <= 0.0 {
            return Err(DvhError::ReferenceDropped);
        }
        let most = lattice_max(&lattice) * lattice.scaling * BINS_PER_GY;
        let mut bins = vec![0.0; whole(most) + 1];
        let mut volume = 0.0;
        for (z, polygons) in &planes {
            let inside = lattice.inside(polygons);
            volume += inside.len() as f64 * dx * dy * gap;
            let Some(parts) = lattice.plane(*z) else { continue };
            for [i, j] in inside {
                let stored: f64 = parts
                    .iter()
                    .filter(|(_, w)| *w > 0.0)
                    .map(|(k, w)| w * lattice.stored([i, j, *k]))
                    .sum();
                let bin = whole(stored * lattice.scaling * BINS_PER_GY).min(bins.len() - 1);
                bins[bin] += dx * dy * gap;
            }
        }
        Self::of_bins(bins, volume / 1000.0)
    }

    /// The predecessor's histogram of a mask: the dose at every voxel centre of the image, linear, 0 Gy outside its grid, rounded to one
    /// stored unit; mean and extremes of the values themselves.
    ///
    /// # Errors
    /// [`DvhError::ReferenceDropped`] for a mask below 0.001 cm3.
    pub fn of_mask(dose: VolumeView<'_, f32>, mask: &Mask, scaling: Option<f64>) -> Result<Self, DvhError> {
        let unit = scaling.filter(|s| s.is_finite() && *s > 0.0);
        let (lo, grid) = (mask.lo(), mask.grid());
        let mut values = Vec::new();
        for ((k, j, i), _) in mask.block().indexed_iter().filter(|(_, v)| **v != 0) {
            let gy = linear(&dose, grid.centre(lo[0] + i, lo[1] + j, lo[2] + k));
            values.push(unit.map_or(gy, |u| (gy / u).round() * u));
        }
        let voxel = grid.voxel_volume_mm3() / 1000.0;
        let volume = values.len() as f64 * voxel;
        if volume < SMALLEST_MASK_CC {
            return Err(DvhError::ReferenceDropped);
        }
        let max = values.iter().copied().fold(0.0, f64::max);
        // The predecessor's bins reach to the largest dose of the image: behind the structure's own there is an empty one.
        let mut bins = vec![0.0; whole(max * BINS_PER_GY) + 2];
        for value in &values {
            bins[whole(value * BINS_PER_GY)] += voxel;
        }
        for i in (1..bins.len()).rev() {
            bins[i - 1] += bins[i];
        }
        Ok(Self {
            cumulative_cc: bins,
            mean: rt_core::float::sum(values.iter().copied()) / values.len() as f64,
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max,
        })
    }

    /// From volumes by bin, scaled so that they add up to `volume` cm3.
    fn of_bins(mut bins: Vec<f64>, volume: f64) -> Result<Self, DvhError> {
        let sum: f64 = bins.iter().sum();
        if !(sum > 0.0 && volume > 0.0) {
            return Err(DvhError::ReferenceDropped);
        }
        for bin in &mut bins {
            *bin *= volume / sum;
        }
        while bins.last().is_some_and(|b| *b <= 0.0) {
            bins.pop();
        }
        let mut cumulative_cc = bins.clone();
        for i in (1..bins.len()).rev() {
            cumulative_cc[i - 1] += cumulative_cc[i];
        }
        let edge = |bin: usize| (bin + 1) as f64 / BINS_PER_GY;
        let first = bins.iter().position(|b| *b > 0.0).unwrap_or_default();
        let several = bins.len() > 1;
        let weighted: f64 = bins.iter().enumerate().map(|(k, b)| centre(k) * b).sum();
        Ok(Self {
            mean: if several { weighted / bins.iter().sum::<f64>() } else { 0.0 },
            min: if several { edge(first) } else { 0.0 },
            max: if several { edge(bins.len() - 1) } else { 0.0 },
            cumulative_cc,
        })
    }

    /// Volume, cm3.
    pub fn volume_cc(&self) -> f64 {
        self.cumulative_cc.first().copied().unwrap_or_default()
    }

    /// Cumulative curve at the bin edges from 0 Gy, cm3; 0.01 Gy bins.
    pub fn cumulative_cc(&self) -> &[f64] {
        &self.cumulative_cc
    }

    /// Dose that a share of the volume receives at least.
    fn dose_at(&self, share: f64) -> f64 {
        let (c, target) = (&self.cumulative_cc, share * self.volume_cc());
        let found = match c.iter().position(|v| *v <= target) {
            None => centre(c.len() - 1),
            Some(0) => centre(0),
            Some(i) if c[i].total_cmp(&c[i - 1]).is_eq() => centre(i - 1),
            Some(i) => centre(i - 1) + (target - c[i - 1]) * (centre(i) - centre(i - 1)) / (c[i] - c[i - 1]),
        };
        found.max(self.min).min(self.max)
    }

    /// Volume with a dose or more, cm3.
    fn volume_at(&self, gy: f64) -> f64 {
        let c = &self.cumulative_cc;
        if gy <= centre(0) {
            return self.volume_cc();
        }
        if gy >= centre(c.len() - 1) {
            return 0.0;
        }
        let i = (0..c.len()).position(|k| centre(k) >= gy).unwrap_or(c.len() - 1).max(1);
        c[i - 1] + (gy - centre(i - 1)) * (c[i] - c[i - 1]) / (centre(i) - centre(i - 1))
    }

    fn dose(&self, figure: DoseFigure) -> Option<f64> {
        match figure {
            DoseFigure::Mean => Some(self.mean),
            DoseFigure::Max => Some(self.max),
            DoseFigure::Min => Some(self.min),
            DoseFigure::ToPercent(percent) => Some(self.dose_at(percent / 100.0)),
            DoseFigure::ToCc(cc) => (self.volume_cc() >= cc).then(|| self.dose_at(cc / self.volume_cc())),
        }
    }

    /// A figure as the predecessor computes it; `None` where it has none, and for figures that it does not know.
    pub fn value(&self, metric: Metric, rx: Option<Gy>) -> Option<f64> {
        let rx = rx.map(Gy::value).filter(|r| *r > 0.0);
        let volume = |gy: f64, unit| match unit {
            VolumeUnit::Cc => self.volume_at(gy),
            VolumeUnit::Percent => 100.0 * self.volume_at(gy) / self.volume_cc(),
        };
        let homogeneity = || {
            let [d2, d98, d50] = [0.02, 0.98, 0.5].map(|s| self.dose_at(s));
            (d50 > 0.0).then(|| (d2 - d98) / d50)
        };
        match metric {
            Metric::Dose(figure) => self.dose(figure),
            Metric::RelativeDose(figure) => Some(100.0 * self.dose(figure)? / rx?),
            Metric::Volume(gy, unit) => Some(volume(gy, unit)),
            Metric::RelativeVolume(percent, unit) => Some(volume(percent / 100.0 * rx?, unit)),
            Metric::Homogeneity => homogeneity(),
            Metric::RelativeHomogeneity => rx.and_then(|_| homogeneity()),
            Metric::Spread => Some(self.max - self.min),
            Metric::RelativeSpread => Some(100.0 * (self.max - self.min) / rx?),
            Metric::WholeVolume => Some(self.volume_cc()),
            Metric::IntegralDose => Some(self.mean * self.volume_cc()),
            Metric::ColdVolume(..) | Metric::Geud(_) | Metric::HomogeneityRatio | Metric::HomogeneityOverRx => None,
        }
    }
}

fn lattice_max(lattice: &Lattice<'_>) -> f64 {
    let most = lattice.dose.data().iter().copied().fold(0.0_f32, f32::max);
    let value = f64::from(most);
    if lattice.scaling.total_cmp(&1.0).is_eq() {
        value
    } else {
        (value / lattice.scaling).round()
    }
}

/// Dose at a position, linear between the samples; 0 beyond the outermost ones.
fn linear(dose: &VolumeView<'_, f32>, at: rt_core::Vec3) -> f64 {
    let (index, size) = (dose.grid().world_to_index(at).to_array(), dose.grid().size());
    if (0..3).any(|a| !(index[a] >= -1e-9 && index[a] <= (size[a] - 1) as f64 + 1e-9)) {
        return 0.0;
    }
    let cell: [(usize, f64); 3] = std::array::from_fn(|a| {
        let low = whole(index[a]).min(size[a].saturating_sub(2));
        (low, (index[a] - low as f64).clamp(0.0, 1.0))
    });
    (0..8)
        .map(|corner| {
            let upper = |a: usize| (corner >> a) & 1;
            let weight: f64 = (0..3).map(|a| if upper(a) == 1 { cell[a].1 } else { 1.0 - cell[a].1 }).product();
            let at: [usize; 3] = std::array::from_fn(|a| (cell[a].0 + upper(a)).min(size[a] - 1));
            weight * f64::from(dose.data()[[at[2], at[1], at[0]]])
        })
        .sum()
}

/// Middle of a bin, Gy.
fn centre(bin: usize) -> f64 {
    0.5 * (bin as f64 / BINS_PER_GY + (bin + 1) as f64 / BINS_PER_GY)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "negative numbers become 0, large ones saturate"
)]
fn whole(x: f64) -> usize {
    x.max(0.0) as usize
}
