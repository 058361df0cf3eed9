//! Tables on a terminal: columns as wide as they must be, two blanks between them.

use std::fmt;

pub(crate) struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(headings: [&str; N]) -> Self {
        Self { rows: vec![headings.map(str::to_uppercase)] }
    }

    pub(crate) fn row(&mut self, cells: [impl AsRef<str>; N]) {
        self.rows.push(cells.map(|cell| cell.as_ref().to_owned()));
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |cell: &str| cell.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        let widths: [usize; N] =
            std::array::from_fn(|i| self.rows.iter().map(|row| width(&row[i])).max().unwrap_or(0));
        for row in &self.rows {
            let height = row.iter().map(|cell| cell.lines().count()).max().unwrap_or(0).max(1);
            for line in 0..height {
                let cells: Vec<String> = row
                    .iter()
                    .zip(widths)
                    .map(|(cell, width)| format!("{:<width$}", cell.lines().nth(line).unwrap_or_default()))
                    .collect();
                writeln!(f, "{}", cells.join("  ").trim_end())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_stay_in_theirs() {
        let mut table = Table::new(["name", "meaning"]);
        table.row(["a", "short"]);
        table.row(["longer", "x\n  y"]);
        table.row(["", ""]);
        assert_eq!(table.to_string(), "NAME    MEANING\na       short\nlonger  x\n          y\n\n");
    }
}
