//! The walk: every file once, in one class, whatever lies in the folders, for any number of threads.

use std::path::PathBuf;

use rt_core::Silent;
use rt_dicom::{FileClass, Index, MetaCache, ScanError, ScanOptions, Usage, scan};
use rt_testdata::{Scratch, cohort};

fn scanned(root: &Scratch, cache: &mut MetaCache) -> Index {
    scan(&[root.path().to_path_buf()], cache, &ScanOptions::default(), &Silent).unwrap()
}

fn filled() -> Scratch {
    let folder = Scratch::new("tree");
    let course = |c: rt_testdata::Course| c.ct([16, 16, 6]).sphere("PTV", 30.0).plan("Plan", 50.0, 25);
    cohort().seed(5).course(course).write(folder.path()).unwrap();
    folder.write("notes/readme.txt", "hello");
    folder.write("notes/.DS_Store", [0_u8; 10]);
    folder.write("empty", "");
    folder
}

#[test]
fn an_unchanged_tree_is_not_opened_again_and_a_change_only_itself() {
    let folder = filled();
    let mut cache = MetaCache::default();
    let first = scanned(&folder, &mut cache);
    assert_eq!(first.opened, first.files.len());
    let stored = cache.to_bytes().unwrap();
    let mut cache = MetaCache::from_bytes(&stored);
    let second = scanned(&folder, &mut cache);
    assert_eq!((second.opened, &second.files), (0, &first.files));
    assert_eq!(cache.to_bytes().unwrap(), stored, "the same tree gives the same cache");
    folder.write("notes/readme.txt", "hello again");
    folder.write("new", "new");
    assert_eq!(scanned(&folder, &mut cache).opened, 2);
    std::fs::remove_file(folder.join("new")).unwrap();
    let before = cache.len();
    assert_eq!(scanned(&folder, &mut cache).opened, 0);
    assert_eq!(cache.len(), before - 1, "what is gone is forgotten");
}

#[test]
fn threads_and_names_of_folders_decide_nothing() {
    let folder = filled();
    let in_pool = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut cache = MetaCache::default();
        let index = pool.install(|| scanned(&folder, &mut cache));
        (index.files, cache.to_bytes().unwrap())
    };
    let one = in_pool(1);
    for threads in [2, 7] {
        assert_eq!(in_pool(threads), one);
    }
}

#[test]
fn copies_count_once() {
    let folder = filled();
    let (path, bytes) = folder.tree().into_iter().find(|(p, b)| p.contains("CT") && b.len() > 200).unwrap();
    folder.write("0 copy", &bytes);
    // Another meta header does not make another object.
    let mut other_meta = bytes.clone();
    other_meta[3] = 7;
    folder.write("zz/copy", other_meta);
    let index = scanned(&folder, &mut MetaCache::default());
    let of = |p: &str| index.files.iter().find(|f| f.entry.path == p).unwrap().verdict.clone();
    assert_eq!(of("0 copy").class, FileClass::Image, "the first by path stays");
    for copy in [path.as_str(), "zz/copy"] {
        assert_eq!((of(copy).class, of(copy).usage), (FileClass::Duplicate, Usage::Ignored), "{copy}");
        assert!(of(copy).reason().contains("of=0_copy"), "{}", of(copy).reason());
    }
}

#[cfg(unix)]
#[test]
fn links_pipes_and_closed_folders_end_somewhere() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = filled();
    symlink(folder.path(), folder.join("notes/loop")).unwrap();
    symlink(folder.join("nowhere"), folder.join("dangling")).unwrap();
    let pipe = folder.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let shut = folder.write("shut/file", "x");
    std::fs::set_permissions(&shut, std::fs::Permissions::from_mode(0o000)).unwrap();
    let plain = scanned(&folder, &mut MetaCache::default());
    let codes = |index: &Index, path: &str| -> Vec<String> {
        let hits = index.files.iter().filter(|f| f.entry.path == path);
        hits.map(|f| format!("{} {}", f.verdict.code(), f.verdict.usage.name())).collect()
    };
    assert_eq!(codes(&plain, "dangling"), ["file.dangling_link ignored"]);
    assert_eq!(codes(&plain, "pipe"), ["file.special ignored"]);
    // Root may read everything; anybody else may not.
    let root_reads = std::fs::read(&shut).is_ok();
    assert_eq!(
        codes(&plain, "shut/file"),
        [if root_reads {
            "not_dicom ignored"
        } else {
            "file.unreadable failed"
        }]
    );
    let options = ScanOptions {
        follow_symlinks: true,
        ..ScanOptions::default()
    };
    let followed = scan(&[folder.path().to_path_buf()], &mut MetaCache::default(), &options, &Silent).unwrap();
    assert_eq!(followed.files.len(), plain.files.len(), "a loop adds nothing");
}

#[test]
fn inputs_that_cannot_be_read_are_named() {
    let folder = Scratch::new("roots");
    let file = folder.write("file", "x");
    let missing = folder.join("missing");
    let run = |root: PathBuf| scan(&[root], &mut MetaCache::default(), &ScanOptions::default(), &Silent);
    let error = run(missing).unwrap_err();
    assert!(error.to_string().contains("missing") && error.code() == "organize.input", "{error}");
    assert!(matches!(run(file), Err(ScanError::NotAFolder { .. })));
    assert!(run(folder.join(".")).is_ok());
}

#[test]
fn excluded_folders_are_not_entered() {
    let folder = filled();
    let options = ScanOptions {
        exclude: vec![folder.join("notes")],
        ..ScanOptions::default()
    };
    let index = scan(&[folder.path().to_path_buf()], &mut MetaCache::default(), &options, &Silent).unwrap();
    assert!(index.files.iter().all(|f| !f.entry.path.starts_with("notes")));
    // Named in another way it is the same folder.
    let options = ScanOptions {
        exclude: vec![folder.join("empty").parent().unwrap().join("./notes/../notes")],
        ..options
    };
    let again = scan(&[folder.path().to_path_buf()], &mut MetaCache::default(), &options, &Silent).unwrap();
    assert_eq!(again.files, index.files);
}
