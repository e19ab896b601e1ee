// A part of a JPEG file that is decoded alone has the pixels that it has in the whole.
#include "images/jpeg.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "images/keyed_random.h"
#include "images/testing/pictures.h"

using namespace trainhost;
using namespace trainhost::images;
using namespace trainhost::testing;

namespace {

std::vector<uint8_t> file_named(const std::string& name) {
  static const TemporaryFolder folder;
  static const bool is_written = (ask_oracle(folder, "files"), true);
  BOOST_REQUIRE(is_written);
  return bytes_of(folder, name);
}

std::vector<uint8_t> decoded(RowReader& reader, const std::vector<uint8_t>& file, uint32_t reduction, const Box& box) {
  reader.open(file);
  reader.start(reduction, box, 3);
  std::vector<uint8_t> out;
  for (uint32_t y = 0; y < box.height; ++y) {
    const uint8_t* row = reader.next_row();
    out.insert(out.end(), row, row + size_t{box.width} * 3);
  }
  reader.finish();
  return out;
}

std::vector<uint8_t> cut(const std::vector<uint8_t>& whole, uint32_t width, const Box& box) {
  std::vector<uint8_t> out;
  for (uint32_t y = box.top; y < box.top + box.height; ++y) {
    const auto row = whole.begin() + static_cast<long>((size_t{y} * width + box.left) * 3);
    out.insert(out.end(), row, row + static_cast<long>(box.width) * 3);
  }
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(jpeg_test)

BOOST_DATA_TEST_CASE(a_part_is_a_part_of_the_whole,
                     boost::unit_test::data::make({"444.jpg", "422.jpg", "420.jpg", "progressive.jpg", "restarts.jpg", "grey.jpg", "cmyk.jpg", "rgb.jpg"}) *
                         boost::unit_test::data::make({1u, 2u, 4u, 8u}),
                     name, reduction) {
  const std::vector<uint8_t> file = file_named(name);
  const auto reader = make_jpeg_reader(false);
  const ImageSize size = reader->open(file);
  const uint32_t height = (size.height + reduction - 1) / reduction, width = (size.width + reduction - 1) / reduction;
  const std::vector<uint8_t> whole = decoded(*reader, file, reduction, {0, 0, height, width});
  KeyedRandom random(3);
  for (int i = 0; i < 40; ++i) {
    Box box{random.below(height), random.below(width), 0, 0};
    box.height = 1 + random.below(height - box.top);
    box.width = 1 + random.below(width - box.left);
    BOOST_TEST((decoded(*reader, file, reduction, box) == cut(whole, width, box)), box.top << " " << box.left << " " << box.height << " " << box.width);
  }
}

BOOST_AUTO_TEST_SUITE_END()
