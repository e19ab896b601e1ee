// data_source/imagefolder: JPEG and PNG files, a folder for each class.
#include <trainhost/draft/sample_identity.hpp>
#include <trainhost/plugin.hpp>

#include <optional>

#include "files/fingerprint.h"
#include "files/split.h"
#include "image_tree.h"
#include "images/images.h"
#include "remote/data_files.h"
#include "remote/options.h"

namespace {

using namespace trainhost;
using imagefolder::ImageTree;

constexpr std::string_view kVersion = "1.0.0";  // another one when the same input gives other samples

struct Config : images::ImageOptions, remote::RemoteOptions {
  std::string root, split = "train";
  double heldout_fraction = 0.1;
};

constexpr auto kSchema = remote::with_remote_keys(images::with_image_keys(
    schema<Config>()
        .key("root", &Config::root, "folder with a folder of images for each class, relative to the current folder, or s3://BUCKET/PREFIX", no_trajectory)
        .key("split", &Config::split, "train, heldout (images chosen by a hash of their path below root) or all", one_of("train", "heldout", "all"))
        .key("heldout_fraction", &Config::heldout_fraction, "share of the images that is held out", at_least(0), at_most(1))
        .required("root")));

class ImageFolder final : public IdentifiedSource {
 public:
  explicit ImageFolder(Config config) : config_(std::move(config)), images_(config_), data_(config_, "imagefolder") {}

  void start() override {
    data_.start(host());
    tree_.emplace(config_.root, Split(config_.split, config_.heldout_fraction), data_);
    const auto num_classes = static_cast<std::int64_t>(tree_->classes().size());
    info_.fields = {images_.field("image"), {"label", TRAINHOST_FIELD_TARGET, kInt64, {}, {}, num_classes, -1}};
    info_.num_samples = tree_->num_samples();
    info_.block_starts = tree_->block_starts();
    Fingerprint fingerprint(format("imagefolder/1 split {} {} {}", config_.split, config_.heldout_fraction, images_.description()));
    tree_->add_to(fingerprint);
    info_.fingerprint = fingerprint.value();
    fingerprint.add_to_stamp(format("{} tolerate_warnings {}", kVersion, config_.tolerate_warnings));
    facts_ = {images_.uses_random_keys(), fingerprint.stamp(), format("imagefolder {}: {}, {}", kVersion, config_.split, tree_->summary())};
    host().log_info("{}: {}", config_.split, tree_->summary());
  }

  void stop() override {
    tree_.reset();
    data_.stop();
  }

  const SourceInfo& info() override { return info_; }
  SampleFacts sample_facts() override { return facts_; }

  void read(std::span<const std::uint64_t> ids, std::span<const std::uint64_t> random_keys, BatchWriter& out) override {
    auto workspace = images_.take_workspace(host());
    std::vector<std::byte> file;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      host().throw_if_cancelled();
      const Tensor image = out.reserve(i, 0, info_.fields[0].shape);
      out.reserve(i, 1, {}).as<std::int64_t>()[0] = tree_->class_of(ids[i]);
      tree_->read(ids[i], file);
      try {
        images_.load({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()}, random_keys[i], image, *workspace);
      } catch (const PluginError& error) {
        throw PluginError(error.status, format("{}: {}", tree_->path(ids[i]), error.message));
      }
    }
    images_.give_back(std::move(workspace));
  }

 private:
  Config config_;
  images::ImageLoader images_;
  remote::DataFiles data_;
  std::optional<ImageTree> tree_;
  SourceInfo info_;
  SampleFacts facts_;
};

}  // namespace

TRAINHOST_PLUGIN(ImageFolder, {.kind = "data_source", .name = "imagefolder", .version = kVersion, .summary = "images in a folder for each class", .schema = kSchema})
