//! The few DICOM objects that a phantom needs, encoded as Explicit VR Little Endian (PS3.5): a structure set with one region of stacked
//! contours, and a dose on an upright grid.

/// SOP class of structure sets.
const RTSTRUCT: &str = "1.2.840.10008.5.1.4.1.1.481.3";
/// SOP class of doses.
const RTDOSE: &str = "1.2.840.10008.5.1.4.1.1.481.2";
/// Explicit VR Little Endian.
const SYNTAX: &str = "1.2.840.10008.1.2.1";
/// Instance of the phantom's objects: a root for UUIDs (PS3.5 B.2) and small numbers, as nothing leaves this machine.
const ROOT: &str = "2.25.1007";
/// Step of a stored dose, Gy.
const STEP_GY: f64 = 1e-7;

/// Elements in ascending order.
#[derive(Debug, Clone, Default)]
struct Elements(Vec<u8>);

impl Elements {
    /// An element with its value; texts are padded to even length.
    fn put(mut self, tag: (u16, u16), vr: [u8; 2], value: &[u8]) -> Self {
        let long = matches!(&vr, b"OW" | b"SQ" | b"OB" | b"UN" | b"UT");
        let pad = value.len() % 2;
        let length = u32::try_from(value.len() + pad).unwrap_or(u32::MAX);
        self.0.extend(tag.0.to_le_bytes());
        self.0.extend(tag.1.to_le_bytes());
        self.0.extend(vr);
        if long {
            self.0.extend([0, 0]);
            self.0.extend(length.to_le_bytes());
        } else {
            self.0.extend(u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
        }
        self.0.extend(value);
        if pad == 1 {
            self.0.push(if &vr == b"UI" { 0 } else { b' ' });
        }
        self
    }

    fn text(self, tag: (u16, u16), vr: [u8; 2], value: &str) -> Self {
        self.put(tag, vr, value.as_bytes())
    }

    fn word(self, tag: (u16, u16), value: u16) -> Self {
        self.put(tag, *b"US", &value.to_le_bytes())
    }

    fn decimals(self, tag: (u16, u16), values: &[f64]) -> Self {
        let texts: Vec<String> = values.iter().map(|v| format!("{}", (v * 1e6).round() / 1e6)).collect();
        self.text(tag, *b"DS", &texts.join("\\"))
    }

    fn items(self, tag: (u16, u16), items: &[Self]) -> Self {
        let mut value = Vec::new();
        for item in items {
            value.extend(0xFFFE_u16.to_le_bytes());
            value.extend(0xE000_u16.to_le_bytes());
            value.extend(u32::try_from(item.0.len()).unwrap_or(u32::MAX).to_le_bytes());
            value.extend(&item.0);
        }
        self.put(tag, *b"SQ", &value)
    }
}

/// A file: preamble, meta header, elements.
fn file(class: &str, instance: &str, elements: &Elements) -> Vec<u8> {
    let meta = Elements::default()
        .put((2, 1), *b"OB", &[0, 1])
        .text((2, 2), *b"UI", class)
        .text((2, 3), *b"UI", instance)
        .text((2, 0x10), *b"UI", SYNTAX)
        .text((2, 0x12), *b"UI", ROOT);
    let length = u32::try_from(meta.0.len()).unwrap_or(u32::MAX);
    let mut out = vec![0; 128];
    out.extend(b"DICM");
    out.extend(Elements::default().put((2, 0), *b"UL", &length.to_le_bytes()).0);
    out.extend(&meta.0);
    out.extend(&elements.0);
    out
}

/// A structure set with one region of the given contours, points in patient coordinates, mm.
pub(super) fn structures(contours: &[Vec<[f64; 3]>]) -> Vec<u8> {
    let frame = format!("{ROOT}.9");
    let instance = format!("{ROOT}.1");
    let contour = |points: &Vec<[f64; 3]>| {
        Elements::default()
            .text((0x3006, 0x42), *b"CS", "CLOSED_PLANAR")
            .text((0x3006, 0x46), *b"IS", &points.len().to_string())
            .decimals((0x3006, 0x50), &points.concat())
    };
    let roi = Elements::default()
        .text((0x3006, 0x22), *b"IS", "1")
        .text((0x3006, 0x24), *b"UI", &frame)
        .text((0x3006, 0x26), *b"LO", "phantom")
        .text((0x3006, 0x36), *b"CS", "");
    let drawn = Elements::default()
        .items((0x3006, 0x40), &contours.iter().map(contour).collect::<Vec<_>>())
        .text((0x3006, 0x84), *b"IS", "1");
    let observation = Elements::default()
        .text((0x3006, 0x82), *b"IS", "1")
        .text((0x3006, 0x84), *b"IS", "1")
        .text((0x3006, 0xA4), *b"CS", "ORGAN");
    let all = head(RTSTRUCT, &instance, "RTSTRUCT")
        .text((0x3006, 2), *b"SH", "phantom")
        .items((0x3006, 0x20), &[roi])
        .items((0x3006, 0x39), &[drawn])
        .items((0x3006, 0x80), &[observation]);
    file(RTSTRUCT, &instance, &all)
}

fn head(class: &str, instance: &str, modality: &str) -> Elements {
    Elements::default()
        .text((8, 0x16), *b"UI", class)
        .text((8, 0x18), *b"UI", instance)
        .text((8, 0x60), *b"CS", modality)
        .text((0x10, 0x10), *b"PN", "phantom")
        .text((0x10, 0x20), *b"LO", "phantom")
        .text((0x20, 0xD), *b"UI", &format!("{ROOT}.7"))
        .text((0x20, 0xE), *b"UI", &format!("{instance}.1"))
}

/// A dose on `size` samples `spacing` mm apart from `origin`, as a function of position, Gy.
pub(super) fn dose(size: [u16; 3], spacing: f64, origin: [f64; 3], gy: impl Fn([f64; 3]) -> f64) -> Vec<u8> {
    let instance = format!("{ROOT}.2");
    let mut samples = Vec::new();
    for k in 0..size[2] {
        for j in 0..size[1] {
            for i in 0..size[0] {
                let at = [i, j, k].map(f64::from);
                let p = std::array::from_fn(|a| origin[a] + spacing * at[a]);
                samples.extend(stored(gy(p) / STEP_GY).to_le_bytes());
            }
        }
    }
    let offsets: Vec<f64> = (0..size[2]).map(|k| spacing * f64::from(k)).collect();
    let all = head(RTDOSE, &instance, "RTDOSE")
        .decimals((0x20, 0x32), &origin)
        .decimals((0x20, 0x37), &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0])
        .text((0x20, 0x52), *b"UI", &format!("{ROOT}.9"))
        .word((0x28, 2), 1)
        .text((0x28, 4), *b"CS", "MONOCHROME2")
        .text((0x28, 8), *b"IS", &size[2].to_string())
        .word((0x28, 0x10), size[1])
        .word((0x28, 0x11), size[0])
        .decimals((0x28, 0x30), &[spacing, spacing])
        .word((0x28, 0x100), 32)
        .word((0x28, 0x101), 32)
        .word((0x28, 0x102), 31)
        .word((0x28, 0x103), 0)
        .text((0x3004, 2), *b"CS", "GY")
        .text((0x3004, 4), *b"CS", "PHYSICAL")
        .text((0x3004, 0xA), *b"CS", "PLAN")
        .decimals((0x3004, 0xC), &offsets)
        .text((0x3004, 0xE), *b"DS", "1e-7")
        .put((0x7FE0, 0x10), *b"OW", &samples);
    file(RTDOSE, &instance, &all)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "doses of the phantoms are below 400 Gy; the cast saturates"
)]
fn stored(steps: f64) -> u32 {
    steps.round() as u32
}
