//! Pools in tower: a service acquires in `call`, the response owns the guard, and a limit bounds the objects in use.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::task::{Context, Poll};

use pool_runtime::{Guard, Pooled};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

#[derive(Default, Pooled)]
struct Body {
    #[pooled(max_capacity = 64 * 1024)]
    bytes: Vec<u8>,
}

/// A response whose body goes back to its pool when the server has sent it.
struct Response {
    body: Guard<Body>,
}

/// The service has no guard: tower clones a service for each connection, and a clone would hold an object while it waits.
#[derive(Clone)]
struct Hello;

impl Service<String> for Hello {
    type Response = Response;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: String) -> Self::Future {
        let mut body = Body::acquire();
        body.bytes.extend_from_slice(b"hello, ");
        body.bytes.extend_from_slice(name.as_bytes());
        ready(Ok(Response { body }))
    }
}

#[tokio::test]
async fn a_response_owns_its_guard() {
    let response = Hello.oneshot("world".to_owned()).await.unwrap();
    assert_eq!(response.body.bytes, b"hello, world");
    assert_eq!(Body::pool().stats().in_use, 1);
    drop(response);
    assert_eq!(Body::pool().stats().in_use, 0);
}

#[derive(Default, Pooled)]
struct Scratch {
    text: String,
}

/// Gives each request a scratch space, which goes back to its pool when the request has been answered.
#[derive(Clone)]
struct WithScratch<S> {
    inner: S,
}

impl<S, R> Service<R> for WithScratch<S>
where
    S: Service<(R, Guard<Scratch>)>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.inner.call((request, Scratch::acquire()))
    }
}

/// The layer that adds it.
struct ScratchLayer;

impl<S> Layer<S> for ScratchLayer {
    type Service = WithScratch<S>;

    fn layer(&self, inner: S) -> WithScratch<S> {
        WithScratch { inner }
    }
}

async fn shout((name, mut scratch): (&str, Guard<Scratch>)) -> Result<usize, Infallible> {
    scratch.text.extend(name.chars().flat_map(char::to_uppercase));
    scratch.text.push('!');
    Ok(scratch.text.len())
}

#[tokio::test]
async fn a_layer_acquires_for_each_request() {
    let mut service = ServiceBuilder::new().layer(ScratchLayer).service(service_fn(shout));
    for (name, length) in [("world", 6), ("straße", 8)] {
        assert_eq!(service.ready().await.unwrap().call(name).await.unwrap(), length);
    }
    let stats = Scratch::pool().settled_stats().unwrap();
    assert_eq!((stats.created, stats.in_use), (1, 0));
}

/// 1 MiB each.
#[derive(Pooled)]
#[pooled(new = || Image { pixels: vec![0; 1 << 20] }, max_idle = 4, local = 0)]
struct Image {
    #[pooled(keep)]
    pixels: Vec<u8>,
}

async fn draw(color: u8) -> Result<u8, Infallible> {
    let mut image = Image::acquire();
    image.pixels[0] = color;
    tokio::task::yield_now().await;
    Ok(image.pixels[0])
}

/// At most four requests at a time, so at most four images in use.
fn limited()
-> impl Service<u8, Response = u8, Error = Infallible, Future: Future<Output = Result<u8, Infallible>> + Send>
+ Clone
+ Send
+ 'static {
    ServiceBuilder::new().concurrency_limit(4).service(service_fn(draw))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_bounds_the_objects_in_use() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Barrier;

    static MOST: AtomicUsize = AtomicUsize::new(0);
    let service = limited();
    let start = Arc::new(Barrier::new(200));
    let tasks: Vec<_> = (0..200_u8)
        .map(|color| {
            let (service, start) = (service.clone(), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                let answer = service.oneshot(color).await.unwrap();
                MOST.fetch_max(Image::pool().settled_stats().map_or(0, |stats| stats.in_use), Ordering::Relaxed);
                assert_eq!(answer, color);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let stats = Image::pool().settled_stats().unwrap();
    println!("{} at a time, {} made, {} idle", MOST.load(Ordering::Relaxed), stats.created, stats.idle);
    assert!(MOST.load(Ordering::Relaxed) <= 4);
    assert_eq!(stats.in_use, 0);
    assert!(stats.idle <= 4);
}
