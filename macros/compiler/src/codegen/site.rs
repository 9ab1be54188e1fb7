//! Where a call is written, for messages at run time.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

/// A layer or op, and the file and line where it is called.
pub fn site(span: Span, by: &str) -> TokenStream {
    let place = quote_spanned!(span=> file: ::core::file!(), line: ::core::line!());
    quote!(__nf::Site { by: #by, #place })
}
