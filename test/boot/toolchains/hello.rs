// A static Rust program: collections, formatting, a panic that is caught.
use std::collections::BTreeMap;

fn main() {
    let mut sums = BTreeMap::new();
    for i in 0..100u32 {
        *sums.entry(i % 7).or_insert(0u32) += i;
    }
    println!("{:?} {:.10} {:e}", sums, 2f64.sqrt(), 1.0 / 3.0);
    let caught = std::panic::catch_unwind(|| Vec::<i32>::new()[std::env::args().count()]);
    println!("{}", caught.is_err());
}
