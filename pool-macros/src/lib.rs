//! The derive of `pool-runtime`: [`Pooled`](macro@Pooled). Depend on `pool-runtime`, which re-exports it.

#![forbid(unsafe_code)]

mod ast;
mod attr;
mod expand;
mod fallback;
mod valid;

use proc_macro::TokenStream;
use syn::{DeriveInput, Error};

/// Derives.
#[proc_macro_derive(Pooled, attributes(pooled))]
pub fn derive_pooled(input: TokenStream) -> TokenStream {
    derive(input.into()).into()
}

/// The derive, on tokens that exist outside of a compiler too.
fn derive(input: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Vec::new();
    let item = ast::Item::read(&input, &mut errors);
    valid::check(&item, &mut errors);
    if errors.is_empty() {
        return expand::expand(&item);
    }
    let mut output = fallback::expand(&input);
    output.extend(errors.iter().map(Error::to_compile_error));
    output
}
