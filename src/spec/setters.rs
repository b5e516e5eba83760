//! Methods that set one field each.

/// For each field a method of its name, which takes what the field holds; of a list, `[T]`, whatever becomes one, and of
/// `[usize]` also a single number, which stands for all axes.
macro_rules! setters {
    ($($(#[$doc:meta])* $field:ident: $of:tt,)*) => {
        $(setters!(@ $(#[$doc])* $field $of);)*
    };
    (@ $(#[$doc:meta])* $field:ident [usize]) => {
        $(#[$doc])*
        pub fn $field(self, $field: impl Into<$crate::spec::PerAxis>) -> Self {
            Self { $field: $field.into().into(), ..self }
        }
    };
    (@ $(#[$doc:meta])* $field:ident [$element:ty]) => {
        $(#[$doc])*
        pub fn $field(self, $field: impl Into<Vec<$element>>) -> Self {
            Self { $field: $field.into(), ..self }
        }
    };
    (@ $(#[$doc:meta])* $field:ident $of:ty) => {
        $(#[$doc])*
        pub fn $field(self, $field: $of) -> Self {
            Self { $field, ..self }
        }
    };
}
pub(crate) use setters;
