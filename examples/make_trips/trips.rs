//! Trips that never were, with the columns and the habits of New York's green cabs.
//!
//! A value depends on the seed, the row and the column alone, so a file is the same for any number of threads, and any
//! of its parts can be made without the others.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use chrono::{Datelike, Days, Months, NaiveDate};
use partita::base::Tokenizer;
use partita::exec::TaskContext;
use partita::io::{Batch, Batches, PartitionInfo, Scan, Source};
use partita::{Identity, Result};

const ROWS_OF_A_PARTITION: u64 = 1 << 16;
const ZONES: u64 = 263;
const DAY: i64 = 86_400;

/// How many trips begin in each hour: of a working day, and of the weekend.
const HOURS: [[f64; 24]; 2] = [
    [12., 8., 5., 4., 5., 9., 22., 42., 50., 47., 46., 48., 51., 53., 60., 68., 72., 76., 74., 62., 48., 38., 30., 20.],
    [
        34., 27., 21., 16., 12., 8., 10., 16., 25., 36., 45., 51., 55., 57., 59., 60., 61., 63., 61., 56., 50., 45.,
        42., 38.,
    ],
];
/// How many trips a weekday has, Monday first.
const WEEKDAYS: [f64; 7] = [0.93, 1.02, 1.06, 1.08, 1.10, 0.98, 0.83];

/// What is drawn, each from its own stream of numbers.
#[derive(Clone, Copy)]
enum Draw {
    Jitter,
    Stray,
    Hour,
    Second,
    From,
    To,
    Stay,
    Distance,
    Angle,
    Slowness,
    Dispatch,
    Vendor,
    Rate,
    Passengers,
    Payment,
    Bad,
    Generosity,
    TipFraction,
    Toll,
    Congestion,
}

/// So many trips, in a month of their own.
#[derive(Debug)]
pub struct Trips {
    rows: u64,
    seed: u64,
    start: NaiveDate,
    /// The share of the trips up to and including each day.
    days: Vec<f64>,
    hours: [Vec<f64>; 2],
    zones: Vec<f64>,
    partitions: Vec<PartitionInfo>,
}

/// One trip; `dispatched` ones were booked by telephone, and the meter said little.
struct Trip {
    vendor: i64,
    pickup: i64,
    dropoff: i64,
    from: i64,
    to: i64,
    flag: Option<&'static str>,
    rate: Option<f64>,
    passengers: Option<f64>,
    distance: f64,
    fare: f64,
    extra: f64,
    tax: f64,
    tip: f64,
    tolls: f64,
    improvement: f64,
    total: f64,
    payment: Option<f64>,
    kind: Option<f64>,
    congestion: Option<f64>,
}

/// Shares that rise to 1, from weights.
fn shares(weights: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut sum = 0.0;
    let mut sums: Vec<f64> = Vec::new();
    for weight in weights {
        sum += weight;
        sums.push(sum);
    }
    sums.iter().map(|s| s / sum).collect()
}

/// The first place whose share is above `u`.
fn pick(shares: &[f64], u: f64) -> usize {
    shares.partition_point(|&s| s <= u).min(shares.len() - 1)
}

fn cents(x: f64) -> f64 {
    (x * 100.0).round() / 100.0
}

