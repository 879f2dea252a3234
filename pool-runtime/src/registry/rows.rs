//! The table of a process's pools, for people, and what its columns are made of.

use core::fmt;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::stats::{AllStats, Stats};

/// The number of columns of the table if the formatter says nothing.
pub(super) const WIDTH: usize = 100;

/// The least number of columns of a name.
pub(super) const LEAST_NAME: usize = 8;

const NUMBERS: usize = 6;

/// The columns of the table: a name and numbers.
const HEAD: (&str, [&str; NUMBERS]) = ("pool", ["in use", "idle", "victims", "max idle", "created", "dropped"]);

/// Before each column of numbers.
pub(super) const GAP: &str = "  ";

/// Before the words below a line.
const INDENT: &str = "    ";

impl fmt::Display for AllStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pools: Vec<&Stats> = self.iter().collect();
        pools.sort_by(|one, other| one.name.cmp(&other.name));
        let lines: Vec<_> = pools.into_iter().map(|pool| (escaped(&pool.name), numbers(pool), rest(pool))).collect();

        let widest = |number: usize| lines.iter().map(|line| line.1[number].len()).max().unwrap_or(0);
        let widths: [usize; NUMBERS] = core::array::from_fn(|number| widest(number).max(HEAD.1[number].len()));
        let taken: usize = widths.iter().map(|width| GAP.len() + width).sum();
        let width = f.width().unwrap_or(WIDTH).max(taken + LEAST_NAME);
        let names = lines.iter().map(|line| line.0.width()).max().unwrap_or(0).max(HEAD.0.len()).min(width - taken);

        write_line(f, HEAD.0, names, HEAD.1, widths)?;
        for (name, numbers, rest) in &lines {
            writeln!(f)?;
            write_line(f, end_of(name, names), names, numbers.each_ref().map(String::as_str), widths)?;
            write_below(f, rest, width)?;
        }
        Ok(())
    }
}

fn write_line(
    f: &mut fmt::Formatter<'_>,
    name: impl AsRef<str>,
    names: usize,
    numbers: [&str; NUMBERS],
    widths: [usize; NUMBERS],
) -> fmt::Result {
    let name = name.as_ref();
    // The formatter's own padding counts characters.
    write!(f, "{name}{:space$}", "", space = names.saturating_sub(name.width()))?;
    numbers.iter().zip(widths).try_for_each(|(number, width)| write!(f, "{GAP}{number:>width$}"))
}

/// Lines of as many words as fit.
fn write_below(f: &mut fmt::Formatter<'_>, words: &[String], width: usize) -> fmt::Result {
    let mut column = width;
    for word in words {
        if column + 1 + word.len() > width {
            write!(f, "\n{INDENT}{word}")?;
            column = INDENT.len() + word.len();
        } else {
            write!(f, " {word}")?;
            column += 1 + word.len();
        }
    }
    Ok(())
}

fn numbers(pool: &Stats) -> [String; NUMBERS] {
    let gauges = [pool.in_use, pool.idle, pool.victims, pool.max_idle].map(|gauge| gauge as u64);
    let [in_use, idle, victims, max_idle] = gauges;
    [in_use, idle, victims, max_idle, pool.created, pool.dropped.total()].map(short)
}

/// The numbers that have no column and are not zero.
fn rest(pool: &Stats) -> Vec<String> {
    let dropped: Vec<_> = pool.dropped.by_reason().into_iter().filter(|&(_, dropped)| dropped > 0).collect();
    let rest = [
        ("idle bytes", pool.idle_bytes.unwrap_or_default() as u64),
        ("adopted", pool.adopted),
        ("detached", pool.detached),
        ("refills", pool.refills),
        ("flushes", pool.flushes),
        ("steals", pool.steals),
        ("unfenced", pool.unfenced),
        #[cfg(feature = "hits")]
        ("acquires", pool.acquires),
        #[cfg(feature = "hits")]
        ("hits", pool.hits),
    ];
    let rest: Vec<_> = rest.into_iter().filter(|&(_, number)| number > 0).collect();
    let mut words = Vec::new();
    let last = dropped.len() + rest.len();
    for (place, &(name, number)) in dropped.iter().chain(&rest).enumerate() {
        let before = if place == 0 && !dropped.is_empty() { "dropped by " } else { "" };
        let after = match place + 1 {
            end if end == last => "",
            end if end == dropped.len() => ";",
            _ => ",",
        };
        words.push(format!("{before}{name} {}{after}", short(number)));
    }
    words
}

