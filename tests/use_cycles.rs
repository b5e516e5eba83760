//! No file is in a circle of `use` edges with another: whoever reads one file need not have read what uses it.
//!
//! An edge leads from a file with a `use` to the file that defines what it names; re-exports are followed, and are no edges
//! themselves, nor is the declaration of a module by its parent. Unit tests (`#[cfg(test)] mod`) are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Files that are in circles still. None may be added; what has left its circle is taken out.
const STILL_IN_CIRCLES: &[&str] = &["src/plan/grid.rs", "src/plan/loop_limit.rs", "src/plan/planner.rs"];

/// The files of a crate by module path, `lib.rs` or `main.rs` by the empty one.
type Texts = BTreeMap<Vec<String>, (String, String)>;

/// What is known of a module's file.
#[derive(Default)]
struct File {
    name: String,
    /// What its `use` declarations name, as paths from the crate's root.
    uses: Vec<Vec<String>>,
    /// What it re-exports: the name and the path; `*` is a name.
    exports: Vec<(String, Vec<String>)>,
    /// What it defines.
    items: BTreeSet<String>,
}

/// Identifiers, `::` and punctuation, without comments, strings, characters and lifetimes.
fn tokens(text: &str) -> Vec<String> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |at| at + 2)
        } else if let Some(hashes) = raw_string(rest) {
            let end = format!("\"{}", "#".repeat(hashes));
            let begin = rest.find('"').unwrap() + 1;
            rest[begin..].find(&end).map_or(rest.len(), |at| begin + at + end.len())
        } else if first == '"' {
            string_end(rest, '"')
        } else if first == '\'' {
            // A character, or a lifetime, which has no second quote behind its first letter.
            let mut chars = rest[1..].chars();
            let second = chars.next();
            if second == Some('\\') || chars.next() == Some('\'') { string_end(rest, '\'') } else { 1 }
        } else if rest.starts_with("::") {
            found.push("::".to_owned());
            2
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            found.push(rest[..end].to_owned());
            end
        } else {
            if !first.is_whitespace() {
                found.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[skip..];
    }
    found
}

/// How many `#` the raw string has that the text begins with.
fn raw_string(text: &str) -> Option<usize> {
    let text = text.strip_prefix('b').unwrap_or(text).strip_prefix('r')?;
    let hashes = text.len() - text.trim_start_matches('#').len();
    text[hashes..].starts_with('"').then_some(hashes)
}

/// The length of a string or character with escapes.
fn string_end(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The paths of a `use` tree and the names they get, up to its end; returns the index behind it.
fn use_tree(
    tokens: &[String],
    mut at: usize,
    prefix: &[String],
    out: &mut Vec<(String, Vec<String>)>,
) -> usize {
    let mut path = prefix.to_vec();
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            "::" | "$" => at += 1,
            "{" => {
                at += 1;
                while tokens[at] != "}" {
                    at = use_tree(tokens, at, &path, out);
                    if tokens[at] == "," {
                        at += 1;
                    }
                }
                return at + 1;
            }
            "as" => {
                out.push((tokens[at + 1].clone(), path));
                return at + 2;
            }
            "," | "}" | ";" => break,
            name => {
                path.push(name.to_owned());
                at += 1;
            }
        }
    }
    // `use a::{self}` names `a`.
    if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
        path.pop();
    }
    out.push((path.last().cloned().unwrap_or_default(), path));
    at
}

/// The path from the crate's root, of one that begins with `crate`, `self`, `super` or the name of a module here.
fn from_root(path: &[String], module: &[String], texts: &Texts) -> Option<Vec<String>> {
    let (mut base, mut rest) = match path.first()?.as_str() {
        "crate" => (vec![], &path[1..]),
        "self" => (module.to_vec(), &path[1..]),
        "super" => (module.to_vec(), path),
        name => {
            let child: Vec<String> = module.iter().cloned().chain([name.to_owned()]).collect();
            return texts.contains_key(&child).then(|| [module, path].concat());
        }
    };
    while rest.first().is_some_and(|name| name == "super") {
        base.pop();
        rest = &rest[1..];
    }
    Some([&base, rest].concat())
}

