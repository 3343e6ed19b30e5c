//! Real series of the corpus: compressed pixels, tilt, gaps, mixed orientations, multi-frame objects.

use std::path::Path;

use rt_core::Silent;
use rt_dicom::{ImageData, ImageSeries, MetaCache, ScanOptions, SeriesEntry, SeriesError, SeriesFile, SeriesOptions, read_series, scan};
use rt_testdata::{Scratch, unpacked};

fn read_folder(folder: &Path) -> Result<ImageSeries, SeriesError> {
    let index = scan(&[folder.to_path_buf()], &mut MetaCache::default(), &ScanOptions::default(), &Silent).unwrap();
    let file = |f: &rt_dicom::ScannedFile| SeriesFile {
        path: index.absolute(&f.entry),
        entry: std::sync::Arc::clone(&f.entry),
    };
    read_series(
        &SeriesEntry::new(index.files.iter().map(file).collect()).unwrap(),
        &SeriesOptions::default(),
    )
}

fn read_file(path: &Path) -> Result<ImageSeries, SeriesError> {
    let folder = Scratch::new("codec");
    std::fs::copy(path, folder.join("file")).unwrap();
    read_folder(folder.path())
}

fn samples(image: &ImageSeries) -> Vec<f64> {
    match &image.data {
        ImageData::I16(v) => v.data().iter().map(|x| f64::from(*x)).collect(),
        ImageData::F32(v) => v.data().iter().map(|x| f64::from(*x)).collect(),
    }
}

#[test]
fn lossless_syntaxes_agree() {
    let Some(folder) = unpacked("data/fixtures/fixtures.zip") else {
        return;
    };
    let root = folder.join("fixtures/nema-wg04");
    for image in ["CT1", "CT2", "MR1"] {
        let of = |syntax: &str| read_file(&root.join(format!("{syntax}/{image}_{syntax}.dcm")));
        // Three decoders that share no code: run length, JPEG lossless, JPEG 2000.
        let rle = of("RLE").unwrap();
        assert!(!rle.lossy);
        let reference = samples(&rle);
        let spread = reference.iter().copied().fold(f64::MIN, f64::max) - reference.iter().copied().fold(f64::MAX, f64::min);
        assert!(spread > 500.0, "{image} holds an image");
        for syntax in ["JPLL", "J2KR"] {
            assert!(samples(&of(syntax).unwrap()) == reference, "{image} {syntax}");
        }
        let lossy = of("J2KI").unwrap();
        assert!(lossy.lossy && lossy.notices.iter().any(|n| n.code == "image.lossy"));
        let off = samples(&lossy).iter().zip(&reference).map(|(a, b)| (a - b).abs()).sum::<f64>() / reference.len() as f64;
        assert!(off > 0.0 && off < 0.02 * spread, "{image}: {off}");
        if !cfg!(feature = "jpegls") {
            let error = of("JLSL").unwrap_err();
            assert_eq!(error.code(), "dicom.ts_unsupported");
            let text = error.to_string();
            assert!(text.contains("1.2.840.10008.1.2.4.80") && text.contains("jpegls"), "{text}");
        }
    }
}

#[test]
fn one_series_in_five_syntaxes() {
    let Some(folder) = unpacked("data/fixtures/fixtures.zip") else {
        return;
    };
    let root = folder.join("fixtures/dicom2nifti/generic");
    let of = |name: &str| read_folder(&root.join(name).join("001"));
    let rle = of("compressed_rle").unwrap();
    assert_eq!(rle.data.grid().size()[2], 4);
    for name in ["compressed", "compressed_j2k"] {
        let other = of(name).unwrap();
        assert_eq!(other.data.grid(), rle.data.grid(), "{name}");
        assert!(samples(&other) == samples(&rle), "{name}");
    }
}

/// The facts of `data/fixtures/README.md`, rule 6.
#[test]
fn geometry_of_the_failing_series() {
    let Some(folder) = unpacked("data/fixtures/fixtures.zip") else {
        return;
    };
    let root = folder.join("fixtures/dicom2nifti/failing");
    let of = |name: &str| read_folder(&root.join(name));
    let codes = |image: &ImageSeries| image.notices.iter().map(|n| n.code).collect::<Vec<_>>();
    let tilted = of("gantrytilting/001").unwrap();
    assert!((tilted.gantry_tilt_deg - 14.0).abs() < 0.05, "{}", tilted.gantry_tilt_deg);
    assert!((tilted.data.grid().spacing()[2] - 5.0).abs() < 1e-3);
    assert_eq!(codes(&tilted), ["image.gantry_tilt"]);
    assert_eq!(of("notavolume/001").unwrap_err().code(), "series.duplicate_position");
    let uneven = of("sliceincrement/001").unwrap();
    assert_eq!((uneven.data.grid().size()[2], codes(&uneven)), (5, vec!["series.uneven_spacing"]));
    let both = of("sliceincrement/002").unwrap();
    assert_eq!(codes(&both), ["image.gantry_tilt", "series.uneven_spacing"]);
    assert!((both.gantry_tilt_deg - 15.5).abs() < 0.1, "{}", both.gantry_tilt_deg);
    let mixed = of("sliceorientation/001").unwrap();
    assert!(codes(&mixed).contains(&"series.mixed_geometry"));
    let sound = read_folder(&folder.join("fixtures/dicom2nifti/hitachi/anatomical/001")).unwrap();
    assert!(codes(&sound).is_empty(), "{:?}", sound.notices);
    assert!((sound.data.grid().spacing()[2] - 4.0).abs() < 1e-3);
}

#[test]
fn frames_of_an_enhanced_object_are_slices() {
    let Some(folder) = unpacked("data/fixtures/fixtures.zip") else {
        return;
    };
    let root = folder.join("fixtures/dicom2nifti/philips_enhanced/anatomical");
    let explicit = read_folder(&root.join("001")).unwrap();
    assert!(explicit.data.grid().size()[2] > 1);
    assert!(explicit.notices.is_empty(), "{:?}", explicit.notices);
}
