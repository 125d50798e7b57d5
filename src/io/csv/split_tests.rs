use proptest::prelude::*;

use super::*;
use crate::io::csv::separator::Separator;
use crate::io::csv::state::Mark;

fn dialect(quote: bool, escape: bool, comment: bool) -> Dialect {
    Dialect {
        quote: quote.then_some(b'"'),
        escape: escape.then_some(b'\\'),
        comment: comment.then_some(b'#'),
        ..Dialect::new(Separator::from(b','))
    }
}

/// A record: where it starts, and its fields.
type Slow = (usize, Vec<Vec<u8>>);

/// The twin: one byte after the other, no masks, no chunks. Records with their places, and whether a quote stays open.
fn slowly(dialect: &Dialect, bytes: &[u8]) -> (Vec<Slow>, bool) {
    let (mut records, mut fields, mut field) = (Vec::new(), Vec::new(), Vec::new());
    let (mut state, mut start) = (State::Record, 0);
    for (i, &byte) in bytes.iter().chain(b"\n").enumerate() {
        if i == bytes.len() && (start == i || matches!(state, State::Quoted | State::EscapedQuoted)) {
            break;
        }
        // the end of the file ends a record whatever is before it
        let (next, mark) = if i == bytes.len() { (State::Record, Mark::Record) } else { state.step(dialect, byte) };
        if mark == Mark::None {
            field.push(byte);
        } else {
            fields.push(std::mem::take(&mut field));
        }
        if mark == Mark::Record {
            let comment = state == State::Comment;
            let record = std::mem::take(&mut fields);
            if !comment && record != [b""] {
                records.push((start, record));
            }
            start = i + 1;
        }
        state = next;
    }
    (records, matches!(state, State::Quoted | State::EscapedQuoted))
}

fn soup() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(",".to_string()),
        3 => Just("\"".to_string()),
        2 => Just("\n".to_string()),
        1 => Just("\r\n".to_string()),
        1 => Just("\r".to_string()),
        1 => Just("\\".to_string()),
        1 => Just("#".to_string()),
        6 => "[a-z0-9]{1,12}",
        2 => Just("\"a,b\nc\"".to_string()),
        1 => Just("x".repeat(70)),
    ];
    proptest::collection::vec(piece, 0..120).prop_map(|p| p.concat().into_bytes())
}

