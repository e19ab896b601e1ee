// data_source/table: rows of csv and of JSON lines as samples with typed fields.
#include <trainhost/cpp/data_stages.hpp>
#include <trainhost/draft/sample_identity.hpp>
#include <trainhost/plugin.hpp>

#include <algorithm>
#include <deque>
#include <optional>

#include "fields/field_text.h"
#include "files/file_list.h"
#include "files/fingerprint.h"
#include "files/parallel.h"
#include "files/row_split.h"
#include "remote/data_files.h"
#include "remote/options.h"
#include "rows.h"

namespace {

using namespace trainhost;

constexpr std::string_view kVersion = "1.0.0";  // another one when the same input gives other samples

struct Config : remote::RemoteOptions {
  std::vector<std::string> files, fields;
  std::optional<std::string> format;
  std::string delimiter = ",", split = "train";
  bool header = true;
  double heldout_fraction = 0;
};

constexpr auto kSchema = remote::with_remote_keys(
    schema<Config>()
        .key("files", &Config::files, "files of rows, seen from the current folder, or s3:// URIs: names and patterns, * ? ** {a,b} {00..99}", list_or_one, no_trajectory)
        .key("fields", &Config::fields, "one text each: \"x float32 height weight\", \"y class kind values=a,b role=target\", \"t bytes text length=200\"", list_or_one)
        .key("format", &Config::format, "csv or jsonl; left out: as the files' names end: .csv, .tsv, .jsonl, .ndjson", one_of("csv", "jsonl"))
        .key("delimiter", &Config::delimiter, "csv: the character between cells")
        .key("header", &Config::header, "csv: the first row of each file names the columns; else they are 1, 2, ..")
        .key("split", &Config::split, "train, heldout (chosen by a hash of file name and row) or all", one_of("train", "heldout", "all"))
        .key("heldout_fraction", &Config::heldout_fraction, "share of the rows that is held out", at_least(0), at_most(1))
        .required("files", "fields"));

class Table final : public IdentifiedSource {
 public:
  explicit Table(Config config) : config_(std::move(config)), split_(config_.split, config_.heldout_fraction), data_(config_, "table") {
    for (const std::string& line : config_.fields) {
      fields_.emplace_back(line);
      info_.fields.push_back(fields_.back().field());
    }
    check_names("table.fields", info_.fields);
    if (config_.delimiter.size() != 1 || config_.delimiter.find_first_of("\"\r\n") == 0)
      throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("table.delimiter must be one character, no quote and no line end, got \"{}\"", config_.delimiter));
  }

  void start() override {
    open_files();
    selection_ = select_rows(split_, names_, starts_, "table");
    info_.num_samples = selection_.size();
    info_.block_starts = block_starts(selection_, std::span(starts_).first(files_.size()));
    const Fingerprint all = fingerprint();
    info_.fingerprint = all.value();
    facts_ = {false, all.stamp(), format("table {}: {}, {} rows in {} files like {}", kVersion, config_.split, selection_.size(), files_.size(), files_.front().input().path())};
    host().log_info("{}: {} of {} rows in {} files", config_.split, selection_.size(), starts_.back(), files_.size());
  }

  void stop() override {
    readers_.clear();
    files_.clear();
    data_.stop();
  }

  const SourceInfo& info() override { return info_; }
  SampleFacts sample_facts() override { return facts_; }

  void read(std::span<const std::uint64_t> ids, std::span<const std::uint64_t>, BatchWriter& out) override {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      host().throw_if_cancelled();
      const std::uint64_t number = selection_.at(ids[i]);
      const auto index = static_cast<std::size_t>(std::upper_bound(starts_.begin(), starts_.end(), number) - starts_.begin()) - 1;
      const TableFile& file = files_[index];
      const std::uint64_t row = number - starts_[index];
      const std::string text = file.read(row);
      const StageWatch watch(host(), TRAINHOST_STAGE_DECODE);
      const auto parts = readers_[index]->take_apart(row, text);
      const Fail fail = [&](const Value& value, std::string_view words) { throw file.wrong(row, value.offset, format("column \"{}\": {}", value.column, words)); };
      for (std::size_t f = 0; f < fields_.size(); ++f) fields_[f].write(parts->values(fields_[f], f), i, static_cast<std::uint32_t>(f), out, fail);
    }
  }

 private:
  bool is_json(const ListedFile& file) const {
    if (config_.format) return *config_.format == "jsonl";
    const std::string end = file.path.extension().string();
    if (end == ".jsonl" || end == ".ndjson") return true;
    if (end == ".csv" || end == ".tsv") return false;
    throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("{}: its name does not say what it holds; set table.format to \"csv\" or \"jsonl\"", file.path));
  }

  void open_files() {
    data_.start(host());
    const std::vector<ListedFile> listed = data_.list(config_.files, "table.files");
    for (const ListedFile& file : listed) {
      const TableFormat format{is_json(file), config_.delimiter[0], config_.header};
      names_.push_back(file.name);
      files_.emplace_back(data_.input(file.path, InputFile::keep_for(listed.size())), format);
    }
    const std::filesystem::path cache = host().cache_folder();
    const OffsetStore store(cache.empty() ? cache : cache / "table");
    in_parallel(files_.size(), [&](std::size_t i) {
      const std::string failure = files_[i].scan(store, [this] { host().throw_if_cancelled(); });
      if (!failure.empty()) host().log_warning("where rows begin is looked for again next time: {}", failure);
    });
    for (std::size_t i = 0; i < files_.size(); ++i) {
      readers_.push_back(files_[i].is_json() ? json_reader(files_[i]) : csv_reader(files_[i], fields_, config_.delimiter[0]));
      starts_.push_back(starts_.back() + files_[i].num_rows());
    }
  }

  Fingerprint fingerprint() const {
    Fingerprint fingerprint(format("table/1 delimiter {} header {} {}", static_cast<int>(config_.delimiter[0]), config_.header, split_.text()));
    for (const std::string& line : config_.fields) fingerprint.add(line);
    for (std::size_t i = 0; i < files_.size(); ++i) {
      fingerprint.add(names_[i], files_[i].input());
      fingerprint.add(format("{} rows of {}", files_[i].num_rows(), files_[i].is_json() ? "jsonl" : "csv"));
    }
    fingerprint.add_to_stamp(kVersion);
    return fingerprint;
  }

  Config config_;
  Split split_;
  remote::DataFiles data_;
  std::vector<TableField> fields_;
  std::deque<TableFile> files_;
  std::vector<std::string> names_;                   // of the files, without their place
  std::vector<std::unique_ptr<RowReader>> readers_;  // of each file
  std::vector<std::uint64_t> starts_{0};             // the first row of each file, and the number of rows
  Selection selection_;
  SourceInfo info_;
  SampleFacts facts_;
};

}  // namespace

TRAINHOST_PLUGIN(Table, {.kind = "data_source", .name = "table", .version = kVersion, .summary = "rows of csv and JSON lines", .schema = kSchema})
