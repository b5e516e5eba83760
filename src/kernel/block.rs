//! A uniform block: its members for the host, and its structure in WGSL.

/// Name, offset and size in bytes of a member.
pub type Field = (&'static str, usize, usize);

/// What the host writes and a shader reads as its parameters.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Block {
    /// The structure's name.
    pub name: &'static str,
    /// The members, in order; a block within the block is one.
    pub fields: &'static [Field],
    /// Bytes.
    pub size: usize,
    /// The members as WGSL declares them; those of a block within the block are the structure's own.
    pub(crate) members: fn() -> String,
}

impl Block {
    /// The structure in WGSL.
    pub(crate) fn wgsl(&self) -> String {
        format!("\nstruct {} {{\n{}}}\n", self.name, (self.members)())
    }
}

/// A type that members of blocks have.
pub(crate) trait Member {
    /// The member `name` in WGSL.
    fn declare(name: &str) -> String;
}

macro_rules! members {
    ($($type:ty => $wgsl:literal,)*) => {
        $(impl Member for $type {
            fn declare(name: &str) -> String {
                format!("    {name}: {},\n", $wgsl)
            }
        })*
    };
}

members! {
    u32 => "u32",
    i32 => "i32",
    f32 => "f32",
    [u32; 2] => "vec2<u32>",
    [i32; 2] => "vec2<i32>",
    [f32; 2] => "vec2<f32>",
    [u32; 4] => "vec4<u32>",
    [i32; 4] => "vec4<i32>",
    [f32; 4] => "vec4<f32>",
    [[f32; 4]; 4] => "array<vec4<f32>, 4>",
    [[u32; 4]; 16] => "array<vec4<u32>, 16>",
    [[f32; 4]; 24] => "array<vec4<f32>, 24>",
    [[u32; 4]; 8] => "array<vec4<u32>, 8>",
    [[u32; 4]; 64] => "array<vec4<u32>, 64>",
}

/// A block: a structure of the host, from whose members the shader's is written.
macro_rules! uniform {
    ($(#[$doc:meta])* $name:ident { $($(#[$member:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
        #[allow(missing_docs)] // many members say by their names what they are
        pub struct $name {
            $($(#[$member])* pub $field: $type,)*
        }

        impl $name {
            /// Its name and members, and the structure in WGSL.
            pub const BLOCK: $crate::kernel::Block = $crate::kernel::Block {
                name: stringify!($name),
                fields: &[$((
                    stringify!($field),
                    std::mem::offset_of!($name, $field),
                    size_of::<$type>(),
                ),)*],
                size: size_of::<$name>(),
                members: || [$(<$type as $crate::kernel::block::Member>::declare(stringify!($field)),)*].concat(),
            };
        }

        /// A block in a block stands for its members.
        impl $crate::kernel::block::Member for $name {
            fn declare(_: &str) -> String {
                ($name::BLOCK.members)()
            }
        }
    };
}

pub(crate) use uniform;