/// Reads what a file uses, re-exports and defines.
fn read(module: &[String], name: &str, text: &str, texts: &Texts) -> File {
    let mut file = File { name: name.to_owned(), ..File::default() };
    let tokens = tokens(text);
    // The modules written into the file that are open here, and at which depth each began.
    let mut open: Vec<(String, usize)> = Vec::new();
    let (mut depth, mut at) = (0usize, 0);
    // Before an item: whether it is public, and whether for tests alone.
    let (mut public, mut tests) = (false, false);
    while at < tokens.len() {
        let next = tokens.get(at + 1).map_or("", String::as_str);
        match tokens[at].as_str() {
            "#" if next == "[" || next == "!" => {
                let end = at + tokens[at..].iter().position(|t| t == "]").unwrap();
                tests |= tokens[at..end].join("").starts_with("#[cfg(test");
                // An attribute may hold brackets.
                let mut brackets = 0;
                while at < tokens.len() {
                    match tokens[at].as_str() {
                        "[" => brackets += 1,
                        "]" if brackets == 1 => break,
                        "]" => brackets -= 1,
                        _ => {}
                    }
                    at += 1;
                }
            }
            "pub" => {
                public = true;
                if next == "(" {
                    at += tokens[at..].iter().position(|t| t == ")").unwrap();
                }
            }
            "use" if next != "<" => {
                let mut found = Vec::new();
                at = use_tree(&tokens, at + 1, &[], &mut found);
                let here: Vec<String> =
                    module.iter().cloned().chain(open.iter().map(|o| o.0.clone())).collect();
                for (name, path) in found {
                    let Some(path) = from_root(&path, &here, texts) else { continue };
                    match public {
                        _ if tests => {}
                        true => file.exports.push((name, path)),
                        false => file.uses.push(path),
                    }
                }
                (public, tests) = (false, false);
            }
            "mod" if tokens.get(at + 2).is_some_and(|t| t == "{") => {
                if tests {
                    at = behind_block(&tokens, at + 2);
                    (public, tests) = (false, false);
                    continue;
                }
                open.push((next.to_owned(), depth));
            }
            "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "union" | "macro_rules"
                if depth == 0 =>
            {
                let name = if next == "!" || next == "mut" { tokens.get(at + 2) } else { tokens.get(at + 1) };
                file.items.extend(name.cloned());
            }
            "{" => {
                depth += 1;
                (public, tests) = (false, false);
            }
            "}" => {
                depth = depth.saturating_sub(1);
                open.pop_if(|o| o.1 == depth);
            }
            ";" => (public, tests) = (false, false),
            _ => {}
        }
        at += 1;
    }
    file
}

/// The index behind the block that begins there.
fn behind_block(tokens: &[String], begin: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(begin) {
        match token.as_str() {
            "{" => depth += 1,
            "}" if depth == 1 => return at + 1,
            "}" => depth -= 1,
            _ => {}
        }
    }
    tokens.len()
}

/// The module whose file defines what a path from the root names.
fn definer(path: &[String], files: &BTreeMap<Vec<String>, File>, steps: usize) -> Option<Vec<String>> {
    let module = (0..=path.len()).rev().map(|n| &path[..n]).find(|part| files.contains_key(*part))?;
    let Some(name) = path.get(module.len()) else { return Some(module.to_vec()) };
    let file = &files[module];
    if steps == 0 || name == "*" || file.items.contains(name) {
        return Some(module.to_vec());
    }
    let named = file.exports.iter().filter(|(export, _)| export == name).map(|(_, to)| to.clone());
    let globs = file.exports.iter().filter(|(export, _)| export == "*");
    let globs = globs.map(|(_, to)| [&to[..to.len() - 1], std::slice::from_ref(name)].concat());
    for to in named.chain(globs) {
        let rest = &path[module.len() + 1..];
        if let Some(found) = definer(&[&to, rest].concat(), files, steps - 1) {
            // A glob of a module that has not the name says nothing.
            if to.len() == 1 || files[&found].items.contains(name) || files.contains_key(&to) {
                return Some(found);
            }
        }
    }
    Some(module.to_vec())
}

/// The modules that define what a `use` names: of `*`, the module and those of all that it re-exports.
fn definers(path: &[String], files: &BTreeMap<Vec<String>, File>, steps: usize) -> BTreeSet<Vec<String>> {
    let mut found: BTreeSet<_> = definer(path, files, steps).into_iter().collect();
    if let Some(module) =
        path.strip_suffix(&["*".to_owned()]).and_then(|module| definer(module, files, steps))
        && steps > 0
    {
        found.extend(files[&module].exports.iter().flat_map(|(_, to)| definers(to, files, steps - 1)));
    }
    found
}

/// From which file to which ones.
fn edges(texts: &Texts) -> BTreeMap<String, BTreeSet<String>> {
    let files: BTreeMap<_, _> = texts
        .iter()
        .map(|(module, (name, text))| (module.clone(), read(module, name, text, texts)))
        .collect();
    let targets = |file: &File| -> BTreeSet<String> {
        let found = file.uses.iter().flat_map(|path| definers(path, &files, 8));
        found.map(|module| files[&module].name.clone()).filter(|name| *name != file.name).collect()
    };
    files.values().map(|file| (file.name.clone(), targets(file))).collect()
}