impl Trips {
    /// `rows` trips in the month that begins on `start`.
    pub fn new(rows: u64, seed: u64, start: NaiveDate) -> Trips {
        let end = start.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX);
        let weekday = |day: u64| (start + Days::new(day)).weekday().num_days_from_monday() as usize;
        let days = shares((0..(end - start).num_days() as u64).map(|day| WEEKDAYS[weekday(day)]));
        let hours = HOURS.map(shares);
        let zones = shares((0..ZONES).map(|rank| (rank as f64 + 2.0).powf(-1.25)));
        let part = |i: u64| {
            let rows = ROWS_OF_A_PARTITION.min(rows - i * ROWS_OF_A_PARTITION);
            PartitionInfo { rows: Some(rows), bytes: rows * 160, origin: format!("made trips {i}") }
        };
        let partitions = (0..rows.div_ceil(ROWS_OF_A_PARTITION)).map(part).collect();
        Trips { rows, seed, start, days, hours, zones, partitions }
    }

    /// A number from 0 to 1 that depends on the seed, the row and what is drawn (a mixer of MurmurHash3's kind).
    fn draw(&self, row: u64, what: Draw) -> f64 {
        let mut x = self.seed ^ (row << 6 | what as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        for factor in [0xFF51_AFD7_ED55_8CCD, 0xC4CE_B9FE_1A85_EC53, 0x9FB2_1C65_1E98_DF25u64] {
            x = (x ^ (x >> 32)).wrapping_mul(factor);
        }
        ((x ^ (x >> 32)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&self, row: u64, radius: Draw, angle: Draw) -> f64 {
        let (u, v) = (1.0 - self.draw(row, radius), self.draw(row, angle));
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    /// When the trip began, in seconds since 1970: the days in order, the hours with their rhythm, and now and then a
    /// clock that is wrong.
    fn pickup(&self, row: u64) -> i64 {
        let day = pick(&self.days, (row as f64 + self.draw(row, Draw::Jitter)) / self.rows as f64) as u64;
        let weekend = usize::from((self.start + Days::new(day)).weekday().num_days_from_monday() >= 5);
        let hour = pick(&self.hours[weekend], self.draw(row, Draw::Hour)) as i64;
        let second = (self.draw(row, Draw::Second) * 3600.0) as i64;
        let epoch = self.start.and_time(chrono::NaiveTime::MIN).and_utc().timestamp();
        let time = epoch + day as i64 * DAY + hour * 3600 + second;
        match (self.draw(row, Draw::Stray) * 10_000.0) as u64 {
            0 => time - 14 * 365 * DAY,
            1..=3 => epoch - second,
            4..=5 => epoch + self.days.len() as i64 * DAY + second,
            _ => time,
        }
    }

    fn zone(&self, u: f64) -> i64 {
        // the busiest is 74, and the next ones lie scattered
        ((pick(&self.zones, u) as u64 * 97 + 73) % ZONES + 1) as i64
    }

    fn trip(&self, row: u64) -> Trip {
        let draw = |what| self.draw(row, what);
        let pickup = self.pickup(row);
        let hour = pickup.rem_euclid(DAY) / 3600;
        let weekend = (pickup.div_euclid(DAY) + 3).rem_euclid(7) >= 5;
        let dispatched = draw(Draw::Dispatch) < 0.063;
        let from = self.zone(draw(Draw::From));
        let to = if draw(Draw::Stay) < 0.22 { from } else { self.zone(draw(Draw::To).powf(0.7)) };
        let far = (0.62 + 0.78 * self.normal(row, Draw::Distance, Draw::Angle)).exp();
        let distance = if draw(Draw::Stay) > 0.975 { 0.0 } else { cents(far.min(60.0)) };
        let slowness = 1.0 + 0.8 * draw(Draw::Slowness) + if (7..19).contains(&hour) { 0.5 } else { 0.0 };
        let seconds = 120.0 + distance * 190.0 * slowness;

        let rate = [1.0, 5.0, 2.0, 4.0, 3.0][pick(&[0.945, 0.985, 0.993, 0.998, 1.0], draw(Draw::Rate))];
        let metered = 3.0 + 0.7 * (distance * 3.6 + seconds / 240.0).round();
        let fare = match rate as u8 {
            2 => 70.0,
            5 => (metered * 1.4).round(),
            _ => metered,
        };
        let passengers = [1.0, 2.0, 5.0, 3.0, 6.0, 4.0, 0.0]
            [pick(&[0.845, 0.925, 0.952, 0.972, 0.987, 0.995, 1.0], draw(Draw::Passengers))];
        let payment = [1.0, 2.0, 3.0, 4.0][pick(&[0.63, 0.985, 0.995, 1.0], draw(Draw::Payment))];
        let extra = match hour {
            16..20 if !weekend => 2.5,
            20..24 | 0..6 => 1.0,
            _ => 0.0,
        };
        let tolls = if distance > 4.0 && draw(Draw::Toll) < 0.12 { 6.55 } else { 0.0 };
        let congestion = if draw(Draw::Congestion) < 0.27 { 2.75 } else { 0.0 };
        let (tax, improvement) = if rate as u8 == 5 { (0.0, 0.3) } else { (0.5, 1.0) };
        let tip = if payment as u8 == 1 { self.tip(row, fare, hour, weekend, passengers) } else { 0.0 };
        let (fare, tip) = match (draw(Draw::Bad) * 10_000.0) as u64 {
            0..24 => (-fare, 0.0),
            24..36 => (0.0, tip),
            36..40 => (cents(fare * 100.0), tip),
            _ => (fare, tip),
        };
        let said = |value: f64| (!dispatched).then_some(value);
        Trip {
            vendor: if draw(Draw::Vendor) < 0.13 { 1 } else { 2 },
            pickup,
            dropoff: pickup + seconds as i64,
            from,
            to,
            flag: (!dispatched).then_some(if draw(Draw::Vendor) > 0.995 { "Y" } else { "N" }),
            rate: said(rate),
            passengers: said(passengers),
            distance,
            fare: cents(fare),
            extra,
            tax,
            tip,
            tolls,
            improvement,
            total: cents(fare + extra + tax + tip + tolls + improvement + congestion),
            payment: said(payment),
            kind: said(if rate as u8 == 5 { 2.0 } else { 1.0 }),
            congestion: said(congestion),
        }
    }

    /// What a card gives: more of them are generous in the evening and at the weekend, fewer in company.
    fn tip(&self, row: u64, fare: f64, hour: i64, weekend: bool, passengers: f64) -> f64 {
        let evening = if (17..23).contains(&hour) { 0.5 } else { 0.0 };
        let mood: f64 = 0.25 + evening + if weekend { 0.2 } else { 0.0 } - if passengers >= 2.0 { 0.6 } else { 0.0 };
        let generous = self.draw(row, Draw::Generosity) < 1.0 / (1.0 + (-mood).exp());
        let u = self.draw(row, Draw::TipFraction);
        let fraction = match generous {
            true => [0.22, 0.25, 0.3, 0.36][pick(&[0.45, 0.75, 0.93, 1.0], u)],
            false => [0.0, 0.1, 0.15, 0.18][pick(&[0.30, 0.45, 0.75, 1.0], u)],
        };
        cents(fare * fraction)
    }

    fn batch(&self, from: u64, to: u64) -> Result<RecordBatch> {
        let trips: Vec<Trip> = (from..to).map(|row| self.trip(row)).collect();
        let whole = |f: fn(&Trip) -> i64| Arc::new(Int64Array::from_iter_values(trips.iter().map(f))) as ArrayRef;
        let time = |f: fn(&Trip) -> i64| {
            Arc::new(TimestampMicrosecondArray::from_iter_values(trips.iter().map(|t| f(t) * 1_000_000))) as ArrayRef
        };
        let real = |f: fn(&Trip) -> f64| Arc::new(Float64Array::from_iter_values(trips.iter().map(f))) as ArrayRef;
        let said = |f: fn(&Trip) -> Option<f64>| Arc::new(trips.iter().map(f).collect::<Float64Array>()) as ArrayRef;
        let columns = vec![
            whole(|t| t.vendor),
            time(|t| t.pickup),
            time(|t| t.dropoff),
            Arc::new(trips.iter().map(|t| t.flag).collect::<StringArray>()),
            said(|t| t.rate),
            whole(|t| t.from),
            whole(|t| t.to),
            said(|t| t.passengers),
            real(|t| t.distance),
            real(|t| t.fare),
            real(|t| t.extra),
            real(|t| t.tax),
            real(|t| t.tip),
            real(|t| t.tolls),
            said(|_| None),
            real(|t| t.improvement),
            real(|t| t.total),
            said(|t| t.payment),
            said(|t| t.kind),
            said(|t| t.congestion),
        ];
        Ok(RecordBatch::try_new(self.schema(), columns)?)
    }
}

impl Identity for Trips {
    fn token(&self, t: &mut Tokenizer) {
        t.str("made trips");
        t.u64(self.rows);
        t.u64(self.seed);
        t.debug(&self.start);
    }
}

impl Source for Trips {
    fn describe(&self) -> String {
        format!("{} made trips from {}", self.rows, self.start)
    }

    fn schema(&self) -> SchemaRef {
        let names = "VendorID lpep_pickup_datetime lpep_dropoff_datetime store_and_fwd_flag RatecodeID PULocationID \
                     DOLocationID passenger_count trip_distance fare_amount extra mta_tax tip_amount tolls_amount \
                     ehail_fee improvement_surcharge total_amount payment_type trip_type congestion_surcharge";
        let field = |name: &str| {
            let data_type = match name {
                "VendorID" | "PULocationID" | "DOLocationID" => DataType::Int64,
                "store_and_fwd_flag" => DataType::Utf8,
                name if name.ends_with("_datetime") => DataType::Timestamp(TimeUnit::Microsecond, None),
                _ => DataType::Float64,
            };
            Field::new(name, data_type, true)
        };
        Arc::new(Schema::new(names.split_whitespace().map(field).collect::<Vec<_>>()))
    }

    fn partitions(&self) -> &[PartitionInfo] {
        &self.partitions
    }

    fn read(&self, i: usize, scan: &Scan, ctx: &TaskContext) -> Result<Batches> {
        let start = i as u64 * ROWS_OF_A_PARTITION;
        let end = self.rows.min(start + ROWS_OF_A_PARTITION);
        let step = ctx.batch_rows.max(1);
        // the batches outlive this borrow
        let trips = Trips::new(self.rows, self.seed, self.start);
        let projection = scan.projection.clone();
        let batches = (start..end).step_by(step).map(move |from| {
            let record = trips.batch(from, end.min(from + step as u64))?;
            let record = match &projection {
                Some(keep) => record.project(keep)?,
                None => record,
            };
            Ok(Batch::new(record, 0, from))
        });
        Ok(Box::new(batches))
    }
}
