//! MATLAB files of version 5: named numeric arrays, each packed with zlib or not.

use std::io::Read;

use flate2::read::ZlibDecoder;
use scant_abi::{Context, Error, Result};

use super::gzip::{UNPACKED_LIMIT, capacity, read_limited};

const HEADER: usize = 128;

/// No array of numbers other than bytes may be longer than this in the file: each number is widened to 64 bits.
pub const NUMBERS_LIMIT: usize = 1 << 26;

/// All packed arrays of a file together may not unpack to more bytes than this.
pub const FILE_LIMIT: u64 = UNPACKED_LIMIT;

// Types of elements, as the format numbers them.
const INT8: u32 = 1;
const UINT8: u32 = 2;
const INT32: u32 = 5;
const UINT32: u32 = 6;
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;

/// A numeric array, its first axis running fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The variable's name.
    pub name: String,
    /// The length of each axis.
    pub dims: Vec<usize>,
    /// The elements.
    pub values: Values,
}

/// The elements of an [`Array`].
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Stored as unsigned bytes.
    Bytes(Vec<u8>),
    /// Stored as any other type of number.
    Numbers(Vec<f64>),
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Numbers(values) => values.len(),
        }
    }
}

/// The arrays of a file that were asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arrays(Vec<Array>);

impl Arrays {
    /// The array called `name`, once.
    pub fn take(&mut self, name: &str) -> Result<Array> {
        match self.0.iter().position(|array| array.name == name) {
            Some(place) => Ok(self.0.swap_remove(place)),
            None => Err(Error::data(format!("it holds no array '{name}'"))),
        }
    }
}

/// The arrays called `names`; others are passed over.
pub fn parse(bytes: &[u8], names: &[&str]) -> Result<Arrays> {
    let mut file = Cursor { bytes, at: 0 };
    let header = file.take(HEADER)?;
    match header[124..] {
        [0, 1, b'I', b'M'] => {}
        [1, 0, b'M', b'I'] => {
            return Err(Error::data(
                "byte 126: it was written by a big-endian machine; save it again by another",
            ));
        }
        _ => {
            return Err(Error::data(format!(
                "byte 124: {:02x?} is not the mark of a MATLAB file of version 5 (00 01 49 4d)",
                &header[124..]
            )));
        }
    }
    let mut arrays = Arrays::default();
    let mut left = FILE_LIMIT;
    while !file.is_at_end() {
        let start = file.at;
        let array = top_element(&mut file, names, &mut left);
        arrays.0.extend(array.context(|| format!("element at byte {start}"))?);
    }
    Ok(arrays)
}

/// The array in the next element, if it is asked for; what it unpacks to is taken off `left`.
fn top_element(file: &mut Cursor, names: &[&str], left: &mut u64) -> Result<Option<Array>> {
    let Element { kind, data, at } = file.element(false)?;
    match kind {
        COMPRESSED => {
            // The unpacked tag says how long the rest claims to be.
            let mut tag = [0; 8];
            let claimed = match ZlibDecoder::new(data).read_exact(&mut tag) {
                Ok(()) => u32::from_le_bytes([tag[4], tag[5], tag[6], tag[7]]),
                Err(_) => 0,
            };
            let room = capacity(u64::from(claimed) + 8, data.len());
            let unpacked = read_limited(ZlibDecoder::new(data), room, *left)?;
            *left -= unpacked.len() as u64;
            let mut inner = Cursor { bytes: &unpacked, at: 0 };
            let array = inner.element(true).and_then(|element| match element.kind {
                MATRIX => matrix(element.data, element.at, names),
                _ => Ok(None),
            });
            array.context(|| "unpacked".to_owned())
        }
        MATRIX => {
            file.align();
            matrix(data, at, names)
        }
        _ => {
            file.align();
            Ok(None)
        }
    }
}