/// The groups of files each of which reaches every other of its group.
fn circles(edges: &BTreeMap<String, BTreeSet<String>>) -> Vec<BTreeSet<String>> {
    let reach = |from: &String| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(file) = open.pop() {
            for next in &edges[file] {
                if seen.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<_, _> = edges.keys().map(|file| (file, reach(file))).collect();
    let group = |file: &String| -> BTreeSet<String> {
        reached[file].iter().filter(|other| reached[other].contains(file)).cloned().collect()
    };
    edges.keys().map(group).filter(|group| !group.is_empty()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The circles, with the edges inside each.
fn report(edges: &BTreeMap<String, BTreeSet<String>>) -> String {
    let mut text = String::new();
    for group in circles(edges) {
        text += &format!("a circle of {} files:\n", group.len());
        for file in &group {
            let inside: Vec<_> = edges[file].intersection(&group).map(String::as_str).collect();
            text += &format!("    {file} -> {}\n", inside.join(", "));
        }
    }
    text
}

/// Reads the files of a crate's `src`, named as they are from the repository's root.
fn crate_texts(root: &Path, src: &str) -> Texts {
    let (mut texts, mut open) = (Texts::new(), vec![PathBuf::from(src)]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(root.join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            if root.join(&path).is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let inside = path.strip_prefix(src).unwrap().with_extension("");
                let mut module: Vec<_> =
                    inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
                if ["mod", "lib", "main"].contains(&module.last().unwrap().as_str()) {
                    module.pop();
                }
                let text = fs::read_to_string(root.join(&path)).unwrap();
                texts.insert(module, (path.to_str().unwrap().to_owned(), text));
            }
        }
    }
    texts
}

fn made_up(files: &[(&str, &str)]) -> String {
    let path = |name: &str| name.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let texts =
        files.iter().map(|(name, text)| (path(name), ((*name).to_owned(), (*text).to_owned()))).collect();
    report(&edges(&texts))
}

#[test]
fn a_circle_is_found() {
    let found = made_up(&[("", "mod a; mod b;"), ("a", "use crate::b::B;"), ("b", "use super::a;")]);
    assert_eq!(found, "a circle of 2 files:\n    a -> b\n    b -> a\n");
    // By way of a third file, of a re-export, of a group, of a function's own declaration, of a renaming.
    let three = [
        ("a", "use crate::b::{self, B};"),
        ("b", "fn f() { use crate::c::C as D; }"),
        ("c", "use crate::a::*;"),
    ];
    assert!(made_up(&[&[("", "mod a;")], &three[..]].concat()).starts_with("a circle of 3"));
    let root = "mod a; mod b; pub use a::A; pub(crate) use b::*;";
    let exported = [("", root), ("a", "use crate::B; pub struct A;"), ("b", "use crate::{A}; pub struct B;")];
    assert!(made_up(&exported).contains("a -> b"), "{}", made_up(&exported));
    let star = [
        ("", "mod a; mod b;"),
        ("a", "mod c; pub use c::*;"),
        ("a/c", "use crate::b::B; pub struct C;"),
        ("b", "use crate::a::*; pub struct B;"),
    ];
    assert!(made_up(&star).contains("b -> a/c"), "{}", made_up(&star));
    let nested =
        [("", "mod a;"), ("a", "mod b; use b::B; pub struct A;"), ("a/b", "use super::A; pub struct B;")];
    assert!(made_up(&nested).contains("a/b -> a"));
}

#[test]
fn what_is_no_circle_is_none() {
    let declared =
        [("", "mod a; pub use a::A;"), ("a", "use crate::b::B; pub struct A;"), ("b", "pub struct B;")];
    assert_eq!(made_up(&declared), "");
    let in_words = [("a", "// use crate::b;\nconst S: &str = \"use crate::b;\";"), ("b", "use crate::a::S;")];
    assert_eq!(made_up(&[&[("", "")], &in_words[..]].concat()), "");
    let tests =
        [("a", "#[cfg(test)] mod tests { use super::*; use crate::b::B; }"), ("b", "use crate::a::A;")];
    assert_eq!(made_up(&[&[("", "")], &tests[..]].concat()), "");
    let others =
        [("a", "use std::fmt; use b::B; use ::c::D;"), ("c", "use crate::a::A;"), ("b", "use crate::a;")];
    assert_eq!(made_up(&[&[("", "")], &others[..]].concat()), "");
}

#[test]
fn no_file_is_in_a_circle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = vec!["src".to_owned()];
    for entry in fs::read_dir(root.join("crates")).unwrap() {
        sources.push(format!("crates/{}/src", entry.unwrap().file_name().to_str().unwrap()));
    }
    let (mut found, mut files) = (String::new(), BTreeSet::new());
    for src in &sources {
        let texts = crate_texts(root, src);
        assert!(texts.contains_key(&vec![]), "{src} has no root");
        let edges = edges(&texts);
        assert!(edges.values().any(|to| !to.is_empty()), "{src} uses nothing of its own");
        found += &report(&edges);
        files.extend(circles(&edges).into_iter().flatten());
    }
    println!("{found}");
    let added: Vec<_> = files.iter().filter(|file| !STILL_IN_CIRCLES.contains(&file.as_str())).collect();
    assert!(added.is_empty(), "{added:?} in\n{found}");
    for file in STILL_IN_CIRCLES.iter().filter(|file| !files.contains(**file)) {
        println!("{file} is in no circle any more");
    }
}
