// data_source/tarshards: samples out of tar archives by the rules of WebDataset, in any order, through an index.
#include <trainhost/draft/sample_identity.hpp>
#include <trainhost/plugin.hpp>

#include <algorithm>
#include <optional>

#include "fields.h"
#include "fields/field_text.h"
#include "files/fingerprint.h"
#include "files/split.h"
#include "images/images.h"
#include "remote/data_files.h"
#include "remote/options.h"
#include "shards.h"

namespace {

using namespace trainhost;
using namespace trainhost::tarshards;

constexpr std::uint64_t kReadTogether = 16384;  // bytes of other members that are read along

constexpr std::string_view kVersion = "1.0.0";  // another one when the same input gives other samples

struct Config : images::ImageOptions, remote::RemoteOptions {
  std::vector<std::string> files, fields = {"image image jpg,jpeg,png", "label class cls"}, dali_index;
  std::string split = "train", on_error = "fail", index_folder;
  double heldout_fraction = 0.1;
  std::int64_t classes = 0;
};

constexpr auto kSchema = remote::with_remote_keys(images::with_image_keys(
    schema<Config>()
        .key("files", &Config::files, "the shards: paths or s3:// URIs with * ? ** {a,b} {000000..000099}, paths relative to the current folder", list_or_one, no_trajectory)
        .key("fields", &Config::fields, "a line each: NAME KIND EXTENSIONS, with KIND image, class, number, npy or bytes, then options", list_or_one)
        .key("classes", &Config::classes, "number of classes of fields of kind class; 0 = not stated", at_least(0))
        .key("split", &Config::split, "train, heldout (samples chosen by a hash of their key) or all", one_of("train", "heldout", "all"))
        .key("heldout_fraction", &Config::heldout_fraction, "share of the samples that is held out", at_least(0), at_most(1))
        .key("on_error", &Config::on_error, "fail, or skip: leave out what is wrong in a shard, and count it", one_of("fail", "skip"))
        .key("index_folder", &Config::index_folder, "where the indexes of the shards are kept; empty = beside them, else in the cache folder", no_trajectory)
        .key("dali_index", &Config::dali_index, "indexes that DALI's wds2idx has written, one for each shard, in the same order", list_or_one, no_trajectory)
        .required("files")));

class TarShards final : public IdentifiedSource {
 public:
  explicit TarShards(Config config) : config_(std::move(config)), images_(config_), files_(config_, "tarshards") {
    std::vector<Field> described;
    for (const std::string& line : config_.fields) {
      fields_.push_back(parse_field(line, config_.classes, images_));
      described.push_back(fields_.back().field);
    }
    check_names("tarshards.fields", described);
  }

  void start() override {
    const ShardOptions options{config_.files, config_.dali_index, config_.index_folder, std::string(host().cache_folder()), config_.on_error == "skip"};
    files_.start(host());
    shards_.emplace(options, fields_, Split(config_.split, config_.heldout_fraction), files_);
    settle_fields();
    info_.num_samples = shards_->num_samples();
    info_.block_starts = shards_->block_starts();
    const Fingerprint all = fingerprint();
    info_.fingerprint = all.value();
    const bool has_images = std::any_of(fields_.begin(), fields_.end(), [](const MemberField& field) { return field.kind == FieldKind::kImage; });
    facts_ = {has_images && images_.uses_random_keys(), all.stamp(), format("tarshards {}: {}, {}", kVersion, config_.split, shards_->summary())};
    for (const std::string& warning : shards_->warnings()) host().log_warning("{}", warning);
    host().log_info("{}: {}", config_.split, shards_->summary());
  }

  void stop() override {
    shards_.reset();
    files_.stop();
  }

  const SourceInfo& info() override { return info_; }
  SampleFacts sample_facts() override { return facts_; }

  void read(std::span<const std::uint64_t> ids, std::span<const std::uint64_t> random_keys, BatchWriter& out) override {
    auto workspace = images_.take_workspace(host());
    std::vector<std::byte> buffer;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      host().throw_if_cancelled();
      read_sample(ids[i], random_keys[i], i, out, *workspace, buffer);
    }
    images_.give_back(std::move(workspace));
  }

 private:
  // What only the data says: the first sample stands for all.
  void settle_fields() {
    std::vector<std::byte> content;
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      const Place place = shards_->places_of(0)[i];
      if (fields_[i].kind == FieldKind::kArray) read_into(content, 0, place);
      at_place(0, i, [&] { settle(fields_[i], as_uint8(content)); });
      info_.fields.push_back(fields_[i].field);
    }
  }

  // Adds to what fails where it stands.
  template <class Work>
  void at_place(std::uint64_t id, std::size_t field, const Work& work) const {
    try {
      work();
    } catch (const PluginError& error) {
      throw PluginError(error.status, format("{}: byte {}: field {}: {}", shards_->shard_of(id), shards_->places_of(id)[field].offset, fields_[field].field.name, error.message));
    }
  }

  static std::span<const std::uint8_t> as_uint8(std::span<const std::byte> bytes) { return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}; }

  void read_sample(std::uint64_t id, std::uint64_t random_key, std::uint64_t sample_index, BatchWriter& out, images::Workspace& workspace,
                   std::vector<std::byte>& buffer) {
    const std::span<const Place> places = shards_->places_of(id);
    const Place whole = span_of(places);
    const bool is_close = whole.size <= kReadTogether + bytes_of(places);  // members of a sample are neighbours: one read for all
    if (is_close) read_into(buffer, id, whole);
    for (std::uint32_t field = 0; field < places.size(); ++field) {
      const Place& place = places[field];
      if (!is_close) read_into(buffer, id, place);
      const std::span<const std::byte> content = std::span(buffer).subspan(is_close ? place.offset - whole.offset : 0, place.size);
      at_place(id, field, [&] { decode(fields_[field], as_uint8(content), {random_key, sample_index, field}, images_, workspace, out); });
    }
  }

  void read_into(std::vector<std::byte>& buffer, std::uint64_t id, const Place& place) {
    buffer.resize(place.size);
    shards_->read(id, place, buffer);
  }
  static Place span_of(std::span<const Place> places) {
    std::uint64_t begin = UINT64_MAX, end = 0;
    for (const Place& place : places) begin = std::min(begin, place.offset), end = std::max(end, place.offset + place.size);
    return {begin, end - begin};
  }
  static std::uint64_t bytes_of(std::span<const Place> places) {
    std::uint64_t bytes = 0;
    for (const Place& place : places) bytes += place.size;
    return bytes;
  }

  Fingerprint fingerprint() const {
    std::string what;
    for (const std::string& field : config_.fields) what += format("\"{}\" ", field);
    Fingerprint all(format("tarshards/1 {}classes {} split {} {} on_error {} {}", what, config_.classes, config_.split,
                           config_.heldout_fraction, config_.on_error, images_.description()));
    shards_->add_to(all);
    all.add_to_stamp(format("{} tolerate_warnings {}", kVersion, config_.tolerate_warnings));
    return all;
  }

  Config config_;
  images::ImageLoader images_;
  std::vector<MemberField> fields_;
  remote::DataFiles files_;
  std::optional<ShardSet> shards_;
  SourceInfo info_;
  SampleFacts facts_;
};

}  // namespace

TRAINHOST_PLUGIN(TarShards, {.kind = "data_source", .name = "tarshards", .version = kVersion, .summary = "samples out of tar shards (WebDataset)", .schema = kSchema})
