//! Sample types, byte orders, versions, layers, mapping.

use std::io::BufWriter;

use ndarray::Array3;
use rt_core::{Grid, Vec3};
use rt_image::Volume;
use rt_nifti::{
    DataType, Encoding, Extension, Fault, MapError, WriteError, WriteOptions, header, map, read, read_from, read_layers, write,
    write_layers, write_to,
};

use crate::support::{Raw1, bytes_of, ramp, small_grid};

const DIM: [i16; 8] = [3, 2, 1, 1, 1, 1, 1, 1];

#[test]
fn every_stored_type_is_read() {
    let cases: [(i16, i16, Vec<u8>); 10] = [
        (2, 8, vec![1, 200]),
        (256, 8, vec![1, 200]),
        (4, 16, [1i16, -300].iter().flat_map(|v| v.to_le_bytes()).collect()),
        (512, 16, [1u16, 65_000].iter().flat_map(|v| v.to_le_bytes()).collect()),
        (8, 32, [1i32, -70_000].iter().flat_map(|v| v.to_le_bytes()).collect()),
        (768, 32, [1u32, 4_000_000_000].iter().flat_map(|v| v.to_le_bytes()).collect()),
        (1024, 64, [1i64, -5_000_000_000].iter().flat_map(|v| v.to_le_bytes()).collect()),
        (1280, 64, [1u64, 5_000_000_000].iter().flat_map(|v| v.to_le_bytes()).collect()),
        (16, 32, [1f32, -0.25].iter().flat_map(|v| v.to_le_bytes()).collect()),
        (64, 64, [1f64, 1e100].iter().flat_map(|v| v.to_le_bytes()).collect()),
    ];
    let expected = [200.0, -56.0, -300.0, 65_000.0, -70_000.0, 4e9, -5e9, 5e9, -0.25, 1e100];
    for ((code, bits, samples), second) in cases.into_iter().zip(expected) {
        let v = read_from::<f64>(&Raw1::new(DIM, code, bits).with(&samples)[..], None).unwrap();
        assert_eq!(v.data().as_slice().unwrap(), [1.0, second], "code {code}");
    }
    for code in [0, 1, 32, 128, 1536, 1792, 2048, 2304, 77] {
        let bytes = Raw1::new(DIM, code, 32).with(&[0; 64]);
        assert!(matches!(read_from::<f64>(&bytes[..], None), Err(Fault::UnsupportedType(c)) if c == i32::from(code)));
    }
}

#[test]
fn slope_and_intercept_are_applied() {
    let mut raw = Raw1::new(DIM, 4, 16);
    raw.put(112, &0.5f32.to_le_bytes());
    raw.put(116, &(-1024f32).to_le_bytes());
    let samples: Vec<u8> = [2048i16, 10].iter().flat_map(|v| v.to_le_bytes()).collect();
    let v = read_from::<f32>(&raw.with(&samples)[..], None).unwrap();
    assert_eq!(v.data().as_slice().unwrap(), [0.0, -1019.0]);
}

#[test]
fn a_big_endian_file_is_read() {
    // The same header with every field swapped by its width.
    let mut raw = vec![0u8; 352];
    let mut put = |at: usize, b: &[u8]| raw[at..at + b.len()].copy_from_slice(b);
    put(0, &348i32.to_be_bytes());
    for (n, d) in DIM.iter().enumerate() {
        put(40 + 2 * n, &d.to_be_bytes());
    }
    put(70, &4i16.to_be_bytes());
    (0..8).for_each(|n| put(76 + 4 * n, &1f32.to_be_bytes()));
    put(108, &352f32.to_be_bytes());
    put(344, b"n+1\0");
    raw.extend([1, 2, 0xFF, 0xFF]);
    let v = read_from::<i16>(&raw[..], None).unwrap();
    assert_eq!(v.data().as_slice().unwrap(), [258, -1]);
}

#[test]
fn nifti_2_is_read_in_double_precision() {
    let mut raw = vec![0u8; 544];
    let mut put = |at: usize, b: &[u8]| raw[at..at + b.len()].copy_from_slice(b);
    put(0, &540i32.to_le_bytes());
    put(4, b"n+2\0\r\n\x1a\n");
    put(12, &2i16.to_le_bytes());
    put(14, &8i16.to_le_bytes());
    for (n, d) in [3i64, 2, 1, 1, 1, 1, 1, 1].iter().enumerate() {
        put(16 + 8 * n, &d.to_le_bytes());
        put(104 + 8 * n, &1f64.to_le_bytes());
    }
    put(168, &544i64.to_le_bytes());
    put(348, &1i32.to_le_bytes());
    for (n, v) in [0.1f64, 0.0, 0.0, -7.3, 0.0, 0.2, 0.0, 8.9, 0.0, 0.0, 0.3, 11.7].iter().enumerate() {
        put(400 + 8 * n, &v.to_le_bytes());
    }
    raw.extend([5, 6]);
    let v = read_from::<u8>(&raw[..], None).unwrap();
    assert_eq!(v.grid().spacing(), [0.1, 0.2, 0.3]);
    assert_eq!(v.grid().origin(), Vec3::new(7.3, -8.9, 11.7));
    assert_eq!(v.data().as_slice().unwrap(), [5, 6]);
}

