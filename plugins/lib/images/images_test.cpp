// Against torchvision and Pillow, which read the same files.
#include "images/images.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <thread>

#include <trainhost/testing.hpp>

#include "images/geometry.h"
#include "images/testing/pictures.h"

using namespace trainhost;
using namespace trainhost::images;
using namespace trainhost::testing;
namespace data = boost::unit_test::data;

namespace {

// Written once, with what torchvision makes of them.
const TemporaryFolder& pictures() {
  static const TemporaryFolder folder;
  static const bool is_written = (ask_oracle(folder, "expected"), true);
  BOOST_REQUIRE(is_written);
  return folder;
}
std::vector<uint8_t> picture(const std::string& name) { return bytes_of(pictures(), name); }

const std::vector<std::string> kFiles = {"plain.png",  "alpha.png",   "grey.png", "grey_alpha.png", "palette.png",     "few_colours.png", "one_bit.png",
                                         "pixel.png",  "444.jpg",     "422.jpg",  "420.jpg",        "progressive.jpg", "restarts.jpg",    "grey.jpg",
                                         "cmyk.jpg",   "rgb.jpg",     "tiny.jpg", "interlaced.png", "interlaced_grey.png", "deep.png",    "deep_grey.png"};

ImageOptions options_of(const std::string& transform) {
  ImageOptions options;
  options.height = 48, options.width = 64;
  options.dtype = "uint8";
  options.scaled_decode = false;  // torchvision decodes in full
  if (transform == "grown") options.height = 400, options.width = 650;
  if (transform == "centre") options.crop = "center", options.shorter_side = 83;  // half a pixel is left over: rounded to even
  if (transform == "grey") options.channels = 1;
  if (transform == "normalised") options.dtype = "float32", options.mean = {0.485, 0.456, 0.406}, options.std = {0.229, 0.224, 0.225};
  return options;
}

ImageOptions random_parts() {
  ImageOptions options = options_of("stretched");
  options.crop = "random";
  options.flip = 0.5;
  return options;
}

trainhost_status status_of_file(const std::vector<uint8_t>& file, const ImageOptions& options = options_of("stretched")) {
  return status_of([&] { loaded(ImageLoader(options), file); });
}

std::string words_of_file(const std::vector<uint8_t>& file, const ImageOptions& options = options_of("stretched")) {
  return words_of([&] { loaded(ImageLoader(options), file); });
}

std::vector<uint8_t> bytes(std::string_view text) { return {text.begin(), text.end()}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(images_test)

// PNG: the same bytes. JPEG and CMYK: Pillow has a newer libjpeg-turbo, whose arithmetic may round otherwise.
BOOST_DATA_TEST_CASE(files_become_what_torchvision_makes_of_them, data::make(kFiles) * data::make({"stretched", "grown", "centre"}), file, transform) {
  const Difference apart = difference(loaded(ImageLoader(options_of(transform)), picture(file)), pictures().content(format("{}.{}", file, transform)));
  BOOST_TEST(apart.largest <= (file.ends_with(".png") ? 0 : 1));
}

// No resizing at all is a way of its own.
BOOST_DATA_TEST_CASE(an_image_of_the_right_size_stays_as_it_is, data::make({"plain.png", "interlaced.png", "420.jpg"}), file) {
  ImageOptions options = options_of("stretched");
  options.height = 333, options.width = 501;
  BOOST_TEST(difference(loaded(ImageLoader(options), picture(file)), pictures().content(std::string(file) + ".same")).largest <= (std::string(file).ends_with(".png") ? 0 : 1));
}

// A coloured JPEG file becomes grey by its own luma channel, where Pillow goes by way of red, green and blue.
BOOST_DATA_TEST_CASE(grey_is_luma, data::make(kFiles), file) {
  const Difference apart = difference(loaded(ImageLoader(options_of("grey")), picture(file)), pictures().content(file + ".grey"));
  BOOST_TEST(apart.largest <= (file.ends_with(".png") ? 0 : 2));
}

BOOST_DATA_TEST_CASE(normalised_values_are_those_of_torchvision, data::make({"plain.png", "grey.png", "palette.png"}), file) {
  BOOST_TEST((loaded(ImageLoader(options_of("normalised")), picture(file)) == pictures().content(format("{}.normalised", file))));
}

// A JPEG decoder that leaves high frequencies out averages in another way than a triangle filter. These images have noise and hard edges.
BOOST_DATA_TEST_CASE(a_scaled_decode_is_close_to_a_full_one, data::make({"444.jpg", "422.jpg", "420.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg"}), file) {
  ImageOptions options = options_of("stretched");
  options.scaled_decode = true;
  const Difference apart = difference(loaded(ImageLoader(options), picture(file)), pictures().content(format("{}.stretched", file)));
  BOOST_TEST(apart.mean < 1.0);
  BOOST_TEST(apart.largest < 24);
  BOOST_TEST(apart.largest > 0);  // it was taken
}

BOOST_AUTO_TEST_CASE(random_parts_are_what_pillow_cuts_out_there) {
  const ImageOptions options = random_parts();
  const ImageLoader loader(options);
  constexpr uint64_t kKeys = 20;
  std::string boxes;
  for (uint64_t key = 0; key < kKeys; ++key) {
    const Geometry part = plan_geometry(options, {333, 501}, key);
    boxes += format("{} {} {} {}\n", part.vertical.begin, part.horizontal.begin, part.vertical.size, part.horizontal.size);
  }
  const std::string listed = pictures().write("boxes", boxes);
  const std::vector<std::string> files = {"plain.png", "420.jpg", "444.jpg", "interlaced.png", "progressive.jpg"};
  ask_oracle(pictures(), format("parts plain.png 420.jpg 444.jpg interlaced.png progressive.jpg <'{}'", listed));
  uint64_t num_flipped = 0;
  for (const std::string& file : files)
    for (uint64_t key = 0; key < kKeys; ++key) {
      std::string wanted = pictures().content(format("{}.part.{}", file, key));
      const bool is_flipped = plan_geometry(options, {333, 501}, key).is_flipped;
      num_flipped += is_flipped;
      for (auto row = wanted.begin(); is_flipped && row < wanted.end(); row += 64) std::reverse(row, row + 64);
      BOOST_TEST(difference(loaded(loader, picture(file), key), wanted).largest <= (file.ends_with(".png") ? 0 : 1), file << " " << key);
    }
  BOOST_TEST(num_flipped > 0u);
  BOOST_TEST(num_flipped < files.size() * kKeys);
}

BOOST_AUTO_TEST_CASE(a_key_gives_the_same_bytes_on_any_thread) {
  const ImageLoader loader(random_parts());
  const std::vector<uint8_t> file = picture("420.jpg");
  std::vector<std::string> alone;
  for (uint64_t key = 0; key < 16; ++key) alone.push_back(loaded(loader, file, key));
  BOOST_TEST((alone[0] != alone[1]));
  std::vector<std::string> together(alone.size());
  {
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (size_t key = t; key < together.size(); key += 4) together[key] = loaded(loader, file, key);
      });
  }
  BOOST_TEST((together == alone));
}

