//! `rtpipeline inspect`: what a folder of DICOM holds and what organize would make of it, before anything is written.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use rt_cli::command::{run_with, say};
use rt_cli::{CommonArgs, Exit, Settings, logging};
use rt_core::Silent;
use rt_organize_cli::config::OrganizeSections;
use rt_organize_cli::inspect::{InspectedCourse, InspectedFile, InspectedImage, Inspection, inspect};

use crate::text::{count, table};

/// Files that stand as examples of one reason.
const EXAMPLES: usize = 2;

/// Arguments of `rtpipeline inspect`.
#[derive(Debug, Clone, Args)]
pub struct InspectArgs {
    /// Folder of DICOM files; it is only read
    #[arg(value_name = "DIR")]
    pub input: PathBuf,
    /// One JSON document on standard output
    #[arg(long, conflicts_with = "files")]
    pub json: bool,
    /// One line for every file: class, reason, course, role, path
    #[arg(long)]
    pub files: bool,
}

/// Runs the command.
pub fn run(args: &InspectArgs, common: &CommonArgs) -> ExitCode {
    run_with(common, || {
        let settings = Settings::load(common, None, &[])?;
        logging::init(settings.logging);
        let config: OrganizeSections = settings.document.sections(&["organize", "limits", "privacy", "cohort"])?;
        let found = inspect(&args.input, &config, &Silent)?;
        if args.json {
            say(&serde_json::to_string_pretty(&found)?)?;
        } else if args.files {
            say(&files(&found))?;
        } else {
            say(&page(&found))?;
        }
        let lost = found.balance.failed.values().sum::<u64>() > 0;
        Ok(if lost { Exit::Partial } else { Exit::Done })
    })
}

fn files(found: &Inspection) -> String {
    let head = ["class", "use", "reason", "course", "role", "path"].map(str::to_owned).to_vec();
    let rows = found.files.iter().map(|f| {
        let course = if f.course_id.is_empty() {
            String::new()
        } else {
            format!("{}/{}", f.patient_id, f.course_id)
        };
        vec![
            f.class.to_owned(),
            f.usage.to_owned(),
            f.code.clone(),
            course,
            f.role.to_owned(),
            f.path.clone(),
        ]
    });
    table(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

/// The report for a terminal.
pub fn page(found: &Inspection) -> String {
    let b = &found.balance;
    let (ignored, failed): (u64, u64) = (b.ignored.values().sum(), b.failed.values().sum());
    let mut out = format!(
        "{}\n{} files found = {} usable + {ignored} left aside + {failed} unreadable; {} of {}\n",
        found.input,
        b.files_found,
        b.used,
        count(found.courses.len(), "course"),
        count(found.patients, "patient"),
    );
    for course in &found.courses {
        out.push('\n');
        out.push_str(&course_page(course));
    }
    if !found.notices.is_empty() {
        out.push_str("\nAcross patients\n");
        for notice in &found.notices {
            let _ = writeln!(out, "  {}: {}", notice.code, notice.detail);
        }
    }
    let sections = [
        ("Usable, but in no course", "used"),
        ("Left aside", "ignored"),
        ("Unreadable", "failed"),
    ];
    for (title, usage) in sections {
        let listed: Vec<&InspectedFile> = found.files.iter().filter(|f| f.usage == usage && f.course_id.is_empty()).collect();
        if !listed.is_empty() {
            let _ = write!(out, "\n{title}\n{}", by_reason(&listed));
        }
    }
    out.trim_end().to_owned()
}

fn by_reason(files: &[&InspectedFile]) -> String {
    let mut groups: BTreeMap<&str, Vec<&InspectedFile>> = BTreeMap::new();
    for file in files {
        groups.entry(&file.code).or_default().push(file);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(code, members)| (std::cmp::Reverse(members.len()), *code));
    let mut out = String::new();
    for (code, members) in groups {
        let names: Vec<&str> = members.iter().take(EXAMPLES).map(|f| f.path.as_str()).collect();
        let more = if members.len() > EXAMPLES { ", ..." } else { "" };
        let _ = writeln!(out, "  {:>6}  {code:<22}  {}{more}", members.len(), names.join(", "));
        if let Some(words) = members.first().map(|f| f.detail.as_str()).filter(|d| !d.is_empty()) {
            let words = words.strip_prefix(&format!("{code}: ")).unwrap_or(words);
            let _ = writeln!(out, "          {words}");
        }
    }
    out
}

fn course_page(course: &InspectedCourse) -> String {
    let start = course.start.as_deref().unwrap_or("no date");
    let mut out = format!("{}/{}  ({}, {start})\n", course.patient_id, course.course_id, course.mode);
    for image in &course.images {
        let _ = writeln!(out, "  {}", image_line(image));
    }
    for set in &course.structures {
        let primary = if set.is_primary { "" } else { ", not evaluated" };
        let _ = writeln!(
            out,
            "  RTSTRUCT  {:?}  {}  [{}{primary}]",
            set.label,
            count(set.rois, "region"),
            set.link
        );
    }
    for plan in &course.plans {
        let rx = plan.rx_gy.map_or("no prescription".to_owned(), |gy| format!("{gy} Gy"));
        let planned = plan.fractions_planned.map_or("?".to_owned(), |n| n.to_string());
        let done = plan.fractions_delivered.map_or(String::new(), |n| format!(", {n} delivered"));
        let date = plan.date.as_deref().unwrap_or("no date");
        let _ = writeln!(
            out,
            "  RTPLAN    {:?}  {rx} in {planned} fractions{done}, {date}  [{}]",
            plan.label, plan.role
        );
    }
    for dose in &course.doses {
        let max = dose.max_gy.map_or_else(|| dose.units.clone(), |gy| format!("max {gy:.2} Gy"));
        let _ = writeln!(out, "  RTDOSE    {} {}  {max}  [{}]", dose.summation, dose.dose_type, dose.why);
    }
    if course.records > 0 {
        let _ = writeln!(out, "  RTRECORD  {}", count(course.records, "record"));
    }
    if course.registrations > 0 {
        let _ = writeln!(out, "  REG       {}", count(course.registrations, "registration"));
    }
    if !course.dose_class.is_empty() {
        let _ = writeln!(out, "  dose: {}: {}", course.dose_class, course.dose_reason);
    }
    for warning in &course.warnings {
        let _ = writeln!(out, "  ! {}: {}", warning.code, warning.detail);
    }
    out
}

fn image_line(image: &InspectedImage) -> String {
    let kind = if image.is_planning { "planning" } else { image.class };
    let volume = match (image.size, image.spacing_mm) {
        (Some(size), Some(spacing)) => {
            let spacing = spacing.map(|mm| format!("{mm:.3}"));
            format!("{} voxels, {} mm", size.map(|n| n.to_string()).join(" x "), spacing.join(" x "))
        }
        _ => format!("no volume ({})", image.error_code),
    };
    format!(
        "{:<8}  {:?}  {volume}  {}  [{kind}, {}]",
        image.modality,
        image.description,
        count(image.files, "file"),
        image.link
    )
}
