//! Counts of true class against said class.

use maud::{Markup, html};

use super::{WIDTH, at, frame, short};
use crate::report::number;

/// Above this many classes cells carry no numbers and no hints.
const NUMBERED: usize = 12;
const HINTED: usize = 30;
const LETTER: f64 = 5.8;

/// The matrix; a cell's strength is its share of its row, errors have a colour of their own.
pub(in crate::report) fn confusion(classes: &[String], counts: &[Vec<u64>]) -> Markup {
    let n = classes.len().max(1);
    let names: Vec<String> = classes.iter().map(|name| short(name, 12)).collect();
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0) as f64;
    let named = n <= HINTED;
    let room = if named { 22.0 + longest * LETTER } else { 22.0 };
    let upright = longest <= 3.0;
    let (left, foot) = (room, if !named || upright { 34.0 } else { room * 0.8 + 14.0 });
    let cell = (WIDTH - left - 4.0) / n as f64;
    let side = cell * n as f64;
    let described = format!("confusion matrix of {n} classes: rows are true, columns are said");
    frame(
        "confusion",
        side + foot,
        &described,
        html! {
            @for (i, row) in counts.iter().enumerate() {
                @let total = row.iter().sum::<u64>().max(1);
                @for (j, count) in row.iter().enumerate().filter(|(_, count)| **count > 0) {
                    @let share = *count as f64 / total as f64;
                    @let (x, y) = (left + cell * j as f64, cell * i as f64);
                    g {
                        @if named {
                            title { (classes.get(i).map_or("?", |c| c)) " said to be " (classes.get(j).map_or("?", |c| c)) ": " (count)
                                " (" (format!("{:.1}", 100.0 * share)) " %)" }
                        }
                        rect class=(if i == j { "right" } else { "wrong" }) x=(at(x)) y=(at(y)) width=(at(cell))
                            height=(at(cell)) fill-opacity=(format!("{:.2}", strength(share))) {}
                        @if n <= NUMBERED {
                            @let digits = count.to_string();
                            text class=(if strength(share) > 0.55 { "count strong" } else { "count" })
                                x=(at(x + cell / 2.0)) y=(at(y + cell / 2.0 + 3.5)) text-anchor="middle"
                                font-size=(at((cell / (digits.len() as f64 * 0.62)).min(11.0))) { (digits) }
                        }
                    }
                }
            }
            rect class="frame" x=(at(left)) y="0.5" width=(at(side)) height=(at(side)) {}
            @if named {
                @for (i, name) in names.iter().enumerate() {
                    @let middle = cell * (i as f64 + 0.5);
                    text class="tick" x=(at(left - 5.0)) y=(at(middle + 4.0)) text-anchor="end" { (name) }
                    @let (x, y) = (left + middle, side + 13.0);
                    @if upright {
                        text class="tick" x=(at(x)) y=(at(y + 2.0)) text-anchor="middle" { (name) }
                    } @else {
                        text class="tick" x=(at(x + 4.0)) y=(at(y)) text-anchor="end"
                            transform={ "rotate(-48 " (at(x + 4.0)) " " (at(y)) ")" } { (name) }
                    }
                }
            }
            text class="axis-name" x=(at(left + side)) y=(at(side + foot - 3.0)) text-anchor="end" { "said" }
            text class="axis-name" transform={ "translate(11 " (at(side / 2.0)) ") rotate(-90)" } text-anchor="middle" { "true" }
        },
    )
}

/// Rare errors stay visible: the square root lifts them.
fn strength(share: f64) -> f64 {
    share.sqrt().clamp(0.06, 1.0)
}

/// What the matrix says in one line: the share on the diagonal, and the pair most often taken for each other.
pub(in crate::report) fn in_words(classes: &[String], counts: &[Vec<u64>]) -> Option<String> {
    let total: u64 = counts.iter().flatten().sum();
    let right: u64 = counts.iter().enumerate().filter_map(|(i, row)| row.get(i)).sum();
    let cells =
        counts.iter().enumerate().flat_map(|(i, row)| row.iter().enumerate().map(move |(j, n)| (n, i, j)));
    let (most, i, j) =
        cells.filter(|(_, i, j)| i != j).max_by_key(|(n, i, j)| (**n, usize::MAX - i, usize::MAX - j))?;
    let share = 100.0 * right as f64 / total.max(1) as f64;
    match (*most, classes.get(i), classes.get(j)) {
        (1.., Some(truth), Some(said)) => Some(format!(
            "{share:.1} % on the diagonal; most often {truth} is said to be {said} ({} times).",
            number::count(*most)
        )),
        _ => Some(format!("{share:.1} % on the diagonal.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_show_their_counts_and_nothing_is_drawn_for_none() {
        let classes = ["cat & dog".to_owned(), "bird".to_owned()];
        let counts = vec![vec![8, 2], vec![0, 10]];
        let text = confusion(&classes, &counts).into_string();
        assert_eq!(text.matches("<rect class=\"right\"").count(), 2);
        assert_eq!(text.matches("<rect class=\"wrong\"").count(), 1);
        assert!(text.contains("cat &amp; dog said to be bird: 2 (20.0 %)"), "{text}");
        let words = in_words(&classes, &counts).unwrap();
        assert_eq!(words, "90.0 % on the diagonal; most often cat & dog is said to be bird (2 times).");
    }

    #[test]
    fn a_hundred_classes_stay_small() {
        let classes: Vec<String> = (0..100).map(|i| format!("class {i}")).collect();
        let counts = vec![vec![1; 100]; 100];
        assert!(confusion(&classes, &counts).into_string().len() < 1_200_000);
    }
}
