//! Weight files: there and back, PyTorch's and NumPy's own, and files that lie.

use proptest::prelude::*;
use scant_abi::{State, Tensor};
use scant_nn::weights::{
    parse, read, read_npz, read_pth, read_safetensors, write, write_npz, write_safetensors,
};

const PTH: &[u8] = include_bytes!("fixtures/state.pth");
const NPZ: &[u8] = include_bytes!("fixtures/state.npz");

fn state() -> State {
    State::from([
        (
            "encoder.0.weight".to_owned(),
            Tensor::from_f32(vec![1.0, -2.5, 3.0, 0.0, 5.0, 6.0], &[2, 3]).expect("fits"),
        ),
        ("steps".to_owned(), Tensor::from_i64(vec![-7], &[]).expect("fits")),
        ("opaque".to_owned(), Tensor::from_u8(vec![1, 2, 255], &[3]).expect("fits")),
    ])
}

fn assert_same(a: &State, b: &State) {
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    for (name, tensor) in a {
        assert_eq!(format!("{:?}", tensor.view()), format!("{:?}", b[name].view()), "{name}");
    }
}

#[test]
fn what_is_written_is_read() {
    let state = state();
    assert_same(&read_safetensors(&write_safetensors(&state).expect("written")).expect("read"), &state);
    assert_same(&read_npz(&write_npz(&state).expect("written")).expect("read"), &state);
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["weights.safetensors", "weights.npz"] {
        let path = folder.path().join(name);
        write(&path, &state).expect("written");
        assert_same(&read(&path).expect("read"), &state);
    }
}

#[test]
fn a_state_dict_of_pytorch_is_read() {
    let state = parse(PTH).expect("read");
    let values = |name: &str| state[name].f32().expect("f32").to_vec();
    assert_eq!(values("encoder.0.weight"), (0..12).map(|i| i as f32 / 8.0).collect::<Vec<_>>());
    assert_eq!(*state["encoder.0.transposed"].shape(), [4, 3]);
    assert_eq!(values("encoder.0.transposed")[..4], [12.0 / 8.0, 16.0 / 8.0, 20.0 / 8.0, 13.0 / 8.0]);
    assert_eq!(values("encoder.1.half"), [0.5, -2.0, 65504.0]);
    assert_eq!(values("encoder.1.brain"), [1.5, -3.0]);
    assert_eq!(values("encoder.1.double"), [0.25]);
    assert_eq!(state["encoder.1.num_batches_tracked"].i64().expect("i64"), [7]);
    assert_eq!(values("head.parameter"), [4.0]);
    assert_eq!(state.len(), 7);
}

#[test]
fn numpys_compressed_archive_is_read() {
    let state = parse(NPZ).expect("read");
    assert_eq!(state["a"].f32().expect("f32"), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(*state["a"].shape(), [2, 3]);
    assert_eq!(state["b"].i64().expect("i64"), [1, -2]);
}

#[test]
fn a_pickle_with_anything_but_tensors_is_refused() {
    let error = read_pth(include_bytes!("fixtures/object.pth")).expect_err("refused").to_string();
    assert!(error.contains("nothing but tensors, and holds 'epoch', which is a number"), "{error}");
}

#[test]
fn a_pickle_that_calls_a_function_is_refused_by_the_functions_name() {
    // What a hostile file looks like: os.system("...") where the tensors should be.
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("a/data.pkl", zip::write::SimpleFileOptions::default()).expect("started");
    std::io::Write::write_all(&mut archive, b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.")
        .expect("written");
    let bytes = archive.finish().expect("finished").into_inner();
    let error = parse(&bytes).expect_err("refused").to_string();
    assert!(error.contains("a call of 'os.system', which is not made"), "{error}");
}

#[test]
fn headers_that_lie_are_errors_and_take_no_memory() {
    let huge = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
    assert!(parse(&huge).expect_err("refused").to_string().contains("safetensors"));
    let good = write_safetensors(&state()).expect("written");
    for len in 0..good.len() {
        assert!(parse(&good[..len]).is_err(), "cut off at {len}");
    }
    let mut npy = b"\x93NUMPY\x01\x00".to_vec();
    let header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,), }";
    npy.extend((header.len() as u16).to_le_bytes());
    npy.extend(header);
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("a.npy", zip::write::SimpleFileOptions::default()).expect("started");
    std::io::Write::write_all(&mut archive, &npy).expect("written");
    let bytes = archive.finish().expect("finished").into_inner();
    assert!(parse(&bytes).expect_err("refused").to_string().contains("array 'a' cannot be read"));
    let old = parse(b"\x80\x02\x8a\x0a\x6c\xfc").expect_err("refused").to_string();
    assert!(old.contains("from before 1.6"), "{old}");
}

/// The fixture with some bytes replaced.
fn damaged(bytes: &[u8], changes: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (place, value) in changes {
        let place = place.index(bytes.len());
        bytes[place] = *value;
    }
    bytes
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(parse(&bytes).is_err() || bytes.len() >= 8);
        let _ = read_pth(&bytes);
        let _ = read_npz(&bytes);
    }

    #[test]
    fn damaged_files_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let _ = parse(&damaged(PTH, &changes));
        let _ = parse(&damaged(NPZ, &changes));
    }

    #[test]
    fn damaged_pickles_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        // Past the archive's check sums: the pickle itself is damaged and packed again.
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(PTH)).expect("an archive");
        let mut pickle = Vec::new();
        let name = "state/data.pkl";
        std::io::Read::read_to_end(&mut archive.by_name(name).expect("there"), &mut pickle).expect("read");
        let mut packed = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        packed.start_file(name, zip::write::SimpleFileOptions::default()).expect("started");
        std::io::Write::write_all(&mut packed, &damaged(&pickle, &changes)).expect("written");
        let _ = parse(&packed.finish().expect("finished").into_inner());
    }
}
