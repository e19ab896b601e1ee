// What the decoders have in common: an image file in memory becomes rows of 8-bit pixels.
#pragma once
#include <cstdint>
#include <span>

namespace trainhost::images {

struct ImageSize {
  uint32_t height = 0, width = 0;
};

/// A rectangle of pixels.
struct Box {
  uint32_t top = 0, left = 0, height = 0, width = 0;
};

/// Rows of the image that was opened last, top to bottom, each once: open, start, next_row for each row of the box, finish. An object is used again for the
/// next file, also after a failure. Every function throws PluginError(DATA_LOSS) with what is wrong with the file, not with its name.
class RowReader {
 public:
  virtual ~RowReader() = default;

  /// Reads the header. `file` stays until finish.
  virtual ImageSize open(std::span<const uint8_t> file) = 0;

  /// Whether start takes reduced sizes.
  virtual bool can_reduce() const = 0;

  /// `reduction`: 1, or, with can_reduce, 2, 4 or 8: the image is ceil(size / reduction) pixels then. `box`: in these pixels, inside of the image.
  /// `channels`: 3 (RGB) or 1 (grey).
  virtual void start(uint32_t reduction, const Box& box, uint32_t channels) = 0;

  /// The next row of the box, channels interleaved, and kRowPadding bytes behind it that may be read; valid until the next call.
  virtual const uint8_t* next_row() = 0;

  /// After the last row of the box: reads the rest of the file, so that damage behind the box is found whatever the box is.
  virtual void finish() = 0;
};

}  // namespace trainhost::images
