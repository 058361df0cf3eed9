//! `scant preview`

use std::fs::File;
use std::io::{BufWriter, Cursor, ErrorKind as Io, Write};
use std::path::{Path, PathBuf};

use image::{ImageFormat, RgbImage};
use scant_abi::{Error, ErrorKind, Result};
use scant_engine::run::{Method, Preview, PreviewOptions, preview};

use super::check::Sources;
use crate::Session;
use crate::output::say;
use crate::sheet::{Group, Row, draw};

/// What to show, and where.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    sources: Sources,

    /// The method, where the configuration has several; the first where absent
    #[arg(long, value_name = "NAME")]
    method: Option<String>,

    /// The stage, by its name or its number from 0; the first where absent
    #[arg(long, value_name = "NAME")]
    stage: Option<String>,

    /// How many training images
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    images: u16,

    /// How often each view is drawn
    #[arg(long, value_name = "K", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    draws: u16,

    /// The PNG file to write, which may not be there yet; NAME-STAGE.png where absent
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let plan = args.sources.plan(session)?;
    let method = match &args.method {
        Some(name) => plan.method(name)?,
        None => plan.methods.first().ok_or_else(|| Error::config("the configuration has no method"))?,
    };
    if let Some(out) = &args.out
        && !out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png"))
    {
        return Err(Error::config(format!(
            "{}: the sheet is a PNG file; name one that ends in .png",
            out.display()
        )));
    }
    let options = PreviewOptions { stage: args.stage, images: args.images.into(), draws: args.draws.into() };
    let shown = preview(&plan.registry, &method.settings, &plan.folders, &options)?;
    let out = args.out.unwrap_or_else(|| default_file(method, &shown));
    write_new(&out, &sheet(&shown)?)?;
    let views: Vec<String> = shown.views.iter().map(|(name, times)| format!("{name} x{times}")).collect();
    say!(
        "{}: {} images of stage '{}'; columns: original, {}",
        out.display(),
        shown.rows.len(),
        shown.stage,
        views.join(", ")
    )?;
    Ok(())
}

/// The name of the method and its stage, in the present folder.
fn default_file(method: &Method, shown: &Preview) -> PathBuf {
    let name = format!("{}-{}", method.settings.label(), shown.stage);
    PathBuf::from(name.replace(|c: char| !c.is_alphanumeric() && !"-_.".contains(c), "-") + ".png")
}

fn sheet(shown: &Preview) -> Result<RgbImage> {
    let mut groups = vec![Group { name: "original".to_owned(), columns: 1 }];
    groups.extend(shown.views.iter().map(|(name, times)| Group { name: name.clone(), columns: *times }));
    let rows = shown.rows.iter().map(|row| {
        let class = row.class.as_deref().unwrap_or("no label");
        let words = vec![class.chars().take(16).collect(), format!("#{}", row.place)];
        let pictures = std::iter::once(&row.original).chain(&row.pictures).cloned().collect();
        Row { words, pictures }
    });
    draw(&groups, &rows.collect::<Vec<_>>())
}

/// Writes a file that was not there; one that is there stays as it is.
fn write_new(path: &Path, sheet: &RgbImage) -> Result<()> {
    let failed = |cause: &(dyn std::error::Error + 'static)| {
        Error::caused_by(ErrorKind::Io, format!("cannot write {}", path.display()), cause)
    };
    let mut png = Cursor::new(Vec::new());
    sheet.write_to(&mut png, ImageFormat::Png).map_err(|error| failed(&error))?;
    let file = File::create_new(path).map_err(|error| match error.kind() {
        Io::AlreadyExists => {
            Error::config(format!("{} is already there: name another file with --out", path.display()))
        }
        _ => failed(&error),
    })?;
    let mut file = BufWriter::new(file);
    file.write_all(png.get_ref()).and_then(|()| file.flush()).map_err(|error| failed(&error))
}
