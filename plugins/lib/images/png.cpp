// libpng reports errors by a jump: it lands in `guarded`, and no frame that it leaves behind owns anything.
#include "png.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <vector>

#include <png.h>

#include <trainhost/plugin.hpp>

#include "images/colours.h"
#include "images/resize_loops.h"

namespace trainhost::images {
namespace {

constexpr uint32_t kMaxSide = 65535;  // that of JPEG

class PngReader final : public RowReader {
 public:
  PngReader() = default;
  ~PngReader() override { close(); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  ImageSize open(std::span<const uint8_t> file) override {
    close();
    file_ = file;
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, &leave, [](png_structp, png_const_charp) {});
    info_ = png_ ? png_create_info_struct(png_) : nullptr;
    if (!info_) throw PluginError(TRAINHOST_RESOURCE_EXHAUSTED, "out of host memory for a PNG decoder");
    png_set_read_fn(png_, this, &copy_bytes);
    png_set_user_limits(png_, kMaxSide, kMaxSide);  // the caller bounds the pixels
    guarded([this] { png_read_info(png_, info_); });
    return {png_get_image_height(png_, info_), png_get_image_width(png_, info_)};
  }

  bool can_reduce() const override { return false; }

  void start(uint32_t, const Box& box, uint32_t channels) override {
    box_ = box;
    channels_ = channels;
    guarded([this] { set_conversions(); });
    row_bytes_ = png_get_rowbytes(png_, info_);
    if (is_interlaced()) return read_whole();
    row_.resize(row_bytes_ + kRowPadding);
    for (row_index_ = 0; row_index_ < box.top;) read_row();
  }

  const uint8_t* next_row() override {
    uint8_t* row = row_.data();
    if (is_interlaced())
      row += row_index_++ * row_bytes_;
    else
      read_row();
    row += size_t{box_.left} * png_get_channels(png_, info_);
    if (channels_ == 1 && png_get_channels(png_, info_) == 3) rgb_to_grey(row, row, box_.width);
    return row;
  }

  void finish() override {
    while (!is_interlaced() && row_index_ < png_get_image_height(png_, info_)) read_row();
    guarded([this] { png_read_end(png_, nullptr); });
  }

 private:
  static PngReader& of(png_structp png) { return *static_cast<PngReader*>(png_get_error_ptr(png)); }

  [[noreturn]] static void leave(png_structp png, png_const_charp words) {
    PngReader& self = of(png);
    std::snprintf(self.words_, sizeof self.words_, "%s", words);
    std::longjmp(self.landing_, 1);
  }

  static void copy_bytes(png_structp png, png_bytep out, size_t size) {
    PngReader& self = *static_cast<PngReader*>(png_get_io_ptr(png));
    if (size > self.file_.size()) png_error(png, "the file ends early");
    std::memcpy(out, self.file_.data(), size);
    self.file_ = self.file_.subspan(size);
  }

  // `call` owns nothing, since a jump does not run destructors.
  template <class Call>
  void guarded(const Call& call) {
    if (setjmp(landing_) != 0) throw PluginError(TRAINHOST_DATA_LOSS, format("damaged PNG file: {}", words_));
    call();
  }

  void set_conversions() {
    png_set_expand(png_);
    png_set_scale_16(png_);
    png_set_strip_alpha(png_);
    if (channels_ == 3) png_set_gray_to_rgb(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
  }

  bool is_interlaced() const { return png_get_interlace_type(png_, info_) != PNG_INTERLACE_NONE; }

  void read_row() {
    guarded([this] { png_read_row(png_, row_.data(), nullptr); });
    ++row_index_;
  }

  void read_whole() {
    const uint32_t height = png_get_image_height(png_, info_);
    row_.resize(row_bytes_ * height + kRowPadding);
    constexpr int kPasses = 7;  // of Adam7
    for (int pass = 0; pass < kPasses; ++pass)
      for (uint32_t y = 0; y < height; ++y) guarded([&] { png_read_row(png_, row_.data() + y * row_bytes_, nullptr); });
    row_index_ = box_.top;
  }

  void close() {
    if (png_) png_destroy_read_struct(&png_, &info_, nullptr);
    png_ = nullptr;
    info_ = nullptr;
  }

  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::jmp_buf landing_{};
  char words_[200] = {};
  std::span<const uint8_t> file_;  // what has not been read
  std::vector<uint8_t> row_;       // one row, or all of an interlaced image
  size_t row_bytes_ = 0;
  Box box_;
  uint32_t channels_ = 3, row_index_ = 0;
};

}  // namespace

std::unique_ptr<RowReader> make_png_reader() { return std::make_unique<PngReader>(); }

}  // namespace trainhost::images
