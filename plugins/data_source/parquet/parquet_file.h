// One Parquet file: its footer, and row groups on demand.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>
#include <parquet/arrow/schema.h>
#include <parquet/metadata.h>

#include <trainhost/cpp/error.hpp>

#include "files/input_file.h"

namespace trainhost::parquet_source {

/// All reads go through InputFile, so that a file that is cut or changed is an error with its name. Footers stay in memory; a reader lives for one row group, so that
/// threads share nothing that changes.
class ParquetFile {
 public:
  explicit ParquetFile(std::unique_ptr<InputFile> input) : input_(std::move(input)) {}

  /// Reads and checks the footer; to be called once, before the rest. Throws PluginError DATA_LOSS for what is no whole Parquet file.
  void open();

  const InputFile& input() const { return *input_; }
  uint64_t num_rows() const { return group_starts_.back(); }
  int num_row_groups() const { return static_cast<int>(group_starts_.size()) - 1; }
  /// The first row of each row group, and the number of rows.
  const std::vector<uint64_t>& group_starts() const { return group_starts_; }
  /// The columns as Arrow has them.
  const std::vector<parquet::arrow::SchemaField>& fields() const { return manifest_.schema_fields; }
  /// What these columns of a row group take in memory, about, by the footer.
  uint64_t bytes_of(int group, const std::vector<int>& leaves) const;

  /// Decodes these leaf columns of one row group; checksums of pages are compared where they are there. Throws PluginError DATA_LOSS with file and row group. [any]
  std::shared_ptr<arrow::Table> read(int group, const std::vector<int>& leaves) const;

 private:
  void check_ends() const;

  std::unique_ptr<InputFile> input_;
  std::shared_ptr<parquet::FileMetaData> metadata_;
  parquet::arrow::SchemaManifest manifest_;
  std::vector<uint64_t> group_starts_{0};
};

}  // namespace trainhost::parquet_source