// After damage the same decoder must read the next file as if nothing had been.
BOOST_DATA_TEST_CASE(a_file_that_is_cut_anywhere_is_refused, data::make({"420.jpg", "progressive.jpg", "grey.jpg", "palette.png", "interlaced_grey.png"}), name) {
  const std::vector<uint8_t> whole = picture(name);
  const ImageLoader loader(options_of("stretched"));
  const std::string wanted = loaded(loader, whole);
  for (size_t step = 1 + whole.size() / 97, size = 0; size < whole.size(); size += std::min(step, std::max<size_t>(1, (whole.size() - size) / 2))) {  // its last bytes one by one
    BOOST_TEST(status_of([&] { loaded(loader, std::span(whole).first(size)); }) == TRAINHOST_DATA_LOSS);
    BOOST_TEST((loaded(loader, whole) == wanted));
  }
}

BOOST_AUTO_TEST_CASE(a_file_without_tables_takes_none_from_the_one_before) {
  const std::vector<uint8_t> whole = picture("grey.jpg");
  std::vector<uint8_t> without;
  for (size_t i = 0; i < whole.size();) {
    const bool is_table = whole[i] == 0xff && whole[i + 1] == 0xdb;
    if (is_table)
      i += 2 + (whole[i + 2] << 8 | whole[i + 3]);
    else
      without.push_back(whole[i++]);
  }
  const ImageLoader loader(options_of("grey"));
  loaded(loader, whole);
  const std::string words = words_of([&] { loaded(loader, without); });
  BOOST_TEST(words.find("Quantization table") != std::string::npos, words);
}

BOOST_DATA_TEST_CASE(damage_behind_the_part_that_is_used_is_found, data::make({"420.jpg", "progressive.jpg", "palette.png"}), name) {
  ImageOptions options = random_parts();
  options.crop_area = {0.01, 0.02};
  const std::vector<uint8_t> whole = picture(name);
  const std::vector<uint8_t> cut(whole.begin(), whole.end() - 20);
  for (uint64_t key = 0; key < 20; ++key) BOOST_TEST(status_of([&] { loaded(ImageLoader(options), cut, key); }) == TRAINHOST_DATA_LOSS);
}

