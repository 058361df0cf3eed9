//! The frame that all pages share. Whatever is put into `html!` is escaped there.

use maud::{DOCTYPE, Markup, PreEscaped, Render, html};

use crate::compare::{Outcome, selection_in_words};
use crate::run::settings::Selection;

const STYLE: &str = include_str!("style.css");

/// A whole page.
pub(super) fn page(title: &str, header: Markup, sections: &[Markup]) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content={ "Scant " (env!("CARGO_PKG_VERSION")) };
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { (header) }
                main { @for section in sections { (section) } }
                footer { "Written by Scant " (env!("CARGO_PKG_VERSION")) ". This file is complete in itself: it loads nothing." }
            }
        }
    };
    page.into_string()
}

/// A section with its heading; nothing where it is empty.
pub(super) fn section(title: &str, inside: Markup) -> Markup {
    match inside.0.is_empty() {
        true => html! {},
        false => html! { section { h2 { (title) } (inside) } },
    }
}

/// A table that scrolls inside its box.
pub(super) fn table(headings: &[impl Render], rows: &[Vec<Markup>]) -> Markup {
    html! {
        div class="box" tabindex="0" {
            table {
                thead { tr { @for heading in headings { th scope="col" { (heading) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (i, cell) in row.iter().enumerate() {
                                @if i == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Names with values.
pub(super) fn facts(facts: &[(String, String)]) -> Markup {
    html! {
        @if !facts.is_empty() {
            dl class="facts" { @for (name, value) in facts { div { dt { (name) } dd { (value) } } } }
        }
    }
}

/// How a run ended, as a coloured word.
pub(super) fn outcome_badge(outcome: &Outcome) -> Markup {
    html! { span class={ "badge " (outcome.word()) } { (outcome.word()) } }
}

/// The selection rule, loud where it is dishonest.
pub(super) fn selection_badge(rule: Selection) -> Markup {
    html! { span class={ "badge" @if rule == Selection::Oracle { " failed" } } { "selected: " (selection_in_words(rule)) } }
}
