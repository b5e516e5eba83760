//! Compiled pipelines kept between runs of a program.

use super::Engine;
use super::scope::scoped;
use crate::error::{Error, Result};

/// The start of a file: what it is and which form it has.
const MAGIC: &[u8; 16] = b"wgpool pipes v1\n";

/// FNV-1a (Fowler, Noll, Vo), to tell a damaged file.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// What a file must have been made for: the adapter with its driver, and this version of the crate.
fn key(info: &wgpu::AdapterInfo) -> Option<String> {
    let adapter = wgpu::util::pipeline_cache_key(info)?;
    let version = env!("CARGO_PKG_VERSION");
    Some(format!("{adapter}|{}|{}|{}|wgpool {version}", info.name, info.driver, info.driver_info))
}

/// A file's bytes: magic, key length, key, checksum, data.
fn pack(key: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend((key.len() as u32).to_le_bytes());
    bytes.extend(key.as_bytes());
    bytes.extend(checksum(data).to_le_bytes());
    bytes.extend(data);
    bytes
}

/// The data of a file, or why it is not to be used.
fn unpack<'a>(bytes: &'a [u8], key: &str) -> Result<&'a [u8], &'static str> {
    let rest = bytes.strip_prefix(MAGIC.as_slice()).ok_or("it is no pipeline cache of this version")?;
    let (length, rest) = rest.split_first_chunk::<4>().ok_or("it is cut short")?;
    let length = u32::from_le_bytes(*length) as usize;
    let (made_for, rest) = rest.split_at_checked(length).ok_or("it is cut short")?;
    if made_for != key.as_bytes() {
        return Err("it was made for another adapter, driver or version");
    }
    let (sum, data) = rest.split_first_chunk::<8>().ok_or("it is cut short")?;
    if u64::from_le_bytes(*sum) != checksum(data) {
        return Err("it is damaged");
    }
    Ok(data)
}

impl Engine {
    /// This engine with a pipeline cache of `data`, so that pipelines built in an earlier run are not compiled again;
    /// of no bytes, with an empty cache. [`Engine::pipeline_cache_data`] gives the bytes that are to be kept.
    ///
    /// Devices without `PIPELINE_CACHE` (all but Vulkan) get the engine as it is. Pipelines that the engine has built
    /// before are not in the cache.
    ///
    /// # Errors
    /// [`Error::Document`] if the data is damaged, or of another adapter, driver or version; [`Error::Gpu`] if the driver
    /// refuses it.
    pub async fn with_pipeline_cache_data(&self, data: &[u8]) -> Result<Engine> {
        let Some(key) = self.cache_key() else { return Ok(self.clone()) };
        let data = match data {
            [] => None,
            data => Some(unpack(data, &key).map_err(|reason| Error::Document {
                document: "the pipeline cache".to_owned(),
                reason: reason.to_owned(),
            })?),
        };
        let make = || {
            // SAFETY: the data was returned by `get_data` of a cache on the same adapter, driver and version: the key
            // says so, and the checksum that nothing changed it since. The driver checks its own header besides.
            unsafe {
                self.device.create_pipeline_cache(&wgpu::PipelineCacheDescriptor {
                    label: Some("wgpool"),
                    data,
                    fallback: true,
                })
            }
        };
        let cache = scoped(&self.device, || "making a pipeline cache".to_owned(), make).await?;
        Ok(self.with_cache(cache))
    }

    /// What is to be kept of the pipelines built so far, if the engine has a cache.
    pub fn pipeline_cache_data(&self) -> Option<Vec<u8>> {
        Some(pack(&self.cache_key()?, &self.pipelines.cache_data()?))
    }

    fn cache_key(&self) -> Option<String> {
        if !self.device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            return None;
        }
        key(&self.device.adapter_info())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_used_only_as_it_was_written() {
        let whole = pack("key", b"data of the driver");
        assert_eq!(unpack(&whole, "key").unwrap(), b"data of the driver");
        assert!(unpack(&whole, "another key").is_err());
        for at in 0..whole.len() {
            assert!(unpack(&whole[..at], "key").is_err(), "cut at {at}");
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            assert!(unpack(&damaged, "key").is_err(), "damaged at {at}");
        }
    }
}
