//! What evaluators found to look at, each kind drawn in its own way.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};
use scant_abi::Content;

use super::page;
use super::svg::{self, LineChart, Series};

/// A figure with its heading and its caption.
pub(super) fn figure(heading: &str, caption: &str, content: &Content) -> Markup {
    let class = match content {
        Content::Table { .. } => "card wide",
        Content::Confusion { .. } | Content::Scatter { .. } => "card large",
        Content::Bars { .. } | Content::Curve { .. } | Content::Picture { .. } => "card",
    };
    html! {
        figure class=(class) {
            figcaption { strong { (heading) } span { (caption) } }
            (drawn(content, caption))
        }
    }
}

fn drawn(content: &Content, caption: &str) -> Markup {
    match content {
        Content::Table { columns, rows } => {
            let cells = |row: &Vec<String>| row.iter().map(|cell| html! { (cell) }).collect();
            page::table(columns, &rows.iter().map(cells).collect::<Vec<_>>())
        }
        Content::Confusion { classes, counts } => html! {
            (svg::confusion(classes, counts))
            @if let Some(words) = svg::confusion_in_words(classes, counts) { p class="note" { (words) } }
        },
        Content::Scatter { classes, points, labels } => svg::scatter(classes, points, labels),
        Content::Bars { names, values } => svg::bars(names, values),
        Content::Curve { x_name, y_name, points, fit } => svg::line_chart(&LineChart {
            x_name: x_name.clone(),
            y_name: y_name.clone(),
            series: vec![Series { name: y_name.clone(), points: points.clone() }],
            marks: Vec::new(),
            fit: *fit,
        }),
        Content::Picture { png } => html! {
            img src={ "data:image/png;base64," (STANDARD.encode(png)) } alt=(caption);
        },
    }
}

/// Where a figure stands among others: maps and matrices first, tables last, so that the rows of the page are filled.
pub(super) fn rank(content: &Content) -> u8 {
    match content {
        Content::Confusion { .. } | Content::Scatter { .. } => 0,
        Content::Bars { .. } | Content::Curve { .. } | Content::Picture { .. } => 1,
        Content::Table { .. } => 2,
    }
}

/// A name as a heading: `confusion-matrix` reads "Confusion matrix", `pca-test` "PCA, test".
pub(super) fn title(name: &str) -> String {
    let (what, split) = match name.rsplit_once('-') {
        Some((what, split @ ("train" | "validation" | "test"))) => (what, Some(split)),
        _ => (name, None),
    };
    let what = match what {
        "pca" => "PCA".to_owned(),
        "t-sne" => "t-SNE".to_owned(),
        words => sentence(&words.replace('-', " ")),
    };
    split.map_or(what.clone(), |split| format!("{what}, {split}"))
}

/// The words with a capital at their head.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(content: Content) -> String {
        figure(&title("a-name"), "<b>what</b>", &content).into_string()
    }

    #[test]
    fn names_captions_and_cells_are_escaped() {
        let cell = "<script>alert('x')</script>".to_owned();
        let text = shown(Content::Table { columns: vec![cell.clone()], rows: vec![vec![cell]] });
        assert!(text.contains("A name") && text.contains("&lt;b&gt;what"));
        assert!(!text.contains("<script"), "{text}");
    }

    #[test]
    fn names_become_headings() {
        for (name, heading) in [
            ("confusion-test", "Confusion, test"),
            ("t-sne-train", "t-SNE, train"),
            ("cluster-sizes", "Cluster sizes"),
        ] {
            assert_eq!(title(name), heading);
        }
    }

    #[test]
    fn pictures_are_within_the_page() {
        let text = shown(Content::Picture { png: vec![0x89, b'P', b'N', b'G'] });
        assert!(text.contains("src=\"data:image/png;base64,iVBORw==\""), "{text}");
    }

    #[test]
    fn ragged_and_empty_content_is_no_reason_to_panic() {
        let classes = vec!["one".to_owned()];
        shown(Content::Confusion { classes: vec![], counts: vec![] });
        shown(Content::Confusion { classes: classes.clone(), counts: vec![vec![1, 2], vec![3]] });
        shown(Content::Scatter { classes, points: vec![[0.0, 1.0]], labels: vec![7] });
        shown(Content::Bars { names: vec![], values: vec![] });
        shown(Content::Bars { names: vec!["a".into()], values: vec![f64::INFINITY, 2.0] });
        let curve =
            |points| Content::Curve { x_name: "x".into(), y_name: "y".into(), points, fit: Some([1.0, 0.0]) };
        shown(curve(vec![]));
        shown(curve(vec![[f64::NAN, f64::INFINITY]]));
    }
}
