//! The picture: the clients at work above, the memory of each server below, over the same day.

use std::error::Error;

use plotters::prelude::*;

use super::Curve;
use super::day::{Day, HOURS};

const SIZE: (u32, u32) = (960, 600);

const CLIENTS: RGBColor = RGBColor(120, 120, 120);

// Told apart with every kind of colour vision (Okabe and Ito), in the order of the sides.
const COLORS: [RGBColor; 4] =
    [RGBColor(213, 94, 0), RGBColor(230, 159, 0), RGBColor(86, 180, 233), RGBColor(0, 114, 178)];

const FONT: &str = "sans-serif";

/// An SVG.
pub(super) fn draw(day: Day, curves: &[Curve]) -> Result<String, String> {
    let mut svg = String::new();
    draw_to(SVGBackend::with_string(&mut svg, SIZE), day, curves).map_err(|error| error.to_string())?;
    Ok(svg)
}

fn draw_to<'a>(backend: SVGBackend<'a>, day: Day, curves: &[Curve]) -> Result<(), Box<dyn Error + 'a>> {
    let area = backend.into_drawing_area();
    area.fill(&WHITE)?;
    let (above, below) = area.split_vertically(SIZE.1 / 4);
    let hours = 0.0..24.0;

    let most = day.most as f64;
    let mut chart = ChartBuilder::on(&above)
        .caption("A day of a server: the memory of four ways to keep contexts and buffers", (FONT, 18))
        .margin(12)
        .x_label_area_size(4)
        .y_label_area_size(64)
        .build_cartesian_2d(hours.clone(), 0.0..most * 1.25)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .disable_x_mesh()
        .x_labels(0)
        .y_labels(3)
        .y_desc("clients")
        .y_label_formatter(&|clients| format!("{clients:.0}"))
        .label_style((FONT, 13))
        .draw()?;
    let clients = (0..=960).map(|step| f64::from(step) / 40.0).map(|hour| (hour, day.clients(hour)));
    chart.draw_series(AreaSeries::new(clients, 0.0, CLIENTS.mix(0.3)).border_style(CLIENTS.stroke_width(2)))?;
    let names = HOURS.iter().filter(|(_, name, _)| !name.is_empty());
    chart.draw_series(names.map(|&(from, name, _)| Text::new(name, (from, most * 1.2), (FONT, 13))))?;

    let most = curves.iter().flat_map(|curve| &curve.mib).copied().fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(&below)
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(64)
        .build_cartesian_2d(hours, 0.0..most * 1.05)?;
    let minutes = day.length.as_secs_f64() / 60.0;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_labels(13)
        .x_desc(format!("hour of a day that took {minutes:.1} minutes"))
        .x_label_formatter(&|hour| format!("{hour:.0}"))
        .y_desc("resident memory, MiB")
        .y_label_formatter(&|mib| format!("{mib:.0}"))
        .label_style((FONT, 13))
        .draw()?;
    for (curve, color) in curves.iter().zip(COLORS) {
        let count = curve.mib.len() as f64;
        let line = curve.mib.iter().enumerate().map(|(number, &mib)| (24.0 * (number + 1) as f64 / count, mib));
        let style = color.stroke_width(2);
        chart
            .draw_series(LineSeries::new(line, style))?
            .label(curve.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .label_font((FONT, 13))
        .background_style(WHITE)
        .border_style(BLACK)
        .draw()?;
    area.present()?;
    Ok(())
}
