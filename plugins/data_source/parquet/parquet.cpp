// data_source/parquet: rows of Parquet files, read row group by row group.
#include <algorithm>
#include <deque>
#include <numeric>
#include <optional>

#include <arrow/table.h>
#include <arrow/util/byte_size.h>
#include <trainhost/draft/sample_identity.hpp>

#include "column.h"
#include "config.h"
#include "fields/field_text.h"
#include "files/file_list.h"
#include "files/fingerprint.h"
#include "files/parallel.h"
#include "files/row_split.h"
#include "remote/data_files.h"
#include "row_group_cache.h"

namespace {

using namespace trainhost;

constexpr std::string_view kVersion = "1.0.0";  // another one when the same input gives other samples
using namespace trainhost::parquet_source;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kLargeRowGroup = 256 * kMiB;
constexpr std::size_t kMixedRowGroups = 16;  // data.shuffle_blocks where nothing is said

// One file, and where the columns of each field stand in it.
struct Input {
  explicit Input(std::unique_ptr<InputFile> input) : file(std::move(input)) {}

  ParquetFile file;
  std::vector<std::vector<ColumnPlace>> places;  // of each field
  std::vector<int> leaves;                       // of all fields, each once
};

class ParquetSource final : public IdentifiedSource {
 public:
  explicit ParquetSource(Config config) : config_(std::move(config)), split_(config_.split, config_.heldout_fraction), images_(config_), cache_(config_.cache_mib * kMiB), data_(config_, "parquet") {
    std::vector<Field> fields;
    for (const std::string& line : config_.columns) fields.push_back(columns_.emplace_back(line).field());
    check_names("parquet.columns", fields);
  }

  void start() override {
    open_files();
    settle_columns();
    for (const Input& input : inputs_) {
      const auto& groups = input.file.group_starts();
      for (std::size_t group = 1; group < groups.size(); ++group) group_starts_.push_back(file_starts_.back() + groups[group]);
      first_groups_.push_back(group_starts_.size() - 1);
      file_starts_.push_back(file_starts_.back() + input.file.num_rows());
    }
    selection_ = select_rows(split_, names_, file_starts_, "parquet");
    info_.num_samples = selection_.size();
    info_.block_starts = block_starts(selection_, std::span(group_starts_).first(group_starts_.size() - 1));
    const Fingerprint all = fingerprint();
    info_.fingerprint = all.value();
    const bool has_images = std::any_of(columns_.begin(), columns_.end(), [](const Column& column) { return column.is_image(); });
    facts_ = {has_images && images_.uses_random_keys(), all.stamp(),
              format("parquet {}: {}, {} rows of {} files like {}", kVersion, config_.split, selection_.size(), inputs_.size(), inputs_.front().file.input().path())};
    host().log_info("{}: {} of {} rows in {} row groups of {} files", config_.split, selection_.size(), file_starts_.back(), group_starts_.size() - 1, inputs_.size());
    warn_of_large_groups();
  }

  void stop() override {
    inputs_.clear();
    data_.stop();
  }

  const SourceInfo& info() override { return info_; }
  SampleFacts sample_facts() override { return facts_; }

  // Row group by row group, so that each is asked for once.
  void read(std::span<const std::uint64_t> ids, std::span<const std::uint64_t> random_keys, BatchWriter& out) override {
    std::vector<std::size_t> order(ids.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return ids[a] < ids[b]; });
    auto workspace = images_.take_workspace(host());
    std::shared_ptr<const RowGroup> group;
    std::size_t current = 0;
    for (const std::size_t i : order) {
      host().throw_if_cancelled();
      const std::uint64_t number = selection_.at(ids[i]);
      const std::size_t index = index_of(group_starts_, number);
      if (!group || index != current) group.reset(), group = row_group(current = index);
      write_row(*group, index, number - group_starts_[index], {random_keys[i], i, 0}, *workspace, out);
    }
    images_.give_back(std::move(workspace));
  }

 private:
  // Of the stretch that holds `number`; stretches may be empty.
  template <class T>
  static std::size_t index_of(const std::vector<T>& starts, T number) {
    return static_cast<std::size_t>(std::upper_bound(starts.begin(), starts.end(), number) - starts.begin()) - 1;
  }

  void open_files() {
    data_.start(host());
    const std::vector<ListedFile> listed = data_.list(config_.files, "parquet.files");
    for (const ListedFile& file : listed) {
      names_.push_back(file.name);
      inputs_.emplace_back(data_.input(file.path, InputFile::keep_for(listed.size()), remote::DataFiles::Ahead::kNothing));
    }
    in_parallel(inputs_.size(), [&](std::size_t i) {
      host().throw_if_cancelled();
      inputs_[i].file.open();
      find_columns(inputs_[i]);
    });
  }

  void find_columns(Input& input) const {
    for (const Column& column : columns_) {
      auto& places = input.places.emplace_back();
      for (const std::string& name : column.names()) {
        places.push_back(find_column(input.file, name));
        input.leaves.insert(input.leaves.end(), places.back().leaves.begin(), places.back().leaves.end());
      }
    }
    std::sort(input.leaves.begin(), input.leaves.end());
    input.leaves.erase(std::unique(input.leaves.begin(), input.leaves.end()), input.leaves.end());
  }

