// data_source/arrays: fields out of .npy and .safetensors files, one sample a row.
#include <trainhost/draft/sample_identity.hpp>
#include <trainhost/plugin.hpp>

#include <deque>

#include "array_field.h"
#include "fields/field_text.h"
#include "files/fingerprint.h"
#include "files/row_split.h"
#include "remote/options.h"

namespace {

using namespace trainhost;

constexpr std::string_view kVersion = "1.0.0";  // another one when the same input gives other samples

struct Config : remote::RemoteOptions {
  std::vector<std::string> fields;
  std::string split = "train";
  double heldout_fraction = 0;
};

constexpr auto kSchema = remote::with_remote_keys(
    schema<Config>()
        .key("fields", &Config::fields, "one text each: \"x features-*.npy\", \"y labels.safetensors#label role=target classes=10\"; paths are seen from the current folder, or s3:// URIs", list_or_one, no_trajectory)
        .key("split", &Config::split, "train, heldout (chosen by a hash of file name and row) or all", one_of("train", "heldout", "all"))
        .key("heldout_fraction", &Config::heldout_fraction, "share of the samples that is held out", at_least(0), at_most(1))
        .required("fields"));

class Arrays final : public IdentifiedSource {
 public:
  explicit Arrays(Config config) : config_(std::move(config)), split_(config_.split, config_.heldout_fraction), data_(config_, "arrays") {
    for (const std::string& text : config_.fields) lines_.push_back(parse_line(text));
    std::vector<Field> fields;
    for (const FieldLine& line : lines_) fields.push_back(line.field);
    check_names("arrays.fields", fields);
  }

  void start() override {
    open_files();
    selection_ = select_rows(split_, fields_.front().file_names(), fields_.front().starts(), "arrays");
    for (const ArrayField& field : fields_) info_.fields.push_back(field.field());
    info_.num_samples = selection_.size();
    const auto& starts = fields_.front().starts();
    info_.block_starts = block_starts(selection_, std::span(starts).first(starts.size() - 1));
    const Fingerprint all = fingerprint();
    info_.fingerprint = all.value();
    facts_ = {false, all.stamp(), format("arrays {}: {}, {} rows; {}", kVersion, config_.split, selection_.size(), config_.fields.front())};
    host().log_info("{}: {} of {} samples, {} fields", config_.split, selection_.size(), fields_.front().num_rows(), fields_.size());
  }

  void stop() override {
    fields_.clear();
    data_.stop();
  }

  const SourceInfo& info() override { return info_; }
  SampleFacts sample_facts() override { return facts_; }

  void read(std::span<const std::uint64_t> ids, std::span<const std::uint64_t>, BatchWriter& out) override {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      host().throw_if_cancelled();
      const std::uint64_t row = selection_.at(ids[i]);
      for (std::size_t f = 0; f < fields_.size(); ++f) {
        const Field& field = fields_[f].field();
        const Tensor place = out.reserve(i, static_cast<std::uint32_t>(f), field.shape);
        fields_[f].read(row, {static_cast<std::byte*>(place.data), place.num_elements() * field.dtype.bits / 8});
      }
    }
  }

 private:
  void open_files() {
    data_.start(host());
    std::vector<std::vector<ListedFile>> lists;
    std::size_t num_files = 0;
    for (const FieldLine& line : lines_) {
      lists.push_back(data_.list({&line.files, 1}, "arrays.fields"));
      num_files += lists.back().size();
    }
    for (std::size_t i = 0; i < lines_.size(); ++i) fields_.emplace_back(lines_[i], data_, lists[i], InputFile::keep_for(num_files));
    const ArrayField& first = fields_.front();
    for (const ArrayField& field : fields_)
      if (field.num_rows() != first.num_rows())
        throw PluginError(TRAINHOST_INVALID_ARGUMENT,
                          format("arrays.fields: field \"{}\" has {} samples in {} files, field \"{}\" has {} in {}; all fields need as many: correct the patterns or the files",
                                 first.field().name, first.num_rows(), first.num_files(), field.field().name, field.num_rows(), field.num_files()));
  }

  Fingerprint fingerprint() const {
    Fingerprint fingerprint("arrays/1 " + split_.text());
    for (const ArrayField& field : fields_) field.add_to(fingerprint);
    fingerprint.add_to_stamp(kVersion);
    return fingerprint;
  }

  Config config_;
  Split split_;
  remote::DataFiles data_;
  std::vector<FieldLine> lines_;
  std::deque<ArrayField> fields_;
  Selection selection_;
  SourceInfo info_;
  SampleFacts facts_;
};

}  // namespace

TRAINHOST_PLUGIN(Arrays, {.kind = "data_source", .name = "arrays", .version = kVersion, .summary = "fields out of .npy and .safetensors files", .schema = kSchema})
