//! Names of labels inside the file: an XML text in a header extension of code 0, the form of the Connectome Workbench (Caret) that
//! TotalSegmentator writes and reads.

use std::fmt::Write;

use crate::header::{Extension, Header};

/// The extension that names `labels` (voxel value and name). Colours follow from the value.
///
/// ```
/// let table = rt_nifti::label_table(&[(1, "classical_body"), (2, "a < b")]);
/// assert_eq!(table.code, 0);
/// assert!(String::from_utf8_lossy(&table.data).contains("<![CDATA[classical_body]]>"));
/// ```
pub fn label_table(labels: &[(u16, &str)]) -> Extension {
    let mut xml =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CaretExtension>\n<VolumeInformation Index=\"0\">\n<LabelTable>\n");
    for (value, name) in labels {
        let [r, g, b] = colour(*value);
        // A name cannot end the section that holds it.
        let name = name.replace("]]>", "]]]]><![CDATA[>");
        let _ = writeln!(
            xml,
            "<Label Key=\"{value}\" Red=\"{r}\" Green=\"{g}\" Blue=\"{b}\" Alpha=\"1\"><![CDATA[{name}]]></Label>"
        );
    }
    xml.push_str("</LabelTable>\n<VolumeType><![CDATA[Label]]></VolumeType>\n</VolumeInformation>\n</CaretExtension>\n");
    Extension {
        code: 0,
        data: xml.into_bytes(),
    }
}

/// The names that a file carries, in file order; empty without a label table. Labels whose number or name cannot be read are left out.
pub fn label_names(header: &Header) -> Vec<(u32, String)> {
    header.extensions.iter().find_map(names_in).unwrap_or_default()
}

fn names_in(extension: &Extension) -> Option<Vec<(u32, String)>> {
    let text = std::str::from_utf8(&extension.data).ok()?;
    let table = text.split_once("<LabelTable>")?.1.split_once("</LabelTable>")?.0;
    let labels = table.split("<Label ").skip(1).filter_map(|label| {
        let (attributes, rest) = label.split_once('>')?;
        let key = attributes.split_once("Key=\"")?.1.split_once('"')?.0.parse().ok()?;
        let content = rest.split_once("</Label>")?.0.trim();
        Some((key, plain(content)))
    });
    Some(labels.collect())
}

/// Character data without its markup.
fn plain(content: &str) -> String {
    if content.contains("<![CDATA[") {
        return content
            .split("<![CDATA[")
            .skip(1)
            .filter_map(|part| part.split_once("]]>"))
            .map(|(text, _)| text)
            .collect();
    }
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
        .iter()
        .fold(content.to_owned(), |text, (entity, sign)| text.replace(entity, sign))
}

/// Red, green and blue of a label: hues a golden angle apart, so that neighbours differ.
fn colour(value: u16) -> [f64; 3] {
    let hue = (f64::from(value) * 0.618_033_988_75).fract() * 6.0;
    [5.0, 3.0, 1.0].map(|n| {
        let k = (n + hue) % 6.0;
        let level = 1.0 - 0.8 * k.min(4.0 - k).clamp(0.0, 1.0);
        (level * 1000.0).round() / 1000.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        let labels = [(1, "classical_body"), (7, "a < b & c"), (300, "odd ]]> name")];
        let back = names_in(&label_table(&labels)).unwrap();
        let expected: Vec<(u32, String)> = labels.iter().map(|(v, n)| (u32::from(*v), (*n).to_owned())).collect();
        assert_eq!(back, expected);
    }

    #[test]
    fn entities_are_read_and_damage_is_left_out() {
        let xml =
            "<LabelTable><Label Key=\"2\"> a &amp; b </Label><Label Key=\"x\">c</Label><Label Key=\"3\"><![CDATA[d</Label></LabelTable>";
        let extension = Extension {
            code: 0,
            data: xml.as_bytes().to_vec(),
        };
        assert_eq!(names_in(&extension).unwrap(), vec![(2, "a & b".to_owned()), (3, String::new())]);
        let other = Extension {
            code: 6,
            data: vec![0xff, 0xfe],
        };
        assert!(names_in(&other).is_none());
    }
}
