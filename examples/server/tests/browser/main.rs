//! The page of the pools in a browser: Debian's Chromium. `ci/browser.sh` installs it and runs these tests, which need the feature `browser`.

mod driver;

use std::net::SocketAddr;
use std::time::Duration;

use pool_runtime::{Guard, Pooled};
use serde_json::{Value, json};
use server::pools::{Options, router};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, MutexGuard, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::driver::{Browser, PATIENCE};

/// A collect is one of all pools: one test at a time has objects.
static ALONE: Mutex<()> = Mutex::const_new(());

const TAB: char = '\u{e004}';
const ENTER: char = '\u{e007}';

/// Its name is as long as types have them, is no HTML, and has no place for a line break.
#[derive(Default, Pooled)]
#[pooled(
    name = "server::codec::Buf<alloc::vec::Vec<&'static\u{a0}str>,A_NAME_WITHOUT_A_PLACE_FOR_A_LINE_BREAK_0123456789,<b>\"bold\"</b>>",
    local = 0,
    weigh = |_| 1024
)]
struct Long(u8);

#[derive(Default, Pooled)]
#[pooled(name = "short", max_idle = 1000)]
struct Short(u8);

fn hold<T: Pooled>(objects: usize) -> Vec<Guard<T>> {
    (0..objects).map(|_| T::acquire()).collect()
}

/// A server with the page, and a browser that shows it. 3 long ones are in use, 40 idle; 500 short ones in use, none idle.
struct Shown {
    browser: Browser,
    address: SocketAddr,
    server: Served,
    held: (Vec<Guard<Long>>, Vec<Guard<Short>>),
    _alone: MutexGuard<'static, ()>,
}

struct Served(oneshot::Sender<()>, JoinHandle<()>);

async fn serve(address: SocketAddr, options: Options) -> (SocketAddr, Served) {
    let (stop, stopped) = oneshot::channel::<()>();
    let (close, closed) = oneshot::channel::<()>();
    let until = async move {
        let _ = stopped.await;
        let _ = close.send(());
    };
    // Of the address of a server that has just ended, too.
    let mut listener = TcpListener::bind(address).await;
    for _ in 0..100 {
        if listener.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        listener = TcpListener::bind(address).await;
    }
    let listener = listener.unwrap();
    let address = listener.local_addr().unwrap();
    let app = router(Options { until: Box::pin(until), ..options });
    let closed = async { closed.await.unwrap_or_default() };
    let served = tokio::spawn(async { axum::serve(listener, app).with_graceful_shutdown(closed).await.unwrap() });
    (address, Served(stop, served))
}

fn fast() -> Options {
    Options { every: Duration::from_millis(50), keep: Duration::from_secs(10), ..Options::default() }
}

impl Shown {
    async fn open(options: Options) -> Self {
        let alone = ALONE.lock().await;
        // A test that has failed has left its objects idle.
        pool_runtime::collect();
        let mut long = hold::<Long>(43);
        long.truncate(3);
        let held = (long, hold::<Short>(500));
        let (address, server) = serve(([127, 0, 0, 1], 0).into(), options).await;
        let browser = Browser::start().await;
        let shown = Self { browser, address, server, held, _alone: alone };
        shown.browser.open(&shown.page()).await;
        shown
    }

    fn page(&self) -> String {
        format!("http://{}/pools", self.address)
    }

    /// A script has drawn the charts.
    async fn is_live(&self) {
        self.browser
            .until(
                "[...document.querySelectorAll('tbody [data-of=in_use] path')].every((path) => path.getAttribute('d')?.includes('L'))",
                "document.body.innerText",
            )
            .await;
    }

    async fn number(&self, pool: &str, of: &str) -> Value {
        self.browser.value(&format!("Number({})", cell(pool, of))).await
    }

    async fn reaches(&self, pool: &str, of: &str, number: u64) {
        self.browser.until(&format!("Number({}) === {number}", cell(pool, of)), &cell(pool, of)).await;
    }

