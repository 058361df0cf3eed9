//! Writes pages from invented numbers, for whoever changes how reports look:
//! `cargo run -p scant-engine --example sample_pages -- FOLDER`.

mod pages;

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("say which folder the pages go to")?;
    for path in pages::write(Path::new(&folder))? {
        println!("wrote {}", path.display());
    }
    Ok(())
}
