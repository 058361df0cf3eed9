//! Numbers and pictures for TensorBoard: its event files hold framed protobuf messages.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use prost::Message;
use scant_abi::Result;

use super::files::io_error;
use super::records::{Number, Record};

#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    values: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
    #[prost(message, optional, tag = "4")]
    image: Option<Picture>,
}

#[derive(Clone, PartialEq, Message)]
struct Picture {
    #[prost(int32, tag = "1")]
    height: i32,
    #[prost(int32, tag = "2")]
    width: i32,
    #[prost(int32, tag = "3")]
    colorspace: i32,
    #[prost(bytes = "vec", tag = "4")]
    encoded_image_string: Vec<u8>,
}

/// An event file.
pub(crate) struct Events {
    path: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
    /// Epochs of earlier stages, so that the steps of the whole run rise.
    offset: (usize, i64),
    last: i64,
}

impl Events {
    /// The file at `path`, empty until [`Events::rewind`] says how much of it counts.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(path)
            .map_err(|e| io_error("open", path, &e))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file), bytes: 0, offset: (0, 0), last: 0 })
    }

    /// Leaves the first `bytes` of the file; begins it anew where that is 0 or more than there are.
    pub(crate) fn rewind(&mut self, bytes: u64) -> Result<()> {
        let length = self.file.get_ref().metadata().map_err(|e| io_error("read", &self.path, &e))?.len();
        self.bytes = if bytes <= length { bytes } else { 0 };
        let file = self.file.get_mut();
        let done = file.set_len(self.bytes).and_then(|()| file.seek(SeekFrom::Start(self.bytes)));
        done.map_err(|e| io_error("shorten", &self.path, &e))?;
        if self.bytes == 0 {
            self.write(&Event { file_version: Some("brain.Event:2".to_owned()), ..self.event(0) })?;
        }
        Ok(())
    }

    /// Adds the numbers of a record.
    pub(crate) fn record(&mut self, record: &Record) -> Result<()> {
        let number = |tag, value: Number| Value { tag, simple_value: Some(value.0 as f32), image: None };
        let values = match record {
            Record::Epoch(r) => {
                r.metrics.iter().map(|(name, value)| number(format!("{}/{name}", r.name), *value)).collect()
            }
            Record::Evaluation(r) => r
                .metrics
                .iter()
                .map(|m| number(format!("{}/{}/{}", r.evaluator, m.split, m.name), m.value))
                .collect(),
            Record::Stop { .. } => return Ok(()),
        };
        let step = self.step(record);
        self.write(&Event { summary: Some(Summary { values }), ..self.event(step) })
    }

    /// Adds a picture in PNG format.
    pub(crate) fn picture(&mut self, stage: usize, tag: &str, png: &[u8]) -> Result<()> {
        // Width and height stand at fixed places in every PNG file.
        let extent =
            |at: usize| png.get(at..at + 4).map_or(0, |b| i32::from_be_bytes([b[0], b[1], b[2], b[3]]));
        let image = Picture {
            height: extent(20),
            width: extent(16),
            colorspace: 3,
            encoded_image_string: png.to_vec(),
        };
        let value = Value { tag: format!("stage-{stage}/{tag}"), simple_value: None, image: Some(image) };
        self.write(&Event { summary: Some(Summary { values: vec![value] }), ..self.event(self.last) })
    }

    /// Hands everything to the system, and gives the file's length.
    pub(crate) fn flush(&mut self) -> Result<u64> {
        self.file.flush().map_err(|e| io_error("write", &self.path, &e))?;
        Ok(self.bytes)
    }

    /// The epoch of the whole run to which a record belongs.
    pub(crate) fn step(&mut self, record: &Record) -> i64 {
        let (stage, epoch) = record.place();
        if stage != self.offset.0 {
            self.offset = (stage, self.last);
        }
        self.last = self.offset.1 + epoch as i64 + 1;
        self.last
    }

    fn event(&self, step: i64) -> Event {
        let wall_time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64());
        Event { wall_time, step, file_version: None, summary: None }
    }

    /// A frame: length, its checksum, the message, its checksum.
    fn write(&mut self, event: &Event) -> Result<()> {
        let message = event.encode_to_vec();
        let length = (message.len() as u64).to_le_bytes();
        let frame = [&length[..], &masked_crc(&length), &message, &masked_crc(&message)].concat();
        self.file.write_all(&frame).map_err(|e| io_error("write", &self.path, &e))?;
        self.bytes += frame.len() as u64;
        Ok(())
    }
}

fn masked_crc(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}
