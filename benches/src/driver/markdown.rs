//! A table in Markdown, with columns as wide as their widest cell, so that it reads well on a terminal too.

use std::fmt::Write;

/// The first line is the head; the first column is text, the others are numbers.
pub(crate) fn markdown(lines: &[Vec<String>]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0).max(3);
    let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        text.push('|');
        for (column, (cell, &width)) in line.iter().zip(&widths).enumerate() {
            let _ = if column == 0 { write!(text, " {cell:width$} |") } else { write!(text, " {cell:>width$} |") };
        }
        text.push('\n');
        if number == 0 {
            text.push('|');
            for (column, &width) in widths.iter().enumerate() {
                let _ = if column == 0 {
                    write!(text, "{:-<1$}|", "", width + 2)
                } else {
                    write!(text, "{:-<1$}:|", "", width + 1)
                };
            }
            text.push('\n');
        }
    }
    text
}
