//! The cost of some types, new and reset: `cargo run --release -p recipes --example reset_or_new`. With
//! `--no-default-features --features miniz_oxide` flate2 has its other backend.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

/// The median time in ns of making an object and using it, and of using one that is there and resetting it.
fn new_and_reset<T>(new: impl Fn() -> T, mut using: impl FnMut(&mut T), reset: impl Fn(&mut T)) -> [u128; 2] {
    let mut kept = new();
    let mut times = [(); 1001].map(|()| {
        let start = Instant::now();
        using(black_box(&mut new()));
        let made = start.elapsed();
        using(black_box(&mut kept));
        reset(&mut kept);
        [made, start.elapsed() - made].map(|time| time.as_nanos())
    });
    [0, 1].map(|i| (times.sort_by_key(|time| time[i]), times[500][i]).1)
}

fn compare<T>(name: &str, new: impl Fn() -> T, using: impl FnMut(&mut T), reset: impl Fn(&mut T)) {
    let [made, reset] = new_and_reset(new, using, reset);
    println!("{name:40} {made:9} {reset:9} {:6.2}", reset as f64 / made as f64);
}

fn main() {
    println!("{:40} {:>9} {:>9} {:>6}", "median ns", "new", "reset", "ratio");
    let backend = if cfg!(feature = "zlib-rs") { "zlib-rs" } else { "miniz_oxide" };
    let text = include_bytes!("reset_or_new.rs").repeat(32);
    for length in [0, 100, 1000, 65_536] {
        let input = &text[..length];
        let new = || Compress::new(Compression::default(), true);
        let mut output = vec![0; 100_000];
        let using = |compress: &mut Compress| {
            compress.compress(input, &mut output, FlushCompress::Finish).expect("the room is enough");
        };
        compare(&format!("{backend}: Compress, {length} bytes"), new, using, Compress::reset);

        let mut output = Vec::with_capacity(100_000);
        new().compress_vec(input, &mut output, FlushCompress::Finish).expect("the room is enough");
        let mut plain = vec![0; 100_000];
        let using = |decompress: &mut Decompress| {
            decompress.decompress(&output, &mut plain, FlushDecompress::Finish).expect("it was compressed");
        };
        let name = format!("{backend}: Decompress, {length} bytes");
        compare(&name, || Decompress::new(true), using, |decompress| decompress.reset(true));
    }
    for length in [16, 1024, 65_536] {
        let using = |bytes: &mut Vec<u8>| bytes.extend_from_slice(&text[..length]);
        compare(&format!("Vec<u8>, {length} bytes"), Vec::new, using, Vec::clear);
    }
    for entries in [10, 1000] {
        let using = |map: &mut HashMap<u64, u64>| map.extend((0..entries).map(|i| (i, i)));
        compare(&format!("HashMap<u64, u64>, {entries} entries"), HashMap::new, using, HashMap::clear);
    }
    let new = || vec![0_u8; 1 << 20];
    compare("Vec<u8>, 1 MiB of zeros, one written", new, |bytes| bytes[0] = 1, |bytes| bytes.fill(0));
}
