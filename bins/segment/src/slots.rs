//! Devices of the machine, and the right to use one: a lock per slot that dies with its holder.

use std::fs;
use std::path::Path;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use rt_cli::Failure;
use rt_core::Progress;
use rt_course::{Lease, LeaseError};
use rt_seg::{Device, DeviceChoice, Devices, SegConfig};

/// The GPUs that a choice names; those of the machine for `auto`.
pub(crate) fn devices(choice: &DeviceChoice) -> Devices {
    let gpus = match choice {
        DeviceChoice::Cpu => Vec::new(),
        DeviceChoice::Gpus(list) => list.clone(),
        DeviceChoice::Auto => visible(Path::new("/dev"), std::env::var("CUDA_VISIBLE_DEVICES").ok().as_deref()),
    };
    Devices { gpus }
}

/// Numbers of the NVIDIA devices in a folder, as far as `CUDA_VISIBLE_DEVICES` allows them.
fn visible(folder: &Path, allowed: Option<&str>) -> Vec<u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_prefix("nvidia")?.parse::<u32>().ok();
    let mut found: Vec<u32> = entries.filter_map(number).collect();
    found.sort_unstable();
    if let Some(list) = allowed {
        let allowed: Vec<u32> = list.split(',').filter_map(|n| n.trim().parse().ok()).collect();
        found.retain(|n| allowed.contains(n));
    }
    found
}

/// A device that nobody else uses while this lives.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) device: Device,
    _lease: Lease,
}

/// Waits for a free slot of one of the devices.
///
/// # Errors
/// When the folder of the locks cannot be used, or the user stops the waiting.
pub(crate) fn acquire(config: &SegConfig, devices: &Devices, who: &str, progress: &dyn Progress) -> Result<Slot, anyhow::Error> {
    let folder = lease_folder(config)?;
    let wanted: Vec<(Device, Utf8PathBuf)> = slots(config, devices)
        .into_iter()
        .map(|(device, name)| (device, folder.join(name)))
        .collect();
    let holder = format!("process {} for {who}", std::process::id());
    // Neighbours begin at different slots, so they do not all try the same one first.
    let first = usize::try_from(std::process::id()).unwrap_or(0) % wanted.len().max(1);
    let mut told = false;
    loop {
        for (device, path) in wanted[first..].iter().chain(&wanted[..first]) {
            if let Some(lease) = Lease::try_acquire(path, &holder)? {
                // Another user of the machine must be able to lock it too; only its owner can say so.
                let _ = for_all(path.as_std_path(), 0o666);
                return Ok(Slot {
                    device: *device,
                    _lease: lease,
                });
            }
        }
        if progress.cancelled() {
            return Err(LeaseError::Interrupted { path: folder }.into());
        }
        if !told {
            tracing::info!(event = "wait", "{who} waits for one of {} device slots in {folder}", wanted.len());
            told = true;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Every slot: `gpu<N>.slot<S>`, or `cpu.slot<S>` for as many jobs as `segmentation.workers` allows.
fn slots(config: &SegConfig, devices: &Devices) -> Vec<(Device, String)> {
    if devices.gpus.is_empty() {
        let jobs = config.workers.given().unwrap_or(1);
        return (0..jobs).map(|s| (Device::Cpu, format!("cpu.slot{s}"))).collect();
    }
    // Slot by slot, so that every device is in use before one is used twice.
    (0..config.slots_per_device)
        .flat_map(|s| devices.gpus.iter().map(move |n| (Device::Gpu(*n), format!("gpu{n}.slot{s}"))))
        .collect()
}

/// The folder of the locks: of the whole machine unless the configuration names another, so that two users do not share a device unknowingly.
fn lease_folder(config: &SegConfig) -> Result<Utf8PathBuf, anyhow::Error> {
    let (path, shared) = match &config.lease_dir {
        Some(path) => (path.clone(), false),
        None => (std::env::temp_dir().join("rtpipeline-devices"), true),
    };
    let denied = |source: std::io::Error| {
        Failure::new("lease.io", format!("cannot use the folder of device locks {}", path.display()))
            .because(source)
            .hint("name another with segmentation.lease_dir; it must be on a local disk")
    };
    if !path.is_dir() {
        fs::create_dir_all(&path).map_err(denied)?;
        if shared {
            for_all(&path, 0o1777).map_err(denied)?;
        }
    }
    Utf8Path::from_path(&path)
        .map(Utf8Path::to_owned)
        .ok_or_else(|| Failure::usage("lease.io", format!("{} is no UTF-8 path", path.display())).into())
}

fn for_all(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use rt_config::AutoOr;
    use rt_core::Silent;

    use super::*;

    fn config(folder: &Path) -> SegConfig {
        SegConfig {
            lease_dir: Some(folder.to_owned()),
            ..SegConfig::default()
        }
    }

    #[test]
    fn devices_of_the_machine_are_those_that_may_be_used() {
        let dev = tempfile::tempdir().unwrap();
        for name in ["nvidia0", "nvidia1", "nvidia2", "nvidiactl", "nvidia-uvm", "null"] {
            fs::write(dev.path().join(name), "").unwrap();
        }
        assert_eq!(visible(dev.path(), None), [0, 1, 2]);
        assert_eq!(visible(dev.path(), Some("2,0")), [0, 2]);
        assert!(visible(dev.path(), Some("")).is_empty());
        assert_eq!(devices(&DeviceChoice::Gpus(vec![3])).gpus, [3]);
        assert!(devices(&DeviceChoice::Cpu).gpus.is_empty());
    }

    #[test]
    fn every_device_is_used_before_one_is_used_twice() {
        let two = SegConfig {
            slots_per_device: 2,
            ..SegConfig::default()
        };
        let names: Vec<String> = slots(&two, &Devices { gpus: vec![0, 1] }).into_iter().map(|(_, n)| n).collect();
        assert_eq!(names, ["gpu0.slot0", "gpu1.slot0", "gpu0.slot1", "gpu1.slot1"]);
        let cpu = SegConfig {
            workers: AutoOr::Given(3),
            ..SegConfig::default()
        };
        assert_eq!(slots(&cpu, &Devices::default()).len(), 3);
    }

    #[test]
    fn eight_at_once_never_hold_more_than_two_devices_and_a_dropped_one_is_free_at_once() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let devices = Devices { gpus: vec![0, 1] };
        let (held, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for n in 0..8 {
                let (config, devices, held, most) = (&config, &devices, &held, &most);
                scope.spawn(move || {
                    let slot = acquire(config, devices, &format!("job {n}"), &Silent).unwrap();
                    most.fetch_max(held.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(30));
                    held.fetch_sub(1, Ordering::SeqCst);
                    drop(slot);
                });
            }
        });
        assert_eq!(most.into_inner(), 2);
    }
}
