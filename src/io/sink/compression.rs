//! How what is written is compressed.

/// How pages of Parquet files, or whole CSV files, are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all: the default for CSV.
    #[default]
    None,
    /// Fast, and read everywhere: the default for Parquet, as in pandas. Not for CSV.
    Snappy,
    /// As fast (`LZ4_RAW`, which older readers do not know). Not for CSV.
    Lz4,
    /// Slower, for other programs.
    Gzip,
    /// Smaller files, slower still. Not for CSV.
    Brotli,
    /// Smaller files at about the speed of Snappy with level 1; at most 22.
    Zstd(i32),
}
