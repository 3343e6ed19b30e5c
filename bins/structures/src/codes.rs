//! Coded names of structures for DICOM segmentations: SNOMED CT concepts as DICOM context groups list them (PS3.16, CID 7151 to 7165).

use rt_dicom::Code;

/// Structure without its side, concept, meaning.
const CONCEPTS: [(&str, &str, &str); 46] = [
    ("aorta", "15825003", "Aorta"),
    ("bladder", "89837001", "Bladder"),
    ("bone", "272673000", "Bone"),
    ("bowel", "113276009", "Intestine"),
    ("brain", "12738006", "Brain"),
    ("brainstem", "15926001", "Brainstem"),
    ("clavicula", "51299004", "Clavicle"),
    ("cochlea", "80169004", "Cochlea"),
    ("colon", "71854001", "Colon"),
    ("duodenum", "38848004", "Duodenum"),
    ("esophagus", "32849002", "Esophagus"),
    ("eye", "81745001", "Eye"),
    ("fat", "55603005", "Adipose tissue"),
    ("femur", "71341001", "Femur"),
    ("gallbladder", "28231008", "Gallbladder"),
    ("heart", "80891009", "Heart"),
    ("hip", "29836001", "Hip"),
    ("humerus", "85050009", "Humerus"),
    ("kidney", "64033007", "Kidney"),
    ("larynx", "4596009", "Larynx"),
    ("lens", "78076003", "Lens of eye"),
    ("liver", "10200004", "Liver"),
    ("lung", "39607008", "Lung"),
    ("mandible", "91609006", "Mandible"),
    ("muscle", "71616004", "Muscle"),
    ("optic_chiasm", "244453006", "Optic chiasm"),
    ("optic_nerve", "18234004", "Optic nerve"),
    ("pancreas", "15776009", "Pancreas"),
    ("parotid", "45289007", "Parotid gland"),
    ("pituitary", "56329008", "Pituitary gland"),
    ("prostate", "41216001", "Prostate"),
    ("rectum", "34402009", "Rectum"),
    ("sacrum", "54735007", "Sacrum"),
    ("scapula", "79601000", "Scapula"),
    ("seminal_vesicle", "64739004", "Seminal vesicle"),
    ("skin", "39937001", "Skin"),
    ("small_bowel", "30315005", "Small intestine"),
    ("spinal_cord", "2748008", "Spinal cord"),
    ("spleen", "78961009", "Spleen"),
    ("sternum", "56873002", "Sternum"),
    ("stomach", "69695003", "Stomach"),
    ("submandibular", "54019009", "Submandibular gland"),
    ("thyroid", "69748006", "Thyroid gland"),
    ("trachea", "44567001", "Trachea"),
    ("urinary_bladder", "89837001", "Bladder"),
    ("uterus", "35039007", "Uterus"),
];

/// The concept and the side of a structure by its name (`kidney_left`, `lungs`, `Lung_R`); `None` for what the table does not hold.
pub fn of(name: &str) -> (Option<Code>, Option<Code>) {
    let lower = name.to_lowercase().replace([' ', '-'], "_");
    let side = |suffixes: [&str; 2]| suffixes.into_iter().find_map(|s| lower.strip_suffix(s));
    let (stem, laterality) = if let Some(stem) = side(["_left", "_l"]) {
        (stem, Some(Code::sct("7771000", "Left")))
    } else if let Some(stem) = side(["_right", "_r"]) {
        (stem, Some(Code::sct("24028007", "Right")))
    } else {
        (lower.as_str(), None)
    };
    let stem = stem.strip_suffix("_gland").unwrap_or(stem);
    let known = |stem: &str| CONCEPTS.iter().find(|(name, ..)| *name == stem);
    match known(stem).or_else(|| known(stem.strip_suffix('s')?)) {
        Some((_, value, meaning)) => (Some(Code::sct(value, meaning)), laterality),
        // A side without a concept would qualify nothing.
        None => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_engines_are_found() {
        let value = |name: &str| of(name).0.map(|c| c.value);
        assert_eq!(value("kidney_left").as_deref(), Some("64033007"));
        assert_eq!(of("kidney_left").1.unwrap().meaning, "Left");
        assert_eq!(value("Lungs").as_deref(), Some("39607008"));
        assert_eq!(value("SpinalCord"), None);
        assert_eq!(of("unheard_left"), (None, None));
        assert!(CONCEPTS.windows(2).all(|w| w[0].0 < w[1].0), "sorted, each once");
    }
}