  // The first file says what the columns are, the others must agree.
  void settle_columns() {
    for (std::size_t f = 0; f < columns_.size(); ++f) {
      std::vector<ColumnType> types;
      for (const ColumnPlace& place : inputs_[0].places[f]) types.push_back(place.type);
      for (const Input& input : inputs_) check_types(types, input, f);
      columns_[f].settle(types, images_);
      info_.fields.push_back(columns_[f].field());
    }
  }

  void check_types(const std::vector<ColumnType>& types, const Input& input, std::size_t f) const {
    for (std::size_t i = 0; i < types.size(); ++i) {
      const std::string& type = input.places[f][i].type.text;
      if (type == types[i].text) continue;
      throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("column \"{}\" is {} in {} and {} in {}; write it alike in all files, or name them in two runs", columns_[f].names()[i], types[i].text,
                                                           inputs_[0].file.input().path(), type, input.file.input().path()));
    }
  }

  void warn_of_large_groups() const {
    std::vector<std::uint64_t> sizes;
    std::string largest;
    for (const Input& input : inputs_)
      for (int group = 0; group < input.file.num_row_groups(); ++group) {
        sizes.push_back(input.file.bytes_of(group, input.leaves));
        if (sizes.back() >= *std::max_element(sizes.begin(), sizes.end())) largest = format("{}, row group {}", input.file.input().path(), group);
      }
    const auto num_large = std::count_if(sizes.begin(), sizes.end(), [](std::uint64_t size) { return size > kLargeRowGroup; });
    std::sort(sizes.rbegin(), sizes.rend());
    if (num_large > 0)
      host().log_warning("{} row groups take more than {} MiB decoded, the largest is {} with {} MiB: each read decodes a whole one; write the files with row groups of 16 to 128 MiB", num_large,
                         kLargeRowGroup / kMiB, largest, sizes[0] / kMiB);
    sizes.resize(std::min(sizes.size(), kMixedRowGroups));
    const std::uint64_t mixed = std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0}) / kMiB + 1;
    if (mixed > config_.cache_mib)
      host().log_warning("a run mixes the samples of data.shuffle_blocks row groups, {} if left out, which take up to {} MiB decoded; parquet.cache_mib = {} does not hold them, so that some are decoded again and "
                         "again: raise it, lower data.shuffle_blocks, or write smaller row groups", kMixedRowGroups, mixed, config_.cache_mib);
  }

  std::shared_ptr<const RowGroup> row_group(std::size_t index) {
    const StageWatch watch(host(), TRAINHOST_STAGE_DECODE);  // Arrow reads and decodes in one call
    return cache_.get(index, [&] {
      const std::size_t f = index_of(first_groups_, index);
      const Input& input = inputs_[f];
      RowGroup group{input.file.read(static_cast<int>(index - first_groups_[f]), input.leaves), {}, 0};
      group.num_bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(0, arrow::util::TotalBufferSize(*group.table)));
      for (const auto& places : input.places) {
        auto& views = group.columns.emplace_back();
        for (const ColumnPlace& place : places) views.emplace_back(*group.table, place.path);
      }
      return group;
    });
  }

  void write_row(const RowGroup& group, std::size_t index, std::uint64_t row, Target target, images::Workspace& workspace, BatchWriter& out) const {
    const Column::Fail fail = [&](std::string_view name, std::string_view words) {
      const std::size_t f = index_of(first_groups_, index);
      throw PluginError(TRAINHOST_DATA_LOSS, format("{}: row group {}, row {}, column \"{}\": {}", inputs_[f].file.input().path(), index - first_groups_[f], row, name, words));
    };
    std::vector<Cell> cells;
    for (std::size_t f = 0; f < columns_.size(); ++f) {
      cells.clear();
      for (const ColumnView& view : group.columns[f]) cells.push_back(view.at(static_cast<std::int64_t>(row)));
      target.field_index = static_cast<std::uint32_t>(f);
      if (columns_[f].is_image()) columns_[f].write_image(cells[0], target, images_, workspace, out, fail);
      else columns_[f].write(cells, target, out, fail);
    }
  }

  Fingerprint fingerprint() const {
    Fingerprint fingerprint(format("parquet/1 {}", split_.text()));
    for (const Column& column : columns_) fingerprint.add(column.is_image() ? format("{} {}", column.line(), images_.description()) : column.line());
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      fingerprint.add(names_[i], inputs_[i].file.input());
      fingerprint.add(format("{} rows", inputs_[i].file.num_rows()));
    }
    fingerprint.add_to_stamp(format("{} tolerate_warnings {}", kVersion, config_.tolerate_warnings));
    return fingerprint;
  }

  Config config_;
  Split split_;
  images::ImageLoader images_;
  RowGroupCache cache_;
  remote::DataFiles data_;
  std::deque<Column> columns_;
  std::deque<Input> inputs_;
  std::vector<std::string> names_;                   // of the files, without their place
  std::vector<std::uint64_t> file_starts_{0};        // the first row of each file, and the number of rows
  std::vector<std::uint64_t> group_starts_{0};       // the same of each row group
  std::vector<std::size_t> first_groups_{0};         // the first row group of each file, and their number
  Selection selection_;
  SourceInfo info_;
  SampleFacts facts_;
};

}  // namespace

TRAINHOST_PLUGIN(ParquetSource, {.kind = "data_source", .name = "parquet", .version = kVersion, .summary = "rows of Parquet files, row group by row group", .schema = kSchema})
