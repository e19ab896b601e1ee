// data_source/idx: images and labels in the files of MNIST and its relatives.
#include <trainhost/draft/sample_identity.hpp>
#include <trainhost/plugin.hpp>

#include <algorithm>
#include <array>
#include <optional>

#include "files/file_list.h"
#include "files/fingerprint.h"
#include "files/row_split.h"
#include "idx_file.h"

namespace {

using namespace trainhost;

constexpr std::string_view kVersion = "1.0.0";  // another one when the same input gives other samples

struct Config {
  std::string images, labels, dtype = "float32", split = "train";
  std::uint64_t classes = 10, max_memory_mb = 4096;
  double mean = 0, deviation = 1, heldout_fraction = 0;
};

constexpr auto kSchema =
    schema<Config>()
        .key("images", &Config::images, "file of the images, plain or .gz, seen from the current folder", no_trajectory)
        .key("labels", &Config::labels, "file of their labels, plain or .gz", no_trajectory)
        .key("classes", &Config::classes, "number of classes: labels are below it", at_least(2), at_most(256))
        .key("dtype", &Config::dtype, "float32: (pixel / 255 - mean) / std; uint8: pixels as they are", one_of("float32", "uint8"))
        .key("mean", &Config::mean, "float32: what is subtracted, pixels being 0 to 1")
        .key("std", &Config::deviation, "float32: what the rest is divided by", greater_than(0))
        .key("split", &Config::split, "train, heldout (chosen by a hash of file name and index) or all", one_of("train", "heldout", "all"))
        .key("heldout_fraction", &Config::heldout_fraction, "share of the samples that is held out", at_least(0), at_most(1))
        .key("max_memory_mb", &Config::max_memory_mb, "most memory that the content of one .gz file may take", at_least(1), at_most(1048576), no_trajectory)
        .required("images", "labels");

class Idx final : public IdentifiedSource {
 public:
  explicit Idx(Config config) : config_(std::move(config)), split_(config_.split, config_.heldout_fraction) {}

  void start() override {
    const ListedFile images = one_file(config_.images, "idx.images"), labels = one_file(config_.labels, "idx.labels");
    images_.emplace(images.path, config_.max_memory_mb << 20);
    const IdxFile label_file(labels.path, config_.max_memory_mb << 20);
    read_labels(label_file);
    const std::uint64_t starts[] = {0, labels_.size()};
    selection_ = select_rows(split_, {&images.name, 1}, starts, "idx");
    fill_pixel_values();
    info_.fields = {{"image", TRAINHOST_FIELD_INPUT, is_real() ? kFloat32 : kUInt8, image_shape(), {}, is_real() ? 0 : 256, 0},
                    {"label", TRAINHOST_FIELD_TARGET, kInt64, {}, {}, static_cast<std::int64_t>(config_.classes), -1}};
    info_.num_samples = selection_.size();
    Fingerprint fingerprint(format("idx/1 {} mean {} std {} classes {} {}", config_.dtype, config_.mean, config_.deviation, config_.classes, split_.text()));
    fingerprint.add(images.name, images_->input());
    fingerprint.add(labels.name, label_file.input());
    info_.fingerprint = fingerprint.value();
    fingerprint.add_to_stamp(kVersion);
    facts_ = {false, fingerprint.stamp(), format("idx {}: {}, {} images of {}", kVersion, config_.split, selection_.size(), images_->input().path())};
    host().log_info("{}: {} of {} images", config_.split, selection_.size(), labels_.size());
  }

  void stop() override { images_.reset(); }

  const SourceInfo& info() override { return info_; }
  SampleFacts sample_facts() override { return facts_; }

  void read(std::span<const std::uint64_t> ids, std::span<const std::uint64_t>, BatchWriter& out) override {
    std::vector<std::byte> pixels(images_->row_bytes());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      host().throw_if_cancelled();
      const std::uint64_t row = selection_.at(ids[i]);
      const Tensor image = out.reserve(i, 0, info_.fields[0].shape);
      if (is_real()) {
        images_->read(row, pixels);
        std::transform(pixels.begin(), pixels.end(), image.as<float>().begin(), [&](std::byte pixel) { return pixel_values_[static_cast<std::size_t>(pixel)]; });
      } else {
        images_->read(row, std::as_writable_bytes(image.as<std::uint8_t>()));
      }
      out.reserve(i, 1, std::span<const std::int64_t>()).as<std::int64_t>()[0] = static_cast<std::int64_t>(labels_[row]);
    }
  }

 private:
  static ListedFile one_file(const std::string& pattern, std::string_view key) {
    std::vector<ListedFile> files = list_files({&pattern, 1}, key);
    if (files.size() == 1) return files.front();
    throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("{}: \"{}\" names {} files, wanted one", key, pattern, files.size()));
  }

  bool is_real() const { return config_.dtype == "float32"; }

  // Channels, height, width; one channel where the file has none.
  std::vector<std::int64_t> image_shape() const {
    const auto& sizes = images_->sizes();
    std::vector<std::int64_t> shape(sizes.begin() + 1, sizes.end());
    if (shape.size() == 2) shape.insert(shape.begin(), 1);
    return shape;
  }

  void read_labels(const IdxFile& file) {
    const auto& path = file.input().path();
    if (file.sizes().size() != 1) throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("{}: has {} axes, labels have one; set idx.labels to the file of the labels", path, file.sizes().size()));
    const std::size_t num_axes = images_->sizes().size();
    if (num_axes != 3 && num_axes != 4)
      throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("{}: has {} axes, images have 3, or 4 with channels; set idx.images to the file of the images", images_->input().path(), num_axes));
    if (file.num_rows() != images_->num_rows())
      throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("{}: has {} labels for the {} images of {}; name two files of one set", path, file.num_rows(), images_->num_rows(), images_->input().path()));
    labels_ = file.read_all();
    const auto stray = std::find_if(labels_.begin(), labels_.end(), [&](std::byte label) { return static_cast<std::uint64_t>(label) >= config_.classes; });
    if (stray != labels_.end())
      throw PluginError(TRAINHOST_DATA_LOSS, format("{}: label {} at position {} is not below idx.classes {}; correct the key or the file", path, static_cast<unsigned>(*stray),
                                                    stray - labels_.begin(), config_.classes));
  }

  void fill_pixel_values() {
    for (std::size_t pixel = 0; pixel < pixel_values_.size(); ++pixel)
      pixel_values_[pixel] = static_cast<float>((static_cast<double>(pixel) / 255 - config_.mean) / config_.deviation);
  }

  Config config_;
  Split split_;
  std::optional<IdxFile> images_;
  std::vector<std::byte> labels_;
  Selection selection_;
  std::array<float, 256> pixel_values_{};
  SourceInfo info_;
  SampleFacts facts_;
};

}  // namespace

TRAINHOST_PLUGIN(Idx, {.kind = "data_source", .name = "idx", .version = kVersion, .summary = "images and labels of the MNIST family", .schema = kSchema})
