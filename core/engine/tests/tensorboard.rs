//! TensorBoard's files, read back by what its format says: frames with checksums, and protobuf messages in them.

mod common;

use std::fs;

use common::{finish, settings};
use scant_engine::run::{Options, Record, RunFolder};

/// The messages of an event file; every length and message must have its checksum behind it.
fn frames(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let masked = |bytes: &[u8]| crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8);
    let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("four bytes"));
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_at(8);
        assert_eq!(number(&rest[..4]), masked(length), "the length's checksum");
        let length = u64::from_le_bytes(length.try_into().expect("eight bytes")) as usize;
        let (message, rest) = rest[4..].split_at(length);
        assert_eq!(number(&rest[..4]), masked(message), "the message's checksum");
        found.push(message.to_vec());
        bytes = &rest[4..];
    }
    found
}

/// The fields of a protobuf message: number and bytes, a varint as its eight bytes.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let (first, rest) = bytes.split_first().expect("a byte");
            *bytes = rest;
            value |= u64::from(first & 127) << shift;
            if first & 128 == 0 {
                break;
            }
        }
        value
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let value = match tag & 7 {
            0 => varint(&mut bytes).to_le_bytes().to_vec(),
            kind => {
                let length = match kind {
                    1 => 8,
                    2 => varint(&mut bytes) as usize,
                    5 => 4,
                    other => panic!("wire type {other}"),
                };
                let (value, rest) = bytes.split_at(length);
                bytes = rest;
                value.to_vec()
            }
        };
        found.push((tag >> 3, value));
    }
    found
}

fn field(message: &[u8], wanted: u64) -> Option<Vec<u8>> {
    fields(message).into_iter().find(|(number, _)| *number == wanted).map(|(_, value)| value)
}

#[test]
fn every_number_and_picture_of_a_run_is_read_back() {
    let place = tempfile::tempdir().expect("a folder");
    let out = place.path().join("run");
    finish(&settings(""), &out, &Options::default()).expect("finished");
    let messages = frames(&fs::read(out.join("events.out.tfevents.scant")).expect("read"));
    assert_eq!(field(&messages[0], 3).expect("a version"), b"brain.Event:2");

    let (mut numbers, mut pictures) = (Vec::new(), Vec::new());
    for message in &messages[1..] {
        let step = field(message, 2).map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().expect("eight")));
        assert!(f64::from_le_bytes(field(message, 1).expect("a time").try_into().expect("eight")) > 1e9);
        for (_, value) in fields(&field(message, 5).expect("a summary")) {
            let tag = String::from_utf8(field(&value, 1).expect("a tag")).expect("text");
            if let Some(number) = field(&value, 2) {
                numbers.push((step, tag, f32::from_le_bytes(number.try_into().expect("four"))));
            } else if let Some(picture) = field(&value, 4) {
                let side = |number| field(&picture, number).expect("a side")[0];
                pictures.push((step, tag, side(1), side(2), field(&picture, 4).expect("a PNG")));
            }
        }
    }
    let mut expected = Vec::new();
    for record in RunFolder::open(&out).expect("a run").records().expect("records") {
        let step = record.place().1 as u64 + 1;
        match record {
            Record::Epoch(epoch) => expected.extend(
                epoch.metrics.iter().map(|(name, value)| (step, format!("train/{name}"), value.0 as f32)),
            ),
            Record::Evaluation(record) => expected.extend(record.metrics.iter().map(|metric| {
                let tag = format!("{}/{}/{}", record.evaluator, metric.split, metric.name);
                (step, tag, metric.value.0 as f32)
            })),
            Record::Stop { .. } => {}
        }
    }
    assert!(expected.len() > 20);
    assert_eq!(numbers, expected);
    let png = include_bytes!("fixtures/two-pixels.png").to_vec();
    // One for each evaluation, `every` epoch and at the end.
    let steps = [1, 2, 3, 4, 4];
    let shown = |step| (step, "stage-0/accuracy/pixels".to_owned(), png[23], png[19], png.clone());
    assert_eq!(pictures, steps.map(shown));
}
