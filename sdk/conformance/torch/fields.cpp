// Field sets, and tensors that suit them.
#include "conformance/torch/fields.h"

namespace trainhost::conformance {
namespace {

// Numbers come in the model's own format: this is about the model's arithmetic, not about its casts.
std::vector<FieldSet> usual_field_sets(at::ScalarType dtype) {
  const trainhost_dtype numbers = dtype == at::kDouble ? kFloat64 : kFloat32;
  const auto input = [](const char* name, trainhost_dtype type, std::vector<std::int64_t> shape, std::int64_t classes = 0) {
    return Field{name, TRAINHOST_FIELD_INPUT, type, std::move(shape), {}, classes, classes ? -1.0 : 0.0};
  };
  const auto target = [](const char* name, trainhost_dtype type, std::vector<std::int64_t> shape, std::int64_t classes) {
    return Field{name, TRAINHOST_FIELD_TARGET, type, std::move(shape), {}, classes, classes ? -1.0 : 0.0};
  };
  return {
      {"tokens and targets", {input("tokens", kInt64, {8}, 17), target("targets", kInt64, {8}, 17)}},
      {"x and classes y", {input("x", numbers, {6}), target("y", kInt64, {}, 3)}},
      {"x and values y", {input("x", numbers, {6}), target("y", numbers, {2}, 0)}},
      {"image and label", {input("image", kUInt8, {3, 32, 32}), target("label", kInt64, {}, 10)}},
      {"images x and classes y", {input("x", numbers, {3, 32, 32}), target("y", kInt64, {}, 10)}},
  };
}

// The author's, in the model's own format too where they are in the usual one.
std::vector<FieldSet> stated_field_sets(std::vector<FieldSet> sets, at::ScalarType dtype) {
  for (FieldSet& set : sets)
    for (Field& field : set.fields)
      if (dtype == at::kDouble && same(field.dtype, kFloat32)) field.dtype = kFloat64;
  return sets;
}

// The same sets in the same order for every format.
std::vector<FieldSet> field_sets(const Subject& subject, at::ScalarType dtype) {
  return subject.field_sets.empty() ? usual_field_sets(dtype) : stated_field_sets(subject.field_sets, dtype);
}

at::ScalarType type_of(const Field& field) {
  constexpr std::pair<trainhost_dtype, at::ScalarType> kTypes[] = {
      {kBool, at::kBool},  {kUInt8, at::kByte},   {kInt8, at::kChar},         {kInt16, at::kShort},   {kInt32, at::kInt},
      {kInt64, at::kLong}, {kFloat16, at::kHalf}, {kBFloat16, at::kBFloat16}, {kFloat32, at::kFloat}, {kFloat64, at::kDouble}};
  for (const auto& [dtype, type] : kTypes)
    if (same(field.dtype, dtype)) return type;
  fail("field \"{}\" has a number format of which this check can make no tensor", field.name);
}

// How many values the field has, from 0 on; 0 = any number.
std::int64_t num_values(const Field& field) {
  constexpr std::int64_t kFew = 8;  // of integers of which nobody has said how many there are
  if (field.num_classes > 0) return field.num_classes;
  if (same(field.dtype, kBool)) return 2;
  if (same(field.dtype, kUInt8)) return 256;
  return at::isIntegralType(type_of(field), /*includeBool=*/false) ? kFew : 0;
}

at::Tensor random_field(const Field& field, std::int64_t num_samples, std::mt19937_64& random) {
  std::vector<std::int64_t> sizes = {num_samples};
  for (std::size_t axis = 0; axis < field.shape.size(); ++axis) sizes.push_back(field.shape[axis] < 0 ? field.max_shape.at(axis) : field.shape[axis]);
  at::Tensor numbers = normal_numbers(sizes, random);
  if (field.role == TRAINHOST_FIELD_WEIGHT) numbers = numbers.abs().add(0.1);
  const std::int64_t values = num_values(field);
  double* at = numbers.mutable_data_ptr<double>();
  for (std::int64_t i = 0; values > 0 && i < numbers.numel(); ++i) {
    const bool is_pad = field.role == TRAINHOST_FIELD_TARGET && field.num_classes > 0 && i > 0 && random() % 5 == 0;
    at[i] = is_pad ? field.pad_value : static_cast<double>(random() % static_cast<std::uint64_t>(values));
  }
  return numbers.to(type_of(field));
}

// Why the model does not take these fields; empty when it does.
std::string refusal_of(const BuiltModel& built, const t2::ModelFacts& facts) {
  try {
    built.model->build(facts);
    return {};
  } catch (const PluginError& error) {
    if (error.status == TRAINHOST_INVALID_ARGUMENT) return first_line(error.what());
    fail("model.build (fields {}) threw: {}; fields that do not suit are INVALID_ARGUMENT", built.fields_text, first_line(error.what()));
  } catch (const std::exception& error) {
    fail("model.build (fields {}) threw: {}; fields that do not suit are a PluginError with INVALID_ARGUMENT", built.fields_text, first_line(error.what()));
  }
}

bool is_taken_in_float32(const Subject& subject, const std::string& set_text, std::uint64_t seed) {
  for (const FieldSet& set : field_sets(subject, at::kFloat)) {
    if (set.text != set_text) continue;
    const BuiltModel built(subject, set.text, set.fields);
    return refusal_of(built, {built.fields, built.device, at::kFloat, seed}).empty();
  }
  return false;
}

}  // namespace

BuiltModel::BuiltModel(const Subject& subject, std::string text, std::vector<Field> some_fields)
    : plugin(subject), fields_text(std::move(text)), fields(std::move(some_fields)), device(device_of(subject)) {
  plugin.begin();
  model = &object_of<t2::Model>(plugin);
}

t2::Output BuiltModel::forward(const t2::Batch& batch, t2::Mode mode) const {
  const t2::Output output = calling(format("model.forward (fields {})", fields_text), [&] { return model->forward(batch, mode); });
  require(output.loss_sum.defined() && output.count.defined(), "model.forward (fields {}) returned an undefined loss_sum or count", fields_text);
  return output;
}

Bytes BuiltModel::bytes() const {
  Bytes out;
  for (const t2::Parameter& parameter : model->parameters()) out.emplace_back(parameter.name, bytes_of(parameter.compute));
  for (const t2::NamedTensor& buffer : model->buffers()) out.emplace_back(buffer.name, bytes_of(buffer.tensor));
  return out;
}

void for_each_field_set(const Subject& subject, at::ScalarType default_dtype, std::uint64_t seed, const std::function<void(BuiltModel&)>& ask) {
  const bool is_stated = !subject.field_sets.empty();
  std::string refusals, narrow;
  bool is_asked = false;
  for (const FieldSet& set : field_sets(subject, default_dtype)) {
    BuiltModel built(subject, set.text, set.fields);
    const std::string refusal = refusal_of(built, {built.fields, built.device, default_dtype, seed});
    if (!refusal.empty() && default_dtype == at::kDouble && is_taken_in_float32(subject, set.text, seed)) {
      narrow += format("{}{}: {}", narrow.empty() ? "" : "; ", set.text, refusal);
      continue;
    }
    if (!refusal.empty()) {
      require(!is_stated, "model.build (fields {}): {}; state fields that it takes", set.text, refusal);
      refusals += format("{}{}: {}", refusals.empty() ? "" : "; ", set.text, refusal);
      continue;
    }
    seed_generators(built.device, subject.seed);  // those of a new process begin anywhere
    for (t2::Parameter& parameter : built.model->parameters()) parameter.compute.requires_grad_(parameter.is_trainable);
    ask(built);
    is_asked = true;
  }
  if (!narrow.empty())
    skip("it is built for float32 only ({}), and this question is asked in float64; give it settings or --fields with which it builds for float64", narrow);
  if (!is_asked)
    fail(
        "its build takes none of the fields that this check knows ({}); say what it is built for with --fields FILE.toml, a table [[field]] with name, dtype "
        "and "
        "shape for each",
        refusals);
}

void require_float64(const BuiltModel& built, const at::Tensor& loss_sum) {
  constexpr std::string_view kText = "built for float64, {} (fields {}) is {}; {}";
  for (const t2::Parameter& parameter : built.model->parameters())
    require(!parameter.is_trainable || parameter.compute.scalar_type() == at::kDouble, kText, parameter.name, built.fields_text,
            c10::toString(parameter.compute.scalar_type()), "make parameters in ModelFacts::default_dtype, or refuse a format with INVALID_ARGUMENT");
  require(loss_sum.scalar_type() == at::kDouble, kText, "loss_sum", built.fields_text, c10::toString(loss_sum.scalar_type()),
          "sum in the format of the parameters");
}

t2::Batch random_batch(const BuiltModel& built, std::int64_t num_samples, std::mt19937_64& random) {
  t2::Batch batch{{}, static_cast<std::uint64_t>(num_samples)};
  for (const Field& field : built.fields) batch.fields.push_back({field.name, random_field(field, num_samples, random).to(built.device)});
  return batch;
}

t2::Batch part_of(const t2::Batch& batch, std::int64_t begin, std::int64_t end) {
  t2::Batch part{{}, static_cast<std::uint64_t>(end - begin)};
  for (const t2::NamedTensor& field : batch.fields) part.fields.push_back({field.name, field.tensor.narrow(0, begin, end - begin)});
  return part;
}

}  // namespace trainhost::conformance
