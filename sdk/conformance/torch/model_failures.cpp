// What is asked of models that are given what does not suit them: fields to build for, and batches.
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "conformance/torch/failures.h"
#include "conformance/torch/fields.h"
#include "conformance/torch/torch_questions.h"

namespace trainhost::conformance {
namespace {

struct OddFields {
  std::string text;  // "without field x"
  std::vector<Field> fields;
};

bool is_integer(const Field& field) { return field.dtype.code == TRAINHOST_DTYPE_INT || field.dtype.code == TRAINHOST_DTYPE_UINT; }

// What a source could say of one field in place of what the model takes.
std::vector<std::pair<std::string, Field>> odd_forms_of(const Field& field) {
  std::vector<std::pair<std::string, Field>> forms;
  const auto add = [&](std::string text, const auto& change) {
    Field odd = field;
    change(odd);
    forms.emplace_back(format("field {} {}", field.name, text), std::move(odd));
  };
  add("under another name", [](Field& odd) { odd.name = "none_of_the_models"; });
  add("as bool", [](Field& odd) { odd.dtype = kBool; });
  add(is_integer(field) ? "as float64" : "as int64", [&](Field& odd) { odd.dtype = is_integer(field) ? kFloat64 : kInt64; });
  add("with an axis more", [](Field& odd) { odd.shape.push_back(2); });
  add("with a varying axis", [](Field& odd) { odd.shape.push_back(-1), odd.max_shape = odd.shape; });
  if (field.num_classes > 0) add("without classes", [](Field& odd) { odd.num_classes = 0; });
  if (field.shape.empty()) return forms;
  add("with an axis less", [](Field& odd) { odd.shape.pop_back(); });
  add("with no elements", [](Field& odd) { odd.shape.back() = 0; });
  add("of varying length", [](Field& odd) { odd.shape.front() = -1; });
  return forms;
}

std::vector<OddFields> odd_fields_of(const std::vector<Field>& fields) {
  std::vector<OddFields> all = {{"without any field", {}}};
  for (std::size_t i = 0; i < fields.size(); ++i) {
    all.push_back({format("without field {}", fields[i].name), fields});
    all.back().fields.erase(all.back().fields.begin() + static_cast<std::ptrdiff_t>(i));
    for (auto& [text, odd] : odd_forms_of(fields[i])) {
      all.push_back({text, fields});
      all.back().fields[i] = std::move(odd);
    }
  }
  return all;
}

// It may take them; what it does not take is a refusal of the right kind.
void build_or_refuse(const Subject& subject, const std::string& taken, const OddFields& odd) {
  const std::string what = format("model.build (fields {}, {})", taken, odd.text);
  const BuiltModel built(subject, taken, odd.fields);
  (void)refusal_of_call(what, [&] {
    try {
      built.model->build({built.fields, built.device, at::kFloat, subject.seed});
    } catch (const PluginError& refusal) {
      require(refusal.status == TRAINHOST_INVALID_ARGUMENT, "{} threw: {}; fields that do not suit are INVALID_ARGUMENT", what, first_line(refusal.what()));
      throw;
    } catch (const std::exception& error) {
      fail("{} threw: {}; fields that do not suit are a PluginError with INVALID_ARGUMENT", what, first_line(error.what()));
    }
  });
}

void refuses_other_fields(const Subject& subject) {
  for_each_field_set(subject, at::kFloat, subject.seed, [&](BuiltModel& built) {
    for (const OddFields& odd : odd_fields_of(built.fields)) build_or_refuse(subject, built.fields_text, odd);
  });
}

// ---- batches

struct OddBatch {
  std::string text;  // "with field x of one sample less"
  t2::Batch batch;
  bool is_empty = false;
};

void add_odd_batches(const t2::Batch& sound, std::size_t index, std::vector<OddBatch>& all) {
  const auto add = [&](std::string_view text, const at::Tensor& tensor) {
    all.push_back({format("with field {} {}", sound.fields[index].name, text), sound, false});
    all.back().batch.fields[index].tensor = tensor;
  };
  const at::Tensor& tensor = sound.fields[index].tensor;
  add(tensor.is_floating_point() ? "as int64" : "as float32", tensor.to(tensor.is_floating_point() ? at::kLong : at::kFloat));
  add("with an axis more", tensor.unsqueeze(-1));
  add("of one sample less", tensor.narrow(0, 0, tensor.size(0) - 1));
  if (tensor.dim() < 2) return;
  add("with an axis less", tensor.select(-1, 0));
  if (tensor.size(-1) > 1) add("with shorter rows", tensor.narrow(-1, 0, tensor.size(-1) - 1));
}

std::vector<OddBatch> odd_batches_of(const t2::Batch& sound) {
  std::vector<OddBatch> all = {{"without samples", part_of(sound, 0, 0), true}};
  for (std::size_t i = 0; i < sound.fields.size(); ++i) add_odd_batches(sound, i, all);
  return all;
}

// Its sums, of which no digit may change.
std::string sums_text(const BuiltModel& built, const t2::Batch& batch) {
  const t2::Output output = built.forward(batch, t2::Mode::kEvaluate);
  std::string text = format("loss_sum {}, count {}", number_of(output.loss_sum), number_of(output.count));
  for (const t2::NamedTensor& metric : output.metric_sums) text += format(", {} {}", metric.name, number_of(metric.tensor));
  return text;
}

// An empty batch is refused, or has the sums of nothing.
void check_empty(const BuiltModel& built, const t2::Output& output) {
  require(output.loss_sum.defined() && output.count.defined(), "forward (fields {}) of no samples returned an undefined loss_sum or count", built.fields_text);
  const double loss = number_of(output.loss_sum), count = number_of(output.count);
  require(loss == 0 && count == 0, "forward (fields {}) of no samples returned loss_sum {} and count {}; wanted 0 and 0, or a refusal with words",
          built.fields_text, loss, count);
}

void pass_odd_batch(const BuiltModel& built, const OddBatch& odd, t2::Mode mode) {
  (void)refusal_of_call(format("model.forward (fields {}) of a batch {}", built.fields_text, odd.text), [&] {
    const t2::Output output = built.model->forward(odd.batch, mode);
    if (odd.is_empty) check_empty(built, output);
  });
}

void works_after_an_error(const Subject& subject) {
  for_each_field_set(subject, at::kFloat, subject.seed, [&](BuiltModel& built) {
    std::mt19937_64 random(subject.seed);
    const t2::Batch sound = random_batch(built, 4, random);
    for (const OddBatch& odd : odd_batches_of(sound)) {
      const at::NoGradGuard no_gradients;
      const Bytes bytes = built.bytes();
      const std::string before = sums_text(built, sound);
      pass_odd_batch(built, odd, t2::Mode::kEvaluate);
      const std::string name = first_difference(bytes, built.bytes());
      require(name.empty(), "evaluating a batch {} (fields {}) has changed \"{}\"", odd.text, built.fields_text, name);
      const std::string after = sums_text(built, sound);
      require(before == after, "after a batch {} a sound one (fields {}) has {}, before it {}", odd.text, built.fields_text, after, before);
    }
    for (const OddBatch& odd : odd_batches_of(sound)) {
      pass_odd_batch(built, odd, t2::Mode::kTrain);
      calling("backward", [&] { built.forward(sound, t2::Mode::kTrain).loss_sum.backward(); });
    }
  });
}

constexpr Question kModelFailuresQuestions[] = {
    {"model/refuses_other_fields", "Fields that do not suit are refused with words, whatever is wrong with them", "model", Scope::kPlugin,
     answer<refuses_other_fields>},
    {"model/works_after_an_error", "A batch of the wrong shape, format or length is no crash, and the next one counts as before", "model", Scope::kPlugin,
     answer<works_after_an_error>},
};

}  // namespace

std::span<const Question> model_failure_questions() { return kModelFailuresQuestions; }

}  // namespace trainhost::conformance