/// A number in six columns at the most.
pub(super) fn short(number: u64) -> String {
    const MILLION: u64 = 1_000_000;
    let (mut unit, mut letters) = (MILLION, "MGTPE".chars());
    let mut letter = letters.next();
    if number < MILLION {
        return number.to_string();
    }
    while number / unit >= 1000 {
        unit *= 1000;
        letter = letters.next();
    }
    let (whole, letter) = (number / unit, letter.unwrap_or_default());
    match whole {
        0..10 => format!("{whole}.{:02}{letter}", number / (unit / 100) % 100),
        10..100 => format!("{whole}.{}{letter}", number / (unit / 10) % 10),
        _ => format!("{whole}{letter}"),
    }
}

/// A name that moves no cursor and changes no direction of writing.
pub(super) fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            _ if character.is_control() => escaped.extend(character.escape_default()),
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                escaped.extend(character.escape_default());
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

/// The name, or a sign and as much of its end as fits.
pub(super) fn end_of(name: &str, width: usize) -> String {
    if name.width() <= width {
        return name.to_owned();
    }
    let mut starts = name.char_indices().filter(|(_, character)| character.width() != Some(0)).map(|(start, _)| start);
    let start = starts.find(|&start| name[start..].width() < width).unwrap_or(name.len());
    format!("…{}", &name[start..])
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    fn row(name: &str) -> Stats {
        Stats { name: name.to_owned().into(), ..Stats::default() }
    }

    /// Each column ends at the same place in all lines, and no line is wider than `width`.
    #[track_caller]
    fn assert_is_straight(table: &str, width: usize) {
        let ends: Vec<usize> =
            table.lines().filter(|line| !line.starts_with(INDENT)).map(|line| line.width()).collect();
        assert!(ends.windows(2).all(|two| two[0] == two[1]), "{ends:?}\n{table}");
        assert!(table.lines().all(|line| line.width() <= width), "{table}");
    }

    #[test]
    fn a_number_has_six_columns_at_the_most() {
        for (number, expected) in [
            (0, "0"),
            (999_999, "999999"),
            (1_000_000, "1.00M"),
            (1_239_999, "1.23M"),
            (12_399_999, "12.3M"),
            (999_999_999, "999M"),
            (1_000_000_000, "1.00G"),
            (u64::MAX, "18.4E"),
        ] {
            assert_eq!(short(number), expected);
        }
    }

    /// Lines had 120 columns and more.
    #[test]
    fn the_table_fits_its_width_whatever_is_in_it() {
        let mut all = row(&"a::long::path::".repeat(20));
        all.dropped.by_reason_mut().into_iter().for_each(|dropped| *dropped = u64::MAX / 8);
        (all.in_use, all.idle, all.victims, all.max_idle) = (usize::MAX, usize::MAX, usize::MAX, usize::MAX);
        (all.created, all.adopted, all.detached) = (u64::MAX, u64::MAX, u64::MAX);
        (all.refills, all.flushes, all.steals, all.unfenced) = (u64::MAX, u64::MAX, u64::MAX, u64::MAX);
        let rows = AllStats(vec![all, row("short")]);
        assert_is_straight(&rows.to_string(), 100);
        for width in [60, 70, 200] {
            let table = format!("{rows:width$}");
            assert_is_straight(&table, width);
            assert_eq!(table.lines().next().unwrap().width(), width, "the name has the rest");
        }
        // The least width of the table.
        assert_is_straight(&format!("{rows:1}"), 60);
    }

    #[test]
    fn a_name_has_the_width_that_it_is_drawn_with() {
        // Wide, and with an accent that is a character of its own.
        let rows = AllStats(vec![row("缓冲区"), row("li\u{301}nea"), row("plain")]);
        let table = rows.to_string();
        assert_is_straight(&table, 100);
        assert!(
            table.contains("\n缓冲区  ") && table.contains("\nli\u{301}nea   ") && table.contains("\nplain   "),
            "{table}"
        );
        let table = format!(
            "{:1}",
            AllStats(vec![
                row("一二三四五"),
                row("e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}")
            ])
        );
        assert_is_straight(&table, 59);
        assert!(
            table.contains("\n…三四五 ")
                && table.contains("…e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301} "),
            "{table}"
        );
    }

    #[test]
    fn a_name_controls_no_terminal() {
        let table = AllStats(vec![row("red\x1b[31m\nline\t\u{202e}back")]).to_string();
        assert!(table.contains("red\\u{1b}[31m\\nline\\t\\u{202e}back"), "{table}");
        assert_eq!(table.lines().count(), 2);
    }
}