    async fn text(&self, selector: &str) -> String {
        self.browser
            .value(&format!("document.querySelector({}).innerText", json!(selector)))
            .await
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn pools_in_order(&self) -> Vec<String> {
        let names =
            self.browser.value("[...document.querySelectorAll('tbody bdi')].map((name) => name.textContent)").await;
        names.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    }

    /// The page must have told the console nothing.
    async fn close(self) {
        assert_eq!(self.browser.console().await, [""; 0]);
        self.browser.close().await;
        let Served(stop, served) = self.server;
        stop.send(()).unwrap();
        timeout(PATIENCE, served).await.expect("the server ends").unwrap();
        drop(self.held);
        pool_runtime::collect();
    }
}

fn cell(pool: &str, of: &str) -> String {
    let name = json!(pool);
    format!(
        "[...document.querySelectorAll('tbody tr')].find((row) => row.querySelector('bdi').textContent === {name}).querySelector('[data-of={of}] data').value"
    )
}

fn long() -> &'static str {
    Long::pool().name()
}

const PHONES: [(u32, u32); 2] = [(360, 740), (320, 568)];

impl Shown {
    async fn on_a_phone(&self, (width, height): (u32, u32)) {
        let phone = json!({"width": width, "height": height, "deviceScaleFactor": 2, "mobile": true});
        self.browser.devtools("Emulation.setDeviceMetricsOverride", phone).await;
    }

    async fn with_media(&self, feature: &str, value: &str) {
        self.browser
            .devtools("Emulation.setEmulatedMedia", json!({"features": [{"name": feature, "value": value}]}))
            .await;
    }
}

#[tokio::test]
async fn the_numbers_fall_when_collect_is_pressed() {
    let shown = Shown::open(fast()).await;
    shown.is_live().await;
    for (pool, of, number) in
        [(long(), "in_use", 3), (long(), "idle", 40), ("short", "in_use", 500), ("short", "idle", 0)]
    {
        assert_eq!(shown.number(pool, of).await, json!(number), "{pool} {of}");
    }
    assert_eq!(shown.pools_in_order().await, [long(), "short"]);
    let chart = "document.querySelector('tbody tr [data-of=idle] path').getBoundingClientRect()";
    assert!(shown.browser.value(&format!("{chart}.width")).await.as_f64().unwrap() > 0.0, "the chart is drawn");

    shown.browser.click("form[action$=collect] button").await;
    shown.reaches(long(), "idle", 0).await;
    shown
        .browser
        .until(
            "document.querySelector('#said').innerText === 'Collect: 40 objects dropped.'",
            "document.querySelector('#said').innerText",
        )
        .await;
    assert_eq!(shown.number(long(), "in_use").await, 3);
    shown
        .browser
        .until(
            "document.querySelector('tbody tr [data-of=why] span').innerText === 'collect 40'",
            "document.body.innerText",
        )
        .await;
    assert!(Long::pool().stats().dropped.collect >= 40 && Long::pool().idle() == 0, "it is so");
    shown.close().await;
}

#[tokio::test]
async fn age_makes_victims_and_drops_them_the_next_time() {
    let shown = Shown::open(fast()).await;
    shown.is_live().await;
    shown.browser.click("form[action$=age] button").await;
    shown.reaches(long(), "victims", 40).await;
    shown.reaches(long(), "bytes", 40 * 1024).await;
    assert_eq!(shown.number(long(), "idle").await, 40);
    shown.browser.click("form[action$=age] button").await;
    shown.reaches(long(), "idle", 0).await;
    shown
        .browser
        .until(
            "document.querySelector('#said').innerText === 'Age: 40 objects dropped.'",
            "document.querySelector('#said').innerText",
        )
        .await;
    shown.close().await;
}

