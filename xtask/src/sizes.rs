//! Sizes: files of at most 600 lines, functions of at most 70.

use crate::sources::SourceFile;

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

pub(crate) fn check(files: &[SourceFile]) -> Vec<String> {
    let rust = files.iter().filter(|file| file.path.ends_with(".rs"));
    rust.flat_map(|file| {
        let lines = file.text.lines().count();
        let long_file = (lines > FILE_LINES_MAX)
            .then(|| format!("{}: {lines} lines, at most {FILE_LINES_MAX}", file.path));
        long_file.into_iter().chain(long_functions(file))
    })
    .collect()
}

/// Finds functions by the layout that rustfmt gives them: the closing brace stands under `fn`'s line.
fn long_functions(file: &SourceFile) -> Vec<String> {
    let lines: Vec<&str> = file.text.lines().collect();
    let mut findings = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        if !is_function(line.trim_start()) {
            continue;
        }
        let end = lines.iter().skip(start).position(|line| {
            line.len() > indent && line.starts_with(&" ".repeat(indent)) && &line[indent..] == "}"
        });
        let length = end.map_or(0, |end| end + 1);
        if length > FUNCTION_LINES_MAX {
            let place = format!("{}:{}", file.path, start + 1);
            findings.push(format!("{place}: {length} lines, at most {FUNCTION_LINES_MAX}"));
        }
    }
    findings
}

fn is_function(line: &str) -> bool {
    let words = line.split(' ');
    let mut rest = words.skip_while(|word| {
        matches!(*word, "pub" | "pub(crate)" | "pub(super)" | "const" | "async")
    });
    rest.next() == Some("fn") && line.ends_with(['{', '('])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_function_is_found_and_a_short_one_is_not() {
        let body = "    let _ = 1;\n".repeat(FUNCTION_LINES_MAX);
        let text = format!("fn short() {{\n}}\n\npub(crate) async fn long() {{\n{body}}}\n");
        let file = SourceFile { path: "x.rs".to_owned(), text };

        let findings = long_functions(&file);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].starts_with("x.rs:4: 72 lines"));
    }
}
