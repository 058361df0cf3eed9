//! What a host sees of a plugin that was built against scant-abi 0.2.0: the fields that never change.

#[repr(C)]
pub struct Header {
    magic: [u8; 16],
    contract: [u32; 3],
    name: *const u8,
    name_len: usize,
    version: *const u8,
    version_len: usize,
}

unsafe impl Sync for Header {}

#[unsafe(no_mangle)]
pub static SCANT_PLUGIN: Header = Header {
    magic: *b"scant plugin 001",
    contract: [0, 2, 0],
    name: "newer".as_ptr(),
    name_len: 5,
    version: "3.2.1".as_ptr(),
    version_len: 5,
};
