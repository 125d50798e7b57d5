//! Pictures as files: SVG as it is, and as pixels where the feature `png` is on.

use std::path::Path;

use super::disk::{self, LocalDisk};
use super::{Error, Result};

/// Writes a picture as a file, `.svg` or `.png` by the end of its name, which appears whole or not at all.
///
/// # Errors
/// `Invalid` when the name ends otherwise; `Io` when it cannot be written; of [`png`].
pub fn write(svg: &str, path: &Path) -> Result<()> {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    let bytes = match ending.as_deref() {
        Some("svg") => svg.as_bytes().to_vec(),
        Some("png") => png(svg)?,
        _ => {
            let error = Error::invalid("it is not known what to write").doing("write").at_path(path.display());
            return Err(error.help("let the name of a picture end in .svg or .png"));
        }
    };
    disk::replace(&LocalDisk, path, &bytes).map_err(|error| Error::io(path.display(), error).doing("write"))
}

/// The picture in pixels, two for each of the drawing, as by day.
///
/// # Errors
/// `Unsupported` without the feature `png`, and where the system has no fonts for its texts; `Memory` for a picture that is
/// too large.
#[cfg(feature = "png")]
pub fn png(svg: &str) -> Result<Vec<u8>> {
    use std::sync::{Arc, OnceLock};

    use resvg::{tiny_skia, usvg};

    static FONTS: OnceLock<Arc<usvg::fontdb::Database>> = OnceLock::new();
    let fonts = FONTS.get_or_init(|| {
        let mut fonts = usvg::fontdb::Database::new();
        fonts.load_system_fonts();
        // where there is no font of a usual name, any will do
        let any = fonts.faces().next().and_then(|face| face.families.first()).map(|(name, _)| name.clone());
        let usual = ["DejaVu Sans", "Liberation Sans", "Noto Sans", "Arial"];
        let there = |name: &&&str| fonts.faces().any(|face| face.families.iter().any(|(known, _)| known == **name));
        if let Some(name) = usual.iter().find(there).map(ToString::to_string).or(any) {
            fonts.set_sans_serif_family(name);
        }
        Arc::new(fonts)
    });
    if fonts.is_empty() && svg.contains("<text") {
        let error = Error::unsupported("a picture in pixels where the system has no fonts");
        return Err(error.help("install one (fonts-dejavu-core), or write .svg"));
    }
    const SCALE: f32 = 2.0;
    let options = usvg::Options { fontdb: fonts.clone(), ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(svg, &options).map_err(|error| Error::invalid(error.to_string()).doing("draw"))?;
    let size = tree.size();
    let (width, height) = ((size.width() * SCALE).ceil(), (size.height() * SCALE).ceil());
    let pixels = tiny_skia::Pixmap::new(width as u32, height as u32);
    let mut pixels = pixels.ok_or_else(|| {
        Error::unsupported(format!("a picture of {width} × {height} pixels")).help("write .svg, which has no pixels")
    })?;
    resvg::render(&tree, tiny_skia::Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| Error::invalid(error.to_string()).doing("draw"))
}

/// The picture in pixels: not without the feature `png`.
///
/// # Errors
/// `Unsupported`.
#[cfg(not(feature = "png"))]
pub fn png(_svg: &str) -> Result<Vec<u8>> {
    Err(Error::unsupported("PNG without the feature `png` of this crate").help("turn it on, or write .svg"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOT: &str =
        "<svg xmlns='http://www.w3.org/2000/svg' width='3' height='2'><rect width='3' height='2' fill='#f00'/></svg>";

    #[test]
    fn names_decide() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        write(DOT, &at("dot.SVG")).unwrap();
        assert_eq!(std::fs::read_to_string(at("dot.SVG")).unwrap(), DOT);
        assert!(write(DOT, &at("dot.gif")).unwrap_err().to_string().contains(".svg or .png"));
    }

    #[cfg(feature = "png")]
    #[test]
    fn pixels_are_twice_as_many() {
        let bytes = png(DOT).unwrap();
        assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
        assert_eq!((&bytes[16..20], &bytes[20..24]), (&[0, 0, 0, 6][..], &[0, 0, 0, 4][..]));
        assert!(png("<svg").is_err());
    }
}
