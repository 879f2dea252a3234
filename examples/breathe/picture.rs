//! The chart as an SVG.

use std::time::Duration;

use plotters::prelude::*;

use crate::sample::{Sample, Value, in_mib};

const SIZE: (u32, u32) = (900, 560);

// Told apart with every kind of colour vision (Okabe and Ito).
const IN_USE: RGBColor = RGBColor(213, 94, 0);
const IDLE: RGBColor = RGBColor(0, 114, 178);
const VICTIMS: RGBColor = RGBColor(86, 180, 233);
const HELD: RGBColor = RGBColor(0, 158, 115);

const FONT: &str = "sans-serif";

/// Objects above, bytes below, over the same time.
pub(crate) fn draw(samples: &[Sample], length: Duration) -> String {
    let mut svg = String::new();
    // Writing to a string does not fail, and the ranges are not empty.
    draw_to(SVGBackend::with_string(&mut svg, SIZE), samples, length).expect("a chart with ranges that are not empty");
    svg
}

fn draw_to<'a>(
    backend: SVGBackend<'a>,
    samples: &[Sample],
    length: Duration,
) -> Result<(), Box<dyn std::error::Error + 'a>> {
    let area = backend.into_drawing_area();
    area.fill(&WHITE)?;
    let (objects, bytes) = area.split_vertically(SIZE.1 * 3 / 5);
    let time = 0.0..length.as_secs_f64();
    let seconds = |sample: &Sample| sample.time.as_secs_f64();

    let most = samples.iter().map(|sample| sample.in_use.max(sample.idle)).max().unwrap_or(0).max(1);
    let mut chart = ChartBuilder::on(&objects)
        .caption("A pool under load that comes in waves", (FONT, 20))
        .margin(12)
        .x_label_area_size(24)
        .y_label_area_size(56)
        .build_cartesian_2d(time.clone(), 0..most * 11 / 10 + 1)?;
    chart.configure_mesh().light_line_style(WHITE).y_desc("objects").label_style((FONT, 13)).draw()?;
    let curves: [(&str, RGBColor, Value); 3] = [
        ("idle", IDLE, |sample| sample.idle),
        ("victims, of those", VICTIMS, |sample| sample.victims),
        ("in use", IN_USE, |sample| sample.in_use),
    ];
    for (name, color, value) in curves {
        let line = samples.iter().map(|sample| (seconds(sample), value(sample)));
        let style = color.stroke_width(2);
        chart
            .draw_series(LineSeries::new(line, style))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .label_font((FONT, 13))
        .background_style(WHITE)
        .border_style(BLACK)
        .draw()?;

    let most = samples.iter().map(|sample| in_mib(sample.bytes)).fold(0.1, f64::max);
    let mut chart = ChartBuilder::on(&bytes)
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(time, 0.0..most * 1.1)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc("seconds")
        .y_desc("MiB held")
        .y_label_formatter(&|mib| format!("{mib:.1}"))
        .y_labels(5)
        .label_style((FONT, 13))
        .draw()?;
    let line = samples.iter().map(|sample| (seconds(sample), in_mib(sample.bytes)));
    chart.draw_series(AreaSeries::new(line, 0.0, HELD.mix(0.3)).border_style(HELD.stroke_width(2)))?;
    area.present()?;
    Ok(())
}
