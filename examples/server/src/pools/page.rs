//! The page as it is sent: whole without JavaScript, which goes on from there.

use std::cmp::Reverse;
use std::fmt::{self, Display, Formatter, Write as _};
use std::sync::Arc;

use crate::pools::sample::{Row, Sample};
use crate::pools::sampler::Sampler;

/// A text between two tags, or in an attribute's quotes.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                _ => f.write_char(character)?,
            }
        }
        Ok(())
    }
}

pub(super) fn render(sampler: &Sampler, token: &str) -> String {
    let (run, [first, before, last]) = sampler.last();
    write_page(run, token, sampler.keep().as_secs(), [&first, &before, &last])
}

fn write_page(run: &str, token: &str, seconds: u64, [first, before, last]: [&Arc<Sample>; 3]) -> String {
    let none = Row::default();
    let empty = write_row("", &none, &none, &none, 0.0);
    let time = last.at.saturating_sub(before.at).as_secs_f64();
    let mut rows = String::new();
    for (name, row) in &last.rows {
        let at = |sample: &Sample| sample.rows.get(name).copied().unwrap_or_default();
        rows += &write_row(name, &at(first), &at(before), row, time);
    }
    format!(
        include_str!("page.html"),
        run = run,
        token = token,
        seconds = seconds,
        minutes = in_words(seconds),
        rows = rows,
        empty = empty
    )
}

/// `first` is the row of the oldest sample that is kept, and `before` that of the sample before the last, which is `time` seconds ago.
fn write_row(name: &str, first: &Row, before: &Row, row: &Row, time: f64) -> String {
    let rate = |of: fn(&Row) -> u64| if time > 0.0 { of(row).saturating_sub(of(before)) as f64 / time } else { 0.0 };
    let (made, dropped) = (rate(|row| row.made), rate(|row| row.dropped));
    format!(
        include_str!("row.html"),
        name = Escaped(name),
        in_use = row.in_use,
        in_use_text = grouped(row.in_use),
        idle = row.idle,
        idle_text = grouped(row.idle),
        max_idle_text = grouped(row.max_idle),
        victims = row.victims,
        victims_text = grouped(row.victims),
        bytes = row.bytes.unwrap_or_default(),
        bytes_text = row.bytes.map_or("not weighed".to_owned(), in_bytes),
        made = made,
        made_text = in_rate(made),
        dropped = dropped,
        dropped_text = in_rate(dropped),
        why = Escaped(&reasons(first, row)),
    )
}

/// The reasons of the drops since `first`, the most frequent first.
fn reasons(first: &Row, row: &Row) -> String {
    let mut reasons: Vec<_> = row.why.since(&first.why).iter().collect();
    reasons.sort_by_key(|&(_, number)| Reverse(number));
    let words: Vec<String> =
        reasons.into_iter().map(|(reason, number)| format!("{reason} {}", grouped(number))).collect();
    words.join(", ")
}

fn in_words(seconds: u64) -> String {
    match seconds {
        60 => "minute".to_owned(),
        _ if seconds.is_multiple_of(60) => format!("{} minutes", seconds / 60),
        _ => format!("{seconds} seconds"),
    }
}

/// `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number a second: with a decimal, if it is small.
fn in_rate(rate: f64) -> String {
    if rate > 0.0 && rate < 10.0 { format!("{rate:.1}") } else { grouped(rate.round() as u64) }
}

fn in_bytes(bytes: u64) -> String {
    let mut amount = bytes as f64;
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    while amount >= 1024.0 {
        let Some(next) = units.next() else { break };
        (amount, unit) = (amount / 1024.0, next);
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{amount:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::pools::sample::Rows;
    use crate::pools::sample::tests::why;

    fn sample(at: u64, rows: Rows) -> Arc<Sample> {
        Arc::new(Sample { at: Duration::from_millis(at), rows, event: Default::default() })
    }

    fn row(made: u64, reasons: &[(&str, u64)]) -> Row {
        Row { made, dropped: reasons.iter().map(|&(_, number)| number).sum(), why: why(reasons), ..Row::default() }
    }

    fn page(samples: [(u64, Row); 3]) -> String {
        let [first, before, last] = samples.map(|(at, row)| sample(at, Rows::from([("page".into(), row)])));
        write_page("run", "token", 300, [&first, &before, &last])
    }

    #[test]
    fn a_name_is_text_wherever_it_stands() {
        let name = "Buf<&'static \"str\"></bdi></th><script>alert(1)</script>{rows}";
        let samples = sample(0, Rows::from([(name.into(), Row::default())]));
        let page = write_page("run", "token", 300, [&samples; 3]);
        let escaped = "Buf&lt;&amp;&#39;static &quot;str&quot;&gt;&lt;/bdi&gt;&lt;/th&gt;&lt;script&gt;alert(1)&lt;/script&gt;{rows}";
        assert!(page.contains(&format!("<bdi>{escaped}</bdi>")), "{page}");
        assert!(!page.contains("alert(1)</script>") && page.matches("<script").count() == 1, "{page}");
    }

    #[test]
    fn rates_are_of_the_last_interval_and_reasons_of_all_that_is_kept() {
        let first = (0, row(100, &[("age", 40), ("bound", 5)]));
        let before = (100_000, row(200, &[("age", 41), ("bound", 5)]));
        let last = (100_500, row(203, &[("age", 42), ("bound", 1205), ("off", 1)]));
        let page = page([first, before, last]);
        for words in [">6.0</data>", ">2,404</data>", "bound 1,200, age 2, off 1"] {
            assert!(page.contains(words), "no `{words}` in {page}");
        }
    }

    /// At the start the three samples are one.
    #[test]
    fn there_is_no_rate_without_time() {
        let page = page([(0, row(9, &[])), (0, row(9, &[])), (0, row(9, &[]))]);
        assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
    }

    #[test]
    fn numbers_are_for_people() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0.0, 0.25, 9.94, 10.4, 12_345.6].map(in_rate), ["0", "0.2", "9.9", "10", "12,346"]);
        assert_eq!(
            [0, 1023, 1024, 1_572_864, u64::MAX].map(in_bytes),
            ["0 B", "1023 B", "1.0 KiB", "1.5 MiB", "16777216.0 TiB"]
        );
        assert_eq!([60, 300, 45].map(in_words), ["minute", "5 minutes", "45 seconds"]);
    }
}
