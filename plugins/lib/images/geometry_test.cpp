#include "images/geometry.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace trainhost::images;

namespace {

ImageOptions random_part() {
  ImageOptions options;
  options.crop = "random";
  return options;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(geometry_test)

BOOST_AUTO_TEST_CASE(random_parts_lie_inside_and_have_the_area_and_ratio_that_was_asked_for) {
  const ImageSize size{400, 700};
  std::vector<double> areas, ratios, places;
  for (uint64_t key = 0; key < 4000; ++key) {
    const Geometry part = plan_geometry(random_part(), size, key * 0x9e3779b97f4a7c15u);
    const AxisPlan &rows = part.vertical, &columns = part.horizontal;
    BOOST_REQUIRE(rows.size >= 1 && rows.begin + rows.size <= size.height && columns.size >= 1 && columns.begin + columns.size <= size.width);
    areas.push_back(static_cast<double>(rows.size) * columns.size / (size.height * size.width));
    ratios.push_back(static_cast<double>(columns.size) / rows.size);
    if (columns.size < size.width) places.push_back(static_cast<double>(columns.begin) / (size.width - columns.size));
  }
  const auto [least, most] = std::minmax_element(areas.begin(), areas.end());
  BOOST_TEST(*least > 0.078);
  BOOST_TEST(*least < 0.09);
  BOOST_TEST(*most > 0.7);  // the largest do not fit into this image in most ratios
  const auto [narrowest, widest] = std::minmax_element(ratios.begin(), ratios.end());
  BOOST_TEST(*narrowest > 0.74);
  BOOST_TEST(*narrowest < 0.77);
  BOOST_TEST(*widest > 1.30);
  BOOST_TEST(*widest < 1.35);
  std::nth_element(places.begin(), places.begin() + static_cast<long>(places.size() / 2), places.end());
  BOOST_TEST(places[places.size() / 2] > 0.45);  // uniform: the median of 4000 is off by less than 0.02
  BOOST_TEST(places[places.size() / 2] < 0.55);
}

// Golden values: every machine and every later version cuts the same parts out, or a resumed run would see other images.
BOOST_AUTO_TEST_CASE(the_draws_are_the_same_everywhere) {
  std::string drawn;
  for (const uint64_t key : {0u, 1u, 123456789u}) {
    const Geometry part = plan_geometry(random_part(), {375, 500}, key);
    drawn += trainhost::format("{} {} {} {};", part.vertical.begin, part.horizontal.begin, part.vertical.size, part.horizontal.size);
  }
  BOOST_TEST(drawn == "27 111 122 160;61 62 313 360;34 159 196 194;");
}

BOOST_AUTO_TEST_CASE(an_image_that_no_part_fits_gives_its_middle_within_the_ratio) {
  ImageOptions options = random_part();
  options.crop_area = {1, 1};
  const Geometry wide = plan_geometry(options, {30, 900}, 5);
  BOOST_TEST(wide.vertical.size == 30u);
  BOOST_TEST(wide.horizontal.size == 40u);
  BOOST_TEST(wide.horizontal.begin == 430u);
  const Geometry high = plan_geometry(options, {900, 30}, 5);
  BOOST_TEST(high.vertical.size == 40u);
  BOOST_TEST(high.vertical.begin == 430u);
}

BOOST_AUTO_TEST_CASE(chances_of_a_flip_are_kept) {
  ImageOptions options;
  options.flip = 0.25;
  int flipped = 0;
  for (uint64_t key = 0; key < 4000; ++key) flipped += plan_geometry(options, {10, 10}, key).is_flipped;
  BOOST_TEST(flipped > 860);  // 1000, five deviations of 27.4
  BOOST_TEST(flipped < 1140);
  options.flip = 0;
  BOOST_TEST(!plan_geometry(options, {10, 10}, 1).is_flipped);
}

BOOST_AUTO_TEST_SUITE_END()