/// The array in the data of a matrix element whose data starts at byte `base`, if it is asked for.
fn matrix(data: &[u8], base: usize, names: &[&str]) -> Result<Option<Array>> {
    let mut cursor = Cursor { bytes: data, at: 0 };
    let flags = cursor.expect(UINT32, "the array's flags")?;
    let [class, marks, ..] = flags.data else {
        return Err(Error::data(format!("byte {}: the array's flags are empty", base + flags.at)));
    };
    let dims: Vec<usize> = cursor
        .expect(INT32, "the array's dimensions")?
        .data
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]) as usize)
        .collect();
    let name = cursor.expect(INT8, "the array's name")?.data;
    let name = String::from_utf8_lossy(name).into_owned();
    if !names.contains(&name.as_str()) {
        return Ok(None);
    }
    let numeric = (6..=15).contains(class);
    let complex = marks & 0x08 != 0;
    if !numeric || complex {
        return Err(Error::data(format!("array '{name}' does not hold real numbers (class {class})")));
    }
    let element = cursor.element(true)?;
    if element.kind != UINT8 && element.data.len() > NUMBERS_LIMIT {
        return Err(Error::data(format!(
            "byte {}: array '{name}' is not of unsigned bytes and has {} bytes; {NUMBERS_LIMIT} is the limit",
            base + element.at,
            element.data.len()
        )));
    }
    let values = numbers(element.kind, element.data).ok_or_else(|| {
        let (at, kind) = (base + element.at, element.kind);
        Error::data(format!("byte {at}: array '{name}' is stored as type {kind}, which is no type of number"))
    })?;
    let expected = dims.iter().try_fold(1_usize, |product, &dim| product.checked_mul(dim));
    if expected != Some(values.len()) {
        return Err(Error::data(format!(
            "array '{name}' claims {dims:?} elements, but {} stand there",
            values.len()
        )));
    }
    Ok(Some(Array { name, dims, values }))
}

fn numbers(kind: u32, data: &[u8]) -> Option<Values> {
    macro_rules! convert {
        ($type:ty) => {
            Values::Numbers(
                data.as_chunks().0.iter().map(|bytes| <$type>::from_le_bytes(*bytes) as f64).collect(),
            )
        };
    }
    Some(match kind {
        INT8 => convert!(i8),
        UINT8 => Values::Bytes(data.to_vec()),
        3 => convert!(i16),
        4 => convert!(u16),
        INT32 => convert!(i32),
        UINT32 => convert!(u32),
        7 => convert!(f32),
        9 => convert!(f64),
        12 => convert!(i64),
        13 => convert!(u64),
        _ => return None,
    })
}

