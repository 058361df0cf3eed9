//! Tables of images: one row per image, `path,label`, comma-separated, quoted where needed.

use scant_abi::{Error, ErrorKind, Result};

/// One image of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line in which it stands, counted from 1.
    pub line: u64,
    /// The image's path, as written.
    pub path: String,
    /// The class, if one is given.
    pub label: Option<String>,
}

/// What a heading may call its two columns.
const HEADINGS: [&[&str]; 2] = [&["path", "file", "filename", "image"], &["label", "class"]];

/// The rows of a table; a first line such as `path,label` is a heading.
pub fn parse(bytes: &[u8]) -> Result<Vec<Row>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(bytes);
    let mut rows = Vec::new();
    for (index, record) in reader.byte_records().enumerate() {
        let record = record.map_err(|error| Error::caused_by(ErrorKind::Data, "not a table", &error))?;
        let line = record.position().map_or(index as u64 + 1, |position| line_of(bytes, position));
        let text = |field: usize| {
            std::str::from_utf8(record.get(field).unwrap_or_default())
                .map_err(|error| Error::caused_by(ErrorKind::Data, format!("row {line}: not UTF-8"), &error))
        };
        let (path, label) = (text(0)?, text(1)?);
        let is_one = |text: &str, of: &[&str]| of.iter().any(|known| text.eq_ignore_ascii_case(known));
        if index == 0 && is_one(path, HEADINGS[0]) && is_one(label, HEADINGS[1]) {
            continue;
        }
        if record.len() == 1 && path.contains(';') {
            return Err(Error::data(format!(
                "row {line}: a comma must stand between path and label, not ';'"
            )));
        }
        if record.len() > 2 {
            let fields = record.len();
            return Err(Error::data(format!(
                "row {line}: {fields} fields, where path and label should stand"
            )));
        }
        if path.is_empty() {
            return Err(Error::data(format!("row {line}: the path is empty")));
        }
        let label = (!label.is_empty()).then(|| label.to_owned());
        rows.push(Row { line, path: path.to_owned(), label });
    }
    Ok(rows)
}

/// The line of the record that was read from `position` on: empty lines before it count as its own there.
fn line_of(bytes: &[u8], position: &csv::Position) -> u64 {
    let before = bytes.get(position.byte() as usize..).unwrap_or_default();
    let empty = before.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| **byte == b'\n');
    position.line() + empty.count() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(line: u64, path: &str, label: Option<&str>) -> Row {
        Row { line, path: path.to_owned(), label: label.map(str::to_owned) }
    }

    #[test]
    fn a_heading_quotes_spaces_and_empty_labels_are_understood() {
        let rows = parse(b"\xef\xbb\xbfPath,Label\na.png, cat\n\"b,c.png\",\nd.png\n").unwrap();
        assert_eq!(rows, [row(2, "a.png", Some("cat")), row(3, "b,c.png", None), row(4, "d.png", None)]);
        assert_eq!(parse(b"file,class\na.png,cat\n").unwrap(), [row(2, "a.png", Some("cat"))]);
        assert_eq!(parse(b"").unwrap(), []);
    }

    #[test]
    fn what_is_no_row_is_an_error_with_its_line() {
        for (table, message) in [
            (&b"a.png,cat\nb.png,dog,brown\n"[..], "row 2: 3 fields"),
            (b"a.png,cat\n,dog\n", "row 2: the path is empty"),
            (b"a.png,cat\n\nb\xff.png,dog\n", "row 3: not UTF-8"),
            (b"a.png;cat\n", "row 1: a comma must stand between path and label"),
        ] {
            let error = parse(table).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }

        #[test]
        fn arbitrary_rows_come_back(paths in proptest::collection::vec("[a-z \",/]{0,8}[a-z]", 1..8)) {
            let lines: Vec<String> =
                paths.iter().map(|path| format!("\"{}\",\n", path.replace('"', "\"\""))).collect();
            let rows = parse(lines.concat().as_bytes()).unwrap();
            prop_assert_eq!(rows.len(), paths.len());
            for (row, path) in rows.iter().zip(&paths) {
                prop_assert_eq!(row.path.as_str(), path.trim());
            }
        }
    }
}
