// What a user may say about images, the same in every plugin that decodes them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <trainhost/plugin.hpp>

namespace trainhost::images {

struct ImageOptions {
  std::uint64_t height = 224, width = 224, channels = 3;
  std::string crop = "none", dtype = "float32";
  std::uint64_t shorter_side = 0;
  std::vector<double> crop_area = {0.08, 1}, crop_ratio = {0.75, 1.3333};
  double flip = 0;
  std::vector<double> mean, std;
  std::uint64_t max_pixels = 100'000'000;
  bool scaled_decode = true, tolerate_warnings = false;
};

/// Adds the keys of images to the schema of a plugin whose Config derives from ImageOptions.
template <class Config>
constexpr Schema<Config> with_image_keys(Schema<Config> schema) {
  const auto member = []<class T>(T ImageOptions::*of_images) constexpr { return static_cast<T Config::*>(of_images); };
  return schema.key("height", member(&ImageOptions::height), "rows of an image for the model", at_least(1), at_most(16384))
      .key("width", member(&ImageOptions::width), "columns of an image for the model", at_least(1), at_most(16384))
      .key("channels", member(&ImageOptions::channels), "3: red, green, blue; 1: grey", at_least(1), at_most(3))
      .key("dtype", member(&ImageOptions::dtype), "float32: 0 to 1, then mean and std; uint8: 0 to 255", one_of("float32", "uint8"))
      .key("crop", member(&ImageOptions::crop),
           "none: the whole image, stretched; center: the middle, after the shorter side became shorter_side; random: a part drawn by crop_area and crop_ratio, stretched",
           one_of("none", "center", "random"))
      .key("shorter_side", member(&ImageOptions::shorter_side), "center: pixels of the shorter side before the cut; 0 = the larger of height and width", at_most(16384))
      .key("crop_area", member(&ImageOptions::crop_area), "random: smallest and largest share of the image's area", greater_than(0), at_most(1))
      .key("crop_ratio", member(&ImageOptions::crop_ratio), "random: smallest and largest width over height", at_least(0.01), at_most(100))
      .key("flip", member(&ImageOptions::flip), "probability that left and right are exchanged", at_least(0), at_most(1))
      .key("mean", member(&ImageOptions::mean), "float32: what is taken off each channel, which is 0 to 1; one number a channel")
      .key("std", member(&ImageOptions::std), "float32: what each channel is divided by after that; one number a channel", greater_than(0))
      .key("max_pixels", member(&ImageOptions::max_pixels), "a larger image is refused before it is decoded", at_least(1), at_most(4294967296), no_trajectory)
      .key("scaled_decode", member(&ImageOptions::scaled_decode), "a JPEG file that is at least twice as large as needed is decoded at 1/2, 1/4 or 1/8")
      .key("tolerate_warnings", member(&ImageOptions::tolerate_warnings), "a JPEG file is used though its decoder warns of damage", no_trajectory);
}

}  // namespace trainhost::images
