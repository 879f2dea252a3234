use pool_runtime::{Guard, Pooled};

#[derive(Default, Pooled)]
struct Line(Vec<u8>);

/// Acquires when it is made, and keeps what it has acquired.
#[derive(Pooled)]
#[pooled(new = || Page { first: Line::acquire(), rest: vec![], last: None })]
struct Page {
    first: Guard<Line>,
    rest: Vec<Guard<Line>>,
    last: Option<Guard<Line>>,
}

fn main() {
    let mut page = Page::acquire();
    page.first.0.push(1);
    page.rest.push(Line::acquire());
    page.last = Some(Line::acquire());
    assert_eq!(Line::pool().stats().in_use, 3);
    Page::reset_object(&mut page);
    assert!(page.first.0.is_empty());
    assert_eq!(Line::pool().stats().in_use, 1);
}
