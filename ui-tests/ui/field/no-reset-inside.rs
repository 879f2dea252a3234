use pool_runtime::Pooled;

struct Codec;

#[derive(Pooled)]
#[pooled(new = || Scratch(Box::new([Codec, Codec])))]
struct Scratch(Box<[Codec; 2]>);

fn main() {
    let _scratch = Scratch::acquire();
}
