//! The chart: drawn anew in its place on a terminal, and a line of figures now and then elsewhere.

use std::io::{self, Write as _};
use std::time::Duration;

use console::Term;

use crate::SAMPLES;
use crate::sample::{Sample, Value, in_mib};

/// Lines of each of the four curves.
const HEIGHT: usize = 3;

/// Blocks that fill a cell by eighths.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// If the output is no terminal, a line of figures is written after so many samples.
const LINE_EVERY: usize = 10;

/// A curve: its name, its values, and how a value is written.
type Curve = (&'static str, Value, fn(usize) -> String);

const CURVES: [Curve; 4] = [
    ("in use", |sample| sample.in_use, |objects| objects.to_string()),
    ("idle", |sample| sample.idle, |objects| objects.to_string()),
    ("victims", |sample| sample.victims, |objects| objects.to_string()),
    ("held", |sample| sample.bytes, |bytes| format!("{:.1} MiB", in_mib(bytes))),
];

pub(crate) struct Chart {
    terminal: Term,
    length: Duration,
    /// Lines of the last drawing.
    lines: usize,
}

impl Chart {
    pub(crate) fn new(length: Duration) -> Self {
        Self { terminal: Term::buffered_stdout(), length, lines: 0 }
    }

    pub(crate) fn draw(&mut self, samples: &[Sample]) -> io::Result<()> {
        if self.terminal.is_term() {
            return self.draw_curves(samples);
        }
        let Some(last) = samples.last().filter(|_| samples.len().is_multiple_of(LINE_EVERY)) else { return Ok(()) };
        let mut out = io::stdout().lock();
        write!(out, "{:>7.1} s", last.time.as_secs_f64())?;
        for (name, value, text) in CURVES {
            write!(out, "   {name} {:>8}", text(value(last)))?;
        }
        writeln!(out)
    }

    fn draw_curves(&mut self, samples: &[Sample]) -> io::Result<()> {
        let width = usize::from(self.terminal.size().1).clamp(20, 101) - 1;
        let mut drawing = Vec::new();
        for (name, value, text) in CURVES {
            let now = samples.last().map_or(0, value);
            let most = samples.iter().map(value).max().unwrap_or(0);
            drawing.push(format!("{name:<8} {:>9}   most {:>9}", text(now), text(most)));
            drawing.extend(curve(&self.columns(samples, value, width), most.max(1)));
        }
        self.terminal.clear_last_lines(self.lines)?;
        self.lines = drawing.len();
        for line in drawing {
            self.terminal.write_line(&line)?;
        }
        self.terminal.flush()
    }

    /// The largest value of each column, of those that there are by now: the whole width is the whole time.
    fn columns(&self, samples: &[Sample], value: Value, width: usize) -> Vec<usize> {
        let mut columns = Vec::new();
        for sample in samples {
            let column = sample.time.as_secs_f64() / self.length.as_secs_f64() * width as f64;
            let column = (column as usize).min(width - 1);
            // A column between two samples is like the one before it.
            let before = columns.last().copied().unwrap_or(0);
            while columns.len() <= column {
                columns.push(if columns.len() == column { 0 } else { before });
            }
            columns[column] = columns[column].max(value(sample));
        }
        columns
    }
}

/// Lines of blocks, from the top. `most` is the full height.
fn curve(columns: &[usize], most: usize) -> impl Iterator<Item = String> {
    let full = BLOCKS.len() - 1;
    (0..HEIGHT).rev().map(move |line| {
        let block = |&value: &usize| {
            // A value above zero fills at least an eighth.
            let eighths = (value * HEIGHT * full).div_ceil(most);
            BLOCKS[eighths.saturating_sub(line * full).min(full)]
        };
        columns.iter().map(block).collect()
    })
}

// One sample per drawing, and a whole number of lines.
const _: () = assert!((SAMPLES as usize).is_multiple_of(LINE_EVERY));
