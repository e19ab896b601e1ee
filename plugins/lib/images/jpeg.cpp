// libjpeg reports errors by a jump: it lands in `guarded`, and no frame that it leaves behind owns anything.
#include "jpeg.h"

#include <csetjmp>
#include <cstdio>
#include <string>
#include <vector>

#include <jpeglib.h>

#include <trainhost/plugin.hpp>

#include "images/colours.h"
#include "images/resize_loops.h"

namespace trainhost::images {
namespace {

constexpr int kMaxScans = 500;          // of a progressive file: each costs a pass over the whole image, real files have about ten
constexpr uint32_t kMarginColumns = 8;  // chroma is interpolated across pixels: columns at a cut edge differ from those of the whole image

// libjpeg-turbo writes rows past the cache where they are aligned, and a row that is resized right away would come back from memory: half of the time, measured.
constexpr size_t kMisaligned = 1;

struct Errors {
  jpeg_error_mgr base;
  std::jmp_buf landing;
  char words[JMSG_LENGTH_MAX];
  bool tolerates_warnings;
};

[[noreturn]] void leave(j_common_ptr decoder) {
  auto* errors = reinterpret_cast<Errors*>(decoder->err);
  decoder->err->format_message(decoder, errors->words);
  std::longjmp(errors->landing, 1);
}

void take_message(j_common_ptr decoder, int level) {
  if (level < 0 && !reinterpret_cast<Errors*>(decoder->err)->tolerates_warnings) leave(decoder);
}

void count_scans(j_common_ptr decoder) {
  if (reinterpret_cast<j_decompress_ptr>(decoder)->input_scan_number <= kMaxScans) return;
  auto* errors = reinterpret_cast<Errors*>(decoder->err);
  std::snprintf(errors->words, sizeof errors->words, "more than %d scans, which no real image has", kMaxScans);
  std::longjmp(errors->landing, 1);
}

class JpegReader final : public RowReader {
 public:
  explicit JpegReader(bool tolerates_warnings) {
    decoder_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = &leave;
    errors_.base.emit_message = &take_message;
    errors_.tolerates_warnings = tolerates_warnings;
    progress_.progress_monitor = &count_scans;
  }
  ~JpegReader() override { jpeg_destroy_decompress(&decoder_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  ImageSize open(std::span<const uint8_t> file) override {
    // A decoder that is used again would take tables that this file lacks from the last one.
    jpeg_destroy_decompress(&decoder_);
    guarded([&] {
      jpeg_create_decompress(&decoder_);
      decoder_.progress = &progress_;
      jpeg_mem_src(&decoder_, file.data(), file.size());
      jpeg_read_header(&decoder_, TRUE);
    });
    return {decoder_.image_height, decoder_.image_width};
  }

  bool can_reduce() const override { return true; }

  void start(uint32_t reduction, const Box& box, uint32_t channels) override {
    channels_ = channels;
    decoder_.scale_num = 1;
    decoder_.scale_denom = reduction;
    is_cmyk_ = decoder_.jpeg_color_space == JCS_CMYK || decoder_.jpeg_color_space == JCS_YCCK;
    if (decoder_.jpeg_color_space == JCS_UNKNOWN)
      throw PluginError(TRAINHOST_DATA_LOSS, format("a JPEG file of {} colour channels that have no known meaning; convert it to RGB", decoder_.num_components));
    decoder_.out_color_space = is_cmyk_ ? JCS_CMYK : channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    guarded([this] { jpeg_start_decompress(&decoder_); });
    if (decoder_.output_width < box.left + box.width || decoder_.output_height < box.top + box.height)
      throw PluginError(TRAINHOST_INTERNAL, "a box that is not inside of the image");
    cut_columns(box);
    row_.resize(kMisaligned + size_t{decoder_.output_width} * static_cast<uint32_t>(decoder_.output_components) + kRowPadding);
    if (box.top > 0) guarded([&] { jpeg_skip_scanlines(&decoder_, box.top); });
  }

  const uint8_t* next_row() override {
    JSAMPROW row = row_.data() + kMisaligned;
    guarded([&] { jpeg_read_scanlines(&decoder_, &row, 1); });
    uint8_t* const wanted = row + size_t{first_column_} * static_cast<uint32_t>(decoder_.output_components);
    if (!is_cmyk_) return wanted;
    cmyk_to_rgb(wanted, wanted, num_columns_, decoder_.saw_Adobe_marker);
    if (channels_ == 1) rgb_to_grey(wanted, wanted, num_columns_);
    return wanted;
  }

  void finish() override {
    const uint32_t below = decoder_.output_height - decoder_.output_scanline;
    // Skipping to the end would skip the bytes too; a row that is read behind what is skipped makes the decoder go through them.
    if (below > 1) guarded([&] { jpeg_skip_scanlines(&decoder_, below - 1); });
    JSAMPROW row = row_.data() + kMisaligned;
    if (below > 0) guarded([&] { jpeg_read_scanlines(&decoder_, &row, 1); });
    guarded([this] { jpeg_finish_decompress(&decoder_); });
  }

 private:
  // `call` owns nothing, since a jump does not run destructors.
  template <class Call>
  void guarded(const Call& call) {
    if (setjmp(errors_.landing) != 0) throw PluginError(TRAINHOST_DATA_LOSS, format("damaged JPEG file: {}", errors_.words));
    call();
  }

  void cut_columns(const Box& box) {
    first_column_ = box.left;
    num_columns_ = box.width;
    if (box.width == decoder_.output_width) return;
    JDIMENSION left = box.left > kMarginColumns ? box.left - kMarginColumns : 0;
    JDIMENSION width = std::min(decoder_.output_width, box.left + box.width + kMarginColumns) - left;
    guarded([&] { jpeg_crop_scanline(&decoder_, &left, &width); });  // moves `left` down to where a block begins
    first_column_ = box.left - left;
  }

  jpeg_decompress_struct decoder_{};
  Errors errors_{};
  jpeg_progress_mgr progress_{};
  std::vector<uint8_t> row_;
  uint32_t channels_ = 3, first_column_ = 0, num_columns_ = 0;
  bool is_cmyk_ = false;
};

}  // namespace

std::unique_ptr<RowReader> make_jpeg_reader(bool tolerates_warnings) { return std::make_unique<JpegReader>(tolerates_warnings); }

}  // namespace trainhost::images
