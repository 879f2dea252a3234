//! Words in the value of a key that would leave the function that evaluates it, or that mean nothing there.
//!
//! # Invariants
//!
//! 1. A word that is found is wrong: closures, functions, `async` blocks and macros are passed over, since a `return` of theirs is
//!    their own, or may be.
//! 2. A word that is not found cannot leave either: `may_leave` says `true` if tokens might, and the value then stands in a closure.

use core::iter::Peekable;

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Error, Expr};

/// Refuses a value with a word that cannot stand in it.
pub(crate) fn check(value: Expr) -> syn::Result<Expr> {
    match find(value.to_token_stream(), false) {
        Some(word) if is_word(&word, "self") => Err(Error::new_spanned(
            word,
            "the value of a key cannot see the object: write a closure that takes it, as in `reset = |object| ..` on the type",
        )),
        Some(word) => {
            let message = format!(
                "`{word}` would leave the reset, and what comes after it would not be reset: write a value, or call a \
                 function, which may return early"
            );
            Err(Error::new_spanned(word, message))
        }
        None => Ok(value),
    }
}

/// Whether a value might leave the function that evaluates it. Macros may expand to anything.
pub(crate) fn may_leave(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match &token {
        TokenTree::Ident(word) => word == "return" || word == "yield",
        TokenTree::Punct(sign) => matches!(sign.as_char(), '!' | '?'),
        TokenTree::Group(group) => may_leave(group.stream()),
        TokenTree::Literal(_) => false,
    })
}

/// The first word that leaves, or `self`.
fn find(tokens: TokenStream, mut in_loop: bool) -> Option<TokenTree> {
    let mut tokens = tokens.into_iter().peekable();
    // The next braces are the body of a function or of an `async` block.
    let mut own_body = false;
    let mut before: Option<TokenTree> = None;
    while let Some(token) = tokens.next() {
        let is_first = before.as_ref().is_none_or(begins_expression);
        match &token {
            TokenTree::Ident(word) => match word.to_string().as_str() {
                "return" | "yield" => return Some(token),
                "await" if is_sign(before.as_ref(), '.') => return Some(token),
                "break" | "continue" if !in_loop && !is_sign(tokens.peek(), '\'') => return Some(token),
                "self" if !is_sign(tokens.peek(), ':') && !is_sign(before.as_ref(), ':') => return Some(token),
                "fn" => own_body = matches!(tokens.peek(), Some(TokenTree::Ident(_))),
                "async" => own_body = true,
                "loop" | "while" | "for" => in_loop = true,
                _ => {}
            },
            TokenTree::Punct(sign) => match sign.as_char() {
                '|' if is_first => pass_closure(&mut tokens),
                '?' if !is_first => return Some(token),
                '!' if before.as_ref().is_some_and(is_macro) => pass_macro(&mut tokens),
                _ => {}
            },
            TokenTree::Group(group) => {
                // The arguments of a function come before its body.
                let skipped = own_body;
                own_body &= group.delimiter() != Delimiter::Brace;
                if !skipped {
                    if let Some(word) = find(group.stream(), in_loop) {
                        return Some(word);
                    }
                }
            }
            TokenTree::Literal(_) => {}
        }
        before = Some(token);
    }
    None
}

/// A closure reaches as far as it can.
fn pass_closure(tokens: &mut Peekable<IntoIter>) {
    tokens.by_ref().find(|token| is_sign(Some(token), '|'));
    tokens.by_ref().find(|token| is_sign(Some(token), ',') || is_sign(Some(token), ';'));
}

/// Its arguments may be anything.
fn pass_macro(tokens: &mut Peekable<IntoIter>) {
    tokens.by_ref().find(|token| matches!(token, TokenTree::Group(_)));
}

/// Whether an expression begins behind this token.
fn begins_expression(token: &TokenTree) -> bool {
    match token {
        TokenTree::Punct(sign) => !matches!(sign.as_char(), '?' | '\''),
        TokenTree::Ident(word) => {
            ["move", "return", "else", "in", "if", "match", "while", "async", "static"].iter().any(|w| word == w)
        }
        TokenTree::Group(_) | TokenTree::Literal(_) => false,
    }
}

/// Whether a `!` behind this token calls a macro.
fn is_macro(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Ident(_)) && !begins_expression(token)
}

fn is_sign(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(value: &str) -> Option<String> {
        find(value.parse().expect("is made of tokens"), false).map(|word| word.to_string())
    }

    #[test]
    fn a_word_that_leaves_is_found() {
        for (value, word) in [
            ("match LEVEL.get() { Some(l) => *l, None => return }", "return"),
            ("{ if a { return; } 4 }", "return"),
            ("f(return)", "return"),
            ("g()?", "?"),
            ("{ g()?.x }", "?"),
            ("[a?; 4]", "?"),
            ("break", "break"),
            ("{ break 4 }", "break"),
            ("if a { continue } else { 4 }", "continue"),
            ("f().await", "await"),
            ("(yield 4)", "yield"),
            ("self.a", "self"),
            ("f(&self)", "self"),
            ("a | return", "return"),
            ("f(|x| x, return)", "return"),
            ("if !(a) { return } else { 4 }", "return"),
            ("while a { return }", "return"),
        ] {
            assert_eq!(found(value).as_deref(), Some(word), "{value}");
            // `break` and the like are errors in any function.
            assert!(may_leave(value.parse().unwrap()) || !["return", "?", "yield"].contains(&word), "{value}");
        }
    }

    #[test]
    fn what_does_not_leave_is_passed_over() {
        for value in [
            "4",
            "{ fn f() -> u8 { return 4 } f() }",
            "(|| return 4)()",
            "(move |x: u8| { return x })(4)",
            "f(|a, b| return a, 4)",
            "{ let f = || g()?; 4 }",
            "async { return 4 }",
            "async move { g().await? }",
            "loop { break 4 }",
            "loop { if a { continue } else { break 4 } }",
            "'a: { break 'a 4 }",
            "m!(return)",
            "m! { a? }",
            "self::F",
            "self::f(4)",
            "crate::self_test(4)",
            "{ struct T<U: ?Sized>(U); 4 }",
            "{ impl T { fn f(&self) -> u8 { self.a } } 4 }",
            "a || b",
            "a | b",
            "'?'",
        ] {
            assert_eq!(found(value), None, "{value}");
        }
    }
}
