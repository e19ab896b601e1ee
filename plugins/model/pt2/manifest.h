// What a bundle says of itself: manifest.json, checked (docs/bundle.md).
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace pt2 {

using Json = nlohmann::json;

// A size that may differ from batch to batch.
struct Dimension {
  std::string name;
  int64_t min = 1, max = std::numeric_limits<int64_t>::max(), multiple_of = 1;
};

// Either fixed, or times * (size of a dimension) + plus.
struct AxisSize {
  static constexpr int kFixed = -1;
  int dimension = kFixed;  // of Manifest::dimensions
  int64_t times = 1, plus = 0;  // fixed: plus
};

struct FieldFacts {
  std::string name, role;
  at::ScalarType dtype = at::kFloat;
  std::vector<AxisSize> shape;  // the first axis is the sample
  int64_t num_classes = 0;      // 0: any values
  std::optional<double> pad_value;
};

// How the values of a tensor begin.
struct InitialRule {
  enum class Kind { kStored, kConstant, kNormal, kUniform } kind = Kind::kStored;
  double first = 0, second = 0;  // value; mean and deviation; low and high
};

struct TensorFacts {
  std::string name;
  at::ScalarType dtype = at::kFloat;
  std::vector<int64_t> shape, strides;  // strides: empty = row-major
  bool is_frozen = false;               // parameters
  std::vector<std::string> tags;        // names of t2::ParameterTag in small letters
  InitialRule initial;
  bool is_persistent = true, is_mutated = false;  // buffers
};

struct MemberFacts {
  uint64_t bytes = 0;
  std::string sha256;
};

struct Manifest {
  std::string torch_version, model;
  std::vector<Dimension> dimensions;
  int sample_dimension = AxisSize::kFixed;
  std::vector<FieldFacts> fields;
  std::vector<std::string> metrics;
  std::vector<TensorFacts> parameters, buffers;  // without tied names
  std::map<std::string, std::string> tied;       // other name -> name
  std::vector<std::string> custom_operators;
  std::map<std::string, MemberFacts> members;
};

// `place` names the file in messages. Throws PluginError for another version, and for what the specification does not allow.
Manifest read_manifest(std::string_view text, const std::string& place);

// Parses JSON that may be anything; the error names the place.
Json parse_json(std::string_view text, const std::string& place);

// "int64" and the like; throws PluginError.
at::ScalarType dtype_named(const std::string& name);
std::string dtype_name(at::ScalarType type);

// "[batch, 64]", for messages.
std::string shape_text(const Manifest& manifest, const FieldFacts& field);

}  // namespace pt2
