// The door of this library: the bytes of an image file become a sample for a model.
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include <trainhost/cpp/data_stages.hpp>
#include <trainhost/plugin.hpp>

#include "options.h"
#include "resize.h"
#include "row_reader.h"

namespace trainhost::images {

/// What a thread needs to decode: decoders and memory that are used again for each image. One thread at a time.
class Workspace {
 public:
  explicit Workspace(const ImageOptions& options);

 private:
  friend class ImageLoader;
  std::unique_ptr<RowReader> jpeg_, png_;
  Resizer resizer_;
  DataStages stages_;
};

/// JPEG and PNG, told apart by their first bytes, in the size, part and number format of the options. The same bytes and key give the same sample.
class ImageLoader {
 public:
  /// Throws PluginError(INVALID_ARGUMENT) for options that do not go together.
  explicit ImageLoader(ImageOptions options);

  /// float32 or uint8, [channels, height, width].
  Field field(std::string name) const;

  /// Fills a tensor of field(). `random_key`: the only source of chance. Throws PluginError(DATA_LOSS) for bytes that are no whole image, or one with more
  /// than max_pixels; the words say what is wrong, the caller adds which file. [any]
  void load(std::span<const uint8_t> file, uint64_t random_key, const Tensor& out, Workspace& workspace) const;

  /// A workspace that nobody else uses; give it back for the next reader. load() tells `host` how long it decodes and transforms. [any]
  std::unique_ptr<Workspace> take_workspace(const Host& host = Host()) const;
  void give_back(std::unique_ptr<Workspace> workspace) const;

  /// Whether samples depend on their random key.
  bool uses_random_keys() const { return options_.crop == "random" || options_.flip > 0; }

  /// What decides the samples' bytes, as text for a fingerprint.
  std::string description() const;

 private:
  template <class T>
  void write_row(const std::vector<T>& values, const uint8_t* row, size_t step, uint32_t y, bool is_flipped, T* out) const;
  uint32_t reduction(const AxisPlan& vertical, const AxisPlan& horizontal) const;

  ImageOptions options_;
  std::vector<float> float_values_;    // for each channel and byte: the number that goes to the model
  std::vector<uint8_t> byte_values_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Workspace>> unused_;
};

}  // namespace trainhost::images
