// Every number that the data room will multiply or index with is checked here, once.
#include "plugin/source_info.h"

#include <algorithm>

#include "plugin/dtype.h"
#include "plugin/text.h"

namespace trainhost {
namespace {

constexpr uint32_t kMaxFields = 64;
constexpr int64_t kMaxElements = int64_t{1} << 48;  // of one sample's field

// Empty when the shape is sound.
std::string complaint_about_shape(const trainhost_field& field) {
  if (field.ndim < 0 || field.ndim > 8) return format("has {} dimensions, wanted 0 to 8", field.ndim);
  int64_t elements = 1;
  for (int32_t d = 0; d < field.ndim; ++d) {
    const bool is_varying = field.shape[d] == -1;
    const int64_t extent = is_varying ? field.max_shape[d] : field.shape[d];
    if (is_varying && extent == -1) continue;
    if (extent < 1)
      return format("has {}[{}] = {}, wanted at least 1{}", is_varying ? "max_shape" : "shape", d, extent,
                    is_varying ? ", or -1 for no bound" : ", or -1 when it varies");
    if (extent > kMaxElements / elements) return "has more than 2^48 elements a sample";
    elements *= extent;
  }
  return "";
}

std::string complaint_about(const trainhost_field& field) {
  if (field.role < TRAINHOST_FIELD_INPUT || field.role > TRAINHOST_FIELD_WEIGHT) return format("has the unknown role {}", field.role);
  if (!is_known(field.dtype)) return format("has the unknown format {}", dtype_text(field.dtype));
  if (field.num_classes < 0) return format("has num_classes {}, wanted at least 0", field.num_classes);
  if (field.num_classes > 0 && !is_integer(field.dtype)) return format("has num_classes {}, but holds {}", field.num_classes, dtype_text(field.dtype));
  return complaint_about_shape(field);
}

FieldSpec copy_field(const Instance& instance, const trainhost_field* field, uint32_t index) {
  const auto refuse = [&](const std::string& complaint) { return instance.broken_promise("info", format("field {} {}", index, complaint)); };
  if (!field || field->struct_size < sizeof *field) throw refuse("is damaged");
  const std::string_view name(field->name.data ? field->name.data : "", field->name.data ? field->name.length : 0);
  if (name.empty() || name.size() > 128 || clean_text(name) != name) throw refuse("has no name of 1 to 128 plain characters");
  if (const std::string complaint = complaint_about(*field); !complaint.empty()) throw refuse(format("({}) {}", name, complaint));
  FieldSpec spec{std::string(name), field->role, field->dtype, {}, {}, field->num_classes, field->pad_value};
  spec.shape.assign(field->shape, field->shape + field->ndim);
  for (int32_t d = 0; d < field->ndim; ++d) spec.max_shape.push_back(field->shape[d] == -1 ? field->max_shape[d] : field->shape[d]);
  return spec;
}

std::vector<FieldSpec> copy_fields(const Instance& instance, const trainhost_source_info& info) {
  if (!info.fields || info.num_fields == 0 || info.num_fields > kMaxFields)
    throw instance.broken_promise("info", format("declares {} fields, wanted 1 to {}", info.fields ? info.num_fields : 0, kMaxFields));
  std::vector<FieldSpec> fields;
  for (uint32_t i = 0; i < info.num_fields; ++i) {
    fields.push_back(copy_field(instance, info.fields[i], i));
    const auto is_twin = [&](const FieldSpec& other) { return other.name == fields.back().name; };
    if (std::any_of(fields.begin(), fields.end() - 1, is_twin))
      throw instance.broken_promise("info", format("declares two fields named \"{}\"", fields.back().name));
  }
  return fields;
}

std::vector<uint64_t> copy_blocks(const Instance& instance, const trainhost_source_info& info) {
  if (info.num_blocks == 0) return {0};
  if (!info.block_starts) throw instance.broken_promise("info", format("says {} blocks, but block_starts is NULL", info.num_blocks));
  if (info.num_blocks > info.num_samples) throw instance.broken_promise("info", format("has {} blocks for {} samples", info.num_blocks, info.num_samples));
  std::vector<uint64_t> starts(info.block_starts, info.block_starts + info.num_blocks);
  if (starts.front() != 0) throw instance.broken_promise("info", format("its first block starts at sample {}, wanted 0", starts.front()));
  for (size_t i = 1; i < starts.size(); ++i)
    if (starts[i] <= starts[i - 1]) throw instance.broken_promise("info", format("block {} starts at sample {}, not after {}", i, starts[i], starts[i - 1]));
  if (starts.back() >= info.num_samples)
    throw instance.broken_promise("info", format("its last block starts at sample {} of {}", starts.back(), info.num_samples));
  return starts;
}

}  // namespace

SourceInfo check_source_info(const Instance& instance, const trainhost_source_info& info) {
  SourceInfo checked;
  checked.fields = copy_fields(instance, info);
  if (info.num_samples == 0) throw Error(ExitCode::kData, format("{}: has no samples; check the paths and filters of its table", instance.full_name()));
  checked.num_samples = info.num_samples;
  checked.block_starts = copy_blocks(instance, info);
  std::copy(std::begin(info.fingerprint), std::end(info.fingerprint), checked.fingerprint.begin());
  return checked;
}

void limit_values(FieldSpec& field, const ValueLimit& limit) {
  const bool is_pad_a_class = field.pad_value >= 0 && field.pad_value < static_cast<double>(limit.num_classes);
  const bool is_declared = field.num_classes > 0 && field.num_classes <= limit.num_classes && (limit.takes_pad_value || is_pad_a_class);
  if (is_declared || !is_integer(field.dtype)) return;
  field.model_classes = limit.num_classes;
  field.model_others.clear();
  if (limit.takes_pad_value) field.model_others.push_back(field.pad_value);
  if (limit.ignored_value) field.model_others.push_back(*limit.ignored_value);
}

}  // namespace trainhost
