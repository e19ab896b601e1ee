// One field of the samples: a line of the key `columns`, and how values become numbers.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <trainhost/cpp/data_source.hpp>

#include "column_type.h"
#include "column_view.h"
#include "fields/field_text.h"
#include "images/images.h"
#include "numbers.h"

namespace trainhost::parquet_source {

/// One sample of a read.
struct Target {
  uint64_t random_key, sample_index;
  uint32_t field_index;
};

class Column {
 public:
  /// Throws PluginError INVALID_ARGUMENT for a line that is not understood. What depends on the type waits for settle.
  explicit Column(std::string_view line);

  const std::string& line() const { return line_; }
  const std::vector<std::string>& names() const { return names_; }
  bool is_image() const { return is_image_; }

  /// Decides on the field, by the types of the columns. Throws PluginError INVALID_ARGUMENT where the line does not suit them.
  void settle(const std::vector<ColumnType>& types, const images::ImageLoader& images);
  const Field& field() const { return field_; }

  /// Throws what says where the value stands; `name`: of the column.
  using Fail = std::function<void(std::string_view name, std::string_view words)>;

  /// Reserves the field's place for one sample and fills it; a cell for each name. [any]
  void write(std::span<const Cell> cells, const Target& target, BatchWriter& out, const Fail& fail) const;
  /// The same for images.
  void write_image(const Cell& cell, const Target& target, const images::ImageLoader& images, images::Workspace& workspace, BatchWriter& out, const Fail& fail) const;

 private:
  enum class Kind { kNumbers, kList, kBytes, kFixedBytes, kClass, kImage };

  void settle_options(const std::vector<ColumnType>& types);
  void settle_missing(const FieldText& line, std::string_view text);
  void write_numbers(std::span<const Cell> cells, const Target& target, BatchWriter& out, const Fail& fail) const;
  void write_list(const Cell& cell, const Target& target, BatchWriter& out, const Fail& fail) const;
  void write_bytes(const Cell& cell, const Target& target, BatchWriter& out, const Fail& fail) const;
  void write_class(const Cell& cell, const Target& target, BatchWriter& out, const Fail& fail) const;
  void check_classes(const Tensor& place, std::string_view name, const Fail& fail) const;

  std::string line_;
  std::vector<std::string> names_, classes_;
  bool is_image_ = false, is_cut_ = false;
  Kind kind_ = Kind::kNumbers;
  Field field_;
  Conversion conversion_;
  std::optional<std::string> missing_text_;
  int64_t skip_first_ = 0, skip_last_ = 0;
};

}  // namespace trainhost::parquet_source
