//! `rtpipeline doctor`.

use std::process::Command;

/// `rt-dvh` beside `rtpipeline`, where a build has put it.
fn has_dvh() -> bool {
    let own = std::path::Path::new(env!("CARGO_BIN_EXE_rtpipeline"));
    own.with_file_name(format!("rt-dvh{}", std::env::consts::EXE_SUFFIX)).is_file()
}

#[test]
fn verify_compares_phantoms_with_their_closed_forms_and_writes_a_page() {
    if !has_dvh() {
        println!("skipped: rt-dvh is not built beside rtpipeline");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("commissioning.html");
    let output = Command::new(env!("CARGO_BIN_EXE_rtpipeline"))
        .args(["doctor", "--verify", "--json", "--output"])
        .arg(&page)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = json["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 63);
    for check in checks {
        let (expected, computed) = (check["expected"].as_f64().unwrap(), check["computed"].as_f64().unwrap());
        assert!((expected - computed).abs() <= check["tolerance"].as_f64().unwrap(), "{check}");
    }
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("63 of 63 figures") && page.contains("Signature") && !page.contains("FAIL"));
}