/// Lines of `fields` fields, quoted here and there.
fn table(fields: usize) -> impl Strategy<Value = Vec<u8>> {
    let field = prop_oneof![
        4 => "[a-z0-9.]{0,9}",
        1 => Just("\"\"".to_string()),
        1 => Just("\"q,\"\"\n\r\n\"".to_string()),
        1 => Just("a\"b".to_string()),
    ];
    let end = prop_oneof![3 => Just("\n"), 1 => Just("\r\n"), 1 => Just("\n\n")];
    let line = (proptest::collection::vec(field, fields), end).prop_map(|(f, e)| f.join(",") + e);
    (proptest::collection::vec(line, 0..40), any::<bool>()).prop_map(|(lines, last)| {
        let mut text = lines.concat();
        if !last {
            text.truncate(text.trim_end_matches(['\n', '\r']).len());
        }
        text.into_bytes()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn masks_and_bytes_agree(bytes in soup(), quote: bool, escape: bool, comment: bool, cut in 0.0..1.0f64) {
        let dialect = dialect(quote, escape, comment);
        let (mut at, mut state) = (State::Record, State::Record);
        let middle = (cut * bytes.len() as f64) as usize;
        for &byte in &bytes {
            at = at.step(&dialect, byte).0;
        }
        for part in [&bytes[..middle], &bytes[middle..]] {
            state = state.advance(&dialect, part);
        }
        prop_assert_eq!(state, at);
    }

    #[test]
    fn records_are_those_of_the_slow_twin(
        bytes in prop_oneof![soup(), table(1), table(3)],
        quote: bool,
        escape: bool,
        comment: bool,
        fields in prop_oneof![Just(1usize), Just(3)],
    ) {
        let dialect = dialect(quote, escape, comment);
        let (expected, open) = slowly(&dialect, &bytes);
        let mut splitter = Splitter::new(dialect, fields);
        let consumed = splitter.split(&bytes, true);
        prop_assert_eq!(consumed, bytes.len());
        let records = splitter.records(&bytes);
        let regular = expected.iter().take_while(|(_, f)| f.len() == fields).count();
        prop_assert_eq!(records.len(), regular);
        for (r, (start, texts)) in expected[..regular].iter().enumerate() {
            prop_assert_eq!(records.starts()[r] as usize, *start);
            for (f, text) in texts.iter().enumerate() {
                prop_assert_eq!(records.field(r, f), &text[..]);
            }
        }
        match splitter.fault() {
            Some(Fault::Ragged { start, found }) => {
                prop_assert_eq!((start, found), (expected[regular].0, expected[regular].1.len()));
            }
            Some(Fault::Unterminated { .. }) => prop_assert!(open && regular == expected.len()),
            None => prop_assert!(!open && regular == expected.len()),
        }
    }

    #[test]
    fn splitting_in_parts_gives_the_same_records(bytes in table(3), cut in 0.0..1.0f64) {
        let mut splitter = Splitter::new(dialect(true, false, false), 3);
        splitter.split(&bytes, true);
        let whole: Vec<u32> = splitter.records(&bytes).starts().to_vec();
        let middle = (cut * bytes.len() as f64) as usize;
        let consumed = splitter.split(&bytes[..middle], false);
        let mut parts: Vec<u32> = splitter.records(&bytes[..middle]).starts().to_vec();
        splitter.split(&bytes[consumed..], true);
        parts.extend(splitter.records(&bytes[consumed..]).starts().iter().map(|s| s + consumed as u32));
        prop_assert_eq!(parts, whole);
    }
}

/// What a splitter makes of bytes: the fields of its records as they are written, and its fault.
fn texts(dialect: Dialect, fields: usize, bytes: &[u8]) -> (Vec<Vec<Vec<u8>>>, Option<Fault>) {
    let mut splitter = Splitter::new(dialect, fields);
    splitter.split(bytes, true);
    let records = splitter.records(bytes);
    let record = |r| (0..fields).map(|f| records.field(r, f).to_vec()).collect();
    ((0..records.len()).map(record).collect(), splitter.fault())
}

fn replaced(text: &[u8], from: &str, to: &str) -> Vec<u8> {
    String::from_utf8(text.to_vec()).unwrap().replace(from, to).into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_separator_separates_as_a_comma_does(
        bytes in prop_oneof![soup(), table(3)],
        separator in prop_oneof![Just("||"), Just("§"), Just("\u{1}"), Just("|-|"), Just("||-||")],
        escape: bool,
        cut in 0.0..1.0f64,
    ) {
        // an escape is for one byte, and a separator of several has more
        let bytes = if escape { replaced(&bytes, "\\,", "\\;") } else { bytes };
        let commas = dialect(true, escape, false);
        let other = commas.separated_by(Separator::from(separator));
        let text = replaced(&bytes, ",", separator);
        let (expected, fault) = texts(commas, 3, &bytes);
        let (found, other_fault) = texts(other, 3, &text);
        let back: Vec<Vec<Vec<u8>>> =
            found.iter().map(|r| r.iter().map(|f| replaced(f, separator, ",")).collect()).collect();
        prop_assert_eq!(&back, &expected);
        prop_assert_eq!(fault.is_some(), other_fault.is_some());
        // what surrounds a byte is known from any place on
        let middle = (cut * text.len() as f64) as usize;
        let (whole, first) = (State::Record.advance(&other, &text), State::Record.advance(&other, &text[..middle]));
        prop_assert_eq!(first.advance(&other, &text[middle..]), whole);
    }

    #[test]
    fn runs_of_blanks_separate(
        rows in proptest::collection::vec(
            (proptest::collection::vec(("[a-z0-9]{1,5}|\"a b\"", "[ \t]{1,3}"), 3), "[ \t]{0,2}", "[ \t]{0,2}"), 0..20),
    ) {
        let line = |(fields, before, after): &(Vec<(String, String)>, String, String)| {
            let [(a, first), (b, second), (c, _)] = &fields[..] else { unreachable!() };
            format!("{before}{a}{first}{b}{second}{c}{after}\n \n")
        };
        let text = rows.iter().map(line).collect::<String>();
        let (found, fault) = texts(Dialect::new(Separator::BLANKS), 3, text.as_bytes());
        let expected: Vec<Vec<Vec<u8>>> =
            rows.iter().map(|(f, ..)| f.iter().map(|(text, _)| text.clone().into_bytes()).collect()).collect();
        prop_assert_eq!((found, fault), (expected, None));
    }

    #[test]
    fn ragged_records_are_as_asked_for(bytes in soup(), fields in 1usize..5) {
        let strict = dialect(true, false, false);
        let (slow, open) = slowly(&strict, &bytes);
        for ragged in [Ragged::Fill, Ragged::Fit, Ragged::Skip] {
            let kept = |f: &Vec<Vec<u8>>| match ragged {
                Ragged::Fill if f.len() > fields => None,
                Ragged::Skip if f.len() != fields => Some(None),
                _ => Some(Some((0..fields).map(|i| f.get(i).cloned().unwrap_or_default()).collect::<Vec<_>>())),
            };
            let expected: Vec<Vec<Vec<u8>>> = slow.iter().map_while(|(_, f)| kept(f)).flatten().collect();
            let (found, fault) = texts(Dialect { ragged, ..strict }, fields, &bytes);
            prop_assert_eq!(&found, &expected);
            let surplus = ragged == Ragged::Fill && slow.iter().any(|(_, f)| f.len() > fields);
            prop_assert_eq!(fault.is_some(), surplus || open);
        }
    }
}

#[test]
fn blanks_at_the_start_of_a_field_are_skipped_when_asked() {
    let dialect = Dialect { skip_initial_space: true, ..dialect(true, false, false) };
    let (found, fault) = texts(dialect, 2, b"a,  \"b, c\"\n\t 1, 2 \n  \n,\n");
    let shown: Vec<String> = found.iter().map(|r| String::from_utf8(r.join(&b"|"[..])).unwrap()).collect();
    assert_eq!((shown.join("; ").as_str(), fault), ("a|\"b, c\"; 1|2 ; |", None));
}

#[test]
fn blank_lines_are_no_records_where_there_are_several_fields() {
    let (found, fault) = texts(dialect(true, false, false), 2, b"a,b\n \t\n1,2\r\n  \r\n");
    assert_eq!((found.len(), fault), (2, None));
    let (found, _) = texts(dialect(true, false, false), 1, b"a\n \n");
    assert_eq!(found, [[b"a".to_vec()], [b" ".to_vec()]]);
}

#[test]
fn quotes_come_off_and_doubled_ones_are_one() {
    let mut scratch = Vec::new();
    let plain = dialect(true, true, false);
    let simple = dialect(true, false, false);
    for (dialect, written, text) in [
        (&simple, "abc", "abc"),
        (&simple, "\"abc\"", "abc"),
        (&simple, "\"\"", ""),
        (&simple, "\"ha \"\"ha\"\" ha\"", "ha \"ha\" ha"),
        (&simple, "\"abc\"def", "abcdef"),
        (&simple, "a\"b", "a\"b"),
        (&plain, "a\\,b", "a,b"),
        (&plain, "\"a\\\"b\"", "a\"b"),
    ] {
        assert_eq!(unquoted(dialect, written.as_bytes(), &mut scratch), text.as_bytes(), "{written}");
    }
}

#[test]
fn the_first_record_is_behind_comments_and_empty_lines() {
    let dialect = dialect(true, false, true);
    let text = b"\n# none, \" of it\n\r\na,\"b\nc\"\n1,2\n";
    let (fields, start, end) = first_record(&dialect, text, true).unwrap();
    let fields: Vec<&[u8]> = fields.into_iter().map(|f| &text[f]).collect();
    assert_eq!(fields, [&b"a"[..], b"\"b\nc\""]);
    assert_eq!(&text[start..end], b"a,\"b\nc\"\n");
    assert!(first_record(&dialect, b"a,b", false).is_none());
    assert_eq!(first_record(&dialect, b"a,b", true).unwrap().0.len(), 2);
    assert!(first_record(&dialect, b"\n\n", true).is_none());
}
