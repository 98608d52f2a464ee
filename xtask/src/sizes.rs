//! Sizes: files of at most 600 lines, functions of at most 70.

use crate::sources::SourceFile;

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

pub(crate) fn check(files: &[SourceFile]) -> Vec<String> {
    let rust = files.iter().filter(|file| file.is_rust());
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
        let end = lines
            .iter()
            .skip(start)
            .position(|line| line.strip_prefix(&" ".repeat(indent)).is_some_and(ends_function));
        let length = end.map_or(0, |end| end + 1);
        if length > FUNCTION_LINES_MAX {
            let place = format!("{}:{}", file.path, start + 1);
            findings.push(format!("{place}: {length} lines, at most {FUNCTION_LINES_MAX}"));
        }
    }
    findings
}

/// Tells whether a line, from the column of `fn` on, ends a body or a declaration without one.
fn ends_function(line: &str) -> bool {
    line == "}" || line.starts_with(')') && line.ends_with(';')
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

    #[test]
    fn a_declaration_without_a_body_ends_with_its_semicolon() {
        let rest = "    /// Filler.\n".repeat(FUNCTION_LINES_MAX);
        let text = format!(
            "trait Port {{\n    fn read(\n        &self,\n    ) -> u8;\n{rest}    fn x() {{\n    }}\n}}\n"
        );
        let file = SourceFile { path: "x.rs".to_owned(), text };

        assert_eq!(long_functions(&file), Vec::<String>::new());
    }
}
