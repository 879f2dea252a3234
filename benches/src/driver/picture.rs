//! A picture of each scenario: the time of each contestant over that of ours, on a logarithmic axis.

use std::path::Path;
use std::{error, io};

use benches::protocol::{Kind, OURS, Scenario};
use clap::ValueEnum;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::driver::plan::Info;
use crate::driver::report::{Report, Results};

const WIDTH: u32 = 900;
const LABELS: i32 = 250;
const ROW: i32 = 22;
const TOP: i32 = 60;
const BOTTOM: i32 = 30;
const RIGHT: i32 = 20;

const INK: RGBColor = RGBColor(40, 40, 40);
const GREY: RGBColor = RGBColor(130, 130, 130);
const MARK: RGBColor = RGBColor(200, 30, 30);
/// From the first cell to the last.
const SHADES: [RGBColor; 5] = [
    RGBColor(158, 202, 225),
    RGBColor(107, 174, 214),
    RGBColor(66, 146, 198),
    RGBColor(33, 113, 181),
    RGBColor(8, 69, 148),
];

pub(crate) fn draw_all(report: &Report, folder: &Path) -> io::Result<()> {
    for &scenario in Scenario::value_variants() {
        let results = report.of(scenario);
        if results.iter().any(|cell| ratios(cell).len() > 1) {
            draw(scenario, &results, &folder.join(format!("{}.svg", scenario.name())))
                .map_err(|error| io::Error::other(error.to_string()))?;
        }
    }
    Ok(())
}

/// A contestant's row.
struct Bar {
    name: String,
    kind: Kind,
    /// By cell; over ours.
    ratios: Vec<(usize, f64)>,
}

impl Bar {
    fn mean(&self) -> f64 {
        let logs: f64 = self.ratios.iter().map(|(_, ratio)| ratio.ln()).sum();
        (logs / self.ratios.len() as f64).exp()
    }
}

/// The first figure of each contestant, over that of ours.
fn ratios(cell: &Results) -> Vec<(&str, Kind, f64)> {
    let (figure, _) = Info::of(cell.scenario).figures[0];
    let ratio = |name: &str| cell.ratio(name, OURS, figure).map(|ratio| ratio.median).filter(|&ratio| ratio > 0.0);
    cell.rows.iter().filter_map(|row| Some((row.name.as_str(), row.kind, ratio(&row.name)?))).collect()
}

fn draw(scenario: Scenario, results: &[&Results], file: &Path) -> Result<(), Box<dyn error::Error>> {
    let mut bars: Vec<Bar> = Vec::new();
    for (index, cell) in results.iter().enumerate() {
        for (name, kind, ratio) in ratios(cell) {
            match bars.iter_mut().find(|bar| bar.name == name) {
                Some(bar) => bar.ratios.push((index, ratio)),
                None => bars.push(Bar { name: name.to_owned(), kind, ratios: vec![(index, ratio)] }),
            }
        }
    }
    bars.sort_by(|a, b| a.mean().total_cmp(&b.mean()));
    let all = || bars.iter().flat_map(|bar| &bar.ratios).map(|&(_, ratio)| ratio);
    let low = all().fold(1.0, f64::min).log10().floor();
    let high = all().fold(1.0, f64::max).log10().ceil().max(low + 1.0);

    let height = TOP + ROW * bars.len() as i32 + BOTTOM;
    let area = SVGBackend::new(file, (WIDTH, height as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let span = f64::from(WIDTH as i32 - LABELS - RIGHT);
    let x = |ratio: f64| LABELS + (span * (ratio.log10() - low) / (high - low)).round() as i32;
    let text = |size: i32, color: RGBColor, horizontal: HPos| {
        ("sans-serif", size).into_font().color(&color).pos(Pos::new(horizontal, VPos::Center))
    };

    let (_, heading) = Info::of(scenario).figures[0];
    let title = format!("{}: {heading}, over {OURS}", scenario.name());
    area.draw(&Text::new(title, (10, 16), text(16, INK, HPos::Left)))?;
    // The legend of the shades.
    let mut left = LABELS;
    for (index, cell) in results.iter().enumerate() {
        let heading = cell.cell().heading();
        area.draw(&Circle::new((left + 5, 38), 5, shade(index, results.len()).filled()))?;
        area.draw(&Text::new(heading.clone(), (left + 15, 38), text(12, INK, HPos::Left)))?;
        left += 30 + 7 * heading.chars().count() as i32;
    }
    // The axis: a line for each power of ten, and thinner ones at two and five times it.
    for power in low as i32..=high as i32 {
        for (times, width) in [(1.0, 1), (2.0, 0), (5.0, 0)] {
            let ratio = times * 10_f64.powi(power);
            if ratio.log10() > high + 1e-9 {
                continue;
            }
            let color = INK.mix(if width == 1 { 0.3 } else { 0.1 });
            area.draw(&PathElement::new([(x(ratio), TOP - 6), (x(ratio), height - BOTTOM)], color))?;
            let label = format!("{ratio:.}", ratio = (ratio * 1000.0).round() / 1000.0);
            area.draw(&Text::new(label, (x(ratio), height - BOTTOM / 2), text(11, INK, HPos::Center)))?;
        }
    }
    area.draw(&PathElement::new([(x(1.0), TOP - 6), (x(1.0), height - BOTTOM)], MARK.stroke_width(2)))?;

    for (row, bar) in bars.iter().enumerate() {
        let y = TOP + ROW * row as i32 + ROW / 2;
        let ours = bar.kind == Kind::Ours;
        if ours {
            area.draw(&Rectangle::new([(0, y - ROW / 2), (WIDTH as i32, y + ROW / 2)], MARK.mix(0.08).filled()))?;
        }
        let color = match bar.kind {
            Kind::Ours => MARK,
            Kind::Limit => GREY,
            Kind::Peer | Kind::Allocator => INK,
        };
        area.draw(&Text::new(bar.name.clone(), (LABELS - 10, y), text(13, color, HPos::Right)))?;
        let ends = bar.ratios.iter().map(|&(_, ratio)| x(ratio));
        let (first, last) = (ends.clone().min().unwrap_or(LABELS), ends.max().unwrap_or(LABELS));
        area.draw(&PathElement::new([(first, y), (last, y)], INK.mix(0.4)))?;
        for &(cell, ratio) in &bar.ratios {
            area.draw(&Circle::new((x(ratio), y), 5, shade(cell, results.len()).filled()))?;
        }
    }
    area.present()?;
    Ok(())
}

fn shade(cell: usize, cells: usize) -> RGBColor {
    if cells == 1 { SHADES[3] } else { SHADES[cell * (SHADES.len() - 1) / (cells - 1)] }
}