/// One element: its type, its data, and where the data starts.
struct Element<'a> {
    kind: u32,
    data: &'a [u8],
    at: usize,
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let left = self.bytes.get(self.at..).unwrap_or_default();
        let taken = left.get(..length).ok_or_else(|| {
            Error::data(format!(
                "byte {}: {length} bytes should follow, but {} are left",
                self.at,
                left.len()
            ))
        })?;
        self.at += length;
        Ok(taken)
    }

    fn word(&mut self) -> Result<u32> {
        let word = self.take(4)?;
        Ok(u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
    }

    /// Moves to the next multiple of eight bytes, at which elements start.
    fn align(&mut self) {
        self.at = self.at.next_multiple_of(8).min(self.bytes.len());
    }

    fn element(&mut self, aligned: bool) -> Result<Element<'a>> {
        let mut at = self.at;
        let word = self.word()?;
        let data = if word >> 16 == 0 {
            let length = self.word()? as usize;
            at += 8;
            self.take(length)?
        } else {
            // Up to four bytes stand within the tag itself.
            let length = (word >> 16) as usize;
            at += 4;
            let four = self.take(4)?;
            four.get(..length)
                .ok_or_else(|| Error::data(format!("byte {at}: a short element claims {length} bytes")))?
        };
        if aligned {
            self.align();
        }
        Ok(Element { kind: word & 0xffff, data, at })
    }

    fn expect(&mut self, kind: u32, what: &str) -> Result<Element<'a>> {
        let element = self.element(true)?;
        if element.kind != kind {
            let (at, found) = (element.at, element.kind);
            return Err(Error::data(format!("byte {at}: {what} should be of type {kind}, not {found}")));
        }
        Ok(element)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use proptest::prelude::*;

    use super::*;

    const SMALL: &[u8] = include_bytes!("../../tests/fixtures/svhn_small.mat");
    const PLAIN: &[u8] = include_bytes!("../../tests/fixtures/plain.mat");

    fn get<const N: usize>(file: &[u8], names: [&str; N]) -> Result<[Array; N]> {
        let mut arrays = parse(file, &names)?;
        let taken: Vec<Array> = names.iter().map(|name| arrays.take(name)).collect::<Result<_>>()?;
        Ok(taken.try_into().expect("one array a name"))
    }

    #[test]
    fn arrays_that_scipy_wrote_are_read() {
        let [numbers, bytes] = get(PLAIN, ["numbers", "bytes"]).unwrap();
        assert_eq!(numbers.dims, [2, 3]);
        assert_eq!(numbers.values, Values::Numbers(vec![1.0, 4.0, 2.0, 5.0, 3.0, -6.5]));
        assert_eq!((bytes.dims, bytes.values), (vec![1, 3], Values::Bytes(vec![7, 8, 9])));
        let [y] = get(SMALL, ["y"]).unwrap();
        assert_eq!(y.dims, [12, 1]);
    }

    #[test]
    fn every_truncation_is_an_error() {
        for (file, names) in [(SMALL, ["X", "y"]), (PLAIN, ["numbers", "bytes"])] {
            for length in 0..file.len() {
                let error = get(&file[..length], names).map(|_| length).unwrap_err().to_string();
                assert!(error.contains("byte") || error.contains("holds no array"), "{length}: {error}");
            }
        }
    }

    #[test]
    fn what_is_not_there_or_not_this_format_is_named() {
        let error = get(PLAIN, ["Z"]).unwrap_err().to_string();
        assert!(error.contains("no array 'Z'"), "{error}");
        let error = get(PLAIN, ["text"]).unwrap_err().to_string();
        assert!(error.contains("does not hold real numbers"), "{error}");
        let mut other = PLAIN.to_vec();
        other[126] = b'X';
        assert!(get(&other, ["bytes"]).unwrap_err().to_string().contains("byte 124"));
    }

    /// A matrix element called `X` of one row of `count` bytes or, as type 1, of small integers.
    fn row_of_zeros(kind: u32, count: u32) -> Vec<u8> {
        let mut body = Vec::new();
        let mut element = |kind: u32, data: &[u8]| {
            body.extend([kind.to_le_bytes(), (data.len() as u32).to_le_bytes()].concat());
            body.extend(data);
            body.resize(body.len().next_multiple_of(8), 0);
        };
        element(UINT32, &[9, 0, 0, 0, 0, 0, 0, 0]);
        element(INT32, &[1_u32.to_le_bytes(), count.to_le_bytes()].concat());
        element(INT8, b"X");
        element(kind, &vec![0; count as usize]);
        [&MATRIX.to_le_bytes()[..], &(body.len() as u32).to_le_bytes(), &body].concat()
    }

    fn packed(element: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(element).unwrap();
        let packed = encoder.finish().unwrap();
        [&COMPRESSED.to_le_bytes()[..], &(packed.len() as u32).to_le_bytes(), &packed].concat()
    }

    #[test]
    fn numbers_are_not_widened_without_end() {
        let longest = NUMBERS_LIMIT as u32;
        let file = |kind, count| [&PLAIN[..HEADER], &packed(&row_of_zeros(kind, count))].concat();
        let error = get(&file(INT8, longest + 1), ["X"]).unwrap_err().to_string();
        assert!(error.contains("has 67108865 bytes; 67108864 is the limit"), "{error}");
        let [bytes] = get(&file(UINT8, longest + 1), ["X"]).unwrap();
        assert_eq!(bytes.values.len(), NUMBERS_LIMIT + 1);
        let [few] = get(&file(INT8, 9), ["X"]).unwrap();
        assert_eq!(few.values, Values::Numbers(vec![0.0; 9]));
    }

    #[test]
    fn many_packed_arrays_share_one_limit() {
        let array = packed(&row_of_zeros(UINT8, 100));
        let file = array.repeat(3);
        let unpacked = row_of_zeros(UINT8, 100).len() as u64;
        let mut cursor = Cursor { bytes: &file, at: 0 };
        let mut left = 2 * unpacked + 1;
        for _ in 0..2 {
            assert!(top_element(&mut cursor, &["X"], &mut left).unwrap().is_some());
        }
        let error = top_element(&mut cursor, &["X"], &mut left).unwrap_err().to_string();
        assert!(error.contains("unpacks to more than the limit of 1 bytes"), "{error}");
    }

    proptest! {
        #[test]
        fn changed_bytes_never_panic(changes: Vec<(u16, u8)>, packed: bool) {
            let mut file = if packed { SMALL } else { PLAIN }.to_vec();
            let length = file.len();
            for (at, value) in changes {
                file[usize::from(at) % length] = value;
            }
            let _ = parse(&file, &["X"]);
            let _ = parse(&file, &["numbers", "bytes"]);
        }

        #[test]
        fn arbitrary_elements_never_panic(body: Vec<u8>) {
            let mut file = PLAIN[..HEADER].to_vec();
            file.extend(body);
            prop_assert!(get(&file, ["X"]).is_err());
        }
    }
}
