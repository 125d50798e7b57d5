//! Rust source as words, and the paths in it.

/// A file of the project: its path from the root of the package, and its text.
pub struct Source<'a> {
    pub file: &'a str,
    pub text: &'a str,
    pub tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

impl<'a> Source<'a> {
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Source { file, text, tokens: tokens(&without_comments_and_texts(text)) }
    }

    pub fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |t| t.text.as_str())
    }

    /// The path of the module that the file is: `src/io/csv/read.rs` is `io::csv::read`. Tests that lie beside their
    /// module, `split_tests.rs`, are inside it.
    pub fn module(&self) -> Vec<String> {
        let inside = self.file.strip_prefix("src/").unwrap_or(self.file);
        let inside = inside.strip_suffix(".rs").unwrap_or(inside);
        let mut parts: Vec<String> = inside.split('/').map(str::to_string).collect();
        match parts.last().map(String::as_str) {
            Some("mod" | "lib") => drop(parts.pop()),
            Some(name) if name.ends_with("_tests") => {
                let name = name.trim_end_matches("_tests").to_string();
                parts.pop();
                parts.extend([name, "tests".to_string()]);
            }
            _ => {}
        }
        parts
    }
}

/// The text with comments, strings and characters blanked out, lines as they were.
pub fn without_comments_and_texts(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = at + skipped(&bytes[at..], at.checked_sub(1).map(|i| bytes[i]));
        if end > at {
            let lines = bytes[at..end].iter().filter(|&&b| b == b'\n').count();
            out.push(' ');
            out.extend(std::iter::repeat_n('\n', lines));
            at = end;
        } else {
            out.push(if bytes[at].is_ascii() { char::from(bytes[at]) } else { ' ' });
            at += 1;
        }
    }
    out
}

/// The length of the comment, string or character that `rest` begins with; 0 if it begins with none.
pub fn skipped(rest: &[u8], before: Option<u8>) -> usize {
    let until = |from: usize, end: &[u8]| {
        let found = rest[from..].windows(end.len()).position(|w| w == end);
        found.map_or(rest.len(), |i| from + i + end.len())
    };
    let in_word = before.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    match rest {
        [b'/', b'/', ..] => rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => nested_comment(rest),
        [b'"', ..] => quoted(rest, b'"'),
        [b'b', b'"', ..] if !in_word => 1 + quoted(&rest[1..], b'"'),
        [b'r', b'"' | b'#', ..] | [b'b', b'r', b'"' | b'#', ..] if !in_word => {
            let from = 1 + usize::from(rest[0] == b'b');
            let hashes = rest[from..].iter().take_while(|&&b| b == b'#').count();
            if rest.get(from + hashes) != Some(&b'"') {
                return 0; // a raw identifier
            }
            until(from + hashes + 1, format!("\"{}", "#".repeat(hashes)).as_bytes())
        }
        // a lifetime has no closing quote
        [b'\'', b'\\', ..] => quoted(rest, b'\''),
        [b'\'', rest_of @ ..] => {
            let width = std::str::from_utf8(&rest_of[..rest_of.len().min(4)])
                .or_else(|e| std::str::from_utf8(&rest_of[..e.valid_up_to()]))
                .ok()
                .and_then(|t| t.chars().next())
                .map_or(1, char::len_utf8);
            if rest_of.get(width) == Some(&b'\'') { width + 2 } else { 0 }
        }
        _ => 0,
    }
}

pub fn nested_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

pub fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += 1 + usize::from(rest[at] == b'\\');
    }
    (at + 1).min(rest.len())
}

/// Words, `::`, `=>` and single signs.
pub fn tokens(code: &str) -> Vec<Token> {
    let bytes = code.as_bytes();
    let (mut out, mut at, mut line) = (Vec::new(), 0, 1);
    while at < bytes.len() {
        let word = bytes[at..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        let length = match &bytes[at..] {
            _ if word > 0 => word,
            [b':', b':', ..] | [b'=', b'>' | b'=', ..] => 2,
            _ => 1,
        };
        if !bytes[at].is_ascii_whitespace() {
            out.push(Token { text: code[at..at + length].to_string(), line });
        }
        line += usize::from(bytes[at] == b'\n');
        at += length;
    }
    out
}

/// A path that begins with `crate`, written out from the root of the crate.
#[derive(Debug, PartialEq, Eq)]
pub struct Reference {
    pub path: Vec<String>,
    pub line: usize,
}

/// All paths of a file that begin with `crate` or `super`, groups in braces taken apart.
pub fn references(source: &Source<'_>) -> Vec<Reference> {
    let mut found = Vec::new();
    // how deep in braces we are, and the modules opened on the way: (name, depth inside)
    let (mut depth, mut modules) = (0usize, vec![]);
    let mut at = 0;
    while at < source.tokens.len() {
        let starts_path = source.word(at + 1) == "::" && (at == 0 || source.word(at - 1) != "::");
        match source.word(at) {
            "mod" if source.word(at + 2) == "{" => {
                depth += 1;
                modules.push((source.word(at + 1).to_string(), depth));
                at += 3;
            }
            "{" => (depth, at) = (depth + 1, at + 1),
            "}" => {
                modules.retain(|(_, inside)| *inside < depth);
                depth = depth.saturating_sub(1);
                at += 1;
            }
            "crate" if starts_path => at = tree(source, at + 2, &[], &mut found),
            "super" if starts_path => {
                let mut module = source.module();
                module.extend(modules.iter().map(|(name, _): &(String, usize)| name.clone()));
                while source.word(at) == "super" && source.word(at + 1) == "::" {
                    module.pop();
                    at += 2;
                }
                at = tree(source, at, &module, &mut found);
            }
            _ => at += 1,
        }
    }
    found
}

/// Reads what follows `prefix::` from `at` on: a path, or a group of paths in braces. Gives where it ends.
pub fn tree(source: &Source<'_>, mut at: usize, prefix: &[String], found: &mut Vec<Reference>) -> usize {
    let line = source.tokens.get(at).map_or(0, |t| t.line);
    let mut path = prefix.to_vec();
    loop {
        match source.word(at) {
            "{" => {
                at += 1;
                while !matches!(source.word(at), "}" | "") {
                    let next = tree(source, at, &path, found);
                    at = if next == at { at + 1 } else { next };
                }
                return at + 1;
            }
            word if word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') => {
                path.extend((word != "self").then(|| word.to_string()));
                at += 1;
            }
            "*" => {
                path.push("*".to_string());
                at += 1;
            }
            _ => break,
        }
        if source.word(at) != "::" {
            break;
        }
        at += 1;
    }
    if at > 0 && path.len() > prefix.len() || source.word(at.wrapping_sub(1)) == "self" {
        found.push(Reference { path, line });
    }
    if source.word(at) == "as" { at + 2 } else { at }
}