#[tokio::test]
async fn the_page_works_by_keyboard() {
    let shown = Shown::open(fast()).await;
    shown.is_live().await;
    let browser = &shown.browser;
    let mut visited = Vec::new();
    for _ in 0..11 {
        browser.key(TAB).await;
        visited.push(browser.value("document.activeElement.id || document.activeElement.textContent").await);
        let outline = browser.value("getComputedStyle(document.activeElement).outline").await;
        assert!(outline.as_str().unwrap().contains("solid 3px"), "the focus is seen: {outline}");
    }
    let expected = [
        "filter",
        "pause",
        "Age",
        "Collect",
        "Pool",
        "In use",
        "Idle",
        "Victims",
        "Idle bytes",
        "Made a second",
        "Dropped a second",
    ];
    assert_eq!(visited, expected);

    browser.value("document.querySelector('[data-by=in_use] button').focus()").await;
    for (order, pools) in [("descending", ["short", long()]), ("ascending", [long(), "short"])] {
        browser.key(ENTER).await;
        assert_eq!(
            browser
                .value("[...document.querySelectorAll('[aria-sort]')].map((head) => head.innerText.slice(0, 6))")
                .await,
            json!(["In use"])
        );
        assert_eq!(browser.value("document.querySelector('[data-by=in_use]').ariaSort").await, order);
        assert_eq!(shown.pools_in_order().await, pools);
    }
    // The focus stays where it is when numbers come.
    let seen = browser.value("document.querySelector('tbody path').getAttribute('d')").await;
    browser
        .until(&format!("document.querySelector('tbody path').getAttribute('d') !== {seen}"), "document.body.innerText")
        .await;
    assert_eq!(browser.value("document.activeElement.textContent").await, "In use");

    browser.write("#filter", "SHOR").await;
    assert_eq!(shown.pools_in_order().await, ["short"]);
    browser.write("#filter", "x").await;
    assert_eq!(shown.pools_in_order().await, [""; 0]);
    assert_eq!(shown.text("#more").await, "No pool has such a name.");
    browser.value("document.querySelector('#filter').select()").await;
    browser.write("#filter", "<b>").await;
    assert_eq!(shown.pools_in_order().await, [long()]);

    browser.value("document.querySelector('form[action$=collect] button').focus()").await;
    browser.key(ENTER).await;
    shown.reaches(long(), "idle", 0).await;
    browser.until("document.activeElement.textContent === 'Collect'", "document.activeElement.outerHTML").await;
    shown.close().await;
}

#[tokio::test]
async fn a_name_is_text() {
    let shown = Shown::open(fast()).await;
    // As the server has sent it, and as the script has drawn it.
    for live in [false, true] {
        if live {
            shown.is_live().await;
        }
        assert!(shown.pools_in_order().await.iter().any(|name| name == long()), "{live}");
        assert_eq!(shown.browser.value("document.querySelectorAll('bdi *').length").await, 0, "{live}");
    }
    shown.close().await;
}

#[tokio::test]
async fn a_phone_shows_all_without_scrolling_sideways() {
    let shown = Shown::open(fast()).await;
    for phone in PHONES {
        shown.on_a_phone(phone).await;
        shown.browser.open(&shown.page()).await;
        shown.is_live().await;
        let width = shown.browser.value("document.scrollingElement.scrollWidth").await;
        assert_eq!((width, shown.browser.value("innerWidth").await), (json!(phone.0), json!(phone.0)));
        let outside = shown.browser.value(
            "[...document.querySelectorAll('main *')].filter((element) => { const box = element.getBoundingClientRect(); return box.width > 0 && (box.left < 0 || box.right > innerWidth); }) \
             .map((element) => element.outerHTML)",
        );
        assert_eq!(outside.await, json!([]));
        let small = shown.browser.value(
            "[...document.querySelectorAll('button, input:not([type=hidden])')].map((element) => [element.textContent, element.getBoundingClientRect()]) \
             .filter(([, box]) => box.width < 44 || box.height < 44).map(([text, box]) => `${text} ${box.width}x${box.height}`)",
        );
        assert_eq!(small.await, json!([]), "targets for a finger have 44 pixels");
        let small = shown.browser.value(
            "[...document.querySelectorAll('main *')].filter((element) => element.innerText && parseFloat(getComputedStyle(element).fontSize) < 12).length",
        );
        assert_eq!(small.await, 0, "text for eyes");
        shown.browser.click("form[action$=collect] button").await;
        shown.reaches(long(), "idle", 0).await;
        assert!(shown.text("tbody td[data-of=idle]").await.starts_with("Idle"), "a card names its numbers");
    }
    shown.close().await;
}

