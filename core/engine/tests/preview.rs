//! What a preview shows is what the trainer sees.

mod common;

use common::{registry, settings};
use scant_engine::run::{Preview, PreviewOptions, Settings, preview};

fn shown(settings: &Settings, stage: Option<&str>) -> Result<Preview, String> {
    let options = PreviewOptions { stage: stage.map(str::to_owned), images: 5, draws: 3 };
    preview(&registry(), settings, &[], &options).map_err(|error| error.to_string())
}

#[test]
fn each_image_stands_in_each_view_as_often_as_asked() {
    let mut settings = settings("");
    let preview = shown(&settings, None).unwrap();
    assert_eq!(preview.stage, "train");
    assert_eq!(preview.views, [("augmented".to_owned(), 3)]);
    assert_eq!(preview.rows.len(), 5);
    for row in &preview.rows {
        assert_eq!(row.class.as_deref(), Some(["a", "b", "c"][row.place % 3]));
        assert_eq!((row.original.dims(), row.pictures.len()), ([1, 4, 4], 3));
        assert!(row.pictures.iter().all(|picture| *picture != row.original));
        assert_ne!(row.pictures[0], row.pictures[1]);
    }
    let again = shown(&settings, Some("0")).unwrap();
    assert_eq!(again.rows[4].pictures, preview.rows[4].pictures);
    settings.stage[0].augment = None;
    let plain = shown(&settings, Some("train")).unwrap();
    assert!(plain.rows.iter().all(|row| row.pictures.iter().all(|picture| *picture == row.original)));
}

#[test]
fn preparation_is_shown_without_normalising() {
    let mut settings = settings("");
    settings.stage[0].augment = None;
    settings.data.prepare = ["tile:2x3", "pad:1", "normalise", "sobel"].map(String::from).to_vec();
    let preview = shown(&settings, None).unwrap();
    for row in &preview.rows {
        assert_eq!(row.original.dims(), [1, 4, 4]);
        assert_eq!(row.pictures[0].dims(), [2, 10, 14]);
    }
    settings.data.prepare.truncate(3);
    let preview = shown(&settings, None).unwrap();
    let (original, picture) = (&preview.rows[0].original, &preview.rows[0].pictures[0]);
    assert_eq!(picture.pixels()[14 + 1], original.pixels()[0]);
    assert_eq!(picture.pixels()[14 + 5], original.pixels()[0]);
    assert_eq!(picture.pixels()[0], 0.0);
}

#[test]
fn a_stage_that_is_not_there_is_named_beside_those_that_are() {
    let error = shown(&settings(""), Some("tune")).unwrap_err();
    assert_eq!(error, "there is no stage 'tune'; there are train");
}
