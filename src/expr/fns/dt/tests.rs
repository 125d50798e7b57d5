use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Date32Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimeUnit};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone, Timelike};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::Unclear;
use crate::expr::testing::one;
use crate::{Expr, col};

const UNITS: [TimeUnit; 4] = [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond];

fn times(ticks: Vec<Option<i64>>, unit: TimeUnit, zone: Option<&str>) -> ArrayRef {
    let ticks: ArrayRef = Arc::new(Int64Array::from(ticks));
    match zone {
        None => cast(&ticks, &DataType::Timestamp(unit, None)).unwrap(),
        Some(zone) => {
            let utc = cast(&ticks, &DataType::Timestamp(unit, Some("UTC".into()))).unwrap();
            cast(&utc, &DataType::Timestamp(unit, Some(zone.into()))).unwrap()
        }
    }
}

fn moment(tick: i64, unit: TimeUnit) -> NaiveDateTime {
    let per_second = super::wall::per_second(unit);
    let nanoseconds = tick.rem_euclid(per_second) * (1_000_000_000 / per_second);
    DateTime::from_timestamp(tick.div_euclid(per_second), nanoseconds as u32).unwrap().naive_utc()
}

fn whole(expr: Expr, array: &ArrayRef) -> Vec<Option<i64>> {
    let found = one(&expr, array).unwrap();
    let found = cast(&found, &DataType::Int64).unwrap();
    found.as_primitive::<Int64Type>().iter().collect()
}

type Pair = (fn(Expr) -> Expr, fn(NaiveDateTime) -> i64);

/// Every part beside what chrono says of it.
fn parts() -> Vec<Pair> {
    vec![
        (|e| e.dt().year(), |t| t.year().into()),
        (|e| e.dt().quarter(), |t| (t.month0() / 3 + 1).into()),
        (|e| e.dt().month(), |t| t.month().into()),
        (|e| e.dt().day(), |t| t.day().into()),
        (|e| e.dt().day_of_year(), |t| t.ordinal().into()),
        (|e| e.dt().weekday(), |t| t.weekday().num_days_from_monday().into()),
        (|e| e.dt().iso_year(), |t| t.iso_week().year().into()),
        (|e| e.dt().iso_week(), |t| t.iso_week().week().into()),
        (|e| e.dt().days_in_month(), |t| (28..=31).rev().find(|&d| t.with_day(d).is_some()).unwrap().into()),
        (|e| e.dt().hour(), |t| t.hour().into()),
        (|e| e.dt().minute(), |t| t.minute().into()),
        (|e| e.dt().second(), |t| t.second().into()),
        (|e| e.dt().millisecond(), |t| (t.nanosecond() / 1_000_000).into()),
        (|e| e.dt().microsecond(), |t| (t.nanosecond() / 1_000).into()),
        (|e| e.dt().nanosecond(), |t| (t.nanosecond() % 1_000).into()),
        (|e| e.dt().is_leap_year(), |t| t.date().leap_year().into()),
        (|e| e.dt().is_month_start(), |t| (t.day() == 1).into()),
        (|e| e.dt().is_month_end(), |t| (t.date().succ_opt().unwrap().day() == 1).into()),
        (|e| e.dt().is_quarter_start(), |t| (t.day() == 1 && t.month0() % 3 == 0).into()),
        (
            |e| e.dt().is_quarter_end(),
            |t| {
                let next = t.date().succ_opt().unwrap();
                (next.day() == 1 && next.month0() % 3 == 0).into()
            },
        ),
        (|e| e.dt().is_year_start(), |t| (t.ordinal() == 1).into()),
        (|e| e.dt().is_year_end(), |t| (t.date().succ_opt().unwrap().ordinal() == 1).into()),
    ]
}

/// Ticks that chrono can tell, all of the range of a unit and the neighbourhood of turns of days.
fn ticks(unit: TimeUnit) -> impl Strategy<Value = i64> {
    let per_second = super::wall::per_second(unit);
    let range = 8_000_000_000_000i64.saturating_mul(per_second).min(i64::MAX - 86_400 * per_second);
    let range = if unit == TimeUnit::Nanosecond { i64::MAX - 1 } else { range };
    let turns = (-800_000i64..3_000_000, -2i64..2)
        .prop_map(move |(day, near)| (day * 86_400).saturating_mul(per_second).saturating_add(near));
    prop_oneof![
        -range..range,
        turns,
        (-70_000_000_000i64..260_000_000_000).prop_map(move |s| s.saturating_mul(per_second).clamp(-range, range))
    ]
}

