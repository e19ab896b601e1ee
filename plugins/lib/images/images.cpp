// Format -> header -> geometry -> only the rows and columns that count, resized as they are decoded, written where the host wants them.
#include "images/images.h"

#include <algorithm>

#include "images/format.h"
#include "images/geometry.h"
#include "images/jpeg.h"
#include "images/png.h"

namespace trainhost::images {
namespace {

PluginError refuse(const std::string& words) { return {TRAINHOST_INVALID_ARGUMENT, words}; }

void check_range(const char* key, const std::vector<double>& range) {
  if (range.size() != 2 || range[0] > range[1]) throw refuse(format("{} must be two numbers, the smaller one first", key));
}

void check_per_channel(const char* key, const std::vector<double>& values, const ImageOptions& options) {
  if (values.empty()) return;
  if (options.dtype != "float32") throw refuse(format("{} belongs to dtype \"float32\", got \"{}\"", key, options.dtype));
  if (values.size() != options.channels) throw refuse(format("{} must be one number for each of {} channels, got {}", key, options.channels, values.size()));
}

void check(const ImageOptions& options) {
  if (options.channels != 1 && options.channels != 3) throw refuse(format("channels must be 1 (grey) or 3 (red, green, blue), got {}", options.channels));
  check_range("crop_area", options.crop_area);
  check_range("crop_ratio", options.crop_ratio);
  check_per_channel("mean", options.mean, options);
  check_per_channel("std", options.std, options);
  const uint64_t longer = std::max(options.height, options.width);
  if (options.shorter_side && options.shorter_side < longer)
    throw refuse(format("shorter_side must be at least {}, the larger of height and width, got {}", longer, options.shorter_side));
}

std::string text(const std::vector<double>& values) {
  std::string out;
  for (const double value : values) out += format(" {}", value);
  return out;
}

}  // namespace

Workspace::Workspace(const ImageOptions& options) : jpeg_(make_jpeg_reader(options.tolerate_warnings)), png_(make_png_reader()) {}

ImageLoader::ImageLoader(ImageOptions options) : options_(std::move(options)) {
  check(options_);
  for (uint64_t c = 0; c < options_.channels; ++c) {
    const float mean = options_.mean.empty() ? 0 : static_cast<float>(options_.mean[c]), deviation = options_.std.empty() ? 1 : static_cast<float>(options_.std[c]);
    for (int byte = 0; byte < 256; ++byte) {
      float_values_.push_back((static_cast<float>(byte) / 255 - mean) / deviation);  // in the order of torchvision's ToTensor and Normalize: the same bits
      byte_values_.push_back(static_cast<uint8_t>(byte));
    }
  }
}

Field ImageLoader::field(std::string name) const {
  const auto axis = [](uint64_t size) { return static_cast<int64_t>(size); };
  return {std::move(name), TRAINHOST_FIELD_INPUT, options_.dtype == "uint8" ? kUInt8 : kFloat32, {axis(options_.channels), axis(options_.height), axis(options_.width)}};
}

void ImageLoader::load(std::span<const uint8_t> file, uint64_t random_key, const Tensor& out, Workspace& workspace) const {
  StageWatch watch(workspace.stages_, TRAINHOST_STAGE_DECODE);
  RowReader& reader = *(recognised(file) == FileFormat::kJpeg ? workspace.jpeg_ : workspace.png_);
  const ImageSize size = reader.open(file);
  if (uint64_t{size.height} * size.width > options_.max_pixels) {
    throw PluginError(TRAINHOST_DATA_LOSS, format("an image of {} x {} pixels, more than max_pixels = {}; raise the key if it is real", size.width, size.height,
                                                  options_.max_pixels));
  }
  if (size.height == 0 || size.width == 0) throw PluginError(TRAINHOST_DATA_LOSS, "an image without pixels");
  const Geometry geometry = plan_geometry(options_, size, random_key);
  const uint32_t reduced = reader.can_reduce() && options_.scaled_decode ? reduction(geometry.vertical, geometry.horizontal) : 1;
  const Weights vertical = bilinear_weights(geometry.vertical, reduced), horizontal = bilinear_weights(geometry.horizontal, reduced);

  const auto channels = static_cast<uint32_t>(options_.channels);
  reader.start(reduced, {vertical.read_begin, horizontal.read_begin, vertical.read_count, horizontal.read_count}, channels);
  const auto next_row = [&] {
    watch.turn_to(TRAINHOST_STAGE_DECODE);
    const uint8_t* row = reader.next_row();
    watch.turn_to(TRAINHOST_STAGE_TRANSFORM);
    return row;
  };
  workspace.resizer_.run(vertical, horizontal, channels, next_row,
                         [&](uint32_t y, const uint8_t* row, size_t step) {
                           if (options_.dtype == "uint8")
                             write_row(byte_values_, row, step, y, geometry.is_flipped, static_cast<uint8_t*>(out.data));
                           else
                             write_row(float_values_, row, step, y, geometry.is_flipped, static_cast<float*>(out.data));
                         });
  watch.turn_to(TRAINHOST_STAGE_DECODE);
  reader.finish();
}

template <class T>
void ImageLoader::write_row(const std::vector<T>& values, const uint8_t* row, size_t step, uint32_t y, bool is_flipped, T* out) const {
  const uint64_t width = options_.width;
  for (uint64_t c = 0; c < options_.channels; ++c) {
    const T* value = values.data() + c * 256;
    T* place = out + (c * options_.height + y) * width;
    if (is_flipped)
      for (uint64_t x = 0; x < width; ++x) place[x] = value[row[(width - 1 - x) * step + c]];
    else
      for (uint64_t x = 0; x < width; ++x) place[x] = value[row[x * step + c]];
  }
}

// The largest that leaves at least as many pixels as are wanted, so that nothing is enlarged.
uint32_t ImageLoader::reduction(const AxisPlan& vertical, const AxisPlan& horizontal) const {
  uint32_t reduced = 8;
  while (reduced > 1 && (vertical.size / reduced < vertical.full || horizontal.size / reduced < horizontal.full)) reduced /= 2;
  return reduced;
}

std::unique_ptr<Workspace> ImageLoader::take_workspace(const Host& host) const {
  std::unique_ptr<Workspace> workspace;
  {
    const std::lock_guard lock(mutex_);
    if (!unused_.empty()) {
      workspace = std::move(unused_.back());
      unused_.pop_back();
    }
  }
  if (!workspace) workspace = std::make_unique<Workspace>(options_);
  workspace->stages_ = DataStages(host);
  return workspace;
}

void ImageLoader::give_back(std::unique_ptr<Workspace> workspace) const {
  const std::lock_guard lock(mutex_);
  unused_.push_back(std::move(workspace));
}

std::string ImageLoader::description() const {
  const ImageOptions& o = options_;
  return format("images/1 {} x {} x {} {} crop {} shorter_side {} area{} ratio{} flip {} mean{} std{} scaled {}", o.channels, o.height, o.width, o.dtype, o.crop,
                o.shorter_side, text(o.crop_area), text(o.crop_ratio), o.flip, text(o.mean), text(o.std), o.scaled_decode);
}

}  // namespace trainhost::images