// Whatever the bytes are, the answer is an image or DATA_LOSS.
BOOST_DATA_TEST_CASE(flipped_bits_do_no_harm, data::make({"420.jpg", "progressive.jpg", "cmyk.jpg", "restarts.jpg", "palette.png", "interlaced.png", "deep.png"}), name) {
  const std::vector<uint8_t> whole = picture(name);
  ImageOptions options = random_parts();
  options.max_pixels = 1'000'000;
  const ImageLoader loader(options);
  KeyedRandom random(7);
  for (uint64_t i = 0; i < 200; ++i) {
    std::vector<uint8_t> damaged = whole;
    const size_t end = i % 2 ? damaged.size() : std::min<size_t>(damaged.size(), 700);  // every other time in the headers
    for (int flips = 0; flips < 3; ++flips) damaged[random.below(static_cast<uint32_t>(end))] ^= static_cast<uint8_t>(1u << random.below(8));
    const trainhost_status status = status_of([&] { loaded(loader, damaged, i); });
    BOOST_TEST((status == TRAINHOST_OK || status == TRAINHOST_DATA_LOSS), name << " " << i << ": " << status);
  }
}

BOOST_AUTO_TEST_CASE(a_damaged_file_may_be_tolerated) {
  const std::vector<uint8_t> whole = picture("420.jpg");
  const std::vector<uint8_t> cut(whole.begin(), whole.begin() + static_cast<long>(whole.size() / 2));
  BOOST_TEST(words_of_file(cut).find("remature end") != std::string::npos, words_of_file(cut));
  ImageOptions options = options_of("stretched");
  options.tolerate_warnings = true;
  BOOST_TEST(status_of_file(cut, options) == TRAINHOST_OK);
}

BOOST_AUTO_TEST_CASE(other_files_are_named) {
  for (const auto& [content, kind] : {std::pair("", "empty"), std::pair("GIF89a", "GIF"), std::pair("<html>", "HTML"), std::pair("RIFF....WEBPVP8 ", "WebP"),
                                      std::pair("version https://git-lfs.github.com/spec/v1", "Git LFS"), std::pair("\x01\x02", "01 02")}) {
    const std::string words = words_of_file(bytes(content));
    BOOST_TEST(words.find(kind) != std::string::npos, words);
    BOOST_TEST(status_of_file(bytes(content)) == TRAINHOST_DATA_LOSS);
  }
}

// The header of a file that is small itself; nothing of its size may be allocated.
BOOST_AUTO_TEST_CASE(an_image_of_too_many_pixels_is_refused_by_its_header) {
  std::vector<uint8_t> bomb = picture("palette.png");
  const uint8_t side[] = {0, 0, 0xf0, 0};  // 61440
  std::copy(side, side + 4, bomb.begin() + 16);
  std::copy(side, side + 4, bomb.begin() + 20);
  BOOST_TEST(status_of_file(bomb) == TRAINHOST_DATA_LOSS);  // its checksum is wrong as well
  ImageOptions options = options_of("stretched");
  options.max_pixels = 333 * 501 - 1;
  for (const char* name : {"plain.png", "420.jpg"}) {
    const std::string words = words_of_file(picture(name), options);
    BOOST_TEST(words.find("max_pixels = 166832") != std::string::npos, words);
  }
  options.max_pixels = 333 * 501;
  BOOST_TEST(status_of_file(picture("420.jpg"), options) == TRAINHOST_OK);
}

BOOST_AUTO_TEST_CASE(options_that_do_not_go_together_are_refused) {
  const auto words = [](const auto& change) {
    ImageOptions options;
    change(options);
    return words_of([&] { ImageLoader loader(options); });
  };
  BOOST_TEST(words([](ImageOptions& o) { o.channels = 2; }).find("channels must be 1") != std::string::npos);
  BOOST_TEST(words([](ImageOptions& o) { o.mean = {0.5}; }).find("mean must be one number for each of 3") != std::string::npos);
  BOOST_TEST(words([](ImageOptions& o) { o.std = {1, 1, 1}, o.dtype = "uint8"; }).find("std belongs to dtype") != std::string::npos);
  BOOST_TEST(words([](ImageOptions& o) { o.crop_area = {0.5, 0.1}; }).find("crop_area") != std::string::npos);
  BOOST_TEST(words([](ImageOptions& o) { o.shorter_side = 100; }).find("at least 224") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
