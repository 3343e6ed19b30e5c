use clap::{Args, CommandFactory, Parser, Subcommand};
use rt_cli::{CommonArgs, CourseArgs};

#[derive(Parser)]
#[command(name = "rt-dvh", version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Cli {
    #[command(flatten)]
    course: CourseArgs,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    Files(FilesArgs),
}

#[derive(Args)]
struct FilesArgs {
    #[command(flatten)]
    common: CommonArgs,
}

#[test]
fn a_binary_takes_a_course_or_its_second_door() {
    Cli::command().debug_assert();
    let cli = Cli::try_parse_from(["rt-dvh", "OUT/P01/C1", "-n", "--set", "dvh.mode=exact", "--set=a.b=c", "-vv"]).unwrap();
    assert!(cli.verb.is_none() && cli.course.common.dry_run && cli.course.common.verbose == 2);
    assert_eq!(cli.course.common.set, ["dvh.mode=exact", "a.b=c"]);
    assert_eq!(cli.course.course.unwrap().to_str(), Some("OUT/P01/C1"));

    let cli = Cli::try_parse_from(["rt-dvh", "files", "-c", "my.toml", "--log-format", "json"]).unwrap();
    let Some(Verb::Files(files)) = cli.verb else {
        panic!("no second door")
    };
    assert_eq!(files.common.config.unwrap().to_str(), Some("my.toml"));

    for wrong in [
        vec!["rt-dvh"],
        vec!["rt-dvh", "C1", "-q", "-v"],
        vec!["rt-dvh", "C1", "--threads", "many"],
    ] {
        assert_eq!(Cli::try_parse_from(&wrong).err().unwrap().exit_code(), 2, "{wrong:?}");
    }
}
