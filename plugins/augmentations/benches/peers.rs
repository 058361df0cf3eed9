//! Each augmentation against torchvision v2 on tensors: one thread each, taking turns; medians of images per processor
//! second. At 224 pixels, sizes that count in pixels are seven times those at 32.
//!
//! `SCANT_PYTHON=<python with torchvision> cargo bench -p scant-augmentations --bench peers [-- <part of a name>]`

use std::hint::black_box;
use std::path::Path;

use scant_abi::{Augmentation, Image, Key, Maker, Setup};
use scant_augmentations::PLUGIN;
use scant_peers::{Peer, is_wanted, median, processor_seconds, record, wanted};
use serde_json::{Value, json};

const TURNS: usize = 5;
const TURN: f64 = 0.2;

fn main() {
    let wanted = wanted();
    let mut peer = Peer::start(&Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers.py"), 1);
    println!(
        "{:32} {:>10} {:>12} {:>6} {:>16}",
        "images/s", "ours", "torchvision", "ratio", "one draw for all"
    );
    for (side, count) in [(32, 256), (224, 32)] {
        let images: Vec<Image> = (0..count).map(|sample| picture(sample, side)).collect();
        for entry in (PLUGIN.components)() {
            let Maker::Augmentation(make) = entry.maker else { continue };
            let component = &entry.description.name;
            let name = format!("augment {component}, 3x{side}x{side}");
            if !is_wanted(&wanted, &name) {
                continue;
            }
            let settings = scaled(entry.description.defaults.clone(), side / 32);
            let ours = make(settings, &Setup::default()).expect("the settings make sense");
            let (mut own, mut each, mut batch) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..TURNS {
                own.push(rate(&*ours, &images));
                let question = json!({"peer": component, "side": side, "images": count, "seconds": TURN});
                let answer = peer.ask(&question);
                each.push(answer["each"].as_f64().expect("a number"));
                batch.push(answer["batch"].as_f64().expect("a number"));
            }
            let (own, each, batch) = (median(own), median(each), median(batch));
            println!("{name:32} {own:10.0} {each:12.0} {:6.2} {batch:16.0}", own / each);
            record(json!({
                "name": name, "unit": "images/s", "ours": own, "peer": each, "ratio": own / each,
                "peer_batch_with_one_draw": batch,
            }));
        }
    }
}

/// The settings with all that counts in pixels so many times as large.
fn scaled(mut settings: Value, times: usize) -> Value {
    for key in ["size", "padding"] {
        if let Some(pixels) = settings.get_mut(key) {
            *pixels = json!(pixels.as_u64().expect("whole pixels") * times as u64);
        }
    }
    settings
}

fn picture(sample: u64, side: usize) -> Image {
    let mut rng = Key::new(0).named("picture").fold(sample).rng();
    let pixels = (0..3 * side * side).map(|_| rng.below(256) as f32 / 255.0).collect();
    Image::new(3, side, side, pixels).expect("a good shape")
}

/// Images per second; the original stays as it is, as the peer's does.
fn rate(augmentation: &dyn Augmentation, images: &[Image]) -> f64 {
    let (start, mut count) = (processor_seconds(), 0);
    loop {
        for image in images {
            let out = augmentation.apply(black_box(image).clone(), Key::new(1).fold(count));
            black_box(out.expect("it applies"));
            count += 1;
        }
        let elapsed = processor_seconds() - start;
        if elapsed > TURN {
            return count as f64 / elapsed;
        }
    }
}