/// The contrast of text, by the formula of WCAG 2, and the least of each element with a text of its own.
const CONTRAST: &str = r"(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const parts = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
    const light = (colour) => {
        const [r, g, b] = parts(colour).map((part) => part / 255).map((part) => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
    };
    const behind = (element) => {
        for (; element; element = element.parentElement) {
            const colour = getComputedStyle(element).backgroundColor;
            if (parts(colour)[3] === 255) return colour;
        }
        return 'white';
    };
    const contrast = (one, other) => { const [a, b] = [light(one), light(other)].sort((a, b) => b - a); return (a + .05) / (b + .05); };
    const own = [...document.body.querySelectorAll('*')].filter((element) => element.checkVisibility() && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
    const low = own.map((element) => [contrast(getComputedStyle(element).color, behind(element)), element.outerHTML.slice(0, 200)]).filter(([value]) => value < 4.5);
    const lines = [...document.querySelectorAll('path, input, #pause')].filter((element) => element.checkVisibility());
    const faint = lines.map((element) => { const style = getComputedStyle(element); const colour = element.tagName === 'path' ? style.stroke : style.borderColor; return [contrast(colour, behind(element)), element.outerHTML.slice(0, 200)]; }).filter(([value]) => value < 3);
    return { checked: own.length, low: [...low, ...faint], ground: getComputedStyle(document.body).backgroundColor };
})()";

#[tokio::test]
async fn text_has_contrast_in_light_and_in_dark() {
    let shown = Shown::open(fast()).await;
    let mut grounds = Vec::new();
    for scheme in ["light", "dark"] {
        shown.with_media("prefers-color-scheme", scheme).await;
        for phone in [false, true] {
            if phone {
                shown.on_a_phone(PHONES[0]).await;
            } else {
                shown.browser.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await;
            }
            shown.browser.open(&shown.page()).await;
            shown.is_live().await;
            let found = shown.browser.value(CONTRAST).await;
            assert!(found["checked"].as_u64().unwrap() > 30, "{found}");
            assert_eq!(found["low"], json!([]), "{scheme}, phone: {phone}");
            grounds.push(found["ground"].clone());
        }
    }
    assert!(grounds[0] == grounds[1] && grounds[2] == grounds[3] && grounds[0] != grounds[2], "{grounds:?}");
    shown.close().await;
}