#[test]
fn raw_and_compressed_files_hold_the_same_and_say_who_wrote_them() {
    let dir = tempfile::tempdir().unwrap();
    let volume = ramp(small_grid());
    for name in ["a.nii", "a.nii.gz"] {
        let path = dir.path().join(name);
        write(&path, &volume, &WriteOptions::default()).unwrap();
        assert_eq!(read::<i16>(&path).unwrap(), volume);
        let h = header(&path).unwrap();
        assert_eq!((h.data_type, h.layers), (DataType::I16, 1));
        assert!(h.description.starts_with("rtpipeline "), "{}", h.description);
    }
    let first = std::fs::read(dir.path().join("a.nii")).unwrap();
    // sform_code and qform_code 1, units mm, sizes of voxels in pixdim, extension flag.
    assert_eq!((&first[252..256], first[123]), (&[1u8, 0, 1, 0][..], 2));
    assert_eq!(f32::from_le_bytes(first[88..92].try_into().unwrap()), 3.0);
}

#[test]
fn layers_are_written_and_read_one_after_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("masks.nii.gz");
    let grid = small_grid();
    let layer = |n: u8| Array3::from_elem(grid.shape(), n);
    let options = WriteOptions {
        encoding: Encoding::GZIP,
        ..WriteOptions::default()
    };
    let mut file = BufWriter::new(std::fs::File::create(&path).unwrap());
    write_layers(&mut file, &grid, 3, (1..=3).map(layer), &options).unwrap();
    let layers = read_layers::<u8>(&path).unwrap();
    assert_eq!(layers.header().layers, 3);
    for (n, layer) in (1u8..).zip(layers) {
        let layer = layer.unwrap();
        assert_eq!(**layer.grid(), grid);
        assert!(layer.data().iter().all(|v| *v == n));
    }
    assert!(matches!(read::<u8>(&path).unwrap_err().fault, Fault::ManyVolumes(3)));
    let too_few = write_layers(&mut Vec::new(), &grid, 3, (1..=2).map(layer), &options);
    assert!(matches!(too_few, Err(WriteError::Layer { layer: 2, .. })));
    let too_many = write_layers(&mut Vec::new(), &grid, 1, (1..=2).map(layer), &options);
    assert!(matches!(too_many, Err(WriteError::Layer { layer: 1, .. })));
}

#[test]
fn extensions_are_kept_in_order() {
    let table = Extension {
        code: 0,
        data: b"<CaretExtension></CaretExtension>".to_vec(),
    };
    let options = WriteOptions {
        extensions: vec![table.clone()],
        ..WriteOptions::default()
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("l.nii");
    write(&path, &ramp(small_grid()), &options).unwrap();
    let h = header(&path).unwrap();
    assert_eq!(h.extensions.len(), 1);
    assert!(h.extensions[0].data.starts_with(&table.data) && h.extensions[0].code == 0);
    assert_eq!(*h.grid, small_grid());
}

#[test]
fn a_mapped_file_shows_the_same_samples() {
    let dir = tempfile::tempdir().unwrap();
    let volume = ramp(small_grid());
    let path = dir.path().join("ct.nii");
    write(&path, &volume, &WriteOptions::default()).unwrap();
    let mapped = map::<i16>(&path).unwrap();
    assert_eq!(mapped.view().data(), volume.data().view());
    assert_eq!(mapped.view().grid(), volume.grid());
    for (wrong, why) in [(map::<f32>(&path).map(|_| ()), "stores i16"), {
        let gz = dir.path().join("ct.nii.gz");
        write(&gz, &volume, &WriteOptions::default()).unwrap();
        (map::<i16>(&gz).map(|_| ()), "compressed")
    }] {
        let error = wrong.unwrap_err();
        assert!(matches!(error, MapError::NotMappable { .. }));
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[test]
fn bytes_do_not_depend_on_threads_time_or_path() {
    let grid = Grid::axis_aligned([256, 256, 40], Vec3::ZERO, [1.0; 3]).unwrap();
    let data = Array3::from_shape_fn(grid.shape(), |(k, j, i)| u8::try_from((i * j + k) % 7).unwrap());
    let volume = Volume::new(grid, data).unwrap();
    let options = WriteOptions {
        encoding: Encoding::GZIP,
        ..WriteOptions::default()
    };
    let pack = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut out = Vec::new();
            write_to(&mut out, volume.view(), &options).unwrap();
            out
        })
    };
    assert_eq!(pack(1), pack(4));
}

#[test]
fn a_view_that_is_not_contiguous_is_written_in_its_own_order() {
    let volume = ramp(small_grid());
    let part = volume.data().slice(ndarray::s![.., 1.., ..3]);
    let grid = std::sync::Arc::new(volume.grid().crop([0, 1, 0], [3, 2, 2]).unwrap());
    let mut out = Vec::new();
    let view = rt_image::VolumeView::new(&grid, part).unwrap();
    write_to(&mut out, view, &WriteOptions::default()).unwrap();
    assert_eq!(read_from::<i16>(&out[..], None).unwrap().data(), part);
}

#[test]
fn an_axis_too_long_for_the_header_is_refused() {
    let grid = Grid::axis_aligned([40_000, 1, 1], Vec3::ZERO, [1.0; 3]).unwrap();
    let error = write_to(&mut Vec::new(), Volume::filled(grid, 0u8).view(), &WriteOptions::default()).unwrap_err();
    assert!(matches!(error, WriteError::TooManyVoxels(40_000)));
    assert_eq!(error.code(), "nifti.too_many_voxels");
    assert!(bytes_of(&ramp(small_grid()), Encoding::Raw).len() > 352);
}

#[test]
fn the_names_in_a_genuine_totalsegmentator_file_are_read() {
    let Some(path) = rt_testdata::shared("data/totalseg/example/example_seg.nii.gz") else {
        return;
    };
    let names = rt_nifti::label_names(&header(&path).unwrap());
    // 117 classes of task `total` (data/totalseg/total.csv).
    assert_eq!((names.len(), names[0].1.as_str(), names[4].1.as_str()), (117, "spleen", "liver"));
}
