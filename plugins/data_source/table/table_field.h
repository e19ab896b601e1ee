// One field of the samples: which columns it takes and how their values become numbers.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <trainhost/cpp/data_source.hpp>

namespace trainhost {

/// One value of a row.
struct Value {
  enum class Kind { kMissing, kCell, kText, kWhole, kReal, kOther };  // kCell: of csv, which has no types; kOther: nothing that a field takes
  Kind kind = Kind::kMissing;
  std::string text;  // of kCell and kText; of numbers how they are written
  int64_t whole = 0;
  double real = 0;
  uint64_t offset = 0;  // in the row, where the format knows it
  std::string_view column = {};
};

/// Throws what says where in which file the value stands.
using Fail = std::function<void(const Value&, std::string_view words)>;

/// A line of the key `fields`: "x float32 height weight", "y class kind values=a,b role=target", "t bytes text length=200".
class TableField {
 public:
  /// Throws PluginError INVALID_ARGUMENT.
  explicit TableField(std::string_view line);

  const Field& field() const { return field_; }
  const std::vector<std::string>& columns() const { return columns_; }
  /// Whether an empty cell of csv is a value of this field, an empty text.
  bool takes_empty_cells() const { return type_ == Type::kBytes; }

  /// Reserves the field's place for one sample and fills it from the values of its columns. `fail` must throw.
  void write(const std::vector<Value>& values, std::uint64_t sample_index, std::uint32_t field_index, BatchWriter& out, const Fail& fail) const;

 private:
  enum class Type { kReal, kWhole, kClass, kBytes };

  void take_type(std::string_view name);
  double real_of(const Value& value, const Fail& fail) const;
  int64_t whole_of(const Value& value, const Fail& fail) const;
  int64_t class_of(const Value& value, const Fail& fail) const;
  void write_bytes(const Value& value, std::uint64_t sample_index, std::uint32_t field_index, BatchWriter& out, const Fail& fail) const;

  Field field_;
  Type type_ = Type::kReal;
  std::vector<std::string> columns_, classes_;
  std::optional<Value> missing_;  // what stands for a missing value
  bool is_cut_ = false;
};

}  // namespace trainhost