/// What a screen reader is told. With `display: block` some browsers take the meaning of a table's elements away, if it is not said again; Chromium
/// does not, so their roles are looked at, too.
#[tokio::test]
async fn a_screen_reader_finds_a_table_wide_and_narrow() {
    let shown = Shown::open(fast()).await;
    for phone in [false, true] {
        if phone {
            shown.on_a_phone(PHONES[0]).await;
        }
        shown.browser.open(&shown.page()).await;
        shown.is_live().await;
        let silent = "[...document.querySelectorAll('table, thead, tbody, tr, th, td')].filter((element) => !element.hasAttribute('role')).length";
        assert_eq!(shown.browser.value(silent).await, 0);
        let tree = shown.browser.devtools("Accessibility.getFullAXTree", json!({})).await;
        let nodes: Vec<(&str, &str)> = tree["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|node| node["ignored"] == false)
            .map(|node| (node["role"]["value"].as_str().unwrap(), node["name"]["value"].as_str().unwrap_or_default()))
            .collect();
        let count = |role: &str| nodes.iter().filter(|node| node.0 == role).count();
        let heads = if phone { 7 } else { 8 };
        assert_eq!((count("table"), count("row"), count("rowheader"), count("cell")), (1, 3, 2, 14), "{nodes:?}");
        assert_eq!(count("columnheader"), heads, "{nodes:?}");
        assert!(nodes.contains(&("table", "Every pool that has been used")), "{nodes:?}");
        assert!(nodes.contains(&("searchbox", "Filter by name")), "{nodes:?}");
        assert!(
            nodes.contains(&("rowheader", long())) || nodes.contains(&("rowheader", &long().replace('\u{a0}', " "))),
            "{nodes:?}"
        );
        assert_eq!((count("status"), count("heading"), count("main")), (1, 1, 1), "{nodes:?}");
        let nameless: Vec<_> = nodes
            .iter()
            .filter(|node| ["button", "searchbox", "link"].contains(&node.0) && node.1.is_empty())
            .collect();
        assert!(nameless.is_empty(), "{nameless:?}");
        assert_eq!(
            (count("image"), count("SvgRoot"), count("graphics-document")),
            (0, 0, 0),
            "the charts say nothing that the numbers do not: {nodes:?}"
        );
    }
    // The live region is silent while numbers change.
    assert_eq!(shown.text("#said").await, "");
    shown.close().await;
}

/// How often the charts are drawn in a second.
async fn drawings(shown: &Shown) -> u64 {
    let count = shown.browser.value(
        "new Promise((done) => { let drawings = 0; const observer = new MutationObserver(() => { drawings += 1; }); \
         observer.observe(document.querySelector('tbody'), { attributes: true, childList: true, characterData: true, subtree: true }); \
         setTimeout(() => { observer.disconnect(); done(drawings); }, 1000); })",
    );
    count.await.as_u64().unwrap()
}

#[tokio::test]
async fn the_page_stands_still_if_a_person_wants_it() {
    let shown = Shown::open(fast()).await;
    shown.is_live().await;
    let moving = drawings(&shown).await;
    assert!(moving >= 3, "{moving} drawings");
    shown.browser.click("#pause").await;
    assert_eq!(shown.browser.value("document.querySelector('#pause').ariaPressed").await, "true");
    assert!(drawings(&shown).await <= 1, "the last one may have been on its way");
    shown.browser.click("#pause").await;
    assert!(drawings(&shown).await >= 3);

    shown.with_media("prefers-reduced-motion", "reduce").await;
    assert!(drawings(&shown).await <= 2, "one in five seconds, and the last one on its way");
    // A button's effect is seen at once all the same.
    shown.browser.click("form[action$=collect] button").await;
    shown.reaches(long(), "idle", 0).await;
    shown.close().await;
}

#[tokio::test]
async fn without_javascript_there_are_a_table_and_buttons() {
    let shown = Shown::open(fast()).await;
    shown.browser.devtools("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
    shown.browser.open(&shown.page()).await;
    assert!(shown.text("header").await.contains("Without JavaScript"), "{}", shown.text("header").await);
    assert_eq!((shown.number(long(), "idle").await, shown.number("short", "in_use").await), (json!(40), json!(500)));
    assert_eq!(shown.browser.value("document.querySelector('#controls').checkVisibility()").await, false);
    shown.browser.click("form[action$=collect] button").await;
    shown.browser.until(&format!("{} === '0'", cell(long(), "idle")), "document.body.innerText").await;
    assert_eq!(shown.browser.value("location.pathname").await, "/pools");
    shown.close().await;
}

/// The page has the token of a process that is gone.
#[tokio::test]
async fn a_page_that_outlives_its_server_works_with_the_next_one() {
    let mut shown = Shown::open(fast()).await;
    shown.is_live().await;
    let first = shown.browser.value("document.querySelector('[name=token]').value").await;
    shown.server.0.send(()).unwrap();
    timeout(PATIENCE, shown.server.1).await.expect("the server ends").unwrap();
    shown
        .browser
        .until(
            "document.querySelector('#said').innerText.startsWith('The server does not answer')",
            "document.body.innerText",
        )
        .await;
    (_, shown.server) = serve(shown.address, fast()).await;
    shown
        .browser
        .until(&format!("document.querySelector('[name=token]').value !== {first}"), "document.body.innerText")
        .await;
    shown.is_live().await;
    shown.browser.click("form[action$=collect] button").await;
    shown.reaches(long(), "idle", 0).await;
    // The browser itself tells the console that the server was gone.
    let told = shown.browser.console().await;
    assert!(told.iter().all(|line| line.contains("/pools/events")), "{told:?}");
    shown.close().await;
}

#[tokio::test]
async fn a_page_too_many_says_so_and_has_its_table() {
    let shown = Shown::open(Options { listeners: 0, ..fast() }).await;
    shown
        .browser
        .until("document.querySelector('#said').innerText.includes('too many pages')", "document.body.innerText")
        .await;
    assert_eq!(shown.number(long(), "idle").await, 40);
    let told = shown.browser.console().await;
    assert!(told.iter().all(|line| line.contains("503")), "{told:?}");
    shown.close().await;
}
