//! The settings of rules, as methods.

/// Declares settings once for an optimizer and for its groups.
macro_rules! settings {
    ($rule:ident { $($(#[$doc:meta])* $name:ident: $ty:ty,)* }) => {
        impl $crate::optim::Optim<$rule> {$(
            $(#[$doc])*
            #[must_use]
            pub fn $name(mut self, $name: $ty) -> Self {
                self.rule.$name = $name;
                self
            }
        )*}
        impl $crate::optim::Group<$rule> {$(
            $(#[$doc])*
            #[must_use]
            pub fn $name(mut self, $name: $ty) -> Self {
                self.rule.$name = $name;
                self
            }
        )*}
    };
}
pub(super) use settings;