fn any_times() -> impl Strategy<Value = (TimeUnit, Vec<Option<i64>>)> {
    prop::sample::select(UNITS.to_vec())
        .prop_flat_map(|unit| (Just(unit), prop::collection::vec(prop::option::weighted(0.9, ticks(unit)), 1..20)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn parts_are_what_chrono_says((unit, ticks) in any_times()) {
        let array = times(ticks.clone(), unit, None);
        for (part, twin) in parts() {
            let twin: Vec<Option<i64>> = ticks.iter().map(|t| t.map(|t| twin(moment(t, unit)))).collect();
            prop_assert_eq!(whole(part(col("x")), &array), twin, "{} of {:?}", part(col("x")), array);
        }
    }

    #[test]
    fn clocks_of_zones_show_what_chrono_tz_says(
        zone in prop::sample::select(vec!["Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia"]),
        unit in prop::sample::select(UNITS.to_vec()),
        seconds in prop::collection::vec(prop::option::weighted(0.9, prop_oneof![-3_000_000_000i64..9_000_000_000, 1_667_000_000i64..1_668_000_000]), 1..20),
    ) {
        let tz: Tz = zone.parse().unwrap();
        let per_second = super::wall::per_second(unit);
        let ticks: Vec<Option<i64>> = seconds.iter().map(|s| s.map(|s| s * per_second)).collect();
        let array = times(ticks.clone(), unit, Some(zone));
        let shown = |t: i64| moment(t, unit) + TimeDelta::seconds(tz.offset_from_utc_datetime(&moment(t, unit)).fix().local_minus_utc().into());
        for (part, twin) in parts() {
            let twin: Vec<Option<i64>> = ticks.iter().map(|t| t.map(|t| twin(shown(t)))).collect();
            prop_assert_eq!(whole(part(col("x")), &array), twin, "{} of {:?}", part(col("x")), array);
        }
        // what the clock shows, said to be of the zone, is the time again, or the one an hour away that shows the same
        let wall = one(&col("x").dt().wall_time(), &array).unwrap();
        let first = whole(col("x").dt().tz_localize_with(zone, Unclear::Earliest), &wall);
        let last = whole(col("x").dt().tz_localize_with(zone, Unclear::Latest), &wall);
        for ((tick, first), last) in ticks.iter().zip(first).zip(last) {
            prop_assert!(*tick == first || *tick == last, "{tick:?}: {first:?}, {last:?}");
        }
    }

    #[test]
    fn steps_are_the_nearest_multiples((unit, ticks) in any_times(), (every, seconds) in prop::sample::select(vec![("15m", 900i64), ("1h", 3600), ("1d", 86_400), ("7s", 7)])) {
        let period = i128::from(seconds * super::wall::per_second(unit));
        let near = i128::from(i64::MAX) - 2 * period;
        let ticks: Vec<Option<i64>> = ticks.into_iter().map(|t| t.filter(|t| i128::from(*t).abs() < near)).collect();
        let array = times(ticks.clone(), unit, None);
        let floor = |t: i64| i128::from(t).div_euclid(period) * period;
        let ceil = |t: i64| -((-i128::from(t)).div_euclid(period)) * period;
        let round = |t: i64| {
            let (back, forth) = (i128::from(t) - floor(t), ceil(t) - i128::from(t));
            if back < forth || back == forth && (floor(t) / period) % 2 == 0 { floor(t) } else { ceil(t) }
        };
        let twin = |f: &dyn Fn(i64) -> i128| ticks.iter().map(|t| t.map(|t| f(t) as i64)).collect::<Vec<_>>();
        prop_assert_eq!(whole(col("x").dt().floor(every), &array), twin(&floor));
        prop_assert_eq!(whole(col("x").dt().ceil(every), &array), twin(&ceil));
        prop_assert_eq!(whole(col("x").dt().round(every), &array), twin(&round));
    }

    #[test]
    fn months_and_weeks_begin_where_the_calendar_says(days in prop::collection::vec(-800_000i32..3_000_000, 1..20)) {
        let array: ArrayRef = Arc::new(Date32Array::from(days.clone()));
        let begins = |every: &str| whole(col("x").dt().floor(every), &array);
        let twin = |f: fn(NaiveDate) -> NaiveDate| -> Vec<Option<i64>> {
            let epoch = NaiveDate::default();
            days.iter().map(|d| Some((f(epoch + TimeDelta::days((*d).into())) - epoch).num_days())).collect()
        };
        prop_assert_eq!(begins("1mo"), twin(|d| d.with_day(1).unwrap()));
        prop_assert_eq!(begins("1q"), twin(|d| d.with_day(1).unwrap().with_month(d.month0() / 3 * 3 + 1).unwrap()));
        prop_assert_eq!(begins("1y"), twin(|d| d.with_ordinal(1).unwrap()));
        prop_assert_eq!(begins("1w"), twin(|d| d.week(chrono::Weekday::Mon).first_day()));
    }
}

fn texts(expr: Expr, array: &ArrayRef) -> Vec<Option<String>> {
    let found = one(&expr, array).unwrap();
    let found = cast(&found, &DataType::Utf8).unwrap();
    found.as_string::<i32>().iter().map(|t| t.map(str::to_string)).collect()
}

fn read(text: &str) -> ArrayRef {
    let array: ArrayRef = Arc::new(StringArray::from(vec![text]));
    cast(&array, &DataType::Timestamp(TimeUnit::Microsecond, None)).unwrap()
}

#[test]
fn iso_weeks_of_the_turn_of_the_year() {
    for (date, week) in [("2023-01-01", 52), ("2020-12-31", 53), ("2021-01-03", 53), ("2018-12-31", 1)] {
        let found = one(&col("x").dt().iso_week(), &read(date)).unwrap();
        assert_eq!(found.as_primitive::<Int32Type>().value(0), week, "{date}");
    }
}

#[test]
fn times_that_a_clock_shows_twice_or_never_are_named() {
    let localize = |text: &str, unclear| {
        texts(
            col("x").dt().tz_localize_with("Europe/Paris", unclear).dt().to_timezone("UTC").dt().strftime("%F %R"),
            &read(text),
        )
    };
    let error = one(&col("x").dt().tz_localize("Europe/Paris"), &read("2023-03-26 02:30:00")).unwrap_err().to_string();
    assert!(error.contains("the clocks of Europe/Paris show 2023-03-26T02:30:00 never"), "{error}");
    let error = one(&col("x").dt().tz_localize("Europe/Paris"), &read("2023-10-29 02:30:00")).unwrap_err().to_string();
    assert!(error.contains("twice"), "{error}");
    assert_eq!(localize("2023-10-29 02:30:00", Unclear::Earliest), [Some("2023-10-29 00:30".into())]);
    assert_eq!(localize("2023-10-29 02:30:00", Unclear::Latest), [Some("2023-10-29 01:30".into())]);
    assert_eq!(localize("2023-03-26 02:30:00", Unclear::Latest), [Some("2023-03-26 01:30".into())]);
    assert_eq!(localize("2023-03-26 02:30:00", Unclear::Null), [None]);
    assert_eq!(localize("2023-03-26 12:00:00", Unclear::Error), [Some("2023-03-26 10:00".into())]);
}

#[test]
fn days_of_a_zone_begin_on_its_clocks() {
    let midnight = col("x").dt().tz_localize("Europe/Paris").dt().floor("1d").dt().strftime("%F %R %z");
    assert_eq!(texts(midnight.clone(), &read("2023-03-26 15:00:00")), [Some("2023-03-26 00:00 +0100".into())]);
    assert_eq!(texts(midnight, &read("2023-07-14 15:00:00")), [Some("2023-07-14 00:00 +0200".into())]);
}

#[test]
fn text_of_times() {
    let x = read("2023-01-05 07:08:09.5");
    assert_eq!(
        texts(col("x").dt().strftime("%d.%m.%Y %H:%M:%S%.f %A"), &x),
        [Some("05.01.2023 07:08:09.500 Thursday".into())]
    );
    assert_eq!(texts(col("x").dt().date().dt().strftime("%F"), &x), [Some("2023-01-05".into())]);
    assert_eq!(texts(col("x").dt().time(), &x), [Some("07:08:09.500".into())]);
    assert_eq!(texts(col("x").cast(DataType::Utf8), &x), [Some("2023-01-05T07:08:09.500".into())]);
    let error = one(&col("x").dt().strftime("%z"), &x).unwrap_err().to_string();
    assert!(error.contains("a time without a zone cannot be written as `%z`"), "{error}");
}

#[test]
fn counts_and_lengths() {
    let x: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![Some(-1), None, Some(1_500_000)]));
    assert_eq!(whole(col("x").dt().epoch(TimeUnit::Second), &x), [Some(-1), None, Some(1)]);
    assert_eq!(whole(col("x").dt().epoch(TimeUnit::Nanosecond), &x), [Some(-1000), None, Some(1_500_000_000)]);
    let span = one(&(col("x") - col("x").dt().floor("1d")).dt().total_seconds(), &x).unwrap();
    assert_eq!(
        span.as_primitive::<arrow::datatypes::Float64Type>().iter().collect::<Vec<_>>(),
        [Some(86_399.999_999), None, Some(1.5)]
    );
}

#[test]
fn times_outside_of_the_calendar_are_errors_and_below_nulls_are_not() {
    for unit in [TimeUnit::Second, TimeUnit::Millisecond] {
        let array = times(vec![Some(0), Some(i64::MAX)], unit, None);
        let error = one(&col("x").dt().year(), &array).unwrap_err().to_string();
        assert!(error.contains("outside of the calendar"), "{error}");
    }
    let hidden: ArrayRef = Arc::new(Int64Array::new(vec![i64::MIN, 0].into(), Some(vec![false, true].into())));
    let hidden = cast(&hidden, &DataType::Timestamp(TimeUnit::Second, None)).unwrap();
    assert_eq!(whole(col("x").dt().year(), &hidden), [None, Some(1970)]);
}
